//===- LoopSizes.h - Sizes of a loop's values in front of it ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_LOOPSIZES_H
#define SLUICE_LIB_IMPORT_LOOPSIZES_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace sluice {

/// Computes, in front of a loop that is not made yet, which sizes the tensors
/// of its body have in the first step.
class LoopSizes {
public:
  /// The body's arguments are the step, an index, and the states, which start
  /// with `initial`. Sizes are computed at the builder's position.
  LoopSizes(mlir::OpBuilder &builder, mlir::Block &body,
            mlir::ValueRange initial);

  /// The dynamic sizes of a value, in order; nothing where one of them depends
  /// on what the body computes.
  std::optional<llvm::SmallVector<mlir::Value>> sizesOf(mlir::Value tensor);

private:
  void visit(mlir::Operation *op);
  mlir::Value sizeInFront(mlir::Value tensor, int64_t dimension);
  /// An index of the body as it is in front of the loop; null if it is not
  /// known there.
  mlir::Value moveToFront(mlir::Value index, unsigned depth = 0);

  mlir::OpBuilder &builder;
  mlir::Block &body;
  llvm::SmallVector<mlir::Value> initial;
  mlir::IRMapping mapping;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> sizes;
};

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_LOOPSIZES_H
