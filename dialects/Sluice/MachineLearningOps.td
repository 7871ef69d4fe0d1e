//===- MachineLearningOps.td - Trees and classifiers ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_MACHINE_LEARNING_OPS_TD
#define SLUICE_MACHINE_LEARNING_OPS_TD

include "dialects/Sluice/ReductionOps.td"
include "dialects/Sluice/SluiceBase.td"

def TreeEnsembleOp : Sluice_Op<"tree_ensemble", [HasSizeConditions]> {
  let summary = "what the leaves that rows reach in many trees add up to";
  let description = [{
    `operand` is [rows, features] in f32 or f64; the result is [rows, targets]
    in the same type: for each row and target the sum, least or largest of the
    weights in the leaves that the row reaches, one leaf a tree. A target that
    no leaf has a weight for is 0, +inf or -inf.

    The tables are words: integers as wide as the operand's elements, so that
    a word can hold the bits of one. They are made by the import, which has
    checked them, and are trusted.

    Trees look at columns, not at features: `columns` has the feature of each,
    of which the last `negated` ones are taken with the opposite sign; with
    `contiguous`, column i is feature i. Behind them is one more column that is
    NaN.

    `nodes` has three words for each node: threshold, column, child, where
    children are counted in words. A row whose value in that column is not
    above the threshold goes on at child + 3, any other, NaN among them, at
    child. A leaf looks at the column of NaNs and is its own child, so walking
    on stays there. Its first word is its weight, or with `leaves` the place in
    `leaves` of the number of its weights, behind which stand pairs of target
    and weight.

    `trees` has for each tree the first node, the length of the longest way to
    a leaf and the target that its weights are for (unused with `leaves`).
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$nodes,
                       AnyRankedTensor:$trees, AnyRankedTensor:$columns,
                       Optional<AnyRankedTensor>:$leaves,
                       Sluice_ReductionKindAttr:$kind, I64Attr:$targets,
                       I64Attr:$features,
                       DefaultValuedAttr<I64Attr, "0">:$negated,
                       UnitAttr:$contiguous);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
  let extraClassDeclaration = baseDeclaration # [{
    /// Words of one node, and the places of what they hold.
    static constexpr int64_t nodeWords = 3;
    static constexpr int64_t treeWords = 3;
    int64_t getTreeCount() {
      return ::sluice::shapeOf(getTrees())[0];
    }
    /// The columns that trees look at, without the one that is NaN.
    int64_t getColumnCount() {
      return ::sluice::shapeOf(getColumns())[0];
    }
  }];
}

def PairwiseCouplingOp : Sluice_Op<"pairwise_coupling", [HasSizeConditions]> {
  let summary = "probabilities of classes from those of each pair of classes";
  let description = [{
    `operand` is [rows, classes * (classes - 1) / 2]: for each pair (0, 1),
    (0, 2), ..., (1, 2), ... how probable the first of the two is. The result,
    [rows, classes], is the second method of T. Wu, C. Lin and R. Weng,
    "Probability Estimates for Multi-class Classification by Pairwise
    Coupling" (2004), which ends when no error is above 0.005 / classes, or
    after 100 steps.
  }];
  let arguments = (ins AnyRankedTensor:$operand, I64Attr:$classes);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}

#endif // SLUICE_MACHINE_LEARNING_OPS_TD
