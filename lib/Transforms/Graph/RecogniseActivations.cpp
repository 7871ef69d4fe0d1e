//===- RecogniseActivations.cpp - Activations from their formulas ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Formulas.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_RECOGNISEACTIVATIONSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Replaces the op by another of the same type that reads `operand`.
template <typename OpTy>
void replaceBy(PatternRewriter &rewriter, Operation *op, Value operand,
               ArrayRef<NamedAttribute> attributes = {}) {
  auto result =
      OpTy::create(rewriter, op->getLoc(), TypeRange(op->getResultTypes()),
                   ValueRange(operand), attributes);
  remarks::applied(op, remarks::fusion)
      << "recognised as " << result->getName().stripDialect();
  rewriter.replaceOp(op, result->getResults());
}

bool hasShapeOf(Operation *op, Value value) {
  return shapeOf(op->getResult(0)) == shapeOf(value) &&
         isa<FloatType>(elementTypeOf(value));
}

/// The function whose result sums and products with numbers lead from to
/// `value`; null if there is none.
Operation *findCore(Value value) {
  for (unsigned depth = 0; depth < 4; ++depth) {
    Operation *op = value.getDefiningOp();
    if (!op || isa<ErfOp, TanhOp, SigmoidOp, ClipOp, HardSigmoidOp>(op))
      return op;
    if (!isa<AddOp, SubOp, MulOp, DivOp>(op))
      return nullptr;
    bool isFirst = getSplatNumber(op->getOperand(1)).has_value();
    if (!isFirst && !getSplatNumber(op->getOperand(0)))
      return nullptr;
    value = op->getOperand(isFirst ? 0 : 1);
  }
  return nullptr;
}

/// x times a function of x.
template <typename OpTy> struct RecogniseGate : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Product product = getProduct(op);
    if (product.factors.size() != 2)
      return failure();
    for (unsigned i : {0u, 1u}) {
      Value x = product.factors[i], gate = product.factors[1 - i];
      Operation *core = findCore(gate);
      if (!core || !hasShapeOf(op, x) || !hasShapeOf(core, x))
        continue;
      auto outer = getPolynomial(gate, core->getResult(0));
      if (!outer)
        continue;
      // The whole is x * (offset + factor * core).
      double offset = product.number * (*outer)[0],
             factor = product.number * (*outer)[1];
      if (recognise(op, x, core, offset, factor, rewriter))
        return success();
    }
    return failure();
  }

private:
  bool recognise(OpTy op, Value x, Operation *core, double offset,
                 double factor, PatternRewriter &rewriter) const {
    Value argument = core->getOperand(0);
    auto inner = getPolynomial(argument, x);
    bool isGelu = isAbout(offset, 0.5) && isAbout(factor, 0.5);
    bool isPlain = offset == 0 && isAbout(factor, 1);
    if (isa<ErfOp>(core) && isGelu && inner &&
        isAbout(*inner, {0, 0.70710678118654752, 0, 0})) {
      replaceBy<GeluOp>(rewriter, op, x);
      return true;
    }
    if (isa<TanhOp>(core) && isGelu && inner &&
        isAbout(*inner, {0, 0.79788456080286536, 0, 0.035677408136300125})) {
      replaceBy<GeluOp>(
          rewriter, op, x,
          rewriter.getNamedAttr("tanh_approximation", rewriter.getUnitAttr()));
      return true;
    }
    if (isa<TanhOp>(core) && isPlain) {
      auto softplus = argument.getDefiningOp<SoftplusOp>();
      if (!softplus || softplus.getOperand() != x)
        return false;
      replaceBy<MishOp>(rewriter, op, x);
      return true;
    }
    if (isa<SigmoidOp>(core) && isPlain && inner &&
        isAbout(*inner, {0, (*inner)[1], 0, 0})) {
      replaceBy<SwishOp>(rewriter, op, x,
                         rewriter.getNamedAttr(
                             "alpha", rewriter.getF64FloatAttr((*inner)[1])));
      return true;
    }
    if (isHardSigmoid(core, x, inner, offset, factor)) {
      replaceBy<HardSwishOp>(rewriter, op, x);
      return true;
    }
    return false;
  }

  /// Is offset + factor * core the function clip(x / 6 + 1/2, 0, 1)?
  static bool isHardSigmoid(Operation *core, Value x,
                            const std::optional<Polynomial> &inner,
                            double offset, double factor) {
    if (offset != 0)
      return false;
    if (auto hardSigmoid = dyn_cast<HardSigmoidOp>(core))
      return hardSigmoid.getOperand() == x && isAbout(factor, 1) &&
             isAbout(hardSigmoid.getAlpha().convertToDouble(), 1.0 / 6) &&
             isAbout(hardSigmoid.getBeta().convertToDouble(), 0.5);
    auto clip = dyn_cast<ClipOp>(core);
    if (!clip || !inner)
      return false;
    auto low = getSplatNumber(clip.getLow()),
         high = getSplatNumber(clip.getHigh());
    return low && high && *low == 0 && isAbout(*high * factor, 1) &&
           isAbout((*inner)[0] * factor, 0.5) &&
           isAbout((*inner)[1] * factor, 1.0 / 6) && (*inner)[2] == 0 &&
           (*inner)[3] == 0;
  }
};

/// 1 / (1 + exp(-x)).
struct RecogniseSigmoid {
  static LogicalResult match(Operation *op, Value denominator,
                             PatternRewriter &rewriter) {
    auto sum = denominator.getDefiningOp<AddOp>();
    if (!sum)
      return failure();
    for (unsigned i : {0u, 1u}) {
      auto exp = sum->getOperand(i).getDefiningOp<ExpOp>();
      auto one = getNumber(sum->getOperand(1 - i), shapeOf(op->getResult(0)));
      auto negated = exp ? exp.getOperand().getDefiningOp<NegOp>() : NegOp();
      if (!negated || one != 1.0 || !hasShapeOf(op, negated.getOperand()))
        continue;
      replaceBy<SigmoidOp>(rewriter, op, negated.getOperand());
      return success();
    }
    return failure();
  }
};

struct SigmoidFromReciprocal : OpRewritePattern<ReciprocalOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReciprocalOp op,
                                PatternRewriter &rewriter) const override {
    return RecogniseSigmoid::match(op, op.getOperand(), rewriter);
  }
};

struct SigmoidFromQuotient : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op,
                                PatternRewriter &rewriter) const override {
    if (getNumber(op.getLhs(), shapeOf(op.getResult())) != 1.0)
      return failure();
    return RecogniseSigmoid::match(op, op.getRhs(), rewriter);
  }
};

/// log(1 + exp(x)).
struct RecogniseSoftplus : OpRewritePattern<LogOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LogOp op,
                                PatternRewriter &rewriter) const override {
    auto sum = op.getOperand().getDefiningOp<AddOp>();
    if (!sum)
      return failure();
    for (unsigned i : {0u, 1u}) {
      auto exp = sum->getOperand(i).getDefiningOp<ExpOp>();
      if (!exp || !hasShapeOf(op, exp.getOperand()) ||
          getNumber(sum->getOperand(1 - i), shapeOf(op.getResult())) != 1.0)
        continue;
      replaceBy<SoftplusOp>(rewriter, op, exp.getOperand());
      return success();
    }
    return failure();
  }
};

/// max(x, 0).
struct RecogniseRelu : OpRewritePattern<MaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MaxOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i : {0u, 1u}) {
      Value x = op->getOperand(i);
      if (!hasShapeOf(op, x) ||
          getNumber(op->getOperand(1 - i), shapeOf(x)) != 0.0)
        continue;
      replaceBy<ReluOp>(rewriter, op, x);
      return success();
    }
    return failure();
  }
};

/// min(relu(x), high), and clip(relu(x), 0, high).
struct RecogniseClippedRelu : RewritePattern {
  explicit RecogniseClippedRelu(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MinOp, ClipOp>(op))
      return failure();
    unsigned last = op->getNumOperands() - 1;
    for (unsigned i : {0u, 1u}) {
      auto relu = op->getOperand(i).getDefiningOp<ReluOp>();
      if (!relu || !hasShapeOf(op, relu.getOperand()) ||
          (isa<ClipOp>(op) && i != 0))
        continue;
      ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
      Value high = op->getOperand(isa<ClipOp>(op) ? last : 1 - i);
      auto bound = getNumber(high, shape);
      if (!bound || *bound < 0)
        continue;
      if (auto clip = dyn_cast<ClipOp>(op);
          clip && getNumber(clip.getLow(), shape).value_or(1) > 0)
        continue;
      GraphBuilder graph(rewriter, op->getLoc());
      Value zero = graph.number(elementTypeOf(relu.getOperand()), 0);
      Value clipped = graph.make<ClipOp>(relu.getOperand(), zero, high);
      clipped.setType(op->getResult(0).getType());
      rewriter.replaceOp(op, clipped);
      return success();
    }
    return failure();
  }
};

class RecogniseActivationsPass final
    : public impl::RecogniseActivationsPassBase<RecogniseActivationsPass> {
public:
  using RecogniseActivationsPassBase::RecogniseActivationsPassBase;

  void runOnOperation() final {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecogniseGate<MulOp>, RecogniseGate<DivOp>,
                 SigmoidFromReciprocal, SigmoidFromQuotient, RecogniseSoftplus,
                 RecogniseRelu, RecogniseClippedRelu>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace sluice
