//===- MaskFormulas.h - What masks say --------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_MASKFORMULAS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_MASKFORMULAS_H

#include "PositionFormulas.h"
#include <vector>

namespace sluice {

/// A condition for a key to count.
struct KeyCondition {
  /// It counts where `form`, of places, is not negative; if there is no form,
  /// where the element is true (or, of an integer, not zero), or false if
  /// `isNegated`.
  std::optional<LinearForm> form;
  Element element;
  bool isNegated = false;
};

/// A number that depends on one bool.
struct TwoValued {
  /// No tensor for a number that depends on none.
  Element condition;
  double onFalse = 0, onTrue = 0;
};

class MaskFormulas {
public:
  explicit MaskFormulas(PositionFormulas &positions) : positions(positions) {}

  /// What must hold, all of it, where a bool is true, or false.
  std::vector<KeyCondition> split(const Element &element, bool isNegated);
  /// A number as a function of a bool. Integers that are read as numbers count
  /// as bools: token masks are zeros and ones.
  std::optional<TwoValued> getTwoValued(const Element &element,
                                        unsigned depth = 0);

private:
  bool knowsOperands(const Element &element);
  void splitInto(const Element &start, bool isNegated, unsigned depth,
                 std::vector<KeyCondition> &conditions);
  bool splitComparison(mlir::Operation *op, const Element &element,
                       bool isNegated, std::vector<KeyCondition> &conditions);
  bool splitConstant(ConstantOp op, const Element &element, bool isNegated,
                     std::vector<KeyCondition> &conditions);
  std::optional<TwoValued> getTwoValuedBool(const Element &element,
                                            unsigned depth);
  std::optional<TwoValued>
  combine(const Element &element, unsigned depth,
          llvm::function_ref<double(double, double)> function);

  PositionFormulas &positions;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_MASKFORMULAS_H
