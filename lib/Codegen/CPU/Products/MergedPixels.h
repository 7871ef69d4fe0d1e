//===- MergedPixels.h - Neighbouring pixels as channels ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_PRODUCTS_MERGEDPIXELS_H
#define SLUICE_LIB_CODEGEN_CPU_PRODUCTS_MERGEDPIXELS_H

#include "dialects/Sluice/Sluice.h"

namespace sluice {

struct MachineModel;

/// How many neighbouring pixels of a line to compute as channels, so that few
/// channels fill a vector; 1 where the convolution had better stay as it is.
/// `weights` is what the graph has for them.
int64_t countMergedPixels(ConvOp op, mlir::Value weights,
                          const MachineModel &machine);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_PRODUCTS_MERGEDPIXELS_H
