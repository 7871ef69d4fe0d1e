//===- PadToConvolution.h - Pads as pads of convolutions --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_PADTOCONVOLUTION_H
#define SLUICE_DIALECTS_SLUICE_PADTOCONVOLUTION_H

#include "mlir/IR/PatternMatch.h"

namespace sluice {

/// Adds a pattern that makes zeros around an image, of known widths, pads of
/// the convolution that reads it.
void addPadToConvolution(mlir::RewritePatternSet &patterns);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_PADTOCONVOLUTION_H
