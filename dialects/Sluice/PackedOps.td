//===- PackedOps.td - Ops on weights in panel order ------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_PACKED_OPS_TD
#define SLUICE_PACKED_OPS_TD

include "dialects/Kernel/PackingInterface.td"
include "dialects/Sluice/SluiceBase.td"

def PackedConstantOp : Sluice_Op<"packed_constant",
    [StaysInHost, NoSizeConditions]> {
  let summary = "a constant in the order in which a micro-kernel reads it";
  let description = [{
    `value` is the constant as the model has it; it is reordered as `packing`,
    an encoding, says when the artifact is written, one constant at a time, so
    that no second copy of all weights exists. Without one it keeps its order.
    The result has all elements in one dimension.
  }];
  let arguments = (ins ElementsAttr:$value,
                       OptionalAttr<PackingAttrInterface>:$packing);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
}

def PackedMatmulOp : Sluice_Op<"packed_matmul",
    [TellsWork, TakesEpilogue, NoSizeConditions]> {
  let summary = "matrix product with a packed constant";
  let description = [{
    The last dimension of `lhs` is contracted; the others are rows. `weights`
    are panels of a matrix with `columns` columns.
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$weights,
                       I64Attr:$columns);
  let results = (outs AnyRankedTensor:$result);
}

def PackedConvOp : Sluice_Op<"packed_conv",
    [TellsWork, TakesEpilogue, NoSizeConditions]> {
  let summary = "channels-last convolution with packed constant weights";
  let description = [{
    Input and result are [N, spatial..., C]. `kernel` holds the spatial kernel
    sizes, `output_channels` counts those of all groups; `pads` holds the
    begins, then the ends.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weights,
                       DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
                       I64Attr:$groups, I64Attr:$output_channels);
  let results = (outs AnyRankedTensor:$result);
}

def PackedConvTransposeOp : Sluice_Op<"packed_conv_transpose",
    [TellsWork, TakesEpilogue, NoSizeConditions]> {
  let summary = "channels-last transposed convolution with packed weights";
  let description = [{
    As `packed_conv`, but the gradient's form; `output_padding` enlarges the
    result at the end.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weights,
                       DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$output_padding, I64Attr:$groups,
                       I64Attr:$output_channels);
  let results = (outs AnyRankedTensor:$result);
}

def PackedGatherOp : Sluice_Op<"packed_gather", [NoSizeConditions]> {
  let summary = "columns of a packed matrix at run-time indices";
  let description = [{
    `weights` are panels of `width` columns of a matrix [depth][columns]. The
    result has the column of each index along its last dimension. So a table
    that is both looked up and multiplied with exists once.
  }];
  let arguments = (ins AnyRankedTensor:$weights, AnyRankedTensor:$indices,
                       I64Attr:$depth, I64Attr:$columns, I64Attr:$width);
  let results = (outs AnyRankedTensor:$result);
}

#endif // SLUICE_PACKED_OPS_TD
