//===- LinearAlgebraOps.td - Determinants and inverses --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LINEAR_ALGEBRA_OPS_TD
#define SLUICE_LINEAR_ALGEBRA_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def DeterminantOp : Sluice_Op<"determinant", [HasSizeConditions, TakesFloats]> {
  let summary = "determinants of the square matrices in the last dimensions";
  let arguments = (ins AnyRankedTensor:$operand);
  let results = (outs AnyRankedTensor:$result);
}

def InverseOp : Sluice_Op<"inverse", [HasSizeConditions, TakesFloats]> {
  let summary = "inverses of the square matrices in the last dimensions";
  let description = [{
    A matrix that has none gives infinities or NaNs.
  }];
  let arguments = (ins AnyRankedTensor:$operand);
  let results = (outs AnyRankedTensor:$result);
}

#endif // SLUICE_LINEAR_ALGEBRA_OPS_TD
