//===- RowOps.h - What a target does with rows ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels along rows (softmax, normalisations, reductions, pools of channels)
// work on neighbouring elements side by side, one in each of a number of lanes:
// those of a vector register, or threads of one group. They are written in
// terms of values that have an element per lane and of these functions; how
// many lanes there are, what type such values have and how they are loaded,
// stored and combined is the target's. Arithmetic on such values is that of
// scalars (BodyBuilder).
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ROWS_ROWOPS_H
#define SLUICE_CODEGEN_ROWS_ROWOPS_H

#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// What lanes have of a row at a time: the place of the first one, and which
/// lanes are there, in the incomplete last piece; null for all.
struct Piece {
  mlir::Value begin;
  mlir::Value mask;
};

class RowOps {
public:
  using Values = llvm::SmallVector<mlir::Value>;
  using RowBody =
      llvm::function_ref<Values(const Piece &piece, mlir::ValueRange running)>;
  using PieceValue = llvm::function_ref<mlir::Value(const Piece &piece)>;
  using Combine = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;

  virtual ~RowOps();

  /// How many lanes there are for elements of a compute type.
  virtual int64_t lanes(mlir::Type computeType) const = 0;
  /// The type of what has an `element` in each of so many lanes.
  virtual mlir::Type laneType(mlir::Type element, int64_t lanes) const = 0;

  // Values of a lane type. What has no lanes is taken for one of a lane.
  /// The same in every lane; `type` may be the scalar's.
  virtual mlir::Value splat(KernelBuilder &kernel, mlir::Value scalar,
                            mlir::Type type) = 0;
  virtual mlir::Value constant(KernelBuilder &kernel, mlir::TypedAttr scalar,
                               mlir::Type type) = 0;
  /// 0, 1, 2, ... as integers.
  virtual mlir::Value laneNumbers(KernelBuilder &kernel, mlir::Type type) = 0;
  /// A mask of the first `count` (an index, of any sign) lanes.
  virtual mlir::Value firstLanes(KernelBuilder &kernel, mlir::Value count,
                                 int64_t lanes) = 0;
  /// The last lane's first.
  virtual mlir::Value reverse(KernelBuilder &kernel, mlir::Value value) = 0;
  /// One lane after the other.
  virtual mlir::Value
  collect(KernelBuilder &kernel, mlir::Type type,
          llvm::function_ref<mlir::Value(mlir::Value lane)> element) = 0;

  // Neighbours in one-dimensional memory, from `place` on, in storage types.
  /// Lanes that the mask turns off are zero.
  virtual mlir::Value load(KernelBuilder &kernel, mlir::Value memory,
                           mlir::Value place, mlir::Value mask,
                           int64_t lanes) = 0;
  virtual void store(KernelBuilder &kernel, mlir::Value stored,
                     mlir::Value memory, mlir::Value place,
                     mlir::Value mask) = 0;
  /// Has them brought near, for a load later on; what lies beyond the memory
  /// does no harm. `count` is that of the rows they are parts of.
  virtual void fetch(KernelBuilder &kernel, mlir::Value memory,
                     mlir::Value place, mlir::Value count, int64_t lanes) = 0;

  // Whole rows.
  /// Runs over a row in pieces, in order, with values that are carried along.
  virtual Values overRow(KernelBuilder &kernel, mlir::Value count,
                         int64_t lanes, mlir::ValueRange initial,
                         RowBody body) = 0;
  /// Reduces a row to a scalar with `combine`, which is associative and also
  /// combines scalars. `value` gives the elements of a piece, neutral where the
  /// mask is off.
  virtual mlir::Value reduceRow(KernelBuilder &kernel, mlir::Value count,
                                mlir::Value neutral, mlir::Type type,
                                PieceValue value, Combine combine) = 0;
};

} // namespace sluice

#endif // SLUICE_CODEGEN_ROWS_ROWOPS_H
