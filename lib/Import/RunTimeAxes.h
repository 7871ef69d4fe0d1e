//===- RunTimeAxes.h - Axes that are only known in the run ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_RUNTIMEAXES_H
#define SLUICE_LIB_IMPORT_RUNTIMEAXES_H

#include "SizeVectors.h"

namespace sluice {

/// A vector of `length` elements that is `fill` but for `values` at `axes`;
/// negative axes count from the end.
ExpectedValue placeAtAxes(NodeContext &node, int64_t length, int64_t fill,
                          mlir::Value axes, mlir::Value values);

/// `value` with dimensions of size one at the places in `axes`, a vector of
/// known length.
ExpectedValue unsqueezeAt(NodeContext &node, mlir::Value value,
                          mlir::Value axes);
/// `value` without the dimensions that `axes` names, a vector of known length
/// that is not more than the rank. A run in which one of them is not of size
/// one fails.
ExpectedValue squeezeAt(NodeContext &node, mlir::Value value, mlir::Value axes);

/// `value` without its dimensions of size one, of which it has so many that
/// `left` others are left. A run with more others fails.
ExpectedValue squeezeOnes(NodeContext &node, mlir::Value value, int64_t left);

/// The size that ops in front of this one demand of a dimension whose size the
/// type does not know, if they do.
std::optional<int64_t> findDemandedSize(mlir::Value value, int64_t dimension);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_RUNTIMEAXES_H
