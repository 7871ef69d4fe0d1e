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
    auto pads = llvm::to_vector(op.getPads());
    int64_t spatialRank = op.getSpatialRank();
    ArrayRef<int64_t> low = pad.getLow(), high = pad.getHigh();
    for (int64_t i = 0, rank = low.size(); i < rank; ++i) {
      int64_t axis = i - op.getSpatialDimension();
      if (low[i] == 0 && high[i] == 0)
        continue;
      // What is cropped behind the padding is not the image.
      if (axis < 0 || axis >= spatialRank || low[i] < 0 || high[i] < 0 ||
          pads[axis] < 0 || pads[spatialRank + axis] < 0)
        return failure();
      pads[axis] += low[i];
      pads[spatialRank + axis] += high[i];
    }
    if (failed(verifyWindows(std::nullopt, spatialRank, op.getStrides(),
                             op.getDilations(), pads)))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setPads(pads);
      op.getInputMutable().assign(pad.getOperand());
    });
    return success();
  }
};
} // namespace

void sluice::addPadToConvolution(RewritePatternSet &patterns) {
  patterns.add<PadToConvolution>(patterns.getContext());
}
