//===- MovementOps.td - Elements in other places --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_MOVEMENT_OPS_TD
#define SLUICE_MOVEMENT_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def ConcatOp : Sluice_Op<"concat",
    [FindsSource, MovesElements, MovesRows, Permutable<["permuteAttributes"]>,
     HasSizeConditions, TellsOperandSizes]> {
  let summary = "tensors one after the other along a dimension";
  let arguments = (ins Variadic<AnyRankedTensor>:$operands, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def InterleaveOp : Sluice_Op<"interleave",
    [FindsSource, MovesRows, Permutable<["permuteResult"]>, HasSizeConditions,
     TellsOperandSizes]> {
  let summary = "the elements of two tensors in turns along the last dimension";
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs);
  let results = (outs AnyRankedTensor:$result);
}

def SliceOp : Sluice_Op<"slice",
    [FindsSource, PicksElements, MovesRows,
     Permutable<["permuteResult", "permuteAttributes"]>,
     HasSizeConditions, TellsSizeSource]> {
  let summary = "every step-th element from start to end in each dimension";
  let description = [{
    As NumPy's `x[start:end:step]`: negative positions count from the end,
    positions outside are clamped, steps may be negative but not zero. The
    bounds are the three attributes, one entry per dimension, or the three
    vectors `bounds` (starts, ends, steps) where they are known at run time
    only; the attributes are empty then.
  }];
  let arguments = (ins AnyRankedTensor:$operand,
                       Variadic<AnyRankedTensor>:$bounds,
                       DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$ends,
                       DenseI64ArrayAttr:$steps);
  let results = (outs AnyRankedTensor:$result);
  let hasFolder = 1;
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = baseDeclaration # [{
    /// Does it take this dimension as it is, whatever its size?
    bool takesWhole(int64_t dimension);
  }];
}

def PadOp : Sluice_Op<"pad",
    [MovesElements,
     Permutable<["hasDimensions", "permuteResult", "permuteAttributes"]>,
     HasSizeConditions, TellsSizeSource]> {
  let summary = "a value around a tensor; negative widths cut";
  let description = [{
    `low` and `high` have one width per dimension. Where they are known at run
    time only, `widths` is a vector of all low, then all high widths, and the
    attributes are empty.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$value,
                       Variadic<AnyRankedTensor>:$widths,
                       DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def ExtendReflect : I32EnumAttrCase<"Reflect", 0, "reflect">;
def ExtendEdge : I32EnumAttrCase<"Edge", 1, "edge">;
def ExtendWrap : I32EnumAttrCase<"Wrap", 2, "wrap">;
def ExtendMode : I32EnumAttr<"ExtendMode", "what an extended tensor repeats",
    [ExtendReflect, ExtendEdge, ExtendWrap]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def ExtendModeAttr : EnumAttr<Sluice_Dialect, ExtendMode, "extend"> {
  let assemblyFormat = "`<` $value `>`";
}

def ExtendOp : Sluice_Op<"extend",
    [PicksElements, HasSizeConditions, TellsSizeSource]> {
  let summary = "repeats a tensor's own elements around it";
  let description = [{
    Widths are given as for `pad`. `reflect` mirrors at the border elements,
    `edge` repeats them, `wrap` continues on the other side.
  }];
  let arguments = (ins AnyRankedTensor:$operand,
                       Variadic<AnyRankedTensor>:$widths,
                       DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       ExtendModeAttr:$mode);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def TileOp : Sluice_Op<"tile", [PicksElements, HasSizeConditions]> {
  let summary = "a tensor repeated along each dimension";
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$repeats);
  let results = (outs AnyRankedTensor:$result);
}

def ReverseSequenceOp : Sluice_Op<"reverse_sequence",
    [PicksElements, ReordersElements, HasSizeConditions]> {
  let summary = "reverses the first lengths[b] elements of each sequence";
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$lengths,
                       I64Attr:$batch_axis, I64Attr:$time_axis);
  let results = (outs AnyRankedTensor:$result);
}

def CumulateProduct : I32EnumAttrCase<"Product", 1, "product">;
def CumulateSum : I32EnumAttrCase<"Sum", 0, "sum">;
def CumulateKind : I32EnumAttr<"CumulateKind", "how elements accumulate",
    [CumulateSum, CumulateProduct]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def CumulateKindAttr : EnumAttr<Sluice_Dialect, CumulateKind, "cumulate"> {
  let assemblyFormat = "`<` $value `>`";
}

def CumulateOp : Sluice_Op<"cumulate", [NoSizeConditions]> {
  let summary = "running sums or products along a dimension";
  let arguments = (ins AnyRankedTensor:$operand, I64Attr:$axis,
                       CumulateKindAttr:$kind, UnitAttr:$exclusive,
                       UnitAttr:$reverse);
  let results = (outs AnyRankedTensor:$result);
}

#endif // SLUICE_MOVEMENT_OPS_TD
