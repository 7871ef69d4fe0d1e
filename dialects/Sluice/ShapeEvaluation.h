//===- ShapeEvaluation.h - Shape tensors as scalars -------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Exporters compute shapes with tensor ops: Shape, Gather, Concat, Mul, ...
// These functions see through such chains, so that a reshape's sizes become
// constants or scalar index arithmetic on dimensions instead of kernels on
// tiny tensors.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_SHAPEEVALUATION_H
#define SLUICE_DIALECTS_SLUICE_SHAPEEVALUATION_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace sluice {

/// Element `index` (row-major) of an integer tensor, where it is known at
/// compile time.
std::optional<int64_t> evaluateConstantElement(mlir::Value tensor,
                                               int64_t index);

/// Element `index` of a float or integer tensor, where it is known at compile
/// time; integers above 2^53 are rounded.
std::optional<double> evaluateConstantNumber(mlir::Value tensor, int64_t index);

/// All elements of a statically shaped integer tensor, where every one is
/// known at compile time.
std::optional<llvm::SmallVector<int64_t>>
evaluateConstantElements(mlir::Value tensor);

/// Element `index` as an attribute, or as an index value computed from
/// dimensions; null where the element depends on run-time data. Of a float
/// tensor only elements that are whole numbers.
mlir::OpFoldResult evaluateElement(mlir::OpBuilder &builder, mlir::Location loc,
                                   mlir::Value tensor, int64_t index);

/// As `evaluateElement`, but reads the tensor at run time where it must.
mlir::OpFoldResult readElement(mlir::OpBuilder &builder, mlir::Location loc,
                               mlir::Value tensor, int64_t index);

/// A 1-D i64 constant.
mlir::Value createShapeConstant(mlir::OpBuilder &builder, mlir::Location loc,
                                llvm::ArrayRef<int64_t> values);

/// The product of sizes.
mlir::OpFoldResult multiplySizes(mlir::OpBuilder &builder, mlir::Location loc,
                                 llvm::ArrayRef<mlir::OpFoldResult> sizes);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_SHAPEEVALUATION_H
