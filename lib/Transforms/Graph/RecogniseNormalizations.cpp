//===- RecogniseNormalizations.cpp - Layer and RMS norms from formulas ----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Formulas.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_RECOGNISENORMALIZATIONSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// sqrt(variance + epsilon).
struct Deviation {
  Value variance;
  double epsilon;
};

std::optional<Deviation> matchDeviation(Value value) {
  auto root = value.getDefiningOp<SqrtOp>();
  auto sum = root ? root.getOperand().getDefiningOp<AddOp>() : AddOp();
  if (!sum)
    return std::nullopt;
  for (unsigned i : {0u, 1u})
    if (auto epsilon =
            getNumber(sum->getOperand(1 - i), shapeOf(sum.getResult())))
      return Deviation{sum->getOperand(i), *epsilon};
  return std::nullopt;
}

/// 1 / sqrt(variance + epsilon).
std::optional<Deviation> matchInverseDeviation(Value value) {
  if (auto inverse = value.getDefiningOp<ReciprocalOp>())
    return matchDeviation(inverse.getOperand());
  if (auto quotient = value.getDefiningOp<DivOp>())
    if (getNumber(quotient.getLhs(), shapeOf(value)) == 1.0)
      return matchDeviation(quotient.getRhs());
  if (auto power = value.getDefiningOp<PowOp>())
    if (getNumber(power.getRhs(), shapeOf(value)) == -0.5)
      if (auto sum = power.getLhs().getDefiningOp<AddOp>())
        for (unsigned i : {0u, 1u})
          if (auto epsilon =
                  getNumber(sum->getOperand(1 - i), shapeOf(sum.getResult())))
            return Deviation{sum->getOperand(i), *epsilon};
  return std::nullopt;
}

/// What is squared, if the value is a square.
Value matchSquare(Value value) {
  if (auto product = value.getDefiningOp<MulOp>())
    return product.getLhs() == product.getRhs() ? product.getLhs() : Value();
  if (auto power = value.getDefiningOp<PowOp>())
    return getNumber(power.getRhs(), shapeOf(value)) == 2.0 ? power.getLhs()
                                                            : Value();
  return {};
}

/// x - mean(x); returns x.
Value matchCentred(Value value, ArrayRef<int64_t> axes) {
  auto difference = value.getDefiningOp<SubOp>();
  if (!difference)
    return {};
  auto mean = matchMean(difference.getRhs());
  if (!mean || mean->operand != difference.getLhs() ||
      ArrayRef<int64_t>(mean->axes) != axes)
    return {};
  return difference.getLhs();
}

/// Is the value the same as `other`, or written a second time?
bool isSame(Value value, Value other) {
  if (value == other)
    return true;
  Operation *a = value.getDefiningOp(), *b = other.getDefiningOp();
  return a && b && isa<SubOp>(a) && isa<SubOp>(b) &&
         a->getOperand(0) == b->getOperand(0) &&
         a->getOperand(1).getDefiningOp() && b->getOperand(1).getDefiningOp() &&
         OperationEquivalence::isEquivalentTo(
             a->getOperand(1).getDefiningOp(), b->getOperand(1).getDefiningOp(),
             OperationEquivalence::IgnoreLocations);
}

/// The variance over trailing dimensions: what is squared, and the dimensions.
struct Variance {
  Value squared;
  SmallVector<int64_t> axes;
};

std::optional<Variance> matchVariance(Value value) {
  auto mean = matchMean(value);
  if (!mean || !areTrailing(mean->axes, shapeOf(mean->operand).size()))
    return std::nullopt;
  Value squared = matchSquare(mean->operand);
  if (!squared)
    return std::nullopt;
  return Variance{squared, mean->axes};
}

/// c / sqrt(mean(c^2) + epsilon), also as a product with the inverse.
template <typename OpTy> struct RecogniseNorm : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i : {0u, 1u}) {
      Value dividend = op->getOperand(i), other = op->getOperand(1 - i);
      if (isa<DivOp>(op) && i == 1)
        break;
      auto deviation =
          isa<DivOp>(op) ? matchDeviation(other) : matchInverseDeviation(other);
      auto variance =
          deviation ? matchVariance(deviation->variance) : std::nullopt;
      if (!variance || !isSame(variance->squared, dividend) ||
          dividend.getType() != op.getType())
        continue;
      ArrayRef<int64_t> axes = variance->axes;
      Value centred = matchCentred(dividend, axes);
      if (centred && centred.getType() == op.getType())
        replace<LayerNormOp>(op, centred, axes.front(), deviation->epsilon,
                             rewriter);
      else
        replace<RmsNormOp>(op, dividend, axes.front(), deviation->epsilon,
                           rewriter);
      return success();
    }
    return failure();
  }

private:
  template <typename NormOp>
  static void replace(OpTy op, Value x, int64_t axis, double epsilon,
                      PatternRewriter &rewriter) {
    remarks::applied(op, remarks::fusion)
        << "recognised as " << NormOp::getOperationName();
    rewriter.replaceOpWithNewOp<NormOp>(op, op.getType(), x, ValueRange(),
                                        rewriter.getI64IntegerAttr(axis),
                                        rewriter.getF64FloatAttr(epsilon));
  }
};

/// Does the value have one element per place in the normalised dimensions?
bool fitsParameter(Value value, RankedTensorType type, int64_t axis) {
  if (!isa<FloatType>(elementTypeOf(value)) ||
      !broadcastsTo(value, type.getShape()))
    return false;
  ArrayRef<int64_t> shape = shapeOf(value);
  size_t rowRank = type.getRank() - axis;
  return shape.size() >= rowRank &&
         shape.take_back(rowRank) == type.getShape().take_back(rowRank) &&
         llvm::all_of(shape.drop_back(rowRank),
                      [](int64_t size) { return size == 1; });
}

/// norm(x) * scale.
template <typename NormOp> struct AbsorbScale : OpRewritePattern<MulOp> {
  using OpRewritePattern<MulOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i : {0u, 1u}) {
      auto norm = op->getOperand(i).getDefiningOp<NormOp>();
      Value scale = op->getOperand(1 - i);
      if (!norm || !norm->hasOneUse() || !norm.getParameters().empty() ||
          norm.getType() != op.getType() ||
          !fitsParameter(scale, norm.getType(), norm.getAxis()))
        continue;
      Location loc = FusedLoc::get(getContext(), {norm.getLoc(), op.getLoc()});
      auto scaled = NormOp::create(rewriter, loc, norm.getType(),
                                   norm.getOperand(), ValueRange(scale),
                                   norm.getAxisAttr(), norm.getEpsilonAttr());
      rewriter.replaceOp(op, scaled.getResult());
      return success();
    }
    return failure();
  }
};

/// layer_norm(x, scale) + bias.
struct AbsorbBias : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i : {0u, 1u}) {
      auto norm = op->getOperand(i).getDefiningOp<LayerNormOp>();
      Value bias = op->getOperand(1 - i);
      if (!norm || !norm->hasOneUse() || norm.getParameters().size() != 1 ||
          norm.getType() != op.getType() ||
          !fitsParameter(bias, norm.getType(), norm.getAxis()))
        continue;
      Location loc = FusedLoc::get(getContext(), {norm.getLoc(), op.getLoc()});
      auto shifted =
          LayerNormOp::create(rewriter, loc, norm.getType(), norm.getOperand(),
                              ValueRange{norm.getScale(), bias},
                              norm.getAxisAttr(), norm.getEpsilonAttr());
      rewriter.replaceOp(op, shifted.getResult());
      return success();
    }
    return failure();
  }
};

class RecogniseNormalizationsPass final
    : public impl::RecogniseNormalizationsPassBase<
          RecogniseNormalizationsPass> {
public:
  using RecogniseNormalizationsPassBase::RecogniseNormalizationsPassBase;

  void runOnOperation() final {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecogniseNorm<DivOp>, RecogniseNorm<MulOp>,
                 AbsorbScale<LayerNormOp>, AbsorbScale<RmsNormOp>, AbsorbBias>(
        &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace sluice
