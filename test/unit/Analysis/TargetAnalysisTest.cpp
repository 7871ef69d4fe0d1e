//===- TargetAnalysisTest.cpp - Tests of targets --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/TargetAnalysis.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace sluice;

namespace {

class Targets : public testing::Test {
public:
  Targets() { context.loadDialect<func::FuncDialect, kernel::KernelDialect>(); }

  std::string print(Attribute attribute) {
    std::string text;
    llvm::raw_string_ostream(text) << attribute;
    return text;
  }

  MLIRContext context;
};

/// What a machine and the one that its target describes have in common: all.
void expectSame(const MachineModel &a, const MachineModel &b) {
  EXPECT_EQ(a.architecture, b.architecture);
  EXPECT_EQ(a.triple, b.triple);
  EXPECT_EQ(a.cpu, b.cpu);
  EXPECT_EQ(a.baseCpu, b.baseCpu);
  EXPECT_EQ(a.features, b.features);
  EXPECT_EQ(a.requiredFeatures, b.requiredFeatures);
  EXPECT_EQ(a.vectorBits, b.vectorBits);
  EXPECT_EQ(a.vectorRegisters, b.vectorRegisters);
  EXPECT_EQ(a.fmaPerCycle, b.fmaPerCycle);
  EXPECT_EQ(a.hasFma, b.hasFma);
  EXPECT_EQ(a.hasMask, b.hasMask);
  EXPECT_EQ(a.hasF16Conversion, b.hasF16Conversion);
  EXPECT_EQ(a.hasBf16Conversion, b.hasBf16Conversion);
  EXPECT_EQ(a.hasBf16Dot, b.hasBf16Dot);
  EXPECT_EQ(a.hasInt8Dot, b.hasInt8Dot);
  EXPECT_EQ(a.l1Bytes, b.l1Bytes);
  EXPECT_EQ(a.l1WayBytes, b.l1WayBytes);
  EXPECT_EQ(a.l2Bytes, b.l2Bytes);
  EXPECT_EQ(a.l3Bytes, b.l3Bytes);
}

TEST_F(Targets, DescribeMachinesCompletely) {
  for (auto [triple, cpu] : {std::pair("", "native"),
                             {"x86_64-linux-gnu", "x86-64"},
                             {"x86_64-linux-gnu", "x86-64-v3"},
                             {"x86_64-linux-gnu", "znver4"},
                             {"x86_64-linux-gnu", "sapphirerapids"},
                             {"aarch64-linux-gnu", "generic"},
                             {"aarch64-linux-gnu", "neoverse-v1"}}) {
    SCOPED_TRACE(cpu);
    MachineModel machine = llvm::cantFail(getMachineModel(triple, cpu));
    kernel::CpuTargetAttr target = getTarget(&context, machine);
    expectSame(machine, getMachineModel(target));
    // Text means the same on any machine.
    std::string text = print(target);
    EXPECT_EQ(text.find("native"), std::string::npos);
    auto read = dyn_cast_if_present<kernel::CpuTargetAttr>(
        parseAttribute(text, &context));
    ASSERT_EQ(read, target);
    expectSame(machine, getMachineModel(read));
  }
}

TEST_F(Targets, SayOnlyWhatIsUnusual) {
  MachineModel machine =
      llvm::cantFail(getMachineModel("x86_64-linux-gnu", "x86-64-v3"));
  EXPECT_EQ(print(getTarget(&context, machine)),
            "#kernel.cpu_target<triple = \"x86_64-unknown-linux-gnu\", cpu = "
            "\"x86-64-v3\">");
  machine.l2Bytes = 123 << 10;
  EXPECT_NE(print(getTarget(&context, machine)).find("l2_bytes = 125952"),
            std::string::npos);
}

TEST_F(Targets, FeaturesDecideAboutRegisters) {
  auto target = cast<kernel::CpuTargetAttr>(parseAttribute(
      "#kernel.cpu_target<triple = \"x86_64-linux-gnu\", cpu = \"znver4\", "
      "features = [\"avx\", \"sse3\", \"ssse3\", \"sse4.1\", "
      "\"sse4.2\"]>",
      &context));
  MachineModel machine = getMachineModel(target);
  EXPECT_EQ(machine.cpu, "znver4");
  EXPECT_EQ(machine.vectorBits, 128u);
  EXPECT_FALSE(machine.hasFma);
  EXPECT_EQ(machine.isaString(), "sse3,ssse3,sse4.1,sse4.2,avx");
}

TEST_F(Targets, AreThoseOfTheNearestOperation) {
  auto module = parseSourceString<ModuleOp>(R"mlir(
    module attributes {kernel.target = #kernel.cpu_target<
        triple = "x86_64-linux-gnu", cpu = "x86-64">} {
      func.func private @common()
      func.func private @own() attributes {kernel.target =
        #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4">}
    })mlir",
                                            &context);
  ASSERT_TRUE(module);
  auto bitsOf = [&](StringRef name) {
    return TargetAnalysis(module->lookupSymbol(name)).getMachine()->vectorBits;
  };
  EXPECT_EQ(TargetAnalysis(*module).getMachine()->vectorBits, 128u);
  EXPECT_EQ(bitsOf("common"), 128u);
  EXPECT_EQ(bitsOf("own"), 512u);
}

TEST_F(Targets, AreForgottenWhereTheAttributeChanges) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  ModuleAnalysisManager manager(*module, nullptr);
  AnalysisManager analyses = manager;
  auto set = [&](StringRef cpu) {
    (*module)->setAttr(
        kernel::targetAttributeName,
        llvm::cantFail(resolveTarget(&context, "x86_64-linux-gnu", cpu)));
    analyses.invalidate(AnalysisManager::PreservedAnalyses());
  };
  set("x86-64-v3");
  const MachineModel *first = getMachine(analyses, *module);
  EXPECT_EQ(first->vectorBits, 256u);
  set("x86-64-v3");
  EXPECT_EQ(getMachine(analyses, *module), first);
  set("x86-64-v4");
  EXPECT_EQ(getMachine(analyses, *module)->vectorBits, 512u);
}

} // namespace
