//===- Packing.h - Weights in the order kernels read them -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Panel order: [ceil(columns / width)][depth][width], the columns past the end
// zero. Elements are `elementBytes` (1, 2, 4 or 8) bytes each, at any address.
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

/// A depth x columns matrix whose element (k, n) is `k * depthStride + n *
/// columnStride` elements behind `elements`.
struct MatrixSource {
  const char *elements;
  int64_t depth, columns;
  int64_t depthStride, columnStride;
};

/// Packs panel number `panel` of a matrix into `depth * width` elements.
void packPanel(const MatrixSource &source, int64_t elementBytes, int64_t width,
               int64_t panel, char *target);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_MICROKERNELS_PACKING_H
