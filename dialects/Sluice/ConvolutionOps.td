//===- ConvolutionOps.td - Convolutions -----------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONVOLUTION_OPS_TD
#define SLUICE_CONVOLUTION_OPS_TD

include "dialects/Sluice/SluiceBase.td"

class Sluice_ConvolutionOp<string mnemonic, list<Trait> traits = []>
    : Sluice_Op<mnemonic,
                !listconcat(traits, [HasWeights, Linear, HasSizeConditions,
                                     ImageOpInterface, TakesEpilogue,
                                     TakesNumbers, TellsOperandSizes,
                                     TellsWork])> {
  dag commonArguments =
      (ins AnyRankedTensor:$input, AnyRankedTensor:$weight,
           DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
           DenseI64ArrayAttr:$pads, DefaultValuedAttr<I64Attr, "1">:$groups,
           UnitAttr:$channels_last);
  let arguments = commonArguments;
  let results = (outs AnyRankedTensor:$result);
  let extraClassDeclaration = baseDeclaration # [{
    /// The number of spatial dimensions.
    int64_t getSpatialRank() { return getStrides().size(); }
    /// Where the channels and the first spatial dimension of input and result
    /// are.
    int64_t getChannelDimension() {
      return getChannelsLast() ? getSpatialRank() + 1 : 1;
    }
    int64_t getSpatialDimension() { return getChannelsLast() ? 1 : 2; }
    ::sluice::ChannelsLastUse getChannelsLastUse();
  }];
}

def ConvOp : Sluice_ConvolutionOp<"conv"> {
  let summary = "convolution";
  let description = [{
    Input and result are [N, C, spatial...], or [N, spatial..., C] with
    `channels_last`; the weight is [result channels, input channels / groups,
    kernel...] either way. `pads` holds the begins, then the ends; negative
    pads crop.
  }];
}

def ConvTransposeOp : Sluice_ConvolutionOp<"conv_transpose"> {
  let summary = "transposed convolution: the gradient of a convolution";
  let description = [{
    Layouts as in `conv`, but the weight is [input channels, result channels /
    groups, kernel...]. `output_padding` enlarges the result at the end.
  }];
  let arguments = !con(commonArguments,
                       (ins DenseI64ArrayAttr:$output_padding));
}

def DeformConvOp : Sluice_Op<"deform_conv",
    [HasSizeConditions, TakesFloats, SameElementTypes, TellsOperandSizes]> {
  let summary = "convolution whose taps are moved by run-time offsets";
  let description = [{
    Images are [N, C, height, width]. `offsets` is [N, offset_groups * taps *
    2, result height, result width], vertical before horizontal; taps read
    between pixels, bilinearly, and zeros outside. The optional `mask`, [N,
    offset_groups * taps, ...], scales what taps read.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight,
                       AnyRankedTensor:$offsets,
                       Optional<AnyRankedTensor>:$mask,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<I64Attr, "1">:$offset_groups);
  let results = (outs AnyRankedTensor:$result);
}

#endif // SLUICE_CONVOLUTION_OPS_TD
