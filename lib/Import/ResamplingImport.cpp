//===- ResamplingImport.cpp - Elements between elements -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"
#include "SizeVectors.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include <cmath>

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// Resize
//===----------------------------------------------------------------------===//

namespace {
/// What a Resize node wants, in the terms of ResizeOp.
struct ResizeRequest {
  SmallVector<int64_t> axes;
  Value sizes;
  /// Float vector, or null where the sizes say the scale.
  Value scales;
  Value region;
};
} // namespace

/// The elements of a float vector, if they are known.
static std::optional<SmallVector<double>> constantNumbers(Value vector) {
  SmallVector<double> numbers;
  for (int64_t i = 0; i < shapeOf(vector)[0]; ++i) {
    auto number = evaluateConstantNumber(vector, i);
    if (!number)
      return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

/// The sizes of the request's axes, one vector.
static ExpectedValue oldSizes(NodeContext &node, ArrayRef<int64_t> axes) {
  SmallVector<Value> parts;
  for (int64_t axis : axes) {
    SLUICE_TRY(size, sizeVector(node, node.input(0), axis));
    parts.push_back(size);
  }
  return joinVectors(node, parts);
}

/// How the scaled size of a dimension becomes a whole number.
enum class SizeRounding { Floor, Nearest };

/// old size * scale as exporters and other runtimes compute it: the product is
/// rounded to single precision, where 10 * 0.7f is 7, and then to a whole
/// number.
static ExpectedValue scaledSizes(NodeContext &node, ArrayRef<int64_t> axes,
                                 Value scales, SizeRounding rounding) {
  Type single = node.builder.getF32Type(), wide = node.builder.getF64Type();
  SLUICE_TRY(sizes, oldSizes(node, axes));
  SLUICE_TRY(realSizes, node.cast(sizes, single));
  SLUICE_TRY(realScales, node.cast(scales, single));
  SLUICE_TRY(product, node.create<MulOp>({realSizes, realScales}));
  if (rounding == SizeRounding::Nearest) {
    // In double precision the half is added exactly.
    SLUICE_TRY(exact, node.cast(product, wide));
    SLUICE_TRY(shifted, node.create<AddOp>({exact, node.scalar(wide, 0.5)}));
    product = shifted;
  }
  SLUICE_TRY(rounded, node.create<FloorOp>(product));
  return node.cast(rounded, node.builder.getI64Type());
}

/// One scale for all axes, so that the result fits into (or around) the sizes.
static llvm::Error keepAspectRatio(NodeContext &node, ResizeRequest &request,
                                   bool isLarger) {
  Type single = node.builder.getF32Type();
  SLUICE_TRY(old, oldSizes(node, request.axes));
  SLUICE_TRY(realOld, node.cast(old, single));
  SLUICE_TRY(realNew, node.cast(request.sizes, single));
  SLUICE_TRY(ratios, node.create<DivOp>({realNew, realOld}));
  SLUICE_TRY(scale, vectorElement(node, ratios, 0));
  for (size_t i = 1; i < request.axes.size(); ++i) {
    SLUICE_TRY(other, vectorElement(node, ratios, i));
    auto joined = isLarger ? node.create<MaxOp>({scale, other})
                           : node.create<MinOp>({scale, other});
    if (!joined)
      return joined.takeError();
    scale = *joined;
  }
  int64_t count = request.axes.size();
  SLUICE_TRY(scales,
             node.create<BroadcastOp>({scale, node.constantVector(count)}));
  SLUICE_TRY(sizes,
             scaledSizes(node, request.axes, scales, SizeRounding::Nearest));
  request.sizes = sizes;
  request.scales = scales;
  return llvm::Error::success();
}

/// Leaves out the axes that keep their size, as far as that is known.
static llvm::Error dropUnscaledAxes(NodeContext &node, ResizeRequest &request) {
  if (request.region || !request.scales)
    return llvm::Error::success();
  auto scales = constantNumbers(request.scales);
  if (!scales)
    return llvm::Error::success();
  SmallVector<int64_t> axes;
  SmallVector<Value> sizes, kept;
  for (auto [i, axis] : llvm::enumerate(request.axes)) {
    if ((*scales)[i] == 1.0)
      continue;
    axes.push_back(axis);
    SLUICE_TRY(size, vectorElement(node, request.sizes, i));
    sizes.push_back(size);
    SLUICE_TRY(scale, vectorElement(node, request.scales, i));
    kept.push_back(scale);
  }
  if (axes.empty() || axes.size() == request.axes.size())
    return llvm::Error::success();
  SLUICE_TRY(sizesLeft, joinVectors(node, sizes));
  SLUICE_TRY(scalesLeft, joinVectors(node, kept));
  request.axes = axes;
  request.sizes = sizesLeft;
  request.scales = scalesLeft;
  return llvm::Error::success();
}

/// Interpolated numbers as integers, as other runtimes make them: rounded where
/// many are averaged, else towards zero. Cubics overshoot.
static ExpectedValue toWholeNumbers(NodeContext &node, Value numbers, Type type,
                                    SampleMode mode, bool isAveraged) {
  Value result = numbers;
  Type real = elementTypeOf(numbers);
  if (isAveraged) {
    SLUICE_TRY(rounded, node.create<RoundOp>(result));
    result = rounded;
  }
  unsigned width = type.getIntOrFloatBitWidth();
  if (width < 32) {
    bool isUnsigned = isUnsignedType(type);
    double low = isUnsigned ? 0 : -std::ldexp(1.0, width - 1);
    double high = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
    SLUICE_TRY(clipped, node.create<ClipOp>({result, node.scalar(real, low),
                                             node.scalar(real, high)}));
    result = clipped;
  }
  return node.cast(result, type);
}

static llvm::Expected<Values> createResize(NodeContext &node,
                                           ResizeRequest request,
                                           SampleMode mode, ResizePlace place,
                                           NearestRounding rounding) {
  MLIRContext *context = node.builder.getContext();
  if (llvm::Error error = dropUnscaledAxes(node, request))
    return error;
  SLUICE_TRY(cubic, node.node.getFloat("cubic_coeff_a", -0.75f));
  SLUICE_TRY(exclude, node.node.getInt("exclude_outside", 0));
  SLUICE_TRY(extrapolation, node.node.getFloat("extrapolation_value", 0.0f));
  SLUICE_TRY(antialias, node.node.getInt("antialias", 0));
  Type type = elementTypeOf(node.input(0));
  if (mode != SampleMode::Nearest && type.isInteger(1))
    return node.unsupported("interpolation of booleans");
  // Integers are interpolated as numbers.
  bool isWhole = mode != SampleMode::Nearest && isa<IntegerType>(type);
  Value input = node.input(0);
  if (isWhole) {
    SLUICE_TRY(numbers, node.cast(input, node.builder.getF32Type()));
    input = numbers;
  }
  Values operands{input, request.sizes};
  SmallVector<double> scales;
  SmallVector<NamedAttribute> attributes;
  if (request.scales) {
    if (auto known = constantNumbers(request.scales)) {
      scales = *known;
    } else {
      operands.push_back(request.scales);
      attributes.push_back(node.flag("dynamic_scales"));
    }
  }
  if (request.region)
    operands.push_back(request.region);
  attributes.append(
      {node.ints("axes", request.axes),
       node.attribute("scales", node.builder.getDenseF64ArrayAttr(scales)),
       node.attribute("mode", SampleModeAttr::get(context, mode)),
       node.attribute("place", ResizePlaceAttr::get(context, place)),
       node.attribute("rounding", NearestRoundingAttr::get(context, rounding)),
       node.real("cubic_coefficient", cubic),
       node.real("extrapolation_value", extrapolation)});
  if (exclude)
    attributes.push_back(node.flag("exclude_outside"));
  if (antialias && mode != SampleMode::Nearest)
    attributes.push_back(node.flag("antialias"));
  SLUICE_TRY(result, node.create<ResizeOp>(operands, attributes));
  if (!isWhole)
    return Values{result};
  SLUICE_TRY(whole, toWholeNumbers(node, result, type, mode, antialias != 0));
  return Values{whole};
}

static llvm::Expected<SampleMode> readSampleMode(NodeContext &node,
                                                 StringRef name) {
  if (name == "nearest")
    return SampleMode::Nearest;
  if (name == "linear" || name == "bilinear" || name == "trilinear")
    return SampleMode::Linear;
  if (name == "cubic" || name == "bicubic")
    return SampleMode::Cubic;
  return node.invalid("unknown mode '" + name + "'");
}

static SmallVector<int64_t> allAxes(NodeContext &node) {
  return llvm::to_vector(llvm::seq<int64_t>(0, node.rank(node.input(0))));
}

/// Upsample, and Resize as it was in opset 10.
static llvm::Expected<Values> importUpsample(NodeContext &node) {
  SLUICE_TRY(modeName, node.node.getString("mode", "nearest"));
  SLUICE_TRY(mode, readSampleMode(node, modeName));
  ResizeRequest request;
  request.axes = allAxes(node);
  int64_t rank = request.axes.size();
  if (node.node.hasAttribute("scales")) {
    SLUICE_TRY(scales, node.node.getFloats("scales"));
    if (static_cast<int64_t>(scales.size()) != rank)
      return node.invalid("needs a scale for each dimension");
    auto type = RankedTensorType::get({rank}, node.builder.getF32Type());
    request.scales = ConstantOp::create(
        node.builder, node.loc,
        DenseElementsAttr::get(type, ArrayRef<float>(scales)));
  } else if (node.hasInput(1)) {
    SLUICE_TRY(scales, node.reshape(node.input(1), rank));
    request.scales = scales;
  } else {
    return node.invalid("scales are missing");
  }
  SLUICE_TRY(sizes, scaledSizes(node, request.axes, request.scales,
                                SizeRounding::Floor));
  request.sizes = sizes;
  return createResize(node, request, mode, ResizePlace::Asymmetric,
                      NearestRounding::Floor);
}

/// An input that is there and not empty; an empty one stands for none.
static bool isGiven(NodeContext &node, size_t index) {
  return node.hasInput(index) &&
         !llvm::is_contained(shapeOf(node.input(index)), 0);
}

static llvm::Expected<Values> importResize(NodeContext &node) {
  if (node.opset() < 11)
    return importUpsample(node);
  SLUICE_TRY(modeName, node.node.getString("mode", "nearest"));
  SLUICE_TRY(mode, readSampleMode(node, modeName));
  SLUICE_TRY(placeName, node.node.getString("coordinate_transformation_mode",
                                            "half_pixel"));
  auto place = symbolizeResizePlace(placeName);
  if (!place && placeName == "tf_half_pixel_for_nn")
    return node.unsupported("coordinate_transformation_mode '" + placeName +
                            "'");
  if (!place)
    return node.invalid("unknown coordinate_transformation_mode '" + placeName +
                        "'");
  SLUICE_TRY(roundingName,
             node.node.getString("nearest_mode", "round_prefer_floor"));
  auto rounding = symbolizeNearestRounding(roundingName);
  if (!rounding)
    return node.invalid("unknown nearest_mode '" + roundingName + "'");
  ResizeRequest request;
  request.axes = allAxes(node);
  if (node.node.hasAttribute("axes")) {
    SLUICE_TRY(attribute, node.node.getInts("axes"));
    SLUICE_TRY(axes, node.normaliseAxes(attribute, request.axes.size()));
    request.axes = axes;
  }
  int64_t count = request.axes.size();
  bool hasScales = isGiven(node, 2), hasSizes = isGiven(node, 3);
  if (hasScales == hasSizes)
    return node.invalid("needs either scales or sizes");
  if (hasScales) {
    SLUICE_TRY(scales, node.reshape(node.input(2), count));
    SLUICE_TRY(sizes,
               scaledSizes(node, request.axes, scales, SizeRounding::Floor));
    request.scales = scales;
    request.sizes = sizes;
  } else {
    SLUICE_TRY(sizes, toVector(node, node.input(3), count));
    request.sizes = sizes;
    SLUICE_TRY(policy,
               node.node.getString("keep_aspect_ratio_policy", "stretch"));
    if (policy != "stretch" && policy != "not_larger" &&
        policy != "not_smaller")
      return node.invalid("unknown keep_aspect_ratio_policy '" + policy + "'");
    if (policy != "stretch")
      if (llvm::Error error =
              keepAspectRatio(node, request, policy == "not_smaller"))
        return error;
  }
  if (*place == ResizePlace::Crop) {
    if (!isGiven(node, 1))
      return node.invalid("tf_crop_and_resize needs roi");
    SLUICE_TRY(region, node.reshape(node.input(1), 2 * count));
    request.region = region;
  }
  return createResize(node, request, mode, *place, *rounding);
}

//===----------------------------------------------------------------------===//
// Grids and regions
//===----------------------------------------------------------------------===//

static llvm::Expected<Values> importGridSample(NodeContext &node) {
  MLIRContext *context = node.builder.getContext();
  SLUICE_TRY(modeName, node.node.getString("mode", "linear"));
  SLUICE_TRY(mode, readSampleMode(node, modeName));
  SLUICE_TRY(borderName, node.node.getString("padding_mode", "zeros"));
  auto border = symbolizeGridBorder(borderName);
  if (!border)
    return node.invalid("unknown padding_mode '" + borderName + "'");
  SLUICE_TRY(align, node.node.getInt("align_corners", 0));
  if (!isa<FloatType>(elementTypeOf(node.input(0))))
    return node.unsupported("interpolation of integers");
  SmallVector<NamedAttribute> attributes{
      node.attribute("mode", SampleModeAttr::get(context, mode)),
      node.attribute("border", GridBorderAttr::get(context, *border))};
  if (align)
    attributes.push_back(node.flag("align_corners"));
  SLUICE_TRY(result, node.create<GridSampleOp>({node.input(0), node.input(1)},
                                               attributes));
  return Values{result};
}

/// The homogeneous places of an output of the wanted sizes, times theta.
static llvm::Expected<Values> importAffineGrid(NodeContext &node) {
  OpBuilder &builder = node.builder;
  SLUICE_TRY(align, node.node.getInt("align_corners", 0));
  Value theta = node.input(0);
  Type type = elementTypeOf(theta), wide = builder.getI64Type();
  if (node.rank(theta) != 3)
    return node.invalid("theta must have rank 3");
  SLUICE_TRY(sizes, toVector(node, node.input(1)));
  int64_t rank = shapeOf(sizes)[0];
  // A batch of [2, 3] or [3, 4] matrices tells the number of dimensions too.
  ArrayRef<int64_t> matrix = shapeOf(theta).drop_front();
  if (ShapedType::isDynamic(rank))
    rank = !ShapedType::isDynamic(matrix[0])   ? matrix[0] + 2
           : !ShapedType::isDynamic(matrix[1]) ? matrix[1] + 1
                                               : rank;
  if (ShapedType::isDynamic(rank))
    return node.unsupported(
        "the number of spatial dimensions is not known at compile time");
  if (rank != 4 && rank != 5)
    return node.invalid("there must be two or three spatial dimensions");
  SLUICE_TRY(known, toVector(node, sizes, rank));
  sizes = known;
  int64_t spatial = rank - 2;
  SLUICE_TRY(batch, vectorElement(node, sizes, 0));
  SmallVector<Value> extents;
  for (int64_t i = 0; i < spatial; ++i) {
    SLUICE_TRY(extent, vectorElement(node, sizes, 2 + i));
    extents.push_back(extent);
  }
  // One column per spatial dimension, the innermost first, and ones.
  SmallVector<Value> columns;
  SmallVector<Value> shapeParts = extents;
  SLUICE_TRY(gridShape, joinVectors(node, shapeParts));
  Value one = node.scalar(type, 1), two = node.scalar(type, 2);
  for (int64_t i = spatial; i-- > 0;) {
    SLUICE_TRY(extent, node.reshape(extents[i], {}));
    SLUICE_TRY(numbers, node.create<RangeOp>({node.scalar(wide, 0), extent,
                                              node.scalar(wide, 1)}));
    SLUICE_TRY(n, node.cast(numbers, type));
    SLUICE_TRY(count, node.cast(extent, type));
    Value place;
    if (align) {
      SLUICE_TRY(last, node.create<SubOp>({count, one}));
      // A single element lies at -1.
      SLUICE_TRY(divisor, node.create<MaxOp>({last, one}));
      SLUICE_TRY(twice, node.create<MulOp>({n, two}));
      SLUICE_TRY(share, node.create<DivOp>({twice, divisor}));
      SLUICE_TRY(shifted, node.create<SubOp>({share, one}));
      place = shifted;
    } else {
      // (2 n + 1) / count - 1.
      SLUICE_TRY(twice, node.create<MulOp>({n, two}));
      SLUICE_TRY(odd, node.create<AddOp>({twice, one}));
      SLUICE_TRY(share, node.create<DivOp>({odd, count}));
      SLUICE_TRY(shifted, node.create<SubOp>({share, one}));
      place = shifted;
    }
    SmallVector<int64_t> axes;
    for (int64_t j = i + 1; j < spatial; ++j)
      axes.push_back(j - i);
    SLUICE_TRY(lifted, node.unsqueeze(place, axes));
    SLUICE_TRY(whole, node.create<BroadcastOp>({lifted, gridShape}));
    SLUICE_TRY(flat, flatten(node, whole));
    SLUICE_TRY(column, node.unsqueeze(flat, 1));
    columns.push_back(column);
  }
  SLUICE_TRY(like, node.create<MulOp>({columns[0], node.scalar(type, 0)}));
  SLUICE_TRY(ones, node.create<AddOp>({like, one}));
  columns.push_back(ones);
  SLUICE_TRY(places, node.create<ConcatOp>(columns, node.integer("axis", 1)));
  SLUICE_TRY(lifted, node.unsqueeze(places, 0));
  SLUICE_TRY(
      grid, node.create<MatmulOp>({lifted, theta}, node.flag("transpose_rhs")));
  SmallVector<Value> shape{batch};
  llvm::append_range(shape, extents);
  shape.push_back(node.constantVector(spatial));
  SLUICE_TRY(result, reshapeTo(node, grid, shape));
  return Values{result};
}

static llvm::Expected<Values> importRoiAlign(NodeContext &node) {
  SLUICE_TRY(mode, node.node.getString("mode", "avg"));
  SLUICE_TRY(place, node.node.getString("coordinate_transformation_mode",
                                        node.opset() < 16 ? "output_half_pixel"
                                                          : "half_pixel"));
  SLUICE_TRY(height, node.node.getInt("output_height", 1));
  SLUICE_TRY(width, node.node.getInt("output_width", 1));
  SLUICE_TRY(ratio, node.node.getInt("sampling_ratio", 0));
  SLUICE_TRY(scale, node.node.getFloat("spatial_scale", 1.0f));
  // So many samples are taken along each side of each bin, wherever they lie.
  constexpr int64_t mostSamples = 1 << 12;
  if (ratio < 0)
    return node.invalid("sampling_ratio is " + Twine(ratio));
  if (ratio > mostSamples)
    return node.unsupported("sampling_ratio is " + Twine(ratio) +
                            "; the limit is " + Twine(mostSamples));
  SmallVector<NamedAttribute> attributes{
      node.integer("height", height), node.integer("width", width),
      node.integer("sampling_ratio", ratio), node.real("spatial_scale", scale)};
  if (mode == "max")
    attributes.push_back(node.flag("maximum"));
  else if (mode != "avg")
    return node.invalid("unknown mode '" + mode + "'");
  if (place == "half_pixel")
    attributes.push_back(node.flag("half_pixel"));
  else if (place != "output_half_pixel")
    return node.invalid("unknown coordinate_transformation_mode '" + place +
                        "'");
  SLUICE_TRY(result,
             node.create<RoiAlignOp>(
                 {node.input(0), node.input(1), node.input(2)}, attributes));
  return Values{result};
}

void sluice::registerResamplingImports(ImportRegistry &registry) {
  registry.add("AffineGrid", 2, importAffineGrid);
  registry.add("GridSample", 2, importGridSample);
  registry.add("Resize", {1, 4}, importResize);
  registry.add("RoiAlign", 3, importRoiAlign);
  registry.add("Upsample", {1, 2}, importUpsample);
}
