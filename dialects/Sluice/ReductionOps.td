//===- ReductionOps.td - Reductions over dimensions -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_REDUCTION_OPS_TD
#define SLUICE_REDUCTION_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def Sluice_ReductionKind : I32EnumAttr<"ReductionKind", "what a reduction computes", [
  I32EnumAttrCase<"Sum", 0, "sum">,
  I32EnumAttrCase<"Mean", 1, "mean">,
  I32EnumAttrCase<"Max", 2, "max">,
  I32EnumAttrCase<"Min", 3, "min">,
  I32EnumAttrCase<"Prod", 4, "prod">,
  I32EnumAttrCase<"L1", 5, "l1">,
  I32EnumAttrCase<"L2", 6, "l2">,
  I32EnumAttrCase<"LogSum", 7, "log_sum">,
  I32EnumAttrCase<"SumSquare", 8, "sum_square">]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def Sluice_ReductionKindAttr
    : EnumAttr<Sluice_Dialect, Sluice_ReductionKind, "reduction"> {
  let assemblyFormat = "`<` $value `>`";
}

def ReduceOp : Sluice_Op<"reduce",
    [TakesPrologue, Permutable<["permuteResult", "permuteAttributes"]>,
     TellsPlaces<["hasPlaces", "getReducedDimensions", "getOperandPlace"]>,
     NoSizeConditions, TellsSizeSource]> {
  let summary = "reduces dimensions to one element";
  let description = [{
    `axes` ascend; without `keep_dims` they disappear from the result. Sums of
    f16 and bf16 accumulate in f32, integers wrap, NaN wins over every maximum
    and minimum. An empty reduction gives 0, 1 for `prod`, the lowest number
    for `max` and the highest for `min`.
  }];
  let arguments = (ins AnyRankedTensor:$operand,
                       Sluice_ReductionKindAttr:$kind,
                       DenseI64ArrayAttr:$axes, UnitAttr:$keep_dims);
  let results = (outs AnyRankedTensor:$result);
  let hasFolder = 1;
}

def ReduceAxesOp : Sluice_Op<"reduce_axes", [NoSizeConditions]> {
  let summary = "a reduction whose axes are only known at run time";
  let description = [{
    As `reduce`; `axes` is a vector of integers, negative ones count from the
    end.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$axes,
                       Sluice_ReductionKindAttr:$kind, UnitAttr:$keep_dims);
  let results = (outs AnyRankedTensor:$result);
  let hasCanonicalizer = 1;
}

class Sluice_ArgumentOp<string mnemonic, string summaryText>
    : Sluice_Op<mnemonic, [HasSizeConditions]> {
  let summary = summaryText;
  let description = [{
    Of several such places the first, or with `last` the last.
  }];
  let arguments = (ins AnyRankedTensor:$operand, I64Attr:$axis,
                       UnitAttr:$keep_dims, UnitAttr:$last);
  let results = (outs AnyRankedTensor:$result);
}
def ArgMaxOp : Sluice_ArgumentOp<"arg_max",
    "the place of the largest element along a dimension">;
def ArgMinOp : Sluice_ArgumentOp<"arg_min",
    "the place of the smallest element along a dimension">;

#endif // SLUICE_REDUCTION_OPS_TD
