//===- ShapeEvaluation.cpp - Shape tensors as scalars ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/ElementEvaluator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

std::optional<double> sluice::evaluateConstantNumber(Value tensor,
                                                     int64_t index) {
  return ElementEvaluator(nullptr, tensor.getLoc()).number(tensor, index);
}

std::optional<int64_t> sluice::evaluateConstantElement(Value tensor,
                                                       int64_t index) {
  OpFoldResult result =
      ElementEvaluator(nullptr, tensor.getLoc()).element(tensor, index);
  return result ? getConstantIntValue(result) : std::nullopt;
}

std::optional<SmallVector<int64_t>>
sluice::evaluateConstantElements(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  // Axes, sizes and positions are few.
  if (!type.hasStaticShape() || type.getNumElements() > 1 << 16)
    return std::nullopt;
  SmallVector<int64_t> elements;
  for (int64_t i = 0, count = type.getNumElements(); i < count; ++i) {
    std::optional<int64_t> known = evaluateConstantElement(tensor, i);
    if (!known)
      return std::nullopt;
    elements.push_back(*known);
  }
  return elements;
}

OpFoldResult sluice::evaluateElement(OpBuilder &builder, Location loc,
                                     Value tensor, int64_t index) {
  return ElementEvaluator(&builder, loc).element(tensor, index);
}

OpFoldResult sluice::readElement(OpBuilder &builder, Location loc, Value tensor,
                                 int64_t index) {
  if (OpFoldResult known = evaluateElement(builder, loc, tensor, index))
    return known;
  SmallVector<Value> indices;
  auto type = cast<RankedTensorType>(tensor.getType());
  for (int64_t i = 0; i < type.getRank(); ++i) {
    // Only the last dimension of such tensors is longer than one.
    int64_t position = i + 1 == type.getRank() ? index : 0;
    indices.push_back(arith::ConstantIndexOp::create(builder, loc, position));
  }
  Value element = tensor::ExtractOp::create(builder, loc, tensor, indices);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    element)
      .getResult();
}

OpFoldResult sluice::multiplySizes(OpBuilder &builder, Location loc,
                                   ArrayRef<OpFoldResult> sizes) {
  int64_t known = 1;
  Value product;
  for (OpFoldResult size : sizes) {
    if (auto constant = getConstantIntValue(size)) {
      known *= *constant;
      continue;
    }
    Value factor = cast<Value>(size);
    product =
        product ? arith::MulIOp::create(builder, loc, product, factor) : factor;
  }
  if (!product)
    return builder.getIndexAttr(known);
  if (known == 1)
    return product;
  return arith::MulIOp::create(
             builder, loc, product,
             arith::ConstantIndexOp::create(builder, loc, known))
      .getResult();
}
