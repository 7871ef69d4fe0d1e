//===- RowBuffer.h - Pieces of rows in memory -------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels that work on whole rows see their buffers as one-dimensional and
// read and write pieces of consecutive elements, as many as there are lanes.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ROWS_ROWBUFFER_H
#define SLUICE_CODEGEN_ROWS_ROWBUFFER_H

#include "sluice/Codegen/Rows/RowOps.h"

namespace sluice {

/// A tensor's buffer as one row, with elements in the compute type.
class RowBuffer {
public:
  /// The tensor must have a buffer.
  RowBuffer(KernelBuilder &kernel, mlir::Value tensor);
  /// One-dimensional memory of `elementType`.
  RowBuffer(KernelBuilder &kernel, mlir::Value memory, mlir::Type elementType);

  int64_t lanes() const { return laneCount; }
  mlir::Type computeType() const;
  /// The type of a piece.
  mlir::Type type() const;

  /// The row-major place of the leading dimensions `indices`, counted in
  /// blocks of the dimensions that are not given.
  mlir::Value flatten(mlir::ValueRange indices) const;

  /// What is at `offset + piece.begin`. Lanes that the mask turns off are
  /// `neutral` (a scalar; zero if it is not given).
  mlir::Value load(mlir::Value offset, const Piece &piece,
                   mlir::Value neutral = nullptr) const {
    return load(offset, piece, neutral, lanes());
  }
  /// The same with another number of lanes than the type's.
  mlir::Value load(mlir::Value offset, const Piece &piece, mlir::Value neutral,
                   int64_t lanes) const;
  void store(mlir::Value value, mlir::Value offset, const Piece &piece) const;
  /// A single element.
  mlir::Value loadScalar(mlir::Value offset) const;
  void storeScalar(mlir::Value value, mlir::Value offset) const;
  /// Has a piece of a row brought near; all rows are `count` elements.
  void fetch(mlir::Value offset, const Piece &piece, mlir::Value count) const;
  mlir::Value splat(mlir::Value scalar) const;

private:
  KernelBuilder &kernel;
  mlir::Value tensor;
  mlir::Type elementType;
  int64_t laneCount;
  mlir::Value memory;
};

/// `count` elements of a compute type that only this kernel uses: planned
/// scratch memory where the count is known (at most once per kernel), from the
/// run's allocator elsewhere. Not inside parallel loops.
RowBuffer scratchRow(KernelBuilder &kernel, mlir::Value count,
                     mlir::Type computeType);

/// A parallel loop of `tasks` iterations that share [0, count) between them:
/// each does every tasks-th item, one after the other, so that what a task has
/// for itself serves all its items. `each` is what one item costs, the least
/// that a task does.
void shareAmongTasks(
    KernelBuilder &kernel, mlir::Value count, mlir::Value tasks, Cost each,
    llvm::function_ref<void(mlir::Value task, mlir::Value item)> body);

/// Runs over a row in pieces, with values that are carried along.
llvm::SmallVector<mlir::Value> overRow(KernelBuilder &kernel, mlir::Value count,
                                       int64_t lanes, mlir::ValueRange initial,
                                       RowOps::RowBody body);

/// The same without carried values.
void forEachPiece(KernelBuilder &kernel, mlir::Value count, int64_t lanes,
                  llvm::function_ref<void(const Piece &piece)> body);

/// Reduces a row with `combine` (associative). `value` reads the elements of a
/// piece, of `type`, neutral where the mask is off. Gives a scalar.
mlir::Value reduceRow(KernelBuilder &kernel, mlir::Value count,
                      mlir::Value neutral, mlir::Type type,
                      RowOps::PieceValue value, RowOps::Combine combine);

/// Keeps the lanes that the piece's mask leaves on.
mlir::Value keepLanes(KernelBuilder &kernel, const Piece &piece,
                      mlir::Value value, mlir::Value otherwise);

/// `sum / count` for scalars or lanes; `count` is an index.
mlir::Value divideByCount(KernelBuilder &kernel, mlir::Value sum,
                          mlir::Value count, mlir::Type elementType);

/// Does the kernel yield the results of this op and nothing else?
bool isOnlyResult(const KernelBuilder &kernel, mlir::Operation *op);

} // namespace sluice

#endif // SLUICE_CODEGEN_ROWS_ROWBUFFER_H
