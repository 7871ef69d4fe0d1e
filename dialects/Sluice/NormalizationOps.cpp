//===- NormalizationOps.cpp - Softmax and normalisations ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

static LogicalResult verifyAxis(std::optional<Location> location, Value operand,
                                int64_t axis) {
  int64_t rank = shapeOf(operand).size();
  if (axis < 0 || axis >= rank)
    return emitOptionalError(location, "axis ", axis,
                             " is not a dimension of a tensor of rank ", rank);
  return success();
}

static LogicalResult inferSoftmax(std::optional<Location> location,
                                  Value operand, int64_t axis,
                                  SmallVectorImpl<Type> &types) {
  if (failed(verifyAxis(location, operand, axis)))
    return failure();
  types.push_back(operand.getType());
  return success();
}

LogicalResult SoftmaxOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  return inferSoftmax(location, operands[0], adaptor.getAxis(), types);
}

LogicalResult LogSoftmaxOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  return inferSoftmax(location, operands[0], adaptor.getAxis(), types);
}

static LogicalResult inferNorm(std::optional<Location> location,
                               ValueRange operands, int64_t axis,
                               size_t maxParameters,
                               SmallVectorImpl<Type> &types) {
  if (failed(verifyAxis(location, operands[0], axis)))
    return failure();
  auto type = cast<RankedTensorType>(operands[0].getType());
  if (operands.size() > maxParameters + 1)
    return emitOptionalError(location, "at most ", maxParameters,
                             " parameters are possible");
  for (Value parameter : operands.drop_front())
    if (failed(verifyCompatibleShape(shapeOf(parameter),
                                     type.getShape().drop_front(axis))))
      return emitOptionalError(location, "a parameter of type ",
                               parameter.getType(),
                               " does not have the sizes of ", type,
                               " from dimension ", axis, " on");
  types.push_back(type);
  return success();
}

LogicalResult LayerNormOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  return inferNorm(location, operands, adaptor.getAxis(), 2, types);
}

LogicalResult RmsNormOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  return inferNorm(location, operands, adaptor.getAxis(), 1, types);
}

/// The dimensions from `axis` on are those of the parameters.
template <typename OpTy>
static void
demandNormSizes(OpTy op, function_ref<void(OperandDimension, int64_t)> demand) {
  int64_t axis = op.getAxis();
  for (Value parameter : op.getParameters())
    for (auto [i, size] : llvm::enumerate(shapeOf(parameter)))
      demand({&op.getOperandMutable(), axis + static_cast<int64_t>(i)}, size);
}

void LayerNormOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  demandNormSizes(*this, demand);
}

void RmsNormOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  demandNormSizes(*this, demand);
}

LogicalResult BatchNormOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto type = cast<RankedTensorType>(operands[0].getType());
  if (type.getRank() < 1)
    return emitOptionalError(location, "a scalar has no channels");
  int64_t channels = ShapedType::kDynamic;
  if (adaptor.getChannelsLast())
    channels = type.getShape().back();
  else
    channels = type.getRank() > 1 ? type.getDimSize(1) : 1;
  for (Value parameter : operands.drop_front()) {
    ArrayRef<int64_t> shape = shapeOf(parameter);
    if (shape.size() != 1 ||
        failed(verifyCompatibleShape(shape, ArrayRef(channels))))
      return emitOptionalError(location, "parameters must be vectors of ",
                               channels, " elements, not ",
                               parameter.getType());
    // What the operand does not tell a parameter does.
    channels = knownSize({channels, shape[0]});
  }
  SmallVector<int64_t> shape(type.getShape());
  if (adaptor.getChannelsLast())
    shape.back() = channels;
  else if (type.getRank() > 1)
    shape[1] = channels;
  types.push_back(type.clone(shape));
  return success();
}

void BatchNormOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  int64_t rank = shapeOf(getOperand()).size();
  if (rank < 2)
    return;
  for (Value parameter : getOperation()->getOperands().drop_front())
    demand({&getOperandMutable(), getChannelsLast() ? rank - 1 : 1},
           shapeOf(parameter)[0]);
}

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

template <typename OpTy>
static void requireParameters(OpTy norm, SizeConditions &conditions) {
  int64_t rank = conditions.rankOf(norm.getOperand());
  int64_t normalised = rank - static_cast<int64_t>(norm.getAxis());
  for (Value parameter : norm.getParameters()) {
    // There may be dimensions of one in front.
    int64_t own = conditions.rankOf(parameter);
    for (int64_t i = 1; i <= std::min(own, normalised); ++i)
      conditions.requireEqual(
          conditions.sizeOf(parameter, own - i),
          conditions.sizeOf(norm.getOperand(), rank - i),
          "scale or bias does not fit the normalized dimensions");
  }
}

void LayerNormOp::requireSizes(SizeConditions &conditions) {
  requireParameters(*this, conditions);
}

void RmsNormOp::requireSizes(SizeConditions &conditions) {
  requireParameters(*this, conditions);
}

void BatchNormOp::requireSizes(SizeConditions &conditions) {
  int64_t rank = conditions.rankOf(getOperand());
  OpFoldResult channels = conditions.number(1);
  if (getChannelsLast() || rank > 1)
    channels =
        conditions.sizeOf(getOperand(), getChannelsLast() ? rank - 1 : 1);
  for (Value parameter : getOperation()->getOperands().drop_front())
    conditions.requireEqual(conditions.sizeOf(parameter, 0), channels,
                            channelsMessage);
}

//===----------------------------------------------------------------------===//
// Dimensions in another order
//===----------------------------------------------------------------------===//

void SoftmaxOp::permuteAttributes(ArrayRef<int64_t> permutation) {
  setAxis(permuteAxis(getAxis(), permutation));
}

void LogSoftmaxOp::permuteAttributes(ArrayRef<int64_t> permutation) {
  setAxis(permuteAxis(getAxis(), permutation));
}
