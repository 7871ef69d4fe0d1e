//===- PadToPool.cpp - Pads as pads of pools ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/PadToPool.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/WindowInference.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace sluice;

static bool isZero(Value value) {
  return matchPattern(value, m_AnyZeroFloat()) || matchPattern(value, m_Zero());
}

/// Nothing is less; of floats that is -inf.
static bool isLowest(Value value) {
  DenseElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat())
    return false;
  Type type = elements.getElementType();
  if (isa<FloatType>(type)) {
    APFloat number = elements.getSplatValue<APFloat>();
    return number.isInfinity() && number.isNegative();
  }
  APInt number = elements.getSplatValue<APInt>();
  return isUnsignedType(type) || type.isInteger(1) ? number.isZero()
                                                   : number.isMinSignedValue();
}

/// The lowest number is no maximum, nor is zero beside what is not negative:
/// each window has such an element if its kernel is wider than the padding on
/// each side. On both sides together where the image may be empty: then it has
/// no window.
static bool takesNoPart(MaxPoolOp op, PadOp pad, ArrayRef<int64_t> pads) {
  if (isLowest(pad.getValue()))
    return true;
  if (!isZero(pad.getValue()) || !pad.getOperand().getDefiningOp<ReluOp>())
    return false;
  for (int64_t i = 0, rank = op.getSpatialRank(); i < rank; ++i) {
    int64_t low = pads[i], high = pads[rank + i];
    int64_t size = shapeOf(pad.getOperand())[op.getSpatialDimension() + i];
    int64_t width = size > 0 ? std::max(low, high) : low + high;
    if (op.getDilations()[i] != 1 || width >= op.getKernel()[i])
      return false;
  }
  return true;
}

namespace {
struct PadToMaxPool : OpRewritePattern<MaxPoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MaxPoolOp op,
                                PatternRewriter &rewriter) const override {
    auto pad = op.getOperand().getDefiningOp<PadOp>();
    // Only channels that lie together are read by the vector wherever a window
    // ends; along lines, padded ones are faster read from memory. A last window
    // may begin in padding that is part of the operand, and may not in a
    // pool's.
    if (!pad || !pad.getWidths().empty() || !op.getChannelsLast() ||
        op.getCeilMode())
      return failure();
    auto pads = joinPads(pad.getLow(), pad.getHigh(), op.getSpatialDimension(),
                         op.getStrides(), op.getDilations(), op.getPads());
    if (!pads || !takesNoPart(op, pad, *pads))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setPads(*pads);
      op.getOperandMutable().assign(pad.getOperand());
    });
    return success();
  }
};
} // namespace

void sluice::addPadToPool(RewritePatternSet &patterns) {
  patterns.add<PadToMaxPool>(patterns.getContext());
}
