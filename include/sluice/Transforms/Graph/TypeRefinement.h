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

/// Do the types of operands and results contradict what the op makes of them?
bool isContradictory(mlir::Operation *op);

/// Lets a use read this value, whose type says more about what it reads, unless
/// its op does not accept that or would be contradictory. Returns whether.
bool refineUse(mlir::OpOperand &use, mlir::Value refined);

/// Gives the function the result types of what it returns.
void updateResultTypes(mlir::func::FuncOp function);

/// Gives the value the type, with casts for users that need the old one: also
/// for those that demand other sizes, so that the program stays valid where no
/// run of it can be right.
/// Returns whether that was another one.
bool refineType(mlir::Value value, mlir::RankedTensorType type);

/// What an op with one result makes of other operands, built where the builder
/// stands, with the type that it infers; null if it does not take them.
mlir::Value cloneWithOperands(mlir::OpBuilder &builder, mlir::Operation *op,
                              mlir::ValueRange operands);

} // namespace sluice

#endif // SLUICE_TRANSFORMS_GRAPH_TYPEREFINEMENT_H
