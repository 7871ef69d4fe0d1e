//===- RowMovement.h - Parts of rows in other places ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A row is what lies along a tensor's last dimension.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_ROWMOVEMENT_H
#define SLUICE_DIALECTS_SLUICE_ROWMOVEMENT_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/SmallVector.h"

namespace sluice {

/// Elements of a row: `start`, `start + step` and so on.
struct RowPlaces {
  int64_t start = 0, step = 1;

  bool operator==(const RowPlaces &other) const {
    return start == other.start && step == other.step;
  }
};

/// A part of the result's rows, and of an operand's, from which it comes.
struct RowPiece {
  unsigned operand;
  int64_t size;
  RowPlaces from, to;
};

/// How an op moves the parts of rows. Each element of the result's rows belongs
/// to one piece.
struct RowMovement {
  llvm::SmallVector<RowPiece> pieces;
  /// Dimension i of the result is dimension order[i] of the operands; the last
  /// one stays where it is.
  llvm::SmallVector<int64_t> order;

  /// No other dimension moves.
  RowMovement(llvm::ArrayRef<RowPiece> pieces, int64_t rank)
      : pieces(pieces), order(llvm::to_vector(llvm::seq(rank))) {}
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_ROWMOVEMENT_H
