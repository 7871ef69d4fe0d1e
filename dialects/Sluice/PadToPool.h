//===- PadToPool.h - Pads as pads of pools ----------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_PADTOPOOL_H
#define SLUICE_DIALECTS_SLUICE_PADTOPOOL_H

#include "mlir/IR/PatternMatch.h"

namespace sluice {

/// Adds a pattern that makes what is put around an image of channels that lie
/// together, of known widths, pads of the maximum that reads it, where it takes
/// no part in that. Zeros around averages stay: to count the elements of each
/// window takes longer than to read the zeros.
void addPadToPool(mlir::RewritePatternSet &patterns);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_PADTOPOOL_H
