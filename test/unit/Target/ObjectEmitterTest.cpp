//===- ObjectEmitterTest.cpp - Tests of machine code emission -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Support/CompileText.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Conversion/LowerToLLVM/LowerToLLVM.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace sluice;

namespace {

void noPasses(mlir::OpPassManager &) {}

constexpr llvm::StringLiteral axpy = R"mlir(
func.func @axpy(%a: f32, %x: memref<16xf32>, %y: memref<16xf32>)
    attributes {llvm.emit_c_interface} {
  %c0 = arith.constant 0 : index
  %s = vector.broadcast %a : f32 to vector<16xf32>
  %u = vector.load %x[%c0] : memref<16xf32>, vector<16xf32>
  %v = vector.load %y[%c0] : memref<16xf32>, vector<16xf32>
  %m = arith.mulf %s, %u : vector<16xf32>
  %r = arith.addf %m, %v : vector<16xf32>
  vector.store %r, %y[%c0] : memref<16xf32>, vector<16xf32>
  return
}
)mlir";

std::string assemblyFor(llvm::StringRef triple, llvm::StringRef cpu) {
  auto machine = getMachineModel(triple, cpu);
  if (!machine)
    return llvm::toString(machine.takeError());
  CodeBuffer code = test::compileText(axpy, noPasses, CodeForm::Assembly,
                                      ObjectEmitterOptions{*machine});
  return std::string(code.begin(), code.end());
}

TEST(ObjectEmitter, UsesTheWholeVectorWidthAndFma) {
  std::string text = assemblyFor("x86_64-unknown-linux-gnu", "sapphirerapids");
  EXPECT_NE(text.find("zmm"), std::string::npos) << text;
  EXPECT_NE(text.find("vfmadd"), std::string::npos) << text;
  text = assemblyFor("x86_64-unknown-linux-gnu", "x86-64-v3");
  EXPECT_EQ(text.find("zmm"), std::string::npos) << text;
  EXPECT_NE(text.find("vfmadd"), std::string::npos) << text;
  text = assemblyFor("x86_64-unknown-linux-gnu", "x86-64");
  EXPECT_EQ(text.find("ymm"), std::string::npos) << text;
  EXPECT_NE(text.find("mulps"), std::string::npos) << text;
  text = assemblyFor("aarch64-unknown-linux-gnu", "generic");
  EXPECT_NE(text.find("fmla"), std::string::npos) << text;
}

TEST(ObjectEmitter, RunsInThisProcess) {
  std::unique_ptr<Jit> jit = test::jitText(R"mlir(
    func.func @sum(%a: f32, %b: f32) -> f32 {
      %r = arith.addf %a, %b : f32
      return %r : f32
    }
    func.func @arctangent(%a: f32) -> f32 {
      %r = math.atan %a : f32
      return %r : f32
    }
  )mlir",
                                           noPasses);
  ASSERT_TRUE(jit);
  auto sum = jit->lookupFunction<float(float, float)>("sum");
  ASSERT_TRUE(bool(sum));
  EXPECT_EQ((*sum)(1.5f, 2.25f), 3.75f);
  auto arctangent = jit->lookupFunction<float(float)>("arctangent");
  ASSERT_TRUE(bool(arctangent));
  EXPECT_NEAR((*arctangent)(1.0f), std::atan(1.0f), 1e-6);
  auto missing = jit->lookup("no_such_function");
  EXPECT_FALSE(bool(missing));
  llvm::consumeError(missing.takeError());
}

TEST(ObjectEmitter, CompilesSeveralModulesInOrder) {
  std::unique_ptr<mlir::MLIRContext> context = test::createContext();
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> owners;
  std::vector<mlir::ModuleOp> modules;
  for (int index = 0; index < 6; ++index) {
    std::string text = "func.func @f" + std::to_string(index) +
                       "() -> i32 { %r = arith.constant " +
                       std::to_string(index) + " : i32 return %r : i32 }";
    owners.push_back(
        mlir::parseSourceString<mlir::ModuleOp>(text, context.get()));
    mlir::PassManager manager(context.get());
    buildLowerToLLVMPipeline(manager, LowerToLLVMOptions());
    ASSERT_TRUE(mlir::succeeded(manager.run(*owners.back())));
    modules.push_back(*owners.back());
  }
  auto objects = emitCode(modules, CodeForm::Object,
                          ObjectEmitterOptions{test::hostMachine()});
  ASSERT_TRUE(bool(objects)) << llvm::toString(objects.takeError());
  auto jit = Jit::create();
  ASSERT_TRUE(bool(jit));
  for (int index = 0; index < 6; ++index) {
    ASSERT_FALSE((*jit)->addObject((*objects)[index]));
    auto function = (*jit)->lookupFunction<int()>("f" + std::to_string(index));
    ASSERT_TRUE(bool(function));
    EXPECT_EQ((*function)(), index);
  }
}

} // namespace
