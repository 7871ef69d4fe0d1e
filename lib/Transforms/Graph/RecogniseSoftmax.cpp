//===- RecogniseSoftmax.cpp - Softmax from its formula --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Formulas.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_RECOGNISESOFTMAXPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// The divisor of a quotient, which may be written as a product with a
/// reciprocal.
std::pair<Value, Value> matchQuotient(Operation *op) {
  if (auto quotient = dyn_cast<DivOp>(op))
    return {quotient.getLhs(), quotient.getRhs()};
  if (isa<MulOp>(op))
    for (unsigned i : {0u, 1u})
      if (auto inverse = op->getOperand(i).getDefiningOp<ReciprocalOp>())
        return {op->getOperand(1 - i), inverse.getOperand()};
  return {};
}

template <typename OpTy> struct RecogniseSoftmax : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto [dividend, divisor] = matchQuotient(op);
    auto exp = dividend ? dividend.template getDefiningOp<ExpOp>() : ExpOp();
    if (!exp)
      return failure();
    auto sum = matchReduction(divisor, ReductionKind::Sum);
    if (!sum || sum->operand != exp.getResult())
      return failure();
    if (sum->axes.size() != 1) {
      remarks::missed(op, remarks::fusion)
          << "not recognised as softmax: it runs over several dimensions";
      return failure();
    }
    if (exp.getType() != op.getType())
      return failure();
    // Softmax does not change when the row's maximum is subtracted.
    Value x = exp.getOperand();
    if (auto shifted = x.getDefiningOp<SubOp>()) {
      auto max = matchReduction(shifted.getRhs(), ReductionKind::Max);
      if (max && max->operand == shifted.getLhs() && max->axes == sum->axes &&
          shifted.getLhs().getType() == op.getType())
        x = shifted.getLhs();
    }
    remarks::applied(op, remarks::fusion) << "recognised as softmax";
    rewriter.replaceOpWithNewOp<SoftmaxOp>(
        op, op.getType(), x, rewriter.getI64IntegerAttr(sum->axes.front()));
    return success();
  }
};

/// log(softmax(x)).
struct RecogniseLogSoftmax : OpRewritePattern<LogOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LogOp op,
                                PatternRewriter &rewriter) const override {
    auto softmax = op.getOperand().getDefiningOp<SoftmaxOp>();
    if (!softmax || !softmax->hasOneUse())
      return failure();
    remarks::applied(op, remarks::fusion) << "recognised as log_softmax";
    rewriter.replaceOpWithNewOp<LogSoftmaxOp>(
        op, op.getType(), softmax.getOperand(), softmax.getAxisAttr());
    return success();
  }
};

class RecogniseSoftmaxPass final
    : public impl::RecogniseSoftmaxPassBase<RecogniseSoftmaxPass> {
public:
  using RecogniseSoftmaxPassBase::RecogniseSoftmaxPassBase;

  void runOnOperation() final {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecogniseSoftmax<DivOp>, RecogniseSoftmax<MulOp>,
                 RecogniseLogSoftmax>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace sluice
