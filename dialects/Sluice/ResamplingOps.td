//===- ResamplingOps.td - Elements between elements -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_RESAMPLING_OPS_TD
#define SLUICE_RESAMPLING_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def SampleNearest : I32EnumAttrCase<"Nearest", 0, "nearest">;
def SampleLinear : I32EnumAttrCase<"Linear", 1, "linear">;
def SampleCubic : I32EnumAttrCase<"Cubic", 2, "cubic">;
def SampleMode : I32EnumAttr<"SampleMode", "how elements are interpolated",
    [SampleNearest, SampleLinear, SampleCubic]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def SampleModeAttr : EnumAttr<Sluice_Dialect, SampleMode, "sample"> {
  let assemblyFormat = "`<` $value `>`";
}

def PlaceHalfPixel : I32EnumAttrCase<"HalfPixel", 0, "half_pixel">;
def PlaceHalfPixelSymmetric
    : I32EnumAttrCase<"HalfPixelSymmetric", 1, "half_pixel_symmetric">;
def PlacePytorchHalfPixel
    : I32EnumAttrCase<"PytorchHalfPixel", 2, "pytorch_half_pixel">;
def PlaceAlignCorners : I32EnumAttrCase<"AlignCorners", 3, "align_corners">;
def PlaceAsymmetric : I32EnumAttrCase<"Asymmetric", 4, "asymmetric">;
def PlaceCrop : I32EnumAttrCase<"Crop", 5, "tf_crop_and_resize">;
def ResizePlace : I32EnumAttr<"ResizePlace",
    "which place of a tensor an element of the resized one stands for",
    [PlaceHalfPixel, PlaceHalfPixelSymmetric, PlacePytorchHalfPixel,
     PlaceAlignCorners, PlaceAsymmetric, PlaceCrop]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def ResizePlaceAttr : EnumAttr<Sluice_Dialect, ResizePlace, "place"> {
  let assemblyFormat = "`<` $value `>`";
}

def RoundPreferFloor
    : I32EnumAttrCase<"RoundPreferFloor", 0, "round_prefer_floor">;
def RoundPreferCeil
    : I32EnumAttrCase<"RoundPreferCeil", 1, "round_prefer_ceil">;
def RoundFloor : I32EnumAttrCase<"Floor", 2, "floor">;
def RoundCeil : I32EnumAttrCase<"Ceil", 3, "ceil">;
def NearestRounding : I32EnumAttr<"NearestRounding",
    "which element is the nearest",
    [RoundPreferFloor, RoundPreferCeil, RoundFloor, RoundCeil]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def NearestRoundingAttr
    : EnumAttr<Sluice_Dialect, NearestRounding, "rounding"> {
  let assemblyFormat = "`<` $value `>`";
}

def ResizeOp : Sluice_Op<"resize",
    [Permutable<["hasDimensions", "permuteResult", "permuteAttributes"]>,
     HasSizeConditions, TellsSizeSource]> {
  let summary = "a tensor with more or fewer elements along some dimensions";
  let description = [{
    `sizes` has the new size of each of `axes`. The scale of each axis is in
    `scales`, or in the first of `vectors` with `dynamic_scales`, or else the
    quotient of new and old size. The part of the tensor that
    `tf_crop_and_resize` looks at is the last of `vectors`: all starts, then
    all ends, as shares of the sizes.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$sizes,
                       Variadic<AnyRankedTensor>:$vectors,
                       DenseI64ArrayAttr:$axes, DenseF64ArrayAttr:$scales,
                       UnitAttr:$dynamic_scales, SampleModeAttr:$mode,
                       ResizePlaceAttr:$place, NearestRoundingAttr:$rounding,
                       F64Attr:$cubic_coefficient,
                       F64Attr:$extrapolation_value,
                       UnitAttr:$exclude_outside, UnitAttr:$antialias);
  let results = (outs AnyRankedTensor:$result);
}

def BorderZeros : I32EnumAttrCase<"Zeros", 0, "zeros">;
def BorderEdge : I32EnumAttrCase<"Edge", 1, "border">;
def BorderReflection : I32EnumAttrCase<"Reflection", 2, "reflection">;
def GridBorder : I32EnumAttr<"GridBorder", "what lies around an image",
    [BorderZeros, BorderEdge, BorderReflection]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def GridBorderAttr : EnumAttr<Sluice_Dialect, GridBorder, "border"> {
  let assemblyFormat = "`<` $value `>`";
}

def GridSampleOp : Sluice_Op<"grid_sample", [HasSizeConditions]> {
  let summary = "images sampled at the places that a grid names";
  let description = [{
    `operand` is [batch, channel, spatial...], `grid` [batch, new spatial...,
    number of spatial dimensions] with places in [-1, 1], the innermost
    dimension first.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$grid,
                       SampleModeAttr:$mode, GridBorderAttr:$border,
                       UnitAttr:$align_corners);
  let results = (outs AnyRankedTensor:$result);
}

def RoiAlignOp : Sluice_Op<"roi_align", [HasSizeConditions]> {
  let summary = "regions of images, averaged (or maximised) to one size";
  let description = [{
    `operand` is [batch, channel, height, width], `rois` [region, 4] with
    corners (x, y), `batches` the image of each region. A `sampling_ratio` of
    zero takes as many samples as a bin has elements.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$rois,
                       AnyRankedTensor:$batches, I64Attr:$height,
                       I64Attr:$width, I64Attr:$sampling_ratio,
                       F64Attr:$spatial_scale, UnitAttr:$half_pixel,
                       UnitAttr:$maximum);
  let results = (outs AnyRankedTensor:$result);
}

def ColumnsToImageOp : Sluice_Op<"columns_to_image", [HasSizeConditions]> {
  let summary = "sums of overlapping blocks that were columns of a matrix";
  let description = [{
    `operand` is [batch, channel * block elements, block]; `image` has the
    sizes of the result's spatial dimensions.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$image,
                       DenseI64ArrayAttr:$block, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$strides);
  let results = (outs AnyRankedTensor:$result);
}

#endif // SLUICE_RESAMPLING_OPS_TD
