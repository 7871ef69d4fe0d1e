//===- LossImport.cpp - Losses --------------------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

/// The negative log-likelihood of class `target` under `logProbabilities`
/// [N, C, ...], weighted and reduced as the node says.
static llvm::Expected<Value> likelihoodLoss(NodeContext &node,
                                            Value logProbabilities,
                                            Value target, Value weight) {
  SLUICE_TRY(reduction, node.node.getString("reduction", "mean"));
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    return node.invalid("unknown reduction '" + reduction + "'");
  int64_t rank = node.rank(logProbabilities);
  if (rank < 2 || node.rank(target) != rank - 1)
    return node.invalid("the target must have one dimension less than the "
                        "input, which has rank two or more");
  Composition ops(node);
  Type elementType = elementTypeOf(logProbabilities);
  Value classes = ops.cast(target, node.builder.getI64Type());
  Value firstClass = node.scalar(node.builder.getI64Type(), 0);
  // Places that count nothing, whose target need not be a class.
  Value isIgnored;
  if (node.node.hasAttribute("ignore_index")) {
    SLUICE_TRY(ignored, node.node.getInt("ignore_index"));
    auto scalarType = RankedTensorType::get({}, node.builder.getI64Type());
    Value ignoredClass = ConstantOp::create(
        node.builder, node.loc, DenseElementsAttr::get(scalarType, ignored));
    isIgnored = ops.make<EqualOp>({classes, ignoredClass});
    classes = ops.select(isIgnored, firstClass, classes);
  }
  // Gathers count negative indices from the end; here they are errors, as what
  // is too large is.
  Value tooLarge = ops.size(logProbabilities, 1);
  classes =
      ops.select(ops.make<LessOp>({classes, firstClass}), tooLarge, classes);
  Value picked = ops.make<GatherElementsOp>(
      {logProbabilities, ops.unsqueeze(classes, {1})}, node.integer("axis", 1));
  Value loss = ops.make<NegOp>(ops.squeeze(picked, {1}));
  // What each place counts; null where all count one.
  Value counts;
  if (weight)
    counts = ops.make<GatherOp>({weight, classes}, node.integer("axis", 0));
  Value zero = node.scalar(elementType, 0);
  if (isIgnored) {
    Value otherwise = counts ? counts : node.scalar(elementType, 1);
    counts = ops.select(isIgnored, zero, otherwise);
    // Not multiplied by zero: it may be infinite there.
    loss = ops.select(isIgnored, zero, loss);
  }
  if (counts)
    loss = ops.mul(loss, counts);
  if (reduction == "none")
    return ops.finishValue(loss);
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  if (reduction == "mean" && !counts)
    return ops.finishValue(
        ops.reduce(loss, ReductionKind::Mean, all, /*keepDims=*/false));
  Value total = ops.reduce(loss, ReductionKind::Sum, all, /*keepDims=*/false);
  if (reduction == "mean")
    total = ops.div(
        total, ops.reduce(counts, ReductionKind::Sum, all, /*keepDims=*/false));
  return ops.finishValue(total);
}

static llvm::Expected<Values>
importNegativeLogLikelihoodLoss(NodeContext &node) {
  SLUICE_TRY(loss, likelihoodLoss(node, node.input(0), node.input(1),
                                  node.hasInput(2) ? node.input(2) : Value()));
  return Values{loss};
}

static llvm::Expected<Values> importSoftmaxCrossEntropyLoss(NodeContext &node) {
  if (node.rank(node.input(0)) < 2)
    return node.invalid("the scores must have rank two or more");
  SLUICE_TRY(logProbabilities,
             node.create<LogSoftmaxOp>(node.input(0), node.integer("axis", 1)));
  SLUICE_TRY(loss, likelihoodLoss(node, logProbabilities, node.input(1),
                                  node.hasInput(2) ? node.input(2) : Value()));
  return Values{loss, logProbabilities};
}

void sluice::registerLossImports(ImportRegistry &registry) {
  registry.add("NegativeLogLikelihoodLoss", {2, 3},
               importNegativeLogLikelihoodLoss);
  registry.add("SoftmaxCrossEntropyLoss", {2, 3, 2},
               importSoftmaxCrossEntropyLoss);
}
