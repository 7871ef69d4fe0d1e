//===- Selections.h - Tensors that are parts of others ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_SELECTIONS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_SELECTIONS_H

#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// A place along a dimension: a number, or an element of a list that only the
/// run knows.
struct Place {
  std::optional<int64_t> number;
  /// The list, a vector, where there is no number, and the place in it.
  mlir::Value list;
  int64_t element = 0;

  bool operator==(const Place &other) const {
    return number == other.number && list == other.list &&
           element == other.element;
  }
};

/// Where dimension `dimension` of the part is along one of the whole, or the
/// place that all of the part has there.
struct Coordinate {
  std::optional<int64_t> dimension;
  Place place;

  static Coordinate free(int64_t dimension) { return {dimension, {}}; }
  static Coordinate at(Place place) { return {std::nullopt, place}; }
  static Coordinate at(int64_t number) { return at(Place{number, {}, 0}); }
  bool isAt(int64_t number) const {
    return !dimension && place.number == number;
  }
};

/// A tensor as a part of another one, with its elements in their order.
/// Dimensions of the part that no coordinate has are of size one.
struct Selection {
  /// All of a tensor.
  static Selection all(mlir::Value whole);
  /// The part of the tensor farthest from `value`, through everything that only
  /// moves dimensions and picks single places along them.
  static Selection of(mlir::Value value);

  /// Goes on from `whole` as `of` does.
  void lookThrough();
  /// Goes on to the operand of an op with one, which keeps its shape.
  void enterOperand() { whole = whole.getDefiningOp()->getOperand(0); }
  /// The dimensions of the whole that dimensions of the part are.
  llvm::SmallVector<int64_t> freeDimensions() const;
  /// The only dimension of the whole at one place while the others are those of
  /// the part, in any order.
  std::optional<int64_t> onlyFixedDimension() const;

  mlir::Value whole;
  /// One for each dimension of the whole.
  llvm::SmallVector<Coordinate> coordinates;

private:
  bool step();
  bool enterReshape(mlir::Value operand);
};

/// The place that the only element of an integer tensor is.
Place getPlace(mlir::Value element);

/// The sizes that are not one.
llvm::SmallVector<int64_t> withoutOnes(llvm::ArrayRef<int64_t> shape);

/// Is a reshape between these shapes one that drops and inserts ones?
bool differInOnes(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

/// Does a slice keep all of a dimension?
bool keepsAll(SliceOp op, int64_t dimension);

/// Has the result of a broadcast the size of its operand in each dimension,
/// whatever that is?
bool keepsShape(BroadcastOp op);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_SELECTIONS_H
