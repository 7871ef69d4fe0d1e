//===- RowVectors.h - Vectors along contiguous rows -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels that work on whole rows (softmax, normalisations, reductions) see
// their buffers as one-dimensional and read and write vectors of consecutive
// elements. The last, incomplete vector of a row is masked.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ROWS_ROWVECTORS_H
#define SLUICE_CODEGEN_ROWS_ROWVECTORS_H

#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// One vector of a row: its first place in the row, and a mask if it is the
/// incomplete last one.
struct Piece {
  mlir::Value begin;
  mlir::Value mask;
};

/// A tensor's buffer as one row of vectors in the compute type.
class RowVectors {
public:
  /// The tensor must have a buffer.
  RowVectors(KernelBuilder &kernel, mlir::Value tensor);
  /// One-dimensional memory of `elementType`.
  RowVectors(KernelBuilder &kernel, mlir::Value memory, mlir::Type elementType);

  int64_t lanes() const { return vectorType.getNumElements(); }
  mlir::VectorType type() const { return vectorType; }

  /// The row-major place of the leading dimensions `indices`, counted in
  /// blocks of the dimensions that are not given.
  mlir::Value flatten(mlir::ValueRange indices) const;

  /// The vector at `offset + piece.begin`. Lanes that the mask turns off are
  /// `neutral` (a scalar; zero if it is not given).
  mlir::Value load(mlir::Value offset, const Piece &piece,
                   mlir::Value neutral = nullptr) const {
    return load(offset, piece, neutral, lanes());
  }
  /// The same with another number of lanes than the registers have.
  mlir::Value load(mlir::Value offset, const Piece &piece, mlir::Value neutral,
                   int64_t lanes) const;
  void store(mlir::Value vector, mlir::Value offset, const Piece &piece) const;
  /// A single element, in the compute type.
  mlir::Value loadScalar(mlir::Value offset) const;
  void storeScalar(mlir::Value value, mlir::Value offset) const;
  /// Has a piece of a row brought to the first-level cache: the lines of its
  /// first and last lane, or one, where all rows are `count` elements and so
  /// whole vectors. What lies beyond the tensor does no harm.
  void fetch(mlir::Value offset, const Piece &piece, mlir::Value count) const;
  mlir::Value splat(mlir::Value scalar) const;

private:
  KernelBuilder &kernel;
  mlir::Value tensor;
  mlir::Type elementType;
  mlir::VectorType vectorType;
  mlir::Value memory;
};

/// `count` elements of a compute type that only this kernel uses: planned
/// scratch memory where the count is known (at most once per kernel), from the
/// run's allocator elsewhere. Not inside parallel loops.
RowVectors scratchRow(KernelBuilder &kernel, mlir::Value count,
                      mlir::Type computeType);

/// A parallel loop of `tasks` iterations that share [0, count) between them:
/// each does every tasks-th item, one after the other, so that what a task has
/// for itself serves all its items. `each` is the work of one item, the least
/// that a task does.
void shareAmongTasks(
    KernelBuilder &kernel, mlir::Value count, mlir::Value tasks, Work each,
    llvm::function_ref<void(mlir::Value task, mlir::Value item)> body);

/// Runs over a row in vectors, with values that are carried along.
llvm::SmallVector<mlir::Value> overRow(
    KernelBuilder &kernel, mlir::Value count, int64_t lanes,
    mlir::ValueRange initial,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(const Piece &piece,
                                                      mlir::ValueRange running)>
        body);

/// The same without carried values.
void forEachVector(KernelBuilder &kernel, mlir::Value count, int64_t lanes,
                   llvm::function_ref<void(const Piece &piece)> body);

/// Reduces a row with `combine` (associative); several vectors accumulate side
/// by side. `value` reads the vector of a piece, with neutral lanes where the
/// mask is off. Gives a scalar.
mlir::Value
reduceRow(KernelBuilder &kernel, mlir::Value count, mlir::Value neutral,
          mlir::VectorType type,
          llvm::function_ref<mlir::Value(const Piece &piece)> value,
          llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);

/// Keeps the lanes that the piece's mask leaves on.
mlir::Value keepLanes(KernelBuilder &kernel, const Piece &piece,
                      mlir::Value vector, mlir::Value otherwise);

/// `sum / count` for scalars or vectors; `count` is an index.
mlir::Value divideByCount(KernelBuilder &kernel, mlir::Value sum,
                          mlir::Value count, mlir::Type elementType);

/// Does the kernel yield the results of this op and nothing else?
bool isOnlyResult(const KernelBuilder &kernel, mlir::Operation *op);

} // namespace sluice

#endif // SLUICE_CODEGEN_ROWS_ROWVECTORS_H
