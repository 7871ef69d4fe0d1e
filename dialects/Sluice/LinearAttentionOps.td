//===- LinearAttentionOps.td - Attention as a recurrence ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LINEAR_ATTENTION_OPS_TD
#define SLUICE_LINEAR_ATTENTION_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def LinearAttentionOp : Sluice_Op<"linear_attention",
    [AttrSizedOperandSegments, TellsWork, NoSizeConditions, Decomposable,
     UpdatesOperand]> {
  let summary = "attention whose keys and values are added up in a matrix";
  let description = [{
    Over the tokens t = 0, 1, ... of each head, with the state S [D, V],

        S = decay[t] S + key[t] u,   output[t] = scale * query[t] S

    where u is `value[t]`, or with a `rate` what a delta rule corrects:

        u = rate[t] (value[t] - key[t] (decay[t] S))

    The operands, floats, are `initial` [heads..., D, V], the state before the
    first token; `query` [T, heads..., G, D], G queries for each token; `key`
    [T, heads..., D]; `value` [T, heads..., V]; `decay` [T, heads..., D], what
    each row of the state is multiplied with; and `rate` [T, heads..., 1].
    Sizes of one broadcast: dimensions of heads of all operands but `initial`,
    the tokens of `decay` and `rate`, the rows of `decay`. There are any number
    of dimensions of heads; sizes fit each other.

    The results are the state after the last token, and the outputs
    [T, heads..., G, V], both in the type of `initial`, in which everything is
    computed.
  }];
  let arguments = (ins AnyRankedTensor:$initial, AnyRankedTensor:$query,
                       AnyRankedTensor:$key, AnyRankedTensor:$value,
                       Optional<AnyRankedTensor>:$decay,
                       Optional<AnyRankedTensor>:$rate,
                       DefaultValuedAttr<F64Attr, "::llvm::APFloat(1.0)">:
                           $scale);
  let results = (outs AnyRankedTensor:$last, AnyRankedTensor:$output);
  let assemblyFormat = [{
    $initial `,` $query `,` $key `,` $value (`decay` $decay^)? (`rate` $rate^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = baseDeclaration # [{
    /// Dimensions of heads.
    int64_t getHeadRank();
    // Sizes; dynamic where they are not known.
    int64_t getTokens();
    int64_t getGroup();
    int64_t getDepth();
    int64_t getValueDepth();
    /// Has each row of the state a decay of its own?
    bool decaysByRow();
  }];
  let hasVerifier = 1;
}

#endif // SLUICE_LINEAR_ATTENTION_OPS_TD
