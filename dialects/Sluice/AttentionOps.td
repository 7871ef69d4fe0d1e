//===- AttentionOps.td - Softmax attention --------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ATTENTION_OPS_TD
#define SLUICE_ATTENTION_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def AttentionOp : Sluice_Op<"attention",
    [AttrSizedOperandSegments, TellsWork, HasSizeConditions, Decomposable,
     TellsOperandSizes]> {
  let summary = "softmax(Q K^T * scale + bias) V, over the keys that count";
  let description = [{
    The tensors have four dimensions, [batch, heads, positions, elements] with B
    batches, H heads of queries and as many or a divisor of that of keys, S
    queries and T keys, D elements of a query or key and E of a value:
    - `query` [B, H, S, D], `key` [B, H / group, T, D], `value`
      [B, H / group, T, E], of one element type; query head h reads head
      h / group of the keys and values, and a batch of one serves all;
    - `bias`, floats added to the scores;
    - `mask`: a key counts where it is true;
    - `position` [] or [B], integers: where the first query stands among the
      keys, 0 if it is not given;
    - `lengths` [] or [B], integers: keys from there on do not count;
    - `sinks` [H]: scores that have a share of the softmax, but no value;
    - `blocks` and `tiles` say in which blocks of the scores keys count, see
      below;
    - `fallback`, floats: what is added to the scores of a query for which no
      key counts; its softmax goes over all keys then.

    `query_order[i]` is the dimension of the tensor that has dimension i of the
    list above: [0, 2, 1, 3] for [B, S, H, D]. So for the keys, values and the
    result [B, H, S, E].

    `bias`, `mask`, `blocks` and `fallback` broadcast to the scores as in
    NumPy. Besides, a batch of fewer entries, which divide B, repeats: batch b
    has entry b mod n.

    With `relative_bias` the bias depends on the distance alone and has an
    element for each: its last sizes are 1 and S + T - 1, and element
    S - 1 + k - q belongs to query q and key k.

    Scores are `scale` times the product, then, with a `softcap` c other than
    zero, c * tanh(score / c), then the bias is added. They and their softmax
    are in f32, or in f64 where the operands are.

    A query at place p, the position plus its number, sees the keys
    from p - `left` to p + `right`, where these are given: `right = 0` is
    causal. A key whose bias is `masked_below` or less, without that -inf, does
    not count either.

    `blocks` [.., S / rows, T / columns], rounded up, has for each block of
    `block_sizes` = [rows, columns] of the scores: 0, no key counts; 1, all count
    as far as mask and tiles go; -1, and the bias is zero, too; 2 + n, tile n
    of `tiles` [.., rows, columns] says which count, or mask and bias where there
    are no tiles. These must agree with mask and bias. Positions and lengths
    hold besides.

    A query for which no key counts and without `fallback` gives zeros, or NaN
    with `nan_rows`. So it does not matter by which of these means a key does
    not count.

    With `keep_log_sum_exp` there is a second result, [B, H, S] in the type of
    the scores: the logarithm of what the softmax divides by, plus what has
    been subtracted from the scores.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key,
                       AnyRankedTensor:$value,
                       Optional<AnyRankedTensor>:$bias,
                       Optional<AnyRankedTensor>:$mask,
                       Optional<AnyRankedTensor>:$position,
                       Optional<AnyRankedTensor>:$lengths,
                       Optional<AnyRankedTensor>:$sinks,
                       Optional<AnyRankedTensor>:$blocks,
                       Optional<AnyRankedTensor>:$tiles,
                       Optional<AnyRankedTensor>:$fallback,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{0, 1, 2, 3}">:
                           $query_order,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{0, 1, 2, 3}">:
                           $key_order,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{0, 1, 2, 3}">:
                           $value_order,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{0, 1, 2, 3}">:
                           $result_order,
                       DefaultValuedAttr<F64Attr, "::llvm::APFloat(1.0)">:
                           $scale,
                       DefaultValuedAttr<F64Attr, "::llvm::APFloat(0.0)">:
                           $softcap,
                       OptionalAttr<I64Attr>:$left,
                       OptionalAttr<I64Attr>:$right,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$block_sizes,
                       OptionalAttr<F64Attr>:$masked_below,
                       UnitAttr:$relative_bias, UnitAttr:$nan_rows,
                       UnitAttr:$keep_log_sum_exp);
  let results = (outs AnyRankedTensor:$result,
                      Optional<AnyRankedTensor>:$log_sum_exp);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`bias` $bias^)? (`mask` $mask^)?
    (`position` $position^)? (`lengths` $lengths^)? (`sinks` $sinks^)?
    (`blocks` $blocks^)? (`tiles` $tiles^)? (`fallback` $fallback^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = baseDeclaration # [{
    // Sizes; dynamic where they are not known.
    int64_t getBatchSize();
    int64_t getQueryHeads();
    int64_t getKeyHeads();
    int64_t getQueryCount();
    int64_t getKeyCount();
    int64_t getDepth();
    int64_t getValueDepth();
    /// How many query heads share a key head; none where numbers of heads are
    /// not known.
    std::optional<int64_t> getGroupSize();
    /// Keys before and after its own place that a query sees; none for all.
    std::optional<int64_t> getLeftReach();
    std::optional<int64_t> getRightReach();
    /// The type in which scores and their softmax are computed.
    ::mlir::Type getScoreType();
    /// May there be queries for which no key counts?
    bool mayHaveEmptyRows();
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def MaskBlocksOp : Sluice_Op<"mask_blocks", [NoSizeConditions]> {
  let summary = "in which blocks of the scores keys count";
  let description = [{
    The operand, of rank two or more, is a mask or a bias of `attention`, and
    the result, of 32-bit integers, what this op takes for `blocks`: 0 for a
    block where no key counts, 1 where all do, -1 where all do and
    the bias is zero, and 2 for the others. A key counts unless its bias is
    `masked_below` or less (-inf if that is not given).
  }];
  let arguments = (ins AnyRankedTensor:$operand, DenseI64ArrayAttr:$block_sizes,
                       OptionalAttr<F64Attr>:$masked_below);
  let results = (outs AnyRankedTensor:$result);
}

#endif // SLUICE_ATTENTION_OPS_TD
