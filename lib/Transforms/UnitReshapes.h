//===- UnitReshapes.h - Reshapes that move dimensions of one ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_UNITRESHAPES_H
#define SLUICE_LIB_TRANSFORMS_UNITRESHAPES_H

#include "mlir/IR/Builders.h"

namespace sluice {

/// Is the op a reshape that only inserts and drops dimensions of size one?
bool movesUnitDimensions(mlir::Operation *op);
/// What an op computes with in a scan: a reshape's wanted shape is in its type.
mlir::ValueRange operandsInScan(mlir::Operation *op);
/// Such a reshape of a value, as a squeeze and an unsqueeze.
mlir::Value moveUnitDimensions(mlir::OpBuilder &builder,
                               mlir::Operation *reshape, mlir::Value value);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_UNITRESHAPES_H
