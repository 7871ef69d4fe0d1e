//===- TensorOps.td - Constants, shapes and data movement -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TENSOR_OPS_TD
#define SLUICE_TENSOR_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def ConstantOp : Sluice_Op<"constant",
    [TellsWork, TellsPlaces<["hasPlaces"]>, StaysInHost, NoSizeConditions,
     ConstantLike]> {
  let summary = "a tensor known at compile time";
  let description = [{
    Small values are dense attributes; weights are dense resources that refer
    to the mapped model file.
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def NarrowConstantOp : Sluice_Op<"narrow_constant",
    [StaysInHost, NoSizeConditions]> {
  let summary = "a constant in fewer bits than its elements have";
  let description = [{
    `value` holds signed integers that are those of the result, in 8 or 16 bits
    each. Quantised weights are that small, whatever they are multiplied with.
  }];
  let arguments = (ins ElementsAttr:$value, TypeAttr:$element_type);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$value `as` $element_type attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def ShapeOp : Sluice_Op<"shape", [EvaluatesElement, NoSizeConditions]> {
  let summary = "the sizes [start, end) of a tensor as 64-bit integers";
  let arguments = (ins AnyRankedTensor:$operand, I64Attr:$start,
                       I64Attr:$end);
  let results = (outs AnyRankedTensor:$result);
}

def ReshapeOp : Sluice_Op<"reshape",
    [IsView, HasSizeConditions,
     TellsPlaces<["hasPlaces", "getReadOperandCount", "getOperandPlace"]>]> {
  let summary = "same elements, other sizes";
  let description = [{
    `shape` holds one size per result dimension; at most one may be -1 and
    stands for whatever is left. Zero copies the operand's size at that
    place, unless `allow_zero` is set: then it means zero.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$shape,
                       UnitAttr:$allow_zero);
  let results = (outs AnyRankedTensor:$result);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def TransposeOp : Sluice_Op<"transpose",
    [FindsSource, PicksElements, ReordersElements, MovesRows, TellsWork,
     TellsPlaces<["getOperandPlace"]>, NoSizeConditions, TellsSizeSource]> {
  let summary = "permuted dimensions: result dimension i is operand dimension permutation[i]";
  let arguments = (ins AnyRankedTensor:$operand,
                       DenseI64ArrayAttr:$permutation);
  let results = (outs AnyRankedTensor:$result);
  let hasFolder = 1;
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def UnsqueezeOp : Sluice_Op<"unsqueeze",
    [IsView, TellsPlaces<["getOperandPlace"]>, NoSizeConditions,
     TellsSizeSource]> {
  let summary = "inserts dimensions of size one";
  let description = [{ `axes` are places in the result, in ascending order. }];
  let arguments = (ins AnyRankedTensor:$operand, DenseI64ArrayAttr:$axes);
  let results = (outs AnyRankedTensor:$result);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def SqueezeOp : Sluice_Op<"squeeze",
    [IsView, TellsPlaces<["getOperandPlace"]>, HasSizeConditions,
     TellsOperandSizes]> {
  let summary = "drops dimensions of size one";
  let description = [{ `axes` are places in the operand, in ascending order. }];
  let arguments = (ins AnyRankedTensor:$operand, DenseI64ArrayAttr:$axes);
  let results = (outs AnyRankedTensor:$result);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def BroadcastOp : Sluice_Op<"broadcast",
    [FindsSource, PicksElements, TellsWork, BroadcastsOperand,
     HasSizeConditions]> {
  let summary = "NumPy broadcasting of a tensor against a shape";
  let description = [{
    The result shape is the broadcast of the operand's shape and `shape`.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$shape);
  let results = (outs AnyRankedTensor:$result);
  let hasFolder = 1;
}

#endif // SLUICE_TENSOR_OPS_TD
