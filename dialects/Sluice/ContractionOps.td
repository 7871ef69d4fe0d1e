//===- ContractionOps.td - Matrix products --------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONTRACTION_OPS_TD
#define SLUICE_CONTRACTION_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def MatmulOp : Sluice_Op<"matmul",
    [TellsWork, HasWeights, Linear, Batchwise, TakesEpilogue, HasSizeConditions,
     TakesNumbers, TellsOperandSizes,
     TellsPlaces<["hasPlaces", "getReducedDimensions", "getOperandPlace"]>]> {
  let summary = "matrix product with broadcast batch dimensions";
  let description = [{
    Both operands have rank two or more. The last two dimensions are the
    matrices, swapped first where `transpose_lhs` or `transpose_rhs` is set;
    the others broadcast. Integer products accumulate in the result type.
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}

#endif // SLUICE_CONTRACTION_OPS_TD
