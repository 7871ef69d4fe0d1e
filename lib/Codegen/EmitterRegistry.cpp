//===- EmitterRegistry.cpp - Who builds the code of which op --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/KernelBuilder.h"
#include "sluice/Codegen/OneDnn/OneDnn.h"

using namespace mlir;
using namespace sluice;

const EmitterRegistry &sluice::emitterRegistry() {
  static const EmitterRegistry registry = [] {
    EmitterRegistry result;
    registerContractionEmitters(result);
    registerColumnsToImageEmitters(result);
    registerConvolutionElements(result);
    registerConvolutionEmitters(result);
    registerIndexingEmitters(result);
    registerLinearAlgebraEmitters(result);
    registerMovementEmitters(result);
    registerNormalizationEmitters(result);
    registerPairwiseCouplingEmitters(result);
    registerPoolingEmitters(result);
    registerRandomEmitters(result);
    registerRecurrentEmitters(result);
    registerReductionEmitters(result);
    registerResamplingEmitters(result);
    registerResizeEmitters(result);
    registerRoiAlignEmitters(result);
    registerSelectionEmitters(result);
    registerSpectralEmitters(result);
    registerTensorEmitters(result);
    registerTransposeEmitters(result);
    registerTreeEmitters(result);
    return result;
  }();
  return registry;
}

LogicalResult sluice::emitElementKernel(KernelBuilder &kernel) {
  for (Value yielded : kernel.region.getTerminator()->getOperands())
    kernel.forEachParallel(
        kernel.sizes(yielded), /*cost=*/1.0, [&](ValueRange indices) {
          kernel.store(kernel.load(yielded, indices), yielded, indices);
        });
  return success();
}

LogicalResult sluice::emitKernel(KernelBuilder &kernel) {
  auto source = cast<kernel::FuncOp>(kernel.region.getParentOp());
  if (source.getProvider() == kernel::Provider::OneDnn)
    return emitOneDnnKernel(kernel);
  // What is in front of an anchor is computed on the way.
  for (Operation &op : llvm::reverse(kernel.region.without_terminator()))
    if (auto emitter =
            emitterRegistry().kernels.lookup(op.getName().getStringRef()))
      return emitter(kernel, &op);
  for (Operation &op : kernel.region.without_terminator())
    if (!isa<ElementwiseOpInterface, ConstantOp>(op) &&
        !emitterRegistry().elements.contains(op.getName().getStringRef()))
      return op.emitError("no code can be generated for ") << op.getName();
  auto isElementwise = [](Operation &op) {
    return isa<ElementwiseOpInterface, ConstantOp>(op);
  };
  if (kernel.region.getTerminator()->getNumOperands() == 1 &&
      kernel.region.getTerminator()->getOperand(0).getDefiningOp() &&
      llvm::all_of(kernel.region.without_terminator(), isElementwise))
    return emitMapKernel(kernel);
  return emitElementKernel(kernel);
}
