//===- ExpertOps.td - Products with one matrix for each group of rows -----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_EXPERT_OPS_TD
#define SLUICE_EXPERT_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def GroupRowsOp : Sluice_Op<"group_rows",
    [TellsWork, NoSizeConditions, Decomposable]> {
  let summary = "rows in the order of the groups that they are in";
  let description = [{
    `ids` [M], integers, says which of the groups 0, 1, ... each row is in. The
    results, 64-bit integers, are `order` [M], which lists the rows of group 0,
    then those of group 1, and so on, each in ascending order; and `offsets`
    [groups + 1]: the rows of group e are in `order` from `offsets[e]` up to
    `offsets[e + 1]`. What has an id outside [0, groups) is in no group and
    comes last.
  }];
  let arguments = (ins AnyRankedTensor:$ids, I64Attr:$groups);
  let results = (outs AnyRankedTensor:$order, AnyRankedTensor:$offsets);
  let assemblyFormat = [{
    $ids attr-dict `:` functional-type(operands, results)
  }];
}

def GroupedMatmulOp : Sluice_Op<"grouped_matmul",
    [AttrSizedOperandSegments, TellsWork, HasWeights, TakesEpilogue,
     HasSizeConditions, TellsOperandSizes, Decomposable]> {
  let summary = "a product of rows, of which each group has a matrix of its own";
  let description = [{
    `lhs` is [N, depth]; `weights` [groups, depth, columns], or [groups,
    columns, depth] with `transpose_rhs`; `offsets` [groups + 1] and the lists
    `rows` [M] and `places` [M] are integers. For i from `offsets[e]` up to
    `offsets[e + 1]`, which are the rows of group e,

        result[places[i]] = lhs[rows[i] / repeat] . weights[e] + bias[e]

    with i in place of `places[i]`, and of `rows[i] / repeat`, where there is no
    such list. `bias` is [groups, columns]. What comes behind the last group
    gives zeros. Offsets ascend from zero, and no place comes twice.

    With `order` and `offsets` of `group_rows` on pairs of tokens and experts,
    `repeat` of these for each token, `rows = order` multiplies tokens with
    their experts' weights and leaves results that are in order; `places =
    order` brings such rows back to the order of the pairs.
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$weights,
                       AnyRankedTensor:$offsets,
                       Optional<AnyRankedTensor>:$rows,
                       Optional<AnyRankedTensor>:$places,
                       Optional<AnyRankedTensor>:$bias,
                       DefaultValuedAttr<I64Attr, "1">:$repeat,
                       UnitAttr:$transpose_rhs);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $weights `,` $offsets (`rows` $rows^)? (`places` $places^)?
    (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = baseDeclaration # [{
    // Sizes; but for the first, dynamic where they are not known.
    int64_t getGroups();
    int64_t getDepth();
    int64_t getColumns();
    /// What has an element, or a row, for each row of the product.
    ::mlir::Value getRowSource() { return getRows() ? getRows() : getLhs(); }
  }];
  let hasVerifier = 1;
}

#endif // SLUICE_EXPERT_OPS_TD
