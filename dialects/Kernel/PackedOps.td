//===- PackedOps.td - Ops on constants in orders of their own --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef KERNEL_PACKED_OPS_TD
#define KERNEL_PACKED_OPS_TD

include "dialects/Kernel/KernelBase.td"
include "dialects/Kernel/PackingInterface.td"
include "dialects/Sluice/RecurrentCell.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// What ops of graphs become in kernels once their constants are packed.
class Kernel_PackedOp<string mnemonic, list<Trait> traits = []>
    : Kernel_Op<mnemonic, !listconcat(traits, [Pure])> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    operands attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def PackedConstantOp : Kernel_Op<"packed_constant", [Pure]> {
  let summary = "a constant in the order in which a kernel reads it";
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
  let hasVerifier = 1;
}

def PackedMatmulOp : Kernel_PackedOp<"packed_matmul", [TellsWork]> {
  let summary = "matrix product with a packed constant";
  let description = [{
    The last dimension of `lhs` is contracted; the others are rows. `weights`
    are panels of a matrix with `columns` columns. Both may be integers that are
    narrower than the result.
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$weights,
                       I64Attr:$columns);
}

def PackedGroupedMatmulOp : Kernel_PackedOp<"packed_grouped_matmul",
    [AttrSizedOperandSegments, TellsWork]> {
  let summary = "a product of rows whose groups have packed constant matrices";
  let description = [{
    As `sluice.grouped_matmul`, but that `weights` are panels of the matrices
    of all groups, one after the other, each with `columns` columns.
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$weights,
                       AnyRankedTensor:$offsets,
                       Optional<AnyRankedTensor>:$rows,
                       Optional<AnyRankedTensor>:$places,
                       Optional<AnyRankedTensor>:$bias, I64Attr:$groups,
                       I64Attr:$columns,
                       DefaultValuedAttr<I64Attr, "1">:$repeat);
  let assemblyFormat = [{
    $lhs `,` $weights `,` $offsets (`rows` $rows^)? (`places` $places^)?
    (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    int64_t getDepth();
    /// What has an element, or a row, for each row of the product.
    ::mlir::Value getRowSource() { return getRows() ? getRows() : getLhs(); }
  }];
}

class Kernel_PackedConvolutionOp<string mnemonic>
    : Kernel_PackedOp<mnemonic, [TellsWork]> {
  dag commonArguments =
      (ins AnyRankedTensor:$input, AnyRankedTensor:$weights,
           DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
           DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
           I64Attr:$groups, I64Attr:$output_channels);
  let arguments = commonArguments;
}

def PackedConvOp : Kernel_PackedConvolutionOp<"packed_conv"> {
  let summary = "channels-last convolution with packed constant weights";
  let description = [{
    Input and result are [N, spatial..., C]. `kernel` holds the spatial kernel
    sizes, `output_channels` counts those of all groups; `pads` holds the
    begins, then the ends.
  }];
}

def PackedConvTransposeOp
    : Kernel_PackedConvolutionOp<"packed_conv_transpose"> {
  let summary = "channels-last transposed convolution with packed weights";
  let description = [{
    As `packed_conv`, but the gradient's form; `output_padding` enlarges the
    result at the end.
  }];
  let arguments = !con(commonArguments,
                       (ins DenseI64ArrayAttr:$output_padding));
}

def PackedGatherOp : Kernel_PackedOp<"packed_gather"> {
  let summary = "columns of a packed matrix at run-time indices";
  let description = [{
    `weights` are panels of `width` columns of a matrix [depth][columns]. The
    result has the column of each index along its last dimension. So a table
    that is both looked up and multiplied with exists once.
  }];
  let arguments = (ins AnyRankedTensor:$weights, AnyRankedTensor:$indices,
                       I64Attr:$depth, I64Attr:$columns, I64Attr:$width);
}

def PackedRecurrenceOp : Kernel_Op<"packed_recurrence",
    [Pure, TellsWork, AttrSizedOperandSegments, UpdatesOperand,
     RecurrentCellOpInterface]>,
    Sluice_RecurrentArguments {
  let summary = "a recurrent cell over a sequence, with packed weights";
  let description = [{
    Operands, attributes and results are as in `sluice.recurrence`, but that
    `weights` are packed (`#kernel.gates`), so that `units` tells how many
    hidden units there are.
  }];
  let arguments = !con(cellArguments, (ins I64Attr:$units));
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    operands attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // KERNEL_PACKED_OPS_TD
