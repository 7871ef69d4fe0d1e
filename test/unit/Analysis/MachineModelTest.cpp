//===- MachineModelTest.cpp - Tests of the machine model ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/MachineModel.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

using namespace sluice;

namespace {

MachineModel get(llvm::StringRef triple, llvm::StringRef cpu) {
  auto model = getMachineModel(triple, cpu);
  if (model)
    return *model;
  ADD_FAILURE() << llvm::toString(model.takeError());
  return {};
}

std::string errorOf(llvm::StringRef triple, llvm::StringRef cpu) {
  auto model = getMachineModel(triple, cpu);
  return model ? "no error" : llvm::toString(model.takeError());
}

constexpr llvm::StringLiteral x86 = "x86_64-unknown-linux-gnu";
constexpr llvm::StringLiteral arm = "aarch64-unknown-linux-gnu";

TEST(MachineModel, Avx512Cpus) {
  for (llvm::StringRef cpu :
       {"x86-64-v4", "skylake-avx512", "sapphirerapids", "znver4", "znver5"}) {
    MachineModel model = get(x86, cpu);
    EXPECT_EQ(model.vectorBits, 512u);
    EXPECT_EQ(model.vectorRegisters, 32u);
    EXPECT_TRUE(model.hasFma && model.hasMask);
    EXPECT_EQ(model.lanes(32), 16u);
    EXPECT_TRUE(llvm::is_contained(model.requiredFeatures, "avx512f"));
    // Without it LLVM would use half the register on Intel's CPUs.
    EXPECT_NE(model.features.find("-prefer-256-bit"), std::string::npos);
  }
  EXPECT_TRUE(get(x86, "sapphirerapids").hasBf16Dot);
  EXPECT_TRUE(get(x86, "sapphirerapids").hasBf16Conversion);
  EXPECT_FALSE(get(x86, "x86-64-v3").hasBf16Conversion);
  EXPECT_FALSE(get(x86, "skylake-avx512").hasInt8Dot);
  EXPECT_TRUE(get(x86, "znver4").hasInt8Dot);
}

TEST(MachineModel, Avx2AndPortable) {
  MachineModel avx2 = get(x86, "x86-64-v3");
  EXPECT_EQ(avx2.vectorBits, 256u);
  EXPECT_EQ(avx2.vectorRegisters, 16u);
  EXPECT_TRUE(avx2.hasFma && !avx2.hasMask);
  MachineModel portable = get(x86, "x86-64");
  EXPECT_EQ(portable.vectorBits, 128u);
  EXPECT_FALSE(portable.hasFma);
  EXPECT_EQ(portable.isaString(), "");
}

TEST(MachineModel, AArch64) {
  MachineModel generic = get(arm, "generic");
  EXPECT_EQ(generic.vectorBits, 128u);
  EXPECT_EQ(generic.vectorRegisters, 32u);
  EXPECT_TRUE(generic.hasFma && !generic.hasMask && !generic.hasInt8Dot);
  EXPECT_TRUE(get(arm, "neoverse-n1").hasInt8Dot);
  EXPECT_TRUE(get(arm, "neoverse-v1").hasBf16Dot);
  EXPECT_EQ(get(arm, "").cpu, "generic");
}

TEST(MachineModel, FmasPerCycleFollowTheVectorWidth) {
  // Two units of 512 bits.
  for (llvm::StringRef cpu : {"x86-64-v4", "skylake-avx512", "icelake-server",
                              "sapphirerapids", "znver5"})
    EXPECT_EQ(get(x86, cpu).fmaPerCycle, 2u) << cpu.str();
  // Two units of 256 bits: one FMA of 512 bits, two of 256.
  for (llvm::StringRef cpu : {"znver4", "icelake-client", "tigerlake"}) {
    EXPECT_EQ(get(x86, cpu).vectorBits, 512u) << cpu.str();
    EXPECT_EQ(get(x86, cpu).fmaPerCycle, 1u) << cpu.str();
  }
  for (llvm::StringRef cpu :
       {"x86-64-v3", "haswell", "alderlake", "znver2", "znver3"}) {
    EXPECT_EQ(get(x86, cpu).vectorBits, 256u) << cpu.str();
    EXPECT_EQ(get(x86, cpu).fmaPerCycle, 2u) << cpu.str();
  }
  // Two units of 128 bits.
  EXPECT_EQ(get(x86, "znver1").fmaPerCycle, 1u);
  EXPECT_EQ(get(x86, "x86-64").fmaPerCycle, 2u);
  for (llvm::StringRef cpu :
       {"generic", "neoverse-n1", "neoverse-n2", "cortex-a76"})
    EXPECT_EQ(get(arm, cpu).fmaPerCycle, 2u) << cpu.str();
  for (llvm::StringRef cpu :
       {"neoverse-v1", "neoverse-v2", "cortex-x1", "apple-m1"})
    EXPECT_EQ(get(arm, cpu).fmaPerCycle, 4u) << cpu.str();
  // Units of 64 bits.
  for (llvm::StringRef cpu : {"cortex-a53", "cortex-a72"})
    EXPECT_EQ(get(arm, cpu).fmaPerCycle, 1u) << cpu.str();
}

TEST(MachineModel, Native) {
  MachineModel model = get("", "native");
  EXPECT_GE(model.vectorBits, 128u);
  EXPECT_GE(model.l1Bytes, 8 << 10);
  EXPECT_GE(model.l2Bytes, model.l1Bytes);
  EXPECT_FALSE(model.cpu.empty());
  // A machine may hide the wide vectors that the CPU of its name has.
  if (model.cpu == "znver4")
    EXPECT_EQ(model.fmaPerCycle, model.vectorBits == 512 ? 1u : 2u);
}

TEST(MachineModel, Lanes) {
  MachineModel model = get(x86, "x86-64-v3");
  mlir::MLIRContext context;
  EXPECT_EQ(model.lanes(mlir::Float32Type::get(&context)), 8u);
  EXPECT_EQ(model.lanes(mlir::IndexType::get(&context)), 4u);
  EXPECT_EQ(model.lanes(mlir::IntegerType::get(&context, 1)), 32u);
  EXPECT_EQ(model.lanes(4096u), 1u);
}

TEST(MachineModel, Errors) {
  EXPECT_NE(errorOf(x86, "pentium9").find("unknown CPU 'pentium9'"),
            std::string::npos);
  EXPECT_NE(errorOf(x86, "i486").find("unknown CPU 'i486'"), std::string::npos);
  EXPECT_NE(errorOf(arm, "znver5").find("unknown CPU 'znver5'"),
            std::string::npos);
  EXPECT_NE(errorOf("riscv64-unknown-linux-gnu", "generic")
                .find("unsupported target triple"),
            std::string::npos);
  EXPECT_NE(errorOf("x86_64-pc-windows-msvc", "x86-64")
                .find("only Linux is supported"),
            std::string::npos);
  EXPECT_NE(errorOf("nonsense", "native").find("unsupported target triple"),
            std::string::npos);
}

} // namespace
