//===- ExpertChoice.h - Who goes to an expert -------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_EXPERTCHOICE_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_EXPERTCHOICE_H

#include "Selections.h"

namespace sluice {

/// A mask that is true where `ids` is one expert's number: bool, or a number
/// that is zero elsewhere.
struct ExpertChoice {
  /// Null for masks of other kinds.
  static std::optional<ExpertChoice> match(mlir::Value mask);

  /// Numbers of experts: indices of a `top_k` or an `arg_max`.
  mlir::Value ids;
  /// Their dimension along which numbers differ; none where tokens have one.
  std::optional<int64_t> slotDimension;
  /// The dimension of the ids that each dimension of the mask is.
  llvm::SmallVector<int64_t> dimensions;
  Place expert;
  /// What the mask is a part of, where it may be zero for ids that are the
  /// expert's as well, and its dimension of experts, the last; null where it is
  /// not. Its other dimensions are those of the ids.
  mlir::Value condition;
};

/// A row number of a list of those places where a mask is true, as
/// sum of factor * the place's coordinate in the mask.
struct ListedPlace {
  static std::optional<ListedPlace> match(mlir::Value numbers,
                                          unsigned depth = 0);

  NonZeroOp list;
  /// One for each dimension of the mask.
  llvm::SmallVector<int64_t> factors;

  /// The only dimension that counts, with factor one.
  std::optional<int64_t> onlyDimension() const;
};

/// The `top_k`, `arg_max` or `arg_min` whose indices these are; null where they
/// are none.
mlir::Operation *findChoosingOp(mlir::Value ids);

/// Are numbers of experts, which such an op made, all below `count`?
bool areBelow(mlir::Value ids, int64_t count);

/// The list of which [places, dimensions] has a row for each place.
NonZeroOp matchListedRows(mlir::Value rows);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_EXPERTCHOICE_H
