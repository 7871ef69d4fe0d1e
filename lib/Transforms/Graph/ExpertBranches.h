//===- ExpertBranches.h - Expert by expert ----------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_EXPERTBRANCHES_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_EXPERTBRANCHES_H

#include "ExpertFunction.h"

namespace sluice {

/// What one expert makes of its tokens, put to their places in a tensor:
///
///   list   = nonzero(mask of the expert)
///   result = before with `rows` added to, or in the place of, the rows that
///            the list has
struct ExpertBranch {
  /// The branch that an op ends, which scatters rows.
  static std::optional<ExpertBranch> match(mlir::Operation *scatter);

  NonZeroOp list;
  ExpertChoice choice;
  /// [places, columns...] of the list.
  mlir::Value rows;
  mlir::Value before, result;
  /// Dimensions of the mask that are those of the tensor's rows.
  llvm::SmallVector<int64_t> tokenDimensions;
  bool adds = true;
  /// Must each token be in the list at most once?
  bool needsDistinct = false;

private:
  bool matchElements(ScatterElementsOp op);
  bool matchRows(ScatterNDOp op);
  bool matchList(NonZeroOp list);
};

/// Is the value, through broadcasts, zero throughout?
bool isZero(mlir::Value value);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_EXPERTBRANCHES_H
