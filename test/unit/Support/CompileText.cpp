//===- CompileText.cpp - MLIR text to running code, for tests -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "CompileText.h"
#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Conversion/LowerToLLVM/LowerToLLVM.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace sluice::test {

std::unique_ptr<MLIRContext> createContext() {
  DialectRegistry registry;
  registry.insert<affine::AffineDialect, arith::ArithDialect, func::FuncDialect,
                  linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect, ub::UBDialect,
                  vector::VectorDialect, kernel::KernelDialect>();
  registerCodeTranslations(registry);
  return std::make_unique<MLIRContext>(registry);
}

MachineModel hostMachine() {
  auto model = getMachineModel("", "native");
  if (model)
    return *model;
  ADD_FAILURE() << llvm::toString(model.takeError());
  return {};
}

CodeBuffer compileText(llvm::StringRef text, AddPasses passes, CodeForm form,
                       const ObjectEmitterOptions &options,
                       const MachineModel &target) {
  std::unique_ptr<MLIRContext> context = createContext();
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(text, context.get());
  if (!module) {
    ADD_FAILURE() << "the test's MLIR text does not parse";
    return {};
  }
  context->loadDialect<kernel::KernelDialect>();
  (*module)->setAttr(kernel::targetAttributeName,
                     getTarget(context.get(), target));
  PassManager manager(context.get());
  passes(manager);
  LowerToLLVMOptions lowering;
  lowering.barePointers = true;
  buildLowerToLLVMPipeline(manager, lowering);
  if (failed(manager.run(*module))) {
    ADD_FAILURE() << "the passes failed";
    return {};
  }
  auto code = emitCode(*module, form, options);
  if (code)
    return std::move(*code);
  ADD_FAILURE() << llvm::toString(code.takeError());
  return {};
}

std::unique_ptr<Jit> jitText(llvm::StringRef text, AddPasses passes,
                             const MachineModel &target) {
  CodeBuffer object =
      compileText(text, passes, CodeForm::Object, {hostMachine()}, target);
  if (object.empty())
    return nullptr;
  auto jit = Jit::create();
  if (!jit) {
    ADD_FAILURE() << llvm::toString(jit.takeError());
    return nullptr;
  }
  if (llvm::Error error = (*jit)->addObject(object)) {
    ADD_FAILURE() << llvm::toString(std::move(error));
    return nullptr;
  }
  return std::move(*jit);
}

} // namespace sluice::test
