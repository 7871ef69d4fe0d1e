//===- Weights.h - Constant weights of ops ----------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_WEIGHTS_H
#define SLUICE_DIALECTS_SLUICE_WEIGHTS_H

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/Operation.h"

namespace sluice {

class WeightsOpInterface;

/// The elements of a constant, in as few bits as the graph keeps them in; null
/// for other values.
mlir::ElementsAttr getConstantElements(mlir::Value value);

/// The type of the elements of a constant as they are kept, or else of the
/// value.
mlir::RankedTensorType getKeptType(mlir::Value value);

/// Why ops multiply elements of some types one by one.
inline constexpr llvm::StringLiteral noDotUnit =
    "there is no dot unit for their elements";

/// Whether an op can have its weights, which are `weights` in the graph,
/// reordered before the run: they are constant, and the op has nothing against
/// it.
bool arePackable(WeightsOpInterface op, mlir::Value weights);

/// Has the op weights (WeightsOpInterface) that can be reordered before the
/// run?
bool hasPackableWeights(mlir::Operation *op);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_WEIGHTS_H
