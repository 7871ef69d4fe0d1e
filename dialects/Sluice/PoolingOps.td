//===- PoolingOps.td - Pooling over windows -------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_POOLING_OPS_TD
#define SLUICE_POOLING_OPS_TD

include "dialects/Sluice/SluiceBase.td"

class Sluice_PoolOp<string mnemonic, list<Trait> traits>
    : Sluice_Op<mnemonic, !listconcat(traits,
                                      [HasSizeConditions, TellsSizeSource])> {
  dag commonArguments =
      (ins AnyRankedTensor:$operand, DenseI64ArrayAttr:$kernel,
           DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
           DenseI64ArrayAttr:$pads, UnitAttr:$ceil_mode,
           UnitAttr:$channels_last);
  let arguments = commonArguments;
  let results = (outs AnyRankedTensor:$result);
  let extraClassDeclaration = baseDeclaration # [{
    /// The number of spatial dimensions.
    int64_t getSpatialRank() { return getStrides().size(); }
    /// Where the channels and the first spatial dimension are.
    int64_t getChannelDimension() {
      return getChannelsLast() ? getSpatialRank() + 1 : 1;
    }
    int64_t getSpatialDimension() { return getChannelsLast() ? 1 : 2; }
  }];
}

def MaxPoolOp : Sluice_PoolOp<"max_pool", [TakesNumbers, ImageOpInterface]> {
  let summary = "the largest element of each window";
  let description = [{
    The operand is [N, C, spatial...], or [N, spatial..., C] with
    `channels_last`. `pads` holds the begins, then the ends; padding takes no
    part. With `ceil_mode` a last window that starts inside the operand or its
    begin padding counts although it reaches over the end.
  }];
}

// Places in the operand are another result in another layout.
def MaxPoolIndicesOp : Sluice_PoolOp<"max_pool_indices", [TakesNumbers]> {
  let summary = "the flat places of what max_pool picks";
  let description = [{
    Row-major places in the whole operand; with `column_major` the spatial
    dimensions count the other way round.
  }];
  let arguments = !con(commonArguments, (ins UnitAttr:$column_major));
}

def AveragePoolOp : Sluice_PoolOp<"average_pool",
    [TakesFloats, ImageOpInterface]> {
  let summary = "the mean of each window";
  let arguments = !con(commonArguments, (ins UnitAttr:$count_padding));
}

def LpPoolOp : Sluice_PoolOp<"lp_pool", [TakesFloats, ImageOpInterface]> {
  let summary = "the p-norm of each window";
  let arguments = !con(commonArguments, (ins DefaultValuedAttr<I64Attr, "2">:$p));
}

#endif // SLUICE_POOLING_OPS_TD
