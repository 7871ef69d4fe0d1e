//===- RowSegments.h - Rows that are computed in parts ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Where parts of rows are moved between elementwise ops (RowMovement.h), the
// rows of what they compute fall into segments: all elements of one are
// computed in the same way, from neighbours, or elements a few apart, of what
// is read.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_ELEMENTS_ROWSEGMENTS_H
#define SLUICE_LIB_CODEGEN_ELEMENTS_ROWSEGMENTS_H

#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// Elements of a result's rows. `size` may be dynamic for all of them.
struct RowSegment {
  RowPlaces places;
  int64_t size;
};

/// The elements of a value that a segment of the result is computed from.
struct RowPart {
  mlir::Value value;
  /// The result's dimension for each of the value's.
  llvm::SmallVector<int64_t> dimensions;
  RowPlaces places;

  bool operator==(const RowPart &other) const {
    return value == other.value && dimensions == other.dimensions &&
           places == other.places;
  }
};

/// The segment as a part of the result.
RowPart getPart(mlir::Value result, const RowSegment &segment);

/// The part of an operand that this part of an elementwise op's result is
/// computed from.
RowPart getOperandPart(const RowPart &part, unsigned operand);

/// The part of an operand that this part of a result is, where an op moves it;
/// without a value where none does.
RowPart getMovedPart(const RowPart &part);

/// All segments of the rows of what elementwise ops, and such as move parts of
/// rows, compute in a block.
llvm::SmallVector<RowSegment> findSegments(mlir::Value result);

/// What a segment is computed from, and the segment: each behind what it is
/// computed from.
llvm::SmallVector<RowPart> findParts(mlir::Value result,
                                     const RowSegment &segment);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_ELEMENTS_ROWSEGMENTS_H
