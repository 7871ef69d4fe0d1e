//===- Packing.h - Weights in the order kernels read them -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Panel order: [ceil(columns / width)][depth][width], the columns past the end
// zero.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_MICROKERNELS_PACKING_H
#define SLUICE_CODEGEN_CPU_MICROKERNELS_PACKING_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstdint>

namespace sluice {

/// How many elements a packed matrix has.
int64_t getPackedElements(int64_t depth, int64_t columns, int64_t width);

/// Packs panel number `panel` of a depth x columns matrix whose element (k, n)
/// is at `source[k * depthStride + n * columnStride]` into
/// `target[0 .. depth * width)`.
void packPanel(const float *source, int64_t depth, int64_t columns,
               int64_t depthStride, int64_t columnStride, int64_t width,
               int64_t panel, float *target);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_MICROKERNELS_PACKING_H
