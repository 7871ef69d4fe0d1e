//===- RangeOps.td - Numbers in equal steps -------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_RANGE_OPS_TD
#define SLUICE_RANGE_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def IotaOp : Sluice_Op<"iota", [EvaluatesElement, NoSizeConditions]> {
  let summary = "0, 1, ... up to a dimension's size, as 64-bit integers";
  let arguments = (ins AnyRankedTensor:$operand, I64Attr:$dimension);
  let results = (outs AnyRankedTensor:$result);
}

def RangeOp : Sluice_Op<"range", [EvaluatesElement, HasSizeConditions]> {
  let summary = "start, start + delta, ... as long as limit is not reached";
  let arguments = (ins AnyRankedTensor:$start, AnyRankedTensor:$limit,
                       AnyRankedTensor:$delta);
  let results = (outs AnyRankedTensor:$result);
}

#endif // SLUICE_RANGE_OPS_TD
