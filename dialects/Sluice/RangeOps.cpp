//===- RangeOps.cpp - Numbers in equal steps ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ElementEvaluator.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Unsupported.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include <cmath>

using namespace mlir;
using namespace sluice;

LogicalResult
IotaOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> shape = shapeOf(operands[0]);
  if (adaptor.getDimension() >= shape.size())
    return emitOptionalError(location, "dimension ", adaptor.getDimension(),
                             " is not within rank ", shape.size());
  types.push_back(RankedTensorType::get({shape[adaptor.getDimension()]},
                                        IntegerType::get(context, 64)));
  return success();
}

LogicalResult IotaOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(
      {sluice::getDimension(builder, getLoc(), getOperand(), getDimension())});
  return success();
}

/// Is the number a dimension of a tensor? Sums with few others do not overflow.
static bool isDimension(ElementPlace place) {
  return static_cast<bool>(place.tensor.getDefiningOp<ShapeOp>());
}

/// How far the limit is from the start, where it is that plus a number: both
/// may be the length of a cache.
static std::optional<int64_t> findDistance(Value start, Value limit,
                                           Location loc) {
  ElementEvaluator evaluator(nullptr, loc);
  ElementPlace from = evaluator.follow({start, 0});
  auto sum = evaluator.follow({limit, 0}).tensor.getDefiningOp<AddOp>();
  if (!sum || !isDimension(from))
    return std::nullopt;
  for (unsigned i : {0u, 1u}) {
    Value base = sum->getOperand(i), added = sum->getOperand(1 - i);
    if (cast<RankedTensorType>(base.getType()).getNumElements() != 1 ||
        cast<RankedTensorType>(added.getType()).getNumElements() != 1)
      return std::nullopt;
    ElementPlace place = evaluator.follow({base, 0});
    if (place.tensor == from.tensor && place.index == from.index)
      if (auto known = evaluator.knownElement(added, 0);
          known && std::abs(*known) < (int64_t(1) << 32))
        return known;
  }
  return std::nullopt;
}

LogicalResult RangeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Type elementType = elementTypeOf(operands[0]);
  for (Value operand : operands) {
    auto type = cast<RankedTensorType>(operand.getType());
    if (type.getElementType() != elementType || !type.hasStaticShape() ||
        type.getNumElements() != 1)
      return emitOptionalError(location,
                               "operands must be scalars of one type");
  }
  int64_t size = ShapedType::kDynamic;
  if (isa<FloatType>(elementType)) {
    auto start = evaluateConstantNumber(operands[0], 0);
    auto limit = evaluateConstantNumber(operands[1], 0);
    auto delta = evaluateConstantNumber(operands[2], 0);
    if (delta && *delta == 0)
      return emitOptionalError(location, "delta is zero");
    if (start && limit && delta) {
      double count = std::max(0.0, std::ceil((*limit - *start) / *delta));
      if (!(count < 9e15))
        return emitOptionalUnsupported(location, "the size overflows");
      size = static_cast<int64_t>(count);
    }
  } else {
    auto start = evaluateConstantElement(operands[0], 0);
    auto limit = evaluateConstantElement(operands[1], 0);
    auto delta = evaluateConstantElement(operands[2], 0);
    if (delta && *delta == 0)
      return emitOptionalError(location, "delta is zero");
    if (start && limit && delta) {
      auto count = countSteps(*start, *limit, *delta);
      if (!count)
        return emitOptionalUnsupported(location, "the size overflows");
      size = *count;
    } else if (delta) {
      Location loc = location.value_or(UnknownLoc::get(context));
      if (auto distance = findDistance(operands[0], operands[1], loc))
        size = countSteps(0, *distance, *delta).value_or(size);
    }
  }
  types.push_back(RankedTensorType::get({size}, elementType));
  return success();
}

LogicalResult RangeOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  if (!getType().isDynamicDim(0)) {
    shapes.push_back({size.constant(getType().getDimSize(0))});
    return success();
  }
  SmallVector<OpFoldResult> whole;
  for (Value operand : getOperands())
    whole.push_back(sluice::evaluateElement(builder, getLoc(), operand, 0));
  if (isa<FloatType>(getType().getElementType()) &&
      !llvm::all_of(whole, [](OpFoldResult number) { return !!number; })) {
    shapes.push_back({size.floatRange(getStart(), getLimit(), getDelta())});
    return success();
  }
  // The numbers of a dimension's places are as many.
  ElementEvaluator evaluator(nullptr, getLoc());
  if (whole[1] && isConstantIntValue(whole[0], 0) &&
      isConstantIntValue(whole[2], 1) &&
      isDimension(evaluator.follow({getLimit(), 0}))) {
    shapes.push_back({whole[1]});
    return success();
  }
  for (auto [number, operand] : llvm::zip(whole, getOperands()))
    if (!number)
      number = readElement(builder, getLoc(), operand, 0);
  shapes.push_back({size.steps(whole[0], whole[1], whole[2])});
  return success();
}

void RangeOp::requireSizes(SizeConditions &conditions) {
  if (!isa<IntegerType>(getType().getElementType()))
    return;
  OpFoldResult delta = conditions.element(getDelta(), 0);
  if (!getConstantIntValue(delta))
    conditions.require(conditions.compare(SizeConditions::Predicate::ne, delta,
                                          conditions.number(0)),
                       "delta is zero");
}

//===----------------------------------------------------------------------===//
// Elements of shape arithmetic
//===----------------------------------------------------------------------===//

OpFoldResult IotaOp::evaluateElement(ElementEvaluator &evaluator,
                                     int64_t index) {
  return evaluator.constant(index);
}

OpFoldResult RangeOp::evaluateElement(ElementEvaluator &evaluator,
                                      int64_t index) {
  auto first = evaluator.knownElement(getStart(), 0);
  auto step = evaluator.knownElement(getDelta(), 0);
  int64_t offset;
  if (!first || !step || __builtin_mul_overflow(*step, index, &offset) ||
      !isElement(offset, getType().getElementType()) ||
      __builtin_add_overflow(*first, offset, &offset))
    return {};
  return evaluator.constant(offset);
}
