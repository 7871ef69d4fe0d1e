//===- SharedAxes.h - Dimensions through views and orders -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Exporters split and merge dimensions, and change their order, on the way to
// and from products. An axis is what stays the same meanwhile: a dimension of
// any of these tensors is a list of axes, the last one changing fastest.
// Dimensions of size one have none.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_SHAREDAXES_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_SHAREDAXES_H

#include "sluice/Analysis/SymbolicShapes.h"
#include <optional>

namespace sluice {

using Axis = unsigned;
using Axes = llvm::SmallVector<Axis, 4>;
/// The axes of each dimension of a tensor.
using AxisLists = llvm::SmallVector<Axes, 6>;

class SharedAxes {
public:
  explicit SharedAxes(SymbolicShapes &symbols) : symbols(symbols) {}

  /// The axis of a tensor's dimension; none where that has size one.
  Axes create(mlir::Value tensor, int64_t dimension, bool maySplit);

  /// The axes that there are by now, in place of those that were split.
  Axes resolve(llvm::ArrayRef<Axis> axes) const;
  AxisLists resolve(const AxisLists &lists) const;
  /// All axes of a tensor, in the order of its elements.
  Axes join(const AxisLists &lists) const;

  /// The size of an axis; dynamic where it is not known.
  int64_t getSize(Axis axis) const { return nodes[axis].size; }
  int64_t getSize(llvm::ArrayRef<Axis> axes) const;
  /// A tensor's dimension has the size of these axes where the run goes on.
  void equate(llvm::ArrayRef<Axis> axes, mlir::Value tensor, int64_t dimension);
  /// Does a tensor's dimension surely have the size of these axes together?
  bool hasSize(mlir::Value tensor, int64_t dimension,
               llvm::ArrayRef<Axis> axes) const;
  /// Does a tensor's dimension seem to be one, or the size of these axes?
  bool seemsToBroadcast(mlir::Value tensor, int64_t dimension,
                        llvm::ArrayRef<Axis> axes) const;

  /// The axes of another tensor with the same elements in the same order, one
  /// a view of the other; may split axes. None where sizes do not tell.
  std::optional<AxisLists> followView(const AxisLists &lists, mlir::Value to);

private:
  struct Node {
    /// Of what has its size.
    llvm::SmallVector<SymbolicShapes::Symbol, 2> sizeSymbols;
    int64_t size;
    bool maySplit;
    Axes parts;
  };
  /// None where it is of known size and no dimension.
  Axis add(std::optional<SymbolicShapes::Symbol> symbol, int64_t size,
           bool maySplit);
  /// One size follows from the others and that of all axes together.
  void learnSize(llvm::ArrayRef<Axis> axes, int64_t whole);
  /// The part of `to` whose dimensions and axes are not matched from either
  /// side.
  bool followMiddle(llvm::ArrayRef<Axis> axes, mlir::Value to,
                    llvm::ArrayRef<int64_t> dimensions, AxisLists &result);

  SymbolicShapes &symbols;
  llvm::SmallVector<Node> nodes;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_SHAREDAXES_H
