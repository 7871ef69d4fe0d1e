//===- Packing.cpp - Weights in the order kernels read them ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/Packing.h"
#include <algorithm>

using namespace sluice;

int64_t sluice::getPackedElements(int64_t depth, int64_t columns,
                                  int64_t width) {
  return (columns + width - 1) / width * width * depth;
}

void sluice::packPanel(const float *source, int64_t depth, int64_t columns,
                       int64_t depthStride, int64_t columnStride, int64_t width,
                       int64_t panel, float *target) {
  int64_t first = panel * width;
  int64_t valid = std::clamp<int64_t>(columns - first, 0, width);
  // Walk the source along its contiguous dimension.
  if (columnStride <= depthStride) {
    for (int64_t k = 0; k < depth; ++k) {
      const float *row = source + k * depthStride + first * columnStride;
      float *out = target + k * width;
      for (int64_t n = 0; n < valid; ++n)
        out[n] = row[n * columnStride];
      std::fill(out + valid, out + width, 0.0f);
    }
    return;
  }
  for (int64_t n = 0; n < valid; ++n) {
    const float *column = source + (first + n) * columnStride;
    for (int64_t k = 0; k < depth; ++k)
      target[k * width + n] = column[k * depthStride];
  }
  for (int64_t k = 0; k < depth; ++k)
    std::fill(target + k * width + valid, target + (k + 1) * width, 0.0f);
}
