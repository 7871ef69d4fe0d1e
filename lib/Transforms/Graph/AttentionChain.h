//===- AttentionChain.h - What is between two products ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_ATTENTIONCHAIN_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_ATTENTIONCHAIN_H

#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// Fills from here down say that a key does not count.
constexpr double maskingFill = -1e4;

/// A matrix product's operand, or the result.
struct ProductTensor {
  mlir::Value tensor;
  /// Are its last two dimensions in the other order?
  bool isSwapped = false;
};

/// What a step between the products does to the scores.
struct ScoreStep {
  enum Kind {
    /// `value` times `factor` is added.
    Add,
    /// `fill` stands where `value` is not `keptWhere`.
    Replace
  };
  Kind kind;
  mlir::Value value;
  double factor = 1;
  bool keptWhere = true;
  double fill = 0;
  /// The place in `views` of the scores that `value` broadcasts to.
  size_t view = 0;
};

/// softmax(f(Q K^T)) V, where f is what attention may do to scores.
struct AttentionChain {
  SoftmaxOp softmax;
  ProductTensor query, key, value, result;
  double scale = 1, softcap = 0;
  /// What the queries are multiplied with, or divided by: it broadcasts to the
  /// scores and is the same for all keys.
  mlir::Value queryFactor;
  bool isDivisor = false;
  /// From the product on: the scores wherever their shape changes, and the
  /// steps in between.
  llvm::SmallVector<mlir::Value> views;
  llvm::SmallVector<ScoreStep> steps;
  /// The probabilities wherever their shape changes.
  llvm::SmallVector<mlir::Value> probabilityViews;
  /// A column of scores that has no value; null where there is none.
  mlir::Value sinks;
  /// Are probabilities that are NaN, or those of keys that do not count, made
  /// zero?
  bool isGuarded = false;

  /// The product of queries and keys, and that of probabilities and values.
  MatmulOp getScores() const { return views.front().getDefiningOp<MatmulOp>(); }
};

/// Finds what is around a softmax.
class ChainMatcher {
public:
  /// Fails where no attention is around the softmax; `why` then tells what is
  /// in the way, or is empty where there are no two products.
  std::optional<AttentionChain> match(SoftmaxOp softmax);

  std::string why;

private:
  bool followScores();
  bool followProbabilities();
  /// One op back from the scores `value`, which `reader` reads.
  bool followScore(mlir::Value &value, mlir::Operation *&reader);
  bool followSum(mlir::Operation *op, mlir::Value &value);
  bool followFactor(mlir::Operation *op, mlir::Value &value);
  bool followReplacement(SelectOp op, mlir::Value &value);
  bool followSinks(ConcatOp op, mlir::Value &value);
  bool takeScores(MatmulOp op, bool isSwapped);
  bool takeProduct(MatmulOp op, mlir::Value probabilities);
  bool followZeroing(SelectOp op, mlir::Value probabilities);
  bool isApart(mlir::Operation *op);
  bool fail(llvm::StringRef text, mlir::Operation *op);
  /// What makes such scores is in the way.
  bool failFor(mlir::Value scores);
  /// What reads probabilities is in the way.
  bool failFor(mlir::Operation *reader);

  AttentionChain chain;
  /// Of all that stands behind the current scores.
  double outerFactor = 1;
  bool hasTanh = false;
  llvm::SmallVector<mlir::Value> zeroedWhere;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_ATTENTIONCHAIN_H
