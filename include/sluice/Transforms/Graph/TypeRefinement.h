//===- TypeRefinement.h - Better types for values ---------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_GRAPH_TYPEREFINEMENT_H
#define SLUICE_TRANSFORMS_GRAPH_TYPEREFINEMENT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sluice {

/// What two descriptions of one tensor say together; null if they contradict
/// each other.
mlir::RankedTensorType intersectTypes(mlir::RankedTensorType a,
                                      mlir::RankedTensorType b);

/// Does this op take operands of refined type as they are?
bool acceptsRefinedOperands(mlir::Operation *op);

/// Gives the function the result types of what it returns.
void updateResultTypes(mlir::func::FuncOp function);

/// Gives the value the type, with casts for users that need the old one.
/// Returns whether that was another one.
bool refineType(mlir::Value value, mlir::RankedTensorType type);

} // namespace sluice

#endif // SLUICE_TRANSFORMS_GRAPH_TYPEREFINEMENT_H
