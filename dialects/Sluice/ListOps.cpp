//===- ListOps.cpp - Parts of tensors along the first dimension -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

LogicalResult ElementOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> list = shapeOf(adaptor.getList());
  if (list.empty())
    return emitOptionalError(location, "a scalar has no elements");
  types.push_back(RankedTensorType::get(list.drop_front(),
                                        elementTypeOf(adaptor.getList())));
  return success();
}

LogicalResult
ElementOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  shapes.push_back(size.ofType(
      getType(), [&](int64_t i) { return size.of(getList(), i + 1); }));
  return success();
}

/// Does an element have the element type of a list, and one rank less?
static LogicalResult verifyElement(std::optional<Location> location, Value list,
                                   Value element) {
  if (shapeOf(list).size() == shapeOf(element).size() + 1 &&
      elementTypeOf(list) == elementTypeOf(element))
    return success();
  return emitOptionalError(location, "the element does not fit the list: ",
                           list.getType(), " and ", element.getType());
}

/// The shape of a list's elements that list and element tell together.
static FailureOr<SmallVector<int64_t>>
joinElementShapes(std::optional<Location> location, Value list, Value element) {
  SmallVector<int64_t> shape(shapeOf(list).drop_front());
  for (auto [size, known] : llvm::zip(shape, shapeOf(element))) {
    if (ShapedType::isDynamic(size))
      size = known;
    else if (!ShapedType::isDynamic(known) && known != size)
      return emitOptionalError(location, "the element does not fit the list: ",
                               list.getType(), " and ", element.getType());
  }
  return shape;
}

LogicalResult SetElementOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  Value list = adaptor.getList(), element = adaptor.getElement();
  if (failed(verifyElement(location, list, element)) ||
      failed(joinElementShapes(location, list, element)))
    return failure();
  types.push_back(list.getType());
  return success();
}

LogicalResult
SetElementOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  shapes.push_back(
      size.ofType(getType(), [&](int64_t i) { return size.of(getList(), i); }));
  return success();
}

LogicalResult AppendOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  Value list = adaptor.getList(), element = adaptor.getElement();
  if (failed(verifyElement(location, list, element)))
    return failure();
  int64_t count = shapeOf(list).front();
  SmallVector<int64_t> shape(shapeOf(element));
  if (count != 0) {
    auto joined = joinElementShapes(location, list, element);
    if (failed(joined))
      return failure();
    shape = *joined;
  }
  shape.insert(shape.begin(), ShapedType::isDynamic(count) ? count : count + 1);
  types.push_back(RankedTensorType::get(shape, elementTypeOf(list)));
  return success();
}

LogicalResult AppendOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  shapes.push_back(size.ofType(getType(), [&](int64_t i) {
    return i == 0 ? size.add(size.of(getList(), 0), size.constant(1))
                  : size.of(getElement(), i - 1);
  }));
  return success();
}

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

static constexpr StringLiteral elementMessage =
    "what a loop collects does not have the same sizes in every step";

void SetElementOp::requireSizes(SizeConditions &conditions) {
  Value list = getList(), element = getElement();
  for (int64_t i = 0, rank = conditions.rankOf(element); i < rank; ++i)
    conditions.requireEqual(conditions.sizeOf(list, i + 1),
                            conditions.sizeOf(element, i), elementMessage);
}

void AppendOp::requireSizes(SizeConditions &conditions) {
  Value list = getList(), element = getElement();
  for (int64_t i = 0, rank = conditions.rankOf(element); i < rank; ++i) {
    OpFoldResult lhs = conditions.sizeOf(list, i + 1),
                 rhs = conditions.sizeOf(element, i);
    if (lhs == rhs)
      continue;
    // The empty start of a list has no sensible sizes.
    conditions.require(
        conditions.either(
            conditions.compare(SizeConditions::Predicate::eq, lhs, rhs),
            conditions.compare(SizeConditions::Predicate::eq,
                               conditions.sizeOf(list, 0),
                               conditions.number(0))),
        elementMessage);
  }
}
