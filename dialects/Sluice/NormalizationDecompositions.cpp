//===- NormalizationDecompositions.cpp - Softmax and norms, step by step --===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace sluice;

/// In the type that a storage type computes in.
static Value widen(GraphBuilder &steps, Value a) {
  return steps.cast(a, getComputeType(elementTypeOf(a)));
}

/// Over the dimensions from `first` up to `last`, which stay as ones.
static Value reduce(GraphBuilder &steps, Value a, ReductionKind kind,
                    int64_t first, int64_t last) {
  return steps.reduce(a, kind,
                      llvm::to_vector(llvm::seq<int64_t>(first, last)));
}

/// The value in a result's place.
static SmallVector<Value> finish(GraphBuilder &steps, Value value, Type type) {
  Value result = steps.cast(value, getElementTypeOrSelf(type));
  // The op may know more of its sizes than its operands do.
  result.setType(type);
  return {result};
}

SmallVector<Value> SoftmaxOp::decompose(OpBuilder &builder) {
  GraphBuilder steps(builder, getLoc());
  int64_t axis = getAxis();
  Value x = widen(steps, getOperand());
  Value largest = reduce(steps, x, ReductionKind::Max, axis, axis + 1);
  Value powers = steps.make<ExpOp>(steps.sub(x, largest));
  Value sum = reduce(steps, powers, ReductionKind::Sum, axis, axis + 1);
  return finish(steps, steps.div(powers, sum), getType());
}

SmallVector<Value> LogSoftmaxOp::decompose(OpBuilder &builder) {
  GraphBuilder steps(builder, getLoc());
  int64_t axis = getAxis();
  Value x = widen(steps, getOperand());
  Value largest = reduce(steps, x, ReductionKind::Max, axis, axis + 1);
  Value moved = steps.sub(x, largest);
  Value sum = reduce(steps, steps.make<ExpOp>(moved), ReductionKind::Sum, axis,
                     axis + 1);
  return finish(steps, steps.sub(moved, steps.make<LogOp>(sum)), getType());
}

/// x / sqrt(mean of x^2 + epsilon) over the dimensions from `axis` on, then the
/// factors and addends.
template <typename OpTy>
static SmallVector<Value> normalise(OpTy op, GraphBuilder &steps, Value x) {
  int64_t rank = op.getType().getRank();
  Value square =
      reduce(steps, steps.mul(x, x), ReductionKind::Mean, op.getAxis(), rank);
  Value epsilon = steps.number(square, op.getEpsilon().convertToDouble());
  Value result = steps.div(x, steps.make<SqrtOp>(steps.add(square, epsilon)));
  Type type = elementTypeOf(x);
  if (Value scale = op.getScale())
    result = steps.mul(result, steps.cast(scale, type));
  if (Value bias = op.getBias())
    result = steps.add(result, steps.cast(bias, type));
  return finish(steps, result, op.getType());
}

SmallVector<Value> LayerNormOp::decompose(OpBuilder &builder) {
  GraphBuilder steps(builder, getLoc());
  Value x = widen(steps, getOperand());
  Value mean =
      reduce(steps, x, ReductionKind::Mean, getAxis(), getType().getRank());
  return normalise(*this, steps, steps.sub(x, mean));
}

SmallVector<Value> RmsNormOp::decompose(OpBuilder &builder) {
  GraphBuilder steps(builder, getLoc());
  return normalise(*this, steps, widen(steps, getOperand()));
}

SmallVector<Value> BatchNormOp::decompose(OpBuilder &builder) {
  GraphBuilder steps(builder, getLoc());
  // A factor and an addend per channel are constants where parameters are.
  Value variance = getVariance();
  Type type = elementTypeOf(variance),
       elementType = elementTypeOf(getOperand());
  Value epsilon = steps.number(variance, getEpsilon().convertToDouble());
  Value deviation = steps.make<SqrtOp>(steps.add(variance, epsilon));
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
    return steps.unsqueeze(vector, axes);
  };
  Value product = steps.mul(getOperand(), spread(factor));
  return finish(steps, steps.add(product, spread(addend)), getType());
}
