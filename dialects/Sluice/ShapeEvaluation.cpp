//===- ShapeEvaluation.cpp - Shape tensors as scalars ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sluice;

namespace {

/// Evaluates one element. Without a builder only constants come out.
class Evaluator {
public:
  Evaluator(OpBuilder *builder, Location loc) : builder(builder), loc(loc) {}

  OpFoldResult element(Value tensor, int64_t index);

private:
  /// Chains of shape arithmetic are short; the bound stops hostile graphs
  /// from recursing without end.
  static constexpr unsigned maxDepth = 200;

  OpFoldResult constant(int64_t number) {
    return IntegerAttr::get(IndexType::get(loc.getContext()), number);
  }
  /// Combines two elements: on constants by `fold`, otherwise by an op.
  template <typename OpTy, typename Fold>
  OpFoldResult combine(Operation *op, int64_t index, Fold fold);
  /// The element of `operand` that element `index` of `result` broadcasts
  /// from; only for shapes whose broadcast is evident.
  OpFoldResult broadcastElement(Value operand, Value result, int64_t index);
  OpFoldResult shapeElement(ShapeOp op, int64_t index);
  OpFoldResult constantElement(Attribute value, int64_t index);

  OpBuilder *builder;
  Location loc;
  unsigned depth = 0;
};

} // namespace

OpFoldResult Evaluator::constantElement(Attribute value, int64_t index) {
  auto elements = dyn_cast<DenseIntElementsAttr>(value);
  if (!elements || index >= elements.getNumElements())
    return {};
  APInt number = *(elements.value_begin<APInt>() + index);
  bool isUnsigned = isUnsignedType(elements.getElementType());
  if (isUnsigned ? number.getActiveBits() > 63
                 : number.getSignificantBits() > 64)
    return {};
  return constant(isUnsigned ? number.getZExtValue() : number.getSExtValue());
}

OpFoldResult Evaluator::shapeElement(ShapeOp op, int64_t index) {
  int64_t dimension = op.getStart() + index;
  if (dimension >= static_cast<int64_t>(shapeOf(op.getOperand()).size()))
    return {};
  int64_t size = shapeOf(op.getOperand())[dimension];
  if (!ShapedType::isDynamic(size))
    return constant(size);
  if (!builder)
    return {};
  return getDimension(*builder, loc, op.getOperand(), dimension);
}

OpFoldResult Evaluator::broadcastElement(Value operand, Value result,
                                         int64_t index) {
  auto type = cast<RankedTensorType>(operand.getType());
  if (!type.hasStaticShape())
    return {};
  if (type.getNumElements() == 1)
    return element(operand, 0);
  auto resultType = cast<RankedTensorType>(result.getType());
  if (resultType.hasStaticShape() &&
      type.getNumElements() == resultType.getNumElements())
    return element(operand, index);
  return {};
}

template <typename OpTy, typename Fold>
OpFoldResult Evaluator::combine(Operation *op, int64_t index, Fold fold) {
  OpFoldResult lhs =
      broadcastElement(op->getOperand(0), op->getResult(0), index);
  if (!lhs)
    return {};
  OpFoldResult rhs =
      broadcastElement(op->getOperand(1), op->getResult(0), index);
  if (!rhs)
    return {};
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if (left && right) {
    std::optional<int64_t> folded = fold(*left, *right);
    return folded ? constant(*folded) : OpFoldResult();
  }
  if (!builder)
    return {};
  // A division by what may be zero stays in the tensor world, where it is
  // defined.
  if (isa<DivOp>(op) && (!right || *right <= 0))
    return {};
  return OpTy::create(*builder, loc,
                      getValueOrCreateConstantIndexOp(*builder, loc, lhs),
                      getValueOrCreateConstantIndexOp(*builder, loc, rhs))
      .getResult();
}

OpFoldResult Evaluator::element(Value tensor, int64_t index) {
  Attribute value;
  if (matchPattern(tensor, m_Constant(&value)))
    return constantElement(value, index);
  Operation *op = tensor.getDefiningOp();
  if (!op || depth > maxDepth || !isa<IntegerType>(elementTypeOf(tensor)))
    return {};
  ++depth;
  OpFoldResult result =
      llvm::TypeSwitch<Operation *, OpFoldResult>(op)
          .Case([&](ShapeOp shape) { return shapeElement(shape, index); })
          .Case<ReshapeOp, UnsqueezeOp, SqueezeOp>(
              [&](auto view) { return element(view.getOperand(), index); })
          .Case([&](CastOp cast) -> OpFoldResult {
            // Widening and the usual i64 <-> i32 casts of sizes keep values.
            if (!isa<IntegerType>(elementTypeOf(cast.getOperand())) ||
                cast.getTo().getIntOrFloatBitWidth() < 32)
              return {};
            return element(cast.getOperand(), index);
          })
          .Case([&](AddOp) {
            return combine<arith::AddIOp>(
                op, index, [](int64_t a, int64_t b) -> std::optional<int64_t> {
                  int64_t r;
                  if (__builtin_add_overflow(a, b, &r))
                    return std::nullopt;
                  return r;
                });
          })
          .Case([&](SubOp) {
            return combine<arith::SubIOp>(
                op, index, [](int64_t a, int64_t b) -> std::optional<int64_t> {
                  int64_t r;
                  if (__builtin_sub_overflow(a, b, &r))
                    return std::nullopt;
                  return r;
                });
          })
          .Case([&](MulOp) {
            return combine<arith::MulIOp>(
                op, index, [](int64_t a, int64_t b) -> std::optional<int64_t> {
                  int64_t r;
                  if (__builtin_mul_overflow(a, b, &r))
                    return std::nullopt;
                  return r;
                });
          })
          .Case([&](DivOp) {
            return combine<arith::DivSIOp>(
                op, index, [](int64_t a, int64_t b) -> std::optional<int64_t> {
                  if (b == 0 || (b == -1 && a == INT64_MIN))
                    return std::nullopt;
                  return a / b;
                });
          })
          .Case([&](MaxOp) {
            return combine<arith::MaxSIOp>(
                op, index, [](int64_t a, int64_t b) -> std::optional<int64_t> {
                  return std::max(a, b);
                });
          })
          .Case([&](MinOp) {
            return combine<arith::MinSIOp>(
                op, index, [](int64_t a, int64_t b) -> std::optional<int64_t> {
                  return std::min(a, b);
                });
          })
          .Case([&](EqualOp) -> OpFoldResult {
            OpFoldResult lhs =
                             broadcastElement(op->getOperand(0), tensor, index),
                         rhs =
                             broadcastElement(op->getOperand(1), tensor, index);
            if (!lhs || !rhs)
              return {};
            auto left = getConstantIntValue(lhs),
                 right = getConstantIntValue(rhs);
            if (left && right)
              return constant(*left == *right);
            // A size is never negative.
            if ((left && *left < 0) || (right && *right < 0))
              return constant(0);
            return {};
          })
          .Case([&](SelectOp select) -> OpFoldResult {
            OpFoldResult condition =
                broadcastElement(select.getCondition(), tensor, index);
            auto known = getConstantIntValue(condition);
            if (!condition || !known)
              return {};
            return broadcastElement(*known ? select.getOnTrue()
                                           : select.getOnFalse(),
                                    tensor, index);
          })
          .Default(OpFoldResult());
  --depth;
  return result;
}

std::optional<int64_t> sluice::evaluateConstantElement(Value tensor,
                                                       int64_t index) {
  OpFoldResult result =
      Evaluator(nullptr, tensor.getLoc()).element(tensor, index);
  return result ? getConstantIntValue(result) : std::nullopt;
}

std::optional<SmallVector<int64_t>>
sluice::evaluateConstantElements(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.hasStaticShape())
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
  return Evaluator(&builder, loc).element(tensor, index);
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
