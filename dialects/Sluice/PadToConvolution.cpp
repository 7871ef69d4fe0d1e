//===- PadToConvolution.cpp - Pads as pads of convolutions ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/PadToConvolution.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/WindowInference.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace sluice;

namespace {
struct PadToConvolution : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp op,
                                PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<PadOp>();
    if (!pad || !pad.getWidths().empty() ||
        !matchPattern(pad.getValue(), m_AnyZeroFloat()))
      return failure();
    auto pads = joinPads(pad.getLow(), pad.getHigh(), op.getSpatialDimension(),
                         op.getStrides(), op.getDilations(), op.getPads());
    if (!pads)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setPads(*pads);
      op.getInputMutable().assign(pad.getOperand());
    });
    return success();
  }
};
} // namespace

void sluice::addPadToConvolution(RewritePatternSet &patterns) {
  patterns.add<PadToConvolution>(patterns.getContext());
}
