//===- Convolution.h - Convolutions on the CPU ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_MICROKERNELS_CONVOLUTION_H
#define SLUICE_CODEGEN_CPU_MICROKERNELS_CONVOLUTION_H

#include "sluice/Analysis/ConvolutionTiling.h"
#include "sluice/Analysis/KernelSpecs.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"

namespace sluice {

/// The operands of a convolution: contiguous channels-last buffers of any rank
/// with elements of the spec's types, weights as `packConvolutionWeights`
/// leaves them, and the sizes that are dynamic in the spec (constants are fine
/// too).
struct ConvolutionOperands {
  mlir::Value input, weights, output;
  mlir::OpFoldResult batch;
  llvm::SmallVector<mlir::OpFoldResult> inputSizes, outputSizes;
  /// What the epilogue reads at the same places as it writes the output.
  llvm::SmallVector<mlir::Value> residuals;
  /// memref<?xi8>, 64-byte aligned, of at least `getConvolutionScratch` bytes;
  /// null when that is zero.
  mlir::Value scratch;
  /// Set by `emitConvolution`: the first byte that is not taken.
  mlir::OpFoldResult scratchStart;
};

/// How many elements the packed weights have.
int64_t getPackedConvolutionElements(const ConvolutionSpec &spec,
                                     const ConvolutionTiling &tiling);

/// Packs weights in ONNX's order: [groups * outputs][inputs][taps...], or of a
/// transposed convolution [groups * inputs][outputs][taps...]. Elements are
/// `elementBytes` (1, 2, 4 or 8) bytes each, at any address. Of the spec and
/// the tiling only what decides about the order of weights is read: sizes of
/// kernels, channels and groups, and of a transposed convolution strides,
/// dilations and pads; the method, merged groups and the width.
void packConvolutionWeights(const ConvolutionSpec &spec,
                            const ConvolutionTiling &tiling,
                            int64_t elementBytes, const char *weights,
                            char *packed);

/// Bytes of scratch memory, computed at the insertion point where sizes are
/// dynamic.
mlir::OpFoldResult getConvolutionScratch(mlir::OpBuilder &builder,
                                         mlir::Location loc,
                                         const ConvolutionSpec &spec,
                                         const ConvolutionTiling &tiling,
                                         const ConvolutionOperands &operands);

/// Emits the whole convolution. The epilogue, which may be null, runs once on
/// every element, in vectors along the channels; its `row` is the output pixel
/// within the image, its `column` the output channel.
void emitConvolution(mlir::OpBuilder &builder, mlir::Location loc,
                     const ConvolutionSpec &spec,
                     const ConvolutionTiling &tiling,
                     const ConvolutionOperands &operands, EpilogueFn epilogue);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_MICROKERNELS_CONVOLUTION_H
