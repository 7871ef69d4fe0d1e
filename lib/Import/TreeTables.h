//===- TreeTables.h - Decision trees as the kernel reads them ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_TREETABLES_H
#define SLUICE_LIB_IMPORT_TREETABLES_H

#include "TreeModel.h"

namespace sluice {

/// How the weights that a row meets are joined.
struct TreeJoin {
  ReductionKind kind = ReductionKind::Sum;
  /// f32 or f64: what rows, thresholds and weights are computed in.
  mlir::Type elementType;
};

/// Makes the `sluice.tree_ensemble` that walks the model's trees. Every kind of
/// node becomes one test, whether a column is at most a threshold:
///
///  - x < t is x <= the number below t, and x >= t is -x <= -t, so a column may
///    be a feature with the opposite sign;
///  - NaN goes where the test does not hold, so a node that a NaN passes asks
///    the opposite and has its children exchanged;
///  - x == t is two tests, and a set is found by bisection.
///
/// Where two ways lead to one child, one of them is a node whose test never
/// holds and whose child is that one.
llvm::Expected<mlir::Value> createTreeEnsemble(NodeContext &node,
                                               mlir::Value rows,
                                               const TreeModel &model,
                                               const TreeJoin &join);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_TREETABLES_H
