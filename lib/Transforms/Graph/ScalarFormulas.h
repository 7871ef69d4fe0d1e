//===- ScalarFormulas.h - Numbers that constants make -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_SCALARFORMULAS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_SCALARFORMULAS_H

#include "mlir/IR/Value.h"
#include <optional>

namespace sluice {

/// The number that all elements of a value have, where constants and sizes tell
/// it: through arithmetic, roots, powers and casts.
std::optional<double> getScalarNumber(mlir::Value value);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_SCALARFORMULAS_H
