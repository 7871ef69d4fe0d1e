//===- IndexingOps.td - Elements chosen by run-time indices ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Negative indices count from the end; an index that is still outside makes
// the run fail.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_INDEXING_OPS_TD
#define SLUICE_INDEXING_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def GatherOp : Sluice_Op<"gather",
    [FindsSource, PicksElements, Batchwise, NoSizeConditions, TellsSizeSource]> {
  let summary = "slices of a tensor at indices along one dimension";
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$indices,
                       I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let hasCanonicalizer = 1;
}

def GatherElementsOp : Sluice_Op<"gather_elements",
    [PicksElements, NoSizeConditions]> {
  let summary = "for each element of indices, that element along one dimension";
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$indices,
                       I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
}

def GatherNDOp : Sluice_Op<"gather_nd", [PicksElements, HasSizeConditions]> {
  let summary = "slices of a tensor at index tuples";
  let description = [{
    The last dimension of `indices` holds the tuples, which index the
    dimensions after the first `batch_dims` ones; those the two share.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$indices,
                       I64Attr:$batch_dims);
  let results = (outs AnyRankedTensor:$result);
}

def ScatterReplace : I32EnumAttrCase<"Replace", 0, "replace">;
def ScatterAdd : I32EnumAttrCase<"Add", 1, "add">;
def ScatterMul : I32EnumAttrCase<"Mul", 2, "mul">;
def ScatterMax : I32EnumAttrCase<"Max", 3, "max">;
def ScatterMin : I32EnumAttrCase<"Min", 4, "min">;
def ScatterMode : I32EnumAttr<"ScatterMode", "how updates enter a tensor",
    [ScatterReplace, ScatterAdd, ScatterMul, ScatterMax, ScatterMin]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def ScatterModeAttr : EnumAttr<Sluice_Dialect, ScatterMode, "scatter"> {
  let assemblyFormat = "`<` $value `>`";
}

def ScatterElementsOp : Sluice_Op<"scatter_elements",
    [HasSizeConditions, UpdatesOperand]> {
  let summary = "a copy of a tensor with elements updated along one dimension";
  let description = [{ Updates happen in row-major order. }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$indices,
                       AnyRankedTensor:$updates, I64Attr:$axis,
                       ScatterModeAttr:$mode);
  let results = (outs AnyRankedTensor:$result);
}

def ScatterNDOp : Sluice_Op<"scatter_nd",
    [HasSizeConditions, UpdatesOperand]> {
  let summary = "a copy of a tensor with slices updated at index tuples";
  let description = [{ Updates happen in row-major order. }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$indices,
                       AnyRankedTensor:$updates, ScatterModeAttr:$mode);
  let results = (outs AnyRankedTensor:$result);
}

def TensorScatterOp : Sluice_Op<"tensor_scatter",
    [HasSizeConditions, UpdatesOperand]> {
  let summary = "a copy of a tensor with a part updated along one dimension";
  let description = [{
    The updates, which are at most as long along `axis` as the tensor, are put
    behind one another there, from the place on that `positions` has for each
    index of the first dimension, or from the beginning. With `circular` the
    first place follows on the last one and any number is a place; without it the
    run fails where they do not fit. `axis` is not the first dimension.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$updates,
                       Optional<AnyRankedTensor>:$positions, I64Attr:$axis,
                       UnitAttr:$circular);
  let results = (outs AnyRankedTensor:$result);
}

def OneHotOp : Sluice_Op<"one_hot", [HasSizeConditions]> {
  let summary = "a new dimension that marks each index";
  let description = [{
    `depth` has one element, `values` two: elsewhere, and at the index.
    Indices outside [-depth, depth) mark nothing.
  }];
  let arguments = (ins AnyRankedTensor:$indices, AnyRankedTensor:$depth,
                       AnyRankedTensor:$values, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
}

def TopKOp : Sluice_Op<"top_k", [HasSizeConditions]> {
  let summary = "the k largest (or smallest) elements along a dimension, sorted";
  let description = [{
    Of equal elements the one with the lower index comes first.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$k,
                       I64Attr:$axis, UnitAttr:$smallest);
  let results = (outs AnyRankedTensor:$values, AnyRankedTensor:$indices);
}

def NonZeroCountOp : Sluice_Op<"nonzero_count", [NoSizeConditions]> {
  let summary = "how many elements are not zero";
  let arguments = (ins AnyRankedTensor:$operand);
  let results = (outs AnyRankedTensor:$result);
}

def NonZeroOp : Sluice_Op<"nonzero", [NoSizeConditions]> {
  let summary = "the places of the elements that are not zero";
  let description = [{
    One row per dimension; `count` is the `nonzero_count` of the operand.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$count);
  let results = (outs AnyRankedTensor:$result);
}

def UniqueOp : Sluice_Op<"unique", [NoSizeConditions]> {
  let summary = "which rows of a matrix are different";
  let description = [{
    `count` (one element) is the number of different rows. The first `count`
    elements of `first` and `counts` say, for each different row, where it
    comes first and how often it comes. `inverse` has, for each row, its
    number among the different ones. These are numbered in ascending order if
    `sorted` is set, and otherwise in the order of their first places.
  }];
  let arguments = (ins AnyRankedTensor:$operand, UnitAttr:$sorted);
  let results = (outs AnyRankedTensor:$count, AnyRankedTensor:$first,
                      AnyRankedTensor:$inverse, AnyRankedTensor:$counts);
}

def NonMaxSuppressionOp : Sluice_Op<"non_max_suppression",
    [HasSizeConditions]> {
  let summary = "the boxes of highest score that do not overlap much";
  let description = [{
    `boxes` is [batch, box, 4], `scores` [batch, class, box]. The first `count`
    rows of `selected` are (batch, class, box); there is room for all that can
    be selected. Boxes are two corners (y, x), or centre (x, y) and size with
    `center_point`.
  }];
  let arguments = (ins AnyRankedTensor:$boxes, AnyRankedTensor:$scores,
                       AnyRankedTensor:$max_boxes,
                       AnyRankedTensor:$iou_threshold,
                       AnyRankedTensor:$score_threshold,
                       UnitAttr:$center_point);
  let results = (outs AnyRankedTensor:$count, AnyRankedTensor:$selected);
}

#endif // SLUICE_INDEXING_OPS_TD
