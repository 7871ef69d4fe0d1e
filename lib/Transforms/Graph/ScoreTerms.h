//===- ScoreTerms.h - What attention adds and hides -------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_SCORETERMS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_SCORETERMS_H

#include "MaskFormulas.h"

namespace sluice {

/// Takes down what is done to scores, in order, and says it again as bias,
/// mask, bounds and fallback of an attention op.
class ScoreTerms {
public:
  ScoreTerms(GraphBuilder &graph, SymbolicShapes &symbols)
      : graph(graph), positions(graph, symbols), masks(positions) {}

  /// `value` times `factor` is added. It broadcasts to the scores, as all that
  /// follows does.
  void add(mlir::Value value, double factor);
  /// `fill` is put where the condition is not `keptWhere`.
  void replace(mlir::Value condition, bool keptWhere, double fill);
  /// Rows for which no key counts give zeros instead of NaN.
  void setGuarded(bool isGuarded) { this->isGuarded = isGuarded; }

  /// Gives the op what has been taken down.
  void applyTo(AttentionOp op);
  /// Looks again at bias and mask of an op, which may be constant by now.
  /// Returns whether there was something to look at.
  bool reread(AttentionOp op);

private:
  struct Step {
    mlir::Value value;
    double factor = 1;
    bool isReplacement = false;
    bool keptWhere = true;
    double fill = 0;
  };
  /// What may leave rows without a key.
  struct Fill {
    double number;
    bool isReplacement;
    size_t step;
  };

  void readStep(size_t number);
  void readAddend(const Element &element, double factor, size_t step);
  void hide(const Element &condition, bool isNegated, double fill, size_t step,
            bool isReplacement);
  bool hideConstant(const Element &element, double factor, size_t step);
  void setBounds(AttentionOp op);
  bool setReach(AttentionOp op, const KeyCondition &condition);
  bool mayHaveEmptyRows(AttentionOp op) const;
  void setFallback(AttentionOp op);
  mlir::Value makeBias(AttentionOp op);
  mlir::Value makeDistanceBias();
  mlir::Value makeMask(AttentionOp op);
  /// All steps together, on scores of zero.
  mlir::Value makeAll(AttentionOp op);

  GraphBuilder &graph;
  PositionFormulas positions;
  MaskFormulas masks;
  bool isGuarded = false;
  llvm::SmallVector<Step> steps;
  std::vector<KeyCondition> conditions;
  std::vector<std::pair<Element, double>> addends;
  llvm::SmallVector<Fill> fills;
  /// Could addends of the run hide keys?
  bool isBiasOpaque = false;
  /// May a step have one element for all queries, or all keys, in the run?
  bool hasUnknownPlaces = false;
  std::optional<LinearForm> position;
  std::optional<int64_t> left, right;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_SCORETERMS_H
