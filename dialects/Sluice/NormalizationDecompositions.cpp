//===- NormalizationDecompositions.cpp - Softmax and norms, step by step --===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Sluice.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace sluice;

namespace {

/// Short names for the ops that decompositions are made of.
struct Steps {
  OpBuilder &builder;
  Location loc;

  Value sub(Value a, Value b) { return SubOp::create(builder, loc, a, b); }
  Value mul(Value a, Value b) { return MulOp::create(builder, loc, a, b); }
  Value div(Value a, Value b) { return DivOp::create(builder, loc, a, b); }
  Value add(Value a, Value b) { return AddOp::create(builder, loc, a, b); }
  Value exp(Value a) { return ExpOp::create(builder, loc, a); }
  Value log(Value a) { return LogOp::create(builder, loc, a); }
  Value sqrt(Value a) { return SqrtOp::create(builder, loc, a); }
  Value cast(Value a, Type elementType) {
    if (elementTypeOf(a) == elementType)
      return a;
    return CastOp::create(builder, loc, a, elementType);
  }
  /// In the type that a storage type computes in.
  Value widen(Value a) { return cast(a, getComputeType(elementTypeOf(a))); }
  /// Over the dimensions from `first` up to `last`, which stay as ones.
  Value reduce(Value a, ReductionKind kind, int64_t first, int64_t last) {
    return ReduceOp::create(builder, loc, a,
                            ReductionKindAttr::get(builder.getContext(), kind),
                            builder.getDenseI64ArrayAttr(llvm::to_vector(
                                llvm::seq<int64_t>(first, last))),
                            builder.getUnitAttr());
  }
  Value scalar(Value like, double number) {
    auto type = RankedTensorType::get({}, elementTypeOf(like));
    Attribute value = builder.getFloatAttr(type.getElementType(), number);
    return ConstantOp::create(builder, loc,
                              DenseElementsAttr::get(type, value));
  }
  /// The value in a result's place.
  SmallVector<Value> finish(Value value, Type type) {
    Value result = cast(value, getElementTypeOrSelf(type));
    // The op may know more of its sizes than its operands do.
    result.setType(type);
    return {result};
  }
};

} // namespace

SmallVector<Value> SoftmaxOp::decompose(OpBuilder &builder) {
  Steps steps{builder, getLoc()};
  int64_t axis = getAxis();
  Value x = steps.widen(getOperand());
  Value largest = steps.reduce(x, ReductionKind::Max, axis, axis + 1);
  Value powers = steps.exp(steps.sub(x, largest));
  Value sum = steps.reduce(powers, ReductionKind::Sum, axis, axis + 1);
  return steps.finish(steps.div(powers, sum), getType());
}

SmallVector<Value> LogSoftmaxOp::decompose(OpBuilder &builder) {
  Steps steps{builder, getLoc()};
  int64_t axis = getAxis();
  Value x = steps.widen(getOperand());
  Value largest = steps.reduce(x, ReductionKind::Max, axis, axis + 1);
  Value moved = steps.sub(x, largest);
  Value sum =
      steps.reduce(steps.exp(moved), ReductionKind::Sum, axis, axis + 1);
  return steps.finish(steps.sub(moved, steps.log(sum)), getType());
}

/// x / sqrt(mean of x^2 + epsilon) over the dimensions from `axis` on, then the
/// factors and addends.
template <typename OpTy>
static SmallVector<Value> normalise(OpTy op, Steps steps, Value x) {
  int64_t rank = op.getType().getRank();
  Value square =
      steps.reduce(steps.mul(x, x), ReductionKind::Mean, op.getAxis(), rank);
  Value epsilon = steps.scalar(square, op.getEpsilon().convertToDouble());
  Value result = steps.div(x, steps.sqrt(steps.add(square, epsilon)));
  Type type = elementTypeOf(x);
  if (Value scale = op.getScale())
    result = steps.mul(result, steps.cast(scale, type));
  if (Value bias = op.getBias())
    result = steps.add(result, steps.cast(bias, type));
  return steps.finish(result, op.getType());
}

SmallVector<Value> LayerNormOp::decompose(OpBuilder &builder) {
  Steps steps{builder, getLoc()};
  Value x = steps.widen(getOperand());
  Value mean =
      steps.reduce(x, ReductionKind::Mean, getAxis(), getType().getRank());
  return normalise(*this, steps, steps.sub(x, mean));
}

SmallVector<Value> RmsNormOp::decompose(OpBuilder &builder) {
  Steps steps{builder, getLoc()};
  return normalise(*this, steps, steps.widen(getOperand()));
}

SmallVector<Value> BatchNormOp::decompose(OpBuilder &builder) {
  Steps steps{builder, getLoc()};
  // A factor and an addend per channel are constants where parameters are.
  Value variance = getVariance();
  Type type = elementTypeOf(variance),
       elementType = elementTypeOf(getOperand());
  Value epsilon = steps.scalar(variance, getEpsilon().convertToDouble());
  Value deviation = steps.sqrt(steps.add(variance, epsilon));
  Value factor = steps.div(steps.cast(getScale(), type), deviation);
  Value moved = steps.mul(steps.cast(getMean(), type), factor);
  Value addend = steps.sub(steps.cast(getBias(), type), moved);
  // In a shape that broadcasts.
  int64_t rank = getType().getRank();
  SmallVector<int64_t> axes;
  if (!getChannelsLast() && rank > 2)
    axes = llvm::to_vector(llvm::seq<int64_t>(1, rank - 1));
  auto spread = [&](Value vector) -> Value {
    vector = steps.cast(vector, elementType);
    if (axes.empty())
      return vector;
    return UnsqueezeOp::create(builder, getLoc(), vector, axes);
  };
  Value product = steps.mul(getOperand(), spread(factor));
  return steps.finish(steps.add(product, spread(addend)), getType());
}
