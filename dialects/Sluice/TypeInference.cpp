//===- TypeInference.cpp - Shared shape and type inference ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/TypeInference.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

Type sluice::elementTypeOf(Value value) {
  return getElementTypeOrSelf(value.getType());
}

ArrayRef<int64_t> sluice::shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

Type sluice::getComputeType(Type elementType) {
  if (elementType.isF16() || elementType.isBF16())
    return Float32Type::get(elementType.getContext());
  if (auto integer = dyn_cast<IntegerType>(elementType))
    return IntegerType::get(elementType.getContext(), integer.getWidth());
  return elementType;
}

bool sluice::isNarrowInteger(Type type) {
  return type.isSignlessInteger(8) || type.isSignlessInteger(16);
}

Type sluice::getSumType(Type lhs, Type rhs, Type result) {
  if (isNarrowInteger(lhs) && isNarrowInteger(rhs) && result.isInteger(32))
    return getComputeType(result);
  if (lhs != result)
    return nullptr;
  if (lhs.isInteger(32) || lhs.isInteger(64)) {
    return lhs == rhs || isNarrowInteger(rhs) ? getComputeType(lhs) : nullptr;
  }
  bool isFloat = lhs.isF16() || lhs.isBF16() || lhs.isF32() || lhs.isF64();
  return isFloat && lhs == rhs ? getComputeType(lhs) : nullptr;
}

bool sluice::isUnsignedType(Type elementType) {
  return elementType.isUnsignedInteger() || elementType.isInteger(1);
}

bool sluice::isUnsignedTensor(Value value) {
  return isUnsignedType(elementTypeOf(value));
}

bool sluice::areTypesCompatible(TypeRange lhs, TypeRange rhs) {
  if (lhs.size() != rhs.size())
    return false;
  for (auto [left, right] : llvm::zip(lhs, rhs)) {
    auto leftTensor = dyn_cast<RankedTensorType>(left);
    auto rightTensor = dyn_cast<RankedTensorType>(right);
    if (!leftTensor || !rightTensor) {
      if (left != right)
        return false;
      continue;
    }
    if (leftTensor.getElementType() != rightTensor.getElementType() ||
        failed(verifyCompatibleShape(leftTensor.getShape(),
                                     rightTensor.getShape())))
      return false;
  }
  return true;
}

std::optional<SmallVector<int64_t>>
sluice::broadcastShapes(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs) {
  SmallVector<int64_t> result(std::max(lhs.size(), rhs.size()));
  for (size_t i = 0; i < result.size(); ++i) {
    int64_t left = i < lhs.size() ? lhs[lhs.size() - 1 - i] : 1;
    int64_t right = i < rhs.size() ? rhs[rhs.size() - 1 - i] : 1;
    int64_t &size = result[result.size() - 1 - i];
    if (left == right || right == 1)
      size = left;
    else if (left == 1)
      size = right;
    else if (ShapedType::isDynamic(left))
      size = right;
    else if (ShapedType::isDynamic(right))
      size = left;
    else
      return std::nullopt;
  }
  return result;
}

LogicalResult sluice::inferElementwiseType(std::optional<Location> location,
                                           ValueRange operands,
                                           Type elementType,
                                           SmallVectorImpl<Type> &types) {
  SmallVector<int64_t> shape;
  for (Value operand : operands) {
    auto joined = broadcastShapes(shape, shapeOf(operand));
    if (!joined)
      return emitOptionalError(
          location, "operand shapes do not broadcast: ", operands.getTypes());
    shape = std::move(*joined);
  }
  types.push_back(RankedTensorType::get(shape, elementType));
  return success();
}

std::optional<sluice::OperandDimension>
sluice::getElementwiseSizeSource(Operation *op, int64_t dimension) {
  int64_t rank = shapeOf(op->getResult(0)).size();
  std::optional<OperandDimension> source;
  for (OpOperand &operand : op->getOpOperands()) {
    ArrayRef<int64_t> shape = shapeOf(operand.get());
    int64_t place = dimension - rank + static_cast<int64_t>(shape.size());
    if (place < 0 || shape[place] == 1)
      continue;
    if (source)
      return std::nullopt;
    source = {&operand, place};
  }
  return source;
}

OpFoldResult sluice::getDimension(OpBuilder &builder, Location loc,
                                  Value tensor, int64_t dimension) {
  int64_t size = shapeOf(tensor)[dimension];
  if (!ShapedType::isDynamic(size))
    return builder.getIndexAttr(size);
  return tensor::DimOp::create(builder, loc, tensor, dimension).getResult();
}

SmallVector<OpFoldResult> sluice::getDimensions(OpBuilder &builder,
                                                Location loc, Value tensor) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0, rank = shapeOf(tensor).size(); i < rank; ++i)
    sizes.push_back(getDimension(builder, loc, tensor, i));
  return sizes;
}

OpFoldResult sluice::broadcastSizes(OpBuilder &builder, Location loc,
                                    OpFoldResult lhs, OpFoldResult rhs) {
  if (lhs == rhs || isConstantIntValue(rhs, 1))
    return lhs;
  if (isConstantIntValue(lhs, 1))
    return rhs;
  // A static size above one (or zero) is the result wherever the program is
  // legal.
  if (getConstantIntValue(lhs))
    return lhs;
  if (getConstantIntValue(rhs))
    return rhs;
  // Sizes are equal or one of them is 1: `lhs == 1 ? rhs : lhs`.
  Value left = cast<Value>(lhs), right = cast<Value>(rhs);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value isOne =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, left, one);
  return arith::SelectOp::create(builder, loc, isOne, right, left).getResult();
}

LogicalResult
sluice::reifyElementwiseShape(OpBuilder &builder, Operation *op,
                              ReifiedRankedShapedTypeDims &shapes) {
  Location loc = op->getLoc();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<OpFoldResult> sizes(type.getRank(), builder.getIndexAttr(1));
  for (Value operand : op->getOperands()) {
    int64_t rank = shapeOf(operand).size();
    for (int64_t i = 0; i < rank; ++i) {
      OpFoldResult &size = sizes[type.getRank() - rank + i];
      size = broadcastSizes(builder, loc, size,
                            getDimension(builder, loc, operand, i));
    }
  }
  for (auto [size, known] : llvm::zip(sizes, type.getShape()))
    if (!ShapedType::isDynamic(known))
      size = builder.getIndexAttr(known);
  shapes.push_back(std::move(sizes));
  return success();
}
