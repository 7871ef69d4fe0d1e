//===- Work.h - How much there is to do -------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_WORK_H
#define SLUICE_DIALECTS_SLUICE_WORK_H

#include "mlir/IR/Operation.h"
#include <optional>

namespace sluice {

/// How much there is to do, an estimate. What it takes depends on who does it.
struct Work {
  /// Operations on numbers, two for a multiply-add. What lanes do side by side
  /// is one operation.
  double operations = 0;
  /// Bytes of memory, read and written.
  double bytes = 0;

  friend Work operator+(Work lhs, Work rhs) {
    return {lhs.operations + rhs.operations, lhs.bytes + rhs.bytes};
  }
  friend Work operator*(Work work, double count) {
    return {work.operations * count, work.bytes * count};
  }
};

/// Elements of a tensor; negative where its shape is dynamic.
double countElements(mlir::Value tensor);

/// Bytes of a tensor, whose elements take whole ones; negative where its shape
/// is dynamic.
double countBytes(mlir::Value tensor);

/// Elements of a tensor, with a usual extent for dynamic sizes.
double guessElements(mlir::Value tensor);

/// What an op says (WorkOpInterface); an operation for each element that it
/// reads or writes, of which there are more, where it says nothing. None where
/// sizes of operands or results are dynamic.
std::optional<Work> getWork(mlir::Operation *op);

/// `operations` on the operands and results of an op with static sizes, each
/// of which is in memory once.
Work workOnOperands(mlir::Operation *op, double operations);

/// What it takes to move one element of a type in memory: an operation for its
/// place, and to read and write it.
Work workOfMoving(mlir::Type elementType);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_WORK_H
