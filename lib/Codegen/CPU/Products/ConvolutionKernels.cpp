//===- ConvolutionKernels.cpp - Convolutions by micro-kernels -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "sluice/Codegen/CPU/Products/Configurations.h"
#include "sluice/Codegen/CPU/Products/Epilogue.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"

using namespace mlir;
using namespace sluice;

template <typename OpTy>
static LogicalResult emitPackedConv(KernelBuilder &kernel, Operation *op) {
  auto conv = cast<OpTy>(op);
  Value result = kernel.region.getTerminator()->getOperand(0);
  ConvolutionSpec spec = getConvolutionSpec(conv);
  spec.types = withResult(spec.types, elementTypeOf(result));
  auto tiling = readConvolutionTiling(op, spec, CpuLoops::of(kernel).machine);
  if (failed(tiling))
    return failure();
  ConvolutionOperands operands;
  operands.input = kernel.buffer(conv.getInput());
  operands.weights = kernel.buffer(conv.getWeights());
  operands.output = kernel.buffer(result);
  operands.batch = getAsOpFoldResult(kernel.size(conv.getInput(), 0));
  for (size_t i = 0; i < spec.kernelSizes.size(); ++i) {
    operands.inputSizes.push_back(
        getAsOpFoldResult(kernel.size(conv.getInput(), 1 + i)));
    operands.outputSizes.push_back(
        getAsOpFoldResult(kernel.size(result, 1 + i)));
  }
  operands.scratch =
      makeScratch(kernel, getConvolutionScratch(kernel.builder, kernel.loc,
                                                spec, *tiling, operands));
  Epilogue epilogue(kernel, conv.getResult());
  operands.residuals = epilogue.residuals();
  emitConvolution(kernel.builder, kernel.loc, spec, *tiling, operands,
                  epilogue.function());
  return success();
}

void sluice::registerConvolutionEmitters(EmitterRegistry &registry) {
  registry.addKernel<kernel::PackedConvOp>(
      emitPackedConv<kernel::PackedConvOp>);
  registry.addKernel<kernel::PackedConvTransposeOp>(
      emitPackedConv<kernel::PackedConvTransposeOp>);
  registry
      .flushSubnormals<kernel::PackedConvOp, kernel::PackedConvTransposeOp>();
}
