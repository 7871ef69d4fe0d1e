//===- ConvolutionScratch.h - Copies of operands ----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The scratch memory of a convolution holds, in this order, the widened image,
// its copy with padding and the copy of the weights, those that there are. Of a
// transposed convolution the phases run one after the other, and the last two
// are each phase's own.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONVOLUTIONSCRATCH_H
#define SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONVOLUTIONSCRATCH_H

#include "sluice/Analysis/TransposedConvolution.h"
#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "sluice/Codegen/Elements/IndexBuilder.h"

namespace sluice {

/// The type in which tiles read the image.
NumberKind getImageKind(const ConvolutionTiling &tiling);

/// Whether the whole image is widened before it is read, instead of where it
/// is copied with its padding or, by depthwise convolutions, where it is
/// loaded.
bool widensImage(const ConvolutionTiling &tiling);

/// Where in the scratch memory what follows the widened image starts.
mlir::OpFoldResult getWideImageBytes(IndexBuilder &index,
                                     const ConvolutionSpec &spec,
                                     const ConvolutionTiling &tiling,
                                     const ConvolutionOperands &operands);

/// How long the padded copy of a line is, in pixels.
mlir::OpFoldResult getPaddedPixels(IndexBuilder &index,
                                   const ConvolutionSpec &spec,
                                   mlir::OpFoldResult outputPixels);

/// Lines of all input images.
mlir::OpFoldResult getInputLines(IndexBuilder &index,
                                 const ConvolutionOperands &operands);

/// Where copies of weights start, if what else there is starts at `start`.
mlir::OpFoldResult getCopiesStart(IndexBuilder &index, mlir::OpFoldResult start,
                                  const ConvolutionSpec &spec,
                                  const ConvolutionTiling &tiling,
                                  const ConvolutionOperands &operands);

/// The operands of the convolution that a phase of a transposed one is.
ConvolutionOperands getPhaseOperands(IndexBuilder &index,
                                     const ConvolutionSpec &spec,
                                     const TransposedPhase &phase,
                                     const ConvolutionOperands &operands);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONVOLUTIONSCRATCH_H
