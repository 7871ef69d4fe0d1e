//===- ExpandedMask.h - Masks that repeat a smaller one ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_EXPANDEDMASK_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_EXPANDEDMASK_H

#include "mlir/IR/Value.h"
#include <optional>

namespace sluice {

/// A matrix, with dimensions of batches in front, whose element (s, t) is that
/// of `blocks` at (s / rows, t / columns).
struct ExpandedMask {
  mlir::Value blocks;
  int64_t rows = 1, columns = 1;
};

/// Finds the smaller matrix that exporters write a mask of blocks with: by
/// Expand or Tile and Reshape, by Gather with the number of each place's block,
/// one dimension at a time or both, then functions of elements. Functions are
/// built again on the smaller one. None where no element repeats.
std::optional<ExpandedMask> findExpandedMask(mlir::Value mask);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_EXPANDEDMASK_H
