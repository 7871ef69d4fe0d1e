//===- PositionFormulas.h - Integers that follow from places ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Masks are computed from positions: 0, 1, 2, ... along a dimension, compared
// with each other, with sizes and with lengths. An element of such a tensor is
// followed through what moves elements, as a linear function of its place.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_POSITIONFORMULAS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_POSITIONFORMULAS_H

#include "dialects/Sluice/GraphBuilder.h"
#include "sluice/Analysis/SymbolicShapes.h"
#include <map>

namespace sluice {

/// A number that is the same for all places of an axis, or a place along one.
using Symbol = unsigned;
/// The axes of scores are the first symbols.
enum ScoreAxis : Symbol { BatchAxis, HeadAxis, QueryAxis, KeyAxis, axisCount };

/// A sum of symbols with factors, and a number.
struct LinearForm {
  std::map<Symbol, int64_t> factors;
  int64_t number = 0;

  static LinearForm ofSymbol(Symbol symbol) { return {{{symbol, 1}}, 0}; }
  static LinearForm ofNumber(int64_t number) { return {{}, number}; }
  LinearForm &add(const LinearForm &other, int64_t times = 1);
  LinearForm plus(const LinearForm &other, int64_t times = 1) const {
    return LinearForm(*this).add(other, times);
  }
  bool isNumber() const { return factors.empty(); }
  /// The factor of a symbol.
  int64_t get(Symbol symbol) const {
    auto it = factors.find(symbol);
    return it == factors.end() ? 0 : it->second;
  }
  bool operator==(const LinearForm &other) const {
    return factors == other.factors && number == other.number;
  }
  bool operator!=(const LinearForm &other) const { return !(*this == other); }
};

/// An element of a tensor: a place along each dimension.
struct Element {
  mlir::Value tensor;
  llvm::SmallVector<LinearForm, 4> place;

  bool operator==(const Element &other) const {
    return tensor == other.tensor && place == other.place;
  }
};

class PositionFormulas {
public:
  PositionFormulas(GraphBuilder &graph, SymbolicShapes &symbols)
      : graph(graph), symbols(symbols) {}

  /// The size of an axis of the scores is that of a tensor's dimension.
  void setExtent(ScoreAxis axis, mlir::Value tensor, int64_t dimension) {
    numbers.clear();
    extents[axis] = getSize(tensor, dimension);
    extentSymbols[axis] = symbols.dimension(tensor, dimension);
  }
  const LinearForm &getExtent(ScoreAxis axis) const { return extents[axis]; }

  /// The element of a tensor that broadcasts to scores.
  Element atScore(mlir::Value tensor);
  /// May that tensor have one element for all queries, or all keys, in the run?
  /// Then its elements are no function of their place.
  bool mayRepeat() const { return !repeatedAxes.empty(); }
  /// Follows an element through ops that only move it.
  Element follow(Element element);
  /// The element of an elementwise op's operand that it is made of; none where
  /// sizes do not tell.
  std::optional<Element> operandOf(const Element &element, unsigned number);
  /// The element as a function of its place.
  std::optional<LinearForm> getNumber(const Element &element,
                                      unsigned depth = 0);
  LinearForm getSize(mlir::Value tensor, int64_t dimension, unsigned depth = 0);
  /// Is it surely zero or more, for places that are?
  bool isNotNegative(const LinearForm &form) const;

  /// The tensor of these elements that broadcasts to scores.
  mlir::Value make(const Element &element);
  /// A form without axes as a tensor [] or, where it differs, [batch].
  mlir::Value makeInteger(const LinearForm &form);

private:
  struct SymbolSource {
    /// A dimension's size, or an integer tensor with one element, or one for
    /// each batch.
    mlir::Value tensor;
    std::optional<int64_t> dimension;
    bool isPerBatch = false;
  };
  /// The place in an operand that broadcasts to the element's tensor.
  std::optional<Element> broadcastFrom(mlir::Value operand,
                                       const Element &element);
  bool mayRepeat(const LinearForm &place) const;
  /// Is a size that of the scores, also where that is one?
  bool isWholeAxis(mlir::Value tensor, int64_t dimension, Symbol axis);
  Symbol ofSize(mlir::Value tensor, int64_t dimension);
  std::optional<LinearForm> findNumber(const Element &element, unsigned depth);
  std::optional<LinearForm> ofData(const Element &element);
  std::optional<Element> step(const Element &element);
  std::optional<Element> followSlice(SliceOp op, const Element &element);
  std::optional<Element> followView(mlir::Operation *op,
                                    const Element &element);
  std::optional<LinearForm> ofConstant(ConstantOp op, const Element &element);
  /// What an index value computes.
  std::optional<LinearForm> ofIndex(mlir::OpFoldResult index, unsigned depth);
  std::optional<LinearForm> ofShapeElement(mlir::Value tensor, int64_t index,
                                           unsigned depth);
  mlir::Value makeVector(const LinearForm &form);

  GraphBuilder &graph;
  SymbolicShapes &symbols;
  std::array<LinearForm, axisCount> extents;
  std::array<std::optional<SymbolicShapes::Symbol>, axisCount> extentSymbols;
  /// Axes along which the tensor that was last looked at may have one element.
  llvm::SmallVector<Symbol, 2> repeatedAxes;
  /// The symbols behind the axes.
  llvm::SmallVector<SymbolSource> sources;
  llvm::DenseMap<SymbolicShapes::Symbol, Symbol> sizes;
  llvm::DenseMap<mlir::Value, Symbol> data;
  /// Of elements that have been looked at, which a graph may reach on many
  /// ways.
  llvm::DenseMap<mlir::Value,
                 std::vector<std::pair<Element, std::optional<LinearForm>>>>
      numbers;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_POSITIONFORMULAS_H
