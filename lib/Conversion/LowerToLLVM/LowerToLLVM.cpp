//===- LowerToLLVM.cpp - From loops and vectors to LLVM -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Conversion/LowerToLLVM/LowerToLLVM.h"
#include "SkipHost.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace sluice {

void buildLowerToLLVMPipeline(OpPassManager &manager,
                              const LowerToLLVMOptions &options) {
  OpPassManager &functions = manager.nest<func::FuncOp>();
  functions.addPass(createHoistStackBuffersPass());
  functions.addPass(
      createSkippingHost("linalg", createConvertLinalgToLoopsPass()));
  functions.addPass(createLowerVectorsPass());
  functions.addPass(
      createSkippingHost("memref", memref::createExpandStridedMetadataPass()));
  functions.addPass(createSkippingHost("affine", createLowerAffinePass()));
  // bf16 conversions are spelled out: the instructions flush denormal numbers,
  // and CPUs without them would need functions that libc does not have.
  arith::ArithExpandOpsPassOptions arithOptions;
  arithOptions.includeBf16 = true;
  functions.addPass(arith::createArithExpandOpsPass(arithOptions));
  functions.addPass(createCutBlocksPass());
  functions.addPass(createSkippingHost("scf", createSCFToControlFlowPass()));
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  functions.addPass(createSkippingHost("math", createConvertMathToLLVMPass()));
  manager.addPass(createConvertMathToLibmPass());
  // What is a function's own business runs on all of them at once.
  manager.nest<func::FuncOp>().addPass(
      createSkippingHost("vector", createConvertVectorToLLVMPass()));
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  ConvertFuncToLLVMPassOptions functionOptions;
  functionOptions.useBarePtrCallConv = options.barePointers;
  manager.addPass(createConvertFuncToLLVMPass(functionOptions));
  manager.addPass(createConvertControlFlowToLLVMPass());
  OpPassManager &lowered = manager.nest<LLVM::LLVMFuncOp>();
  lowered.addPass(createConvertIndexToLLVMPass());
  lowered.addPass(createArithToLLVMConversionPass());
  lowered.addPass(createUBToLLVMConversionPass());
  lowered.addPass(createReconcileUnrealizedCastsPass());
}

void registerLowerToLLVM() {
  registerLowerToLLVMPasses();
  PassPipelineRegistration<LowerToLLVMOptions>(
      "sluice-lower-to-llvm", "Lower loops and vectors to the LLVM dialect",
      buildLowerToLLVMPipeline);
}

} // namespace sluice
