//===- ConvolutionOps.cpp - Convolutions ----------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/QuantisedConstant.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Weights.h"
#include "dialects/Sluice/WindowInference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

/// The places of batch, channels and spatial dimensions.
namespace {
struct ImageLayout {
  ImageLayout(int64_t rank, bool channelsLast)
      : channel(channelsLast ? rank - 1 : 1), spatial(channelsLast ? 1 : 2) {}
  int64_t channel, spatial;
};
} // namespace

/// Checks what convolutions have in common.
template <typename AdaptorTy>
static LogicalResult verifyConvolution(std::optional<Location> location,
                                       AdaptorTy adaptor) {
  ArrayRef<int64_t> input = shapeOf(adaptor.getInput());
  ArrayRef<int64_t> weight = shapeOf(adaptor.getWeight());
  if (input.size() < 2 || weight.size() != input.size())
    return emitOptionalError(
        location, "input and weight must have one rank of two or more, not ",
        input.size(), " and ", weight.size());
  if (failed(verifyWindows(location, input.size() - 2, adaptor.getStrides(),
                           adaptor.getDilations(), adaptor.getPads())))
    return failure();
  if (elementTypeOf(adaptor.getInput()) != elementTypeOf(adaptor.getWeight()))
    return emitOptionalError(location,
                             "input and weight have different element types");
  int64_t groups = static_cast<int64_t>(adaptor.getGroups());
  if (groups < 1 || groups > (int64_t(1) << 31))
    return emitOptionalError(location, "the number of groups is ", groups);
  if (!ShapedType::isDynamic(weight[0]) && weight[0] % groups != 0)
    return emitOptionalError(location, "the first size of the weight, ",
                             weight[0], ", is not a multiple of ", groups,
                             " groups");
  return success();
}

/// The channels that a weight of [result channels, channels / groups, ...]
/// takes.
static int64_t countTakenChannels(Value weight, int64_t groups) {
  int64_t perGroup = shapeOf(weight)[1], channels;
  if (ShapedType::isDynamic(perGroup) ||
      __builtin_mul_overflow(perGroup, groups, &channels))
    return ShapedType::kDynamic;
  return channels;
}

/// Result and input of every convolution have the same images.
static std::optional<OperandDimension> getBatchSource(OpOperand &input,
                                                      int64_t dimension) {
  if (dimension != 0)
    return std::nullopt;
  return OperandDimension{&input, 0};
}

LogicalResult
ConvOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(verifyConvolution(location, adaptor)))
    return failure();
  ArrayRef<int64_t> input = shapeOf(operands[0]), weight = shapeOf(operands[1]);
  ImageLayout layout(input.size(), adaptor.getChannelsLast());
  int64_t channels = input[layout.channel];
  if (!ShapedType::isDynamic(channels) && !ShapedType::isDynamic(weight[1]) &&
      channels != weight[1] * static_cast<int64_t>(adaptor.getGroups()))
    return emitOptionalError(location, "the input has ", channels,
                             " channels, the weight takes ", weight[1], " in ",
                             adaptor.getGroups(), " groups");
  SmallVector<int64_t> shape(input.size(), ShapedType::kDynamic);
  shape[0] = input[0];
  shape[layout.channel] = weight[0];
  int64_t spatialRank = input.size() - 2;
  for (int64_t i = 0; i < spatialRank; ++i) {
    int64_t size = input[layout.spatial + i], kernel = weight[2 + i];
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(kernel))
      continue;
    Window window{Builder(context).getIndexAttr(kernel),
                  adaptor.getStrides()[i],
                  adaptor.getDilations()[i],
                  adaptor.getPads()[i],
                  adaptor.getPads()[spatialRank + i],
                  /*ceilMode=*/false};
    auto count = countWindows(window, size);
    if (!count)
      return emitOptionalError(location, "a kernel of size ", kernel,
                               " does not fit a padded dimension of size ",
                               size);
    shape[layout.spatial + i] = *count;
  }
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult ConvOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  int64_t spatialRank = getSpatialRank();
  SmallVector<OpFoldResult> sizes(spatialRank + 2);
  sizes[0] = getDimension(builder, loc, getInput(), 0);
  sizes[getChannelDimension()] = getDimension(builder, loc, getWeight(), 0);
  for (int64_t i = 0; i < spatialRank; ++i) {
    int64_t place = getSpatialDimension() + i;
    Window window{getDimension(builder, loc, getWeight(), 2 + i),
                  getStrides()[i],
                  getDilations()[i],
                  getPads()[i],
                  getPads()[spatialRank + i],
                  /*ceilMode=*/false};
    sizes[place] = countWindows(builder, loc, window,
                                getDimension(builder, loc, getInput(), place));
  }
  shapes.push_back(std::move(sizes));
  return success();
}

void ConvOp::demandSizes(function_ref<void(OperandDimension, int64_t)> demand) {
  demand({&getInputMutable(), getChannelDimension()},
         countTakenChannels(getWeight(), getGroups()));
}

std::optional<OperandDimension> ConvOp::getSizeSource(unsigned,
                                                      int64_t dimension) {
  return getBatchSource(getInputMutable(), dimension);
}

LogicalResult ConvTransposeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(verifyConvolution(location, adaptor)))
    return failure();
  ArrayRef<int64_t> input = shapeOf(operands[0]), weight = shapeOf(operands[1]);
  ImageLayout layout(input.size(), adaptor.getChannelsLast());
  int64_t channels = input[layout.channel];
  if (failed(verifyCompatibleShape(ArrayRef(channels), weight.take_front(1))))
    return emitOptionalError(location, "the input has ", channels,
                             " channels, the weight takes ", weight[0]);
  int64_t spatialRank = input.size() - 2;
  ArrayRef<int64_t> extra = adaptor.getOutputPadding();
  if (static_cast<int64_t>(extra.size()) != spatialRank ||
      llvm::any_of(extra,
                   [](int64_t e) { return e < 0 || e > (int64_t(1) << 31); }))
    return emitOptionalError(location, "output_padding must hold ", spatialRank,
                             " sizes");
  SmallVector<int64_t> shape(input.size(), ShapedType::kDynamic);
  shape[0] = input[0];
  int64_t groupChannels = weight[1];
  if (!ShapedType::isDynamic(groupChannels) &&
      __builtin_mul_overflow(groupChannels, adaptor.getGroups(),
                             &shape[layout.channel]))
    return emitOptionalError(location, "the result has too many channels");
  for (int64_t i = 0; i < spatialRank; ++i) {
    int64_t size = input[layout.spatial + i], kernel = weight[2 + i];
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(kernel))
      continue;
    Window window{Builder(context).getIndexAttr(kernel),
                  adaptor.getStrides()[i], adaptor.getDilations()[i],
                  adaptor.getPads()[i], adaptor.getPads()[spatialRank + i]};
    auto full = getTransposedSize(window, extra[i], size);
    if (!full)
      return emitOptionalError(location, "the pads exceed the result, or a "
                                         "size is out of range");
    shape[layout.spatial + i] = *full;
  }
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
ConvTransposeOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  int64_t spatialRank = getSpatialRank();
  SmallVector<OpFoldResult> sizes(spatialRank + 2);
  for (int64_t i = 0; i < spatialRank + 2; ++i) {
    if (!getType().isDynamicDim(i)) {
      sizes[i] = builder.getIndexAttr(getType().getDimSize(i));
    } else if (i == 0) {
      sizes[i] = getDimension(builder, loc, getInput(), 0);
    } else if (i == getChannelDimension()) {
      sizes[i] =
          arith::MulIOp::create(
              builder, loc,
              getValueOrCreateConstantIndexOp(
                  builder, loc, getDimension(builder, loc, getWeight(), 1)),
              arith::ConstantIndexOp::create(builder, loc, getGroups()))
              .getResult();
    } else {
      int64_t axis = i - getSpatialDimension();
      Window window{getDimension(builder, loc, getWeight(), 2 + axis),
                    getStrides()[axis], getDilations()[axis], getPads()[axis],
                    getPads()[spatialRank + axis]};
      sizes[i] =
          getTransposedSize(builder, loc, window, getOutputPadding()[axis],
                            getDimension(builder, loc, getInput(), i));
    }
  }
  shapes.push_back(std::move(sizes));
  return success();
}

void ConvTransposeOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  demand({&getInputMutable(), getChannelDimension()}, shapeOf(getWeight())[0]);
}

std::optional<OperandDimension>
ConvTransposeOp::getSizeSource(unsigned, int64_t dimension) {
  return getBatchSource(getInputMutable(), dimension);
}

LogicalResult DeformConvOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(verifyConvolution(location, adaptor)))
    return failure();
  ArrayRef<int64_t> input = shapeOf(adaptor.getInput());
  ArrayRef<int64_t> weight = shapeOf(adaptor.getWeight());
  ArrayRef<int64_t> offsets = shapeOf(adaptor.getOffsets());
  if (input.size() != 4 || offsets.size() != 4 ||
      (adaptor.getMask() && shapeOf(adaptor.getMask()).size() != 4))
    return emitOptionalError(location,
                             "input, offsets and mask must have rank 4");
  int64_t offsetGroups = adaptor.getOffsetGroups();
  if (offsetGroups < 1)
    return emitOptionalError(location, "offset_groups must be positive");
  types.push_back(
      RankedTensorType::get({input[0], weight[0], offsets[2], offsets[3]},
                            elementTypeOf(operands[0])));
  return success();
}

LogicalResult
DeformConvOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  shapes.push_back({getDimension(builder, loc, getInput(), 0),
                    getDimension(builder, loc, getWeight(), 0),
                    getDimension(builder, loc, getOffsets(), 2),
                    getDimension(builder, loc, getOffsets(), 3)});
  return success();
}

void DeformConvOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  demand({&getInputMutable(), 1}, countTakenChannels(getWeight(), getGroups()));
}

std::optional<OperandDimension> DeformConvOp::getSizeSource(unsigned,
                                                            int64_t dimension) {
  return getBatchSource(getInputMutable(), dimension);
}

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

template <typename OpTy>
static void requireGroups(OpTy conv, SizeConditions &conditions) {
  OpFoldResult first = conditions.sizeOf(conv.getWeight(), 0);
  if (conv.getGroups() == 1 || getConstantIntValue(first))
    return;
  OpFoldResult rest = conditions.remainder(first, conv.getGroups());
  conditions.require(conditions.compare(SizeConditions::Predicate::eq, rest,
                                        conditions.number(0)),
                     "the weights cannot be divided into the groups");
}

void ConvOp::requireSizes(SizeConditions &conditions) {
  requireGroups(*this, conditions);
  OpFoldResult taken = conditions.sizes().mul(
      conditions.sizeOf(getWeight(), 1),
      conditions.number(static_cast<int64_t>(getGroups())));
  conditions.requireEqual(conditions.sizeOf(getInput(), getChannelDimension()),
                          taken, channelsMessage);
  for (int64_t i = 0, rank = getSpatialRank(); i < rank; ++i)
    conditions.requireWindow(
        conditions.sizeOf(getInput(), getSpatialDimension() + i),
        {conditions.sizeOf(getWeight(), 2 + i), getStrides()[i],
         getDilations()[i], getPads()[i], getPads()[rank + i]});
}

void ConvTransposeOp::requireSizes(SizeConditions &conditions) {
  requireGroups(*this, conditions);
  conditions.requireEqual(conditions.sizeOf(getInput(), getChannelDimension()),
                          conditions.sizeOf(getWeight(), 0), channelsMessage);
}

void DeformConvOp::requireSizes(SizeConditions &conditions) {
  requireGroups(*this, conditions);
  SizeBuilder at = conditions.sizes();
  Value input = getInput(), weight = getWeight(), offsets = getOffsets();
  conditions.requireEqual(
      conditions.sizeOf(input, 1),
      at.mul(conditions.sizeOf(weight, 1),
             conditions.number(static_cast<int64_t>(getGroups()))),
      channelsMessage);
  OpFoldResult taps =
      at.mul(at.mul(conditions.sizeOf(weight, 2), conditions.sizeOf(weight, 3)),
             conditions.number(static_cast<int64_t>(getOffsetGroups())));
  SmallVector<OpFoldResult> shape{conditions.sizeOf(input, 0),
                                  at.mul(taps, conditions.number(2))};
  for (int64_t i : {0, 1}) {
    Window window{conditions.sizeOf(weight, 2 + i), getStrides()[i],
                  getDilations()[i], getPads()[i], getPads()[2 + i]};
    conditions.requireWindow(conditions.sizeOf(input, 2 + i), window);
    shape.push_back(
        conditions.countWindows(window, conditions.sizeOf(input, 2 + i)));
  }
  conditions.requireShape(offsets, shape, "the offsets do not fit the result");
  shape[1] = taps;
  if (getMask())
    conditions.requireShape(getMask(), shape,
                            "the mask does not fit the result");
}

//===----------------------------------------------------------------------===//
// Dimensions in another order
//===----------------------------------------------------------------------===//

static bool hasConstantWeight(Value weight) {
  return weight.getDefiningOp<ConstantOp>() || getQuantisedConstant(weight);
}

/// Micro-kernels compute on channels-last images, with weights that are packed
/// at compile time.
template <typename OpTy> static ChannelsLastUse getUse(OpTy conv) {
  ArrayRef<int64_t> input = shapeOf(conv.getInput());
  bool hasMicroKernel = input.size() >= 3 &&
                        getSumType(elementTypeOf(conv.getInput()),
                                   elementTypeOf(conv.getWeight()),
                                   elementTypeOf(conv.getResult())) &&
                        hasConstantWeight(conv.getWeight()) &&
                        !ShapedType::isDynamic(input[1]);
  return hasMicroKernel ? ChannelsLastUse::Demands : ChannelsLastUse::Never;
}

ChannelsLastUse ConvOp::getChannelsLastUse() { return getUse(*this); }

ChannelsLastUse ConvTransposeOp::getChannelsLastUse() { return getUse(*this); }

template <typename OpTy>
static LinearChannels channelsOf(OpTy conv, bool inputsFirst) {
  LinearChannels channels;
  channels.inputDimension = channels.resultDimension =
      conv.getChannelDimension();
  channels.weightInputDimension = inputsFirst ? 0 : 1;
  channels.weightResultDimension = inputsFirst ? 1 : 0;
  channels.groups = conv.getGroups();
  return channels;
}

std::optional<LinearChannels> ConvOp::getLinearChannels() {
  LinearChannels channels = channelsOf(*this, /*inputsFirst=*/false);
  channels.sumsAllTaps =
      llvm::all_of(getPads(), [](int64_t pad) { return pad <= 0; });
  return channels;
}

std::optional<LinearChannels> ConvTransposeOp::getLinearChannels() {
  LinearChannels channels = channelsOf(*this, /*inputsFirst=*/true);
  // Taps that meet no pixel, between strides and beyond the border.
  channels.sumsAllTaps = false;
  return channels;
}

std::optional<Work> ConvOp::getWork() {
  double taps = 1;
  for (int64_t size : shapeOf(getWeight()).drop_front())
    taps *= size;
  return workOnOperands(*this, countElements(getResult()) * 2.0 * taps);
}

std::optional<Work> ConvTransposeOp::getWork() {
  // As if each element of the result met the same number of taps.
  ArrayRef<int64_t> weight = shapeOf(getWeight());
  double taps = static_cast<double>(weight[0]) / getGroups();
  for (int64_t size : weight.drop_front(2))
    taps *= size;
  for (int64_t stride : getStrides())
    taps /= stride;
  return workOnOperands(*this, countElements(getResult()) * 2.0 * taps);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Kernels read channels that lie side by side, as many as the type says.
template <typename OpTy>
static StringRef explainUnpackedConvolution(OpTy op, RankedTensorType weights) {
  if (weights.getNumDynamicDims() != 0 ||
      llvm::is_contained(weights.getShape(), 0))
    return "there are none";
  if (!getSumType(elementTypeOf(op.getInput()), weights.getElementType(),
                  elementTypeOf(op.getResult())))
    return noDotUnit;
  if (ShapedType::isDynamic(shapeOf(op.getInput())[op.getChannelDimension()]))
    return "the number of channels is not known";
  if (!op.getChannelsLast())
    return "the channels are not the last dimension";
  return {};
}

OpOperand &ConvOp::getWeightsOperand() { return getWeightMutable(); }
StringRef ConvOp::explainUnpacked(RankedTensorType weights) {
  return explainUnpackedConvolution(*this, weights);
}
bool ConvOp::takesEpilogue() { return hasPackableWeights(*this); }

OpOperand &ConvTransposeOp::getWeightsOperand() { return getWeightMutable(); }
StringRef ConvTransposeOp::explainUnpacked(RankedTensorType weights) {
  return explainUnpackedConvolution(*this, weights);
}
bool ConvTransposeOp::takesEpilogue() { return hasPackableWeights(*this); }
