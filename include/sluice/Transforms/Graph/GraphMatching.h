//===- GraphMatching.h - What graph passes ask of values --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What graph passes share when they look for formulas: reading constants, and
// who reads a value.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_GRAPH_GRAPHMATCHING_H
#define SLUICE_TRANSFORMS_GRAPH_GRAPHMATCHING_H

#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// The number that all elements of a constant have, if they have one.
std::optional<double> getSplatNumber(mlir::Value value);

/// Is every element of the constant about this number? Exporters round the
/// constants of formulas in f32 or f16, and write them with a few digits.
bool isAbout(mlir::Value value, double number);

/// Is the value made of constants alone?
bool isConstantExpression(mlir::Value value);

/// The bytes of a tensor of static shape.
int64_t getBytes(mlir::RankedTensorType type);

/// The bytes of the constants that constant expressions are made of together.
int64_t getSourceBytes(mlir::ValueRange values);

/// Is a constant expression of static shape worth keeping as a constant?
bool isWorthStoring(mlir::Value value);

/// Does nothing but `user` read the value?
bool isOnlyReadBy(mlir::Value value, mlir::Operation *user);

/// Can a value of this shape be added to one of shape `target` without
/// changing that shape?
bool broadcastsTo(mlir::Value value, llvm::ArrayRef<int64_t> target);

} // namespace sluice

#endif // SLUICE_TRANSFORMS_GRAPH_GRAPHMATCHING_H
