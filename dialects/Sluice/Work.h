//===- Work.h - How much ops compute -----------------------------*- C++
//-*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_WORK_H
#define SLUICE_DIALECTS_SLUICE_WORK_H

#include "mlir/IR/Operation.h"

namespace sluice {

/// Elements of a tensor; negative where its shape is dynamic.
double countElements(mlir::Value tensor);

/// Elements of a tensor, with a usual extent for dynamic sizes.
double guessElements(mlir::Value tensor);

/// What an op computes for each element of its first result, in terms of
/// WorkOpInterface, where it has that; the sizes are static.
double countOperationsPerElement(mlir::Operation *op);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_WORK_H
