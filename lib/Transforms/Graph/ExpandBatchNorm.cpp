//===- ExpandBatchNorm.cpp - Batch norms to factors and addends -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_EXPANDBATCHNORMPASS
#include "sluice/Transforms/Passes.h.inc"

Value expandBatchNorm(BatchNormOp op, RewriterBase &rewriter) {
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  auto type = cast<RankedTensorType>(op.getType());
  int64_t rank = type.getRank();
  auto scalar = [&](Value like, double number) -> Value {
    auto scalarType = RankedTensorType::get({}, elementTypeOf(like));
    Attribute value =
        rewriter.getFloatAttr(scalarType.getElementType(), number);
    return ConstantOp::create(rewriter, loc,
                              DenseElementsAttr::get(scalarType, value));
  };
  Type parameterType = elementTypeOf(op.getVariance());
  auto converted = [&](Value tensor, Type elementType) -> Value {
    if (elementTypeOf(tensor) == elementType)
      return tensor;
    return CastOp::create(rewriter, loc, tensor, elementType);
  };
  Value shifted = AddOp::create(
      rewriter, loc, op.getVariance(),
      scalar(op.getVariance(), op.getEpsilon().convertToDouble()));
  Value deviation = SqrtOp::create(rewriter, loc, shifted);
  Value factor = DivOp::create(
      rewriter, loc, converted(op.getScale(), parameterType), deviation);
  Value moved = MulOp::create(rewriter, loc,
                              converted(op.getMean(), parameterType), factor);
  Value addend = SubOp::create(rewriter, loc,
                               converted(op.getBias(), parameterType), moved);
  // One element per channel, in a shape that broadcasts.
  SmallVector<int64_t> axes;
  if (!op.getChannelsLast() && rank > 2)
    axes = llvm::to_vector(llvm::seq<int64_t>(1, rank - 1));
  auto spread = [&](Value vector) -> Value {
    vector = converted(vector, type.getElementType());
    if (axes.empty())
      return vector;
    return UnsqueezeOp::create(rewriter, loc, vector, axes);
  };
  Value product = MulOp::create(rewriter, loc, op.getOperand(), spread(factor));
  return AddOp::create(rewriter, loc, type, product, spread(addend));
}

namespace {

struct ExpandBatchNormPass final
    : impl::ExpandBatchNormPassBase<ExpandBatchNormPass> {
  void runOnOperation() final {
    IRRewriter rewriter(&getContext());
    SmallVector<BatchNormOp> norms;
    getOperation().walk([&](BatchNormOp op) { norms.push_back(op); });
    for (BatchNormOp op : norms)
      rewriter.replaceOp(op, expandBatchNorm(op, rewriter));
  }
};

} // namespace
} // namespace sluice
