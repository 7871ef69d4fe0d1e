//===- Packing.cpp - Weights in the order kernels read them ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/Packing.h"
#include "sluice/Support/ElementCopy.h"
#include <algorithm>

using namespace sluice;

int64_t sluice::getPackedElements(int64_t depth, int64_t columns,
                                  int64_t width) {
  return (columns + width - 1) / width * width * depth;
}

/// Walks the source along its contiguous dimension.
template <size_t Bytes>
static void packColumns(const MatrixSource &source, int64_t width,
                        int64_t first, int64_t valid, char *target) {
  auto copy = [&](int64_t k, int64_t n) {
    copyElement<Bytes>(source.elements,
                       k * source.depthStride +
                           (first + n) * source.columnStride,
                       target, k * width + n);
  };
  if (source.columnStride <= source.depthStride)
    for (int64_t k = 0; k < source.depth; ++k)
      for (int64_t n = 0; n < valid; ++n)
        copy(k, n);
  else
    for (int64_t n = 0; n < valid; ++n)
      for (int64_t k = 0; k < source.depth; ++k)
        copy(k, n);
  for (int64_t k = 0; k < source.depth; ++k)
    std::fill(target + (k * width + valid) * Bytes,
              target + (k + 1) * width * Bytes, 0);
}

void sluice::packPanel(const MatrixSource &source, int64_t elementBytes,
                       int64_t width, int64_t panel, char *target) {
  int64_t first = panel * width;
  int64_t valid = std::clamp<int64_t>(source.columns - first, 0, width);
  dispatchElementBytes(elementBytes, [&](auto bytes) {
    packColumns<bytes()>(source, width, first, valid, target);
  });
}
