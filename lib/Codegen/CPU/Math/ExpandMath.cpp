//===- ExpandMath.cpp - Elementary functions to arithmetic ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Functions.h"
#include "IntegerPower.h"
#include "dialects/Sluice/MathHints.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "sluice/Codegen/CPU/Passes.h.inc"

using namespace math_expansion;

namespace {

bool isNarrow(Type type) { return type.isF16() || type.isBF16(); }

/// Brings operands to f32 and to one dimension, and results back.
class Adapter {
public:
  Adapter(PatternRewriter &rewriter, Location loc, Type type, bool hasFma)
      : rewriter(rewriter), type(type),
        math(rewriter, loc, countLanes(type), hasFma) {}

  Value enter(Value value) {
    auto vector = dyn_cast<VectorType>(type);
    if (vector && vector.getRank() != 1)
      value = vector::ShapeCastOp::create(
          rewriter, math.loc,
          VectorType::get({math.lanes}, vector.getElementType()), value);
    if (isNarrow(getElementTypeOrSelf(type)))
      value = arith::ExtFOp::create(rewriter, math.loc, math.f32(), value);
    return value;
  }

  Value leave(Value value) {
    Type elementType = getElementTypeOrSelf(type);
    if (isNarrow(elementType))
      value = arith::TruncFOp::create(rewriter, math.loc,
                                      math.shaped(elementType), value);
    if (value.getType() != type)
      value = vector::ShapeCastOp::create(rewriter, math.loc, type, value);
    return value;
  }

  PatternRewriter &rewriter;
  Type type;
  MathBuilder math;

private:
  static int64_t countLanes(Type type) {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? vector.getNumElements() : 0;
  }
};

bool canExpand(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (vector && vector.isScalable())
    return false;
  Type elementType = getElementTypeOrSelf(type);
  return elementType.isF32() || isNarrow(elementType);
}

template <typename Op> class ExpandUnary final : public OpRewritePattern<Op> {
public:
  using Builder = Value (*)(MathBuilder &, Value);

  ExpandUnary(MLIRContext *context, Builder build, bool hasFma)
      : OpRewritePattern<Op>(context), build(build), hasFma(hasFma) {}

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const final {
    if (!canExpand(op.getType()))
      return failure();
    Adapter adapter(rewriter, op.getLoc(), op.getType(), hasFma);
    Value result = build(adapter.math, adapter.enter(op.getOperand()));
    rewriter.replaceOp(op, adapter.leave(result));
    return success();
  }

private:
  Builder build;
  bool hasFma;
};

/// Takes a shorter way where the operand is known to be moderate.
class ExpandExp2 final : public OpRewritePattern<math::Exp2Op> {
public:
  ExpandExp2(MLIRContext *context, bool hasFma)
      : OpRewritePattern(context), general(context, buildExp2, hasFma),
        normal(context, buildNormalExp2, hasFma),
        notPositive(context, buildExp2OfNotPositive, hasFma) {}

  LogicalResult matchAndRewrite(math::Exp2Op op,
                                PatternRewriter &rewriter) const final {
    if (op->hasAttr(notPositiveAttributeName))
      return notPositive.matchAndRewrite(op, rewriter);
    bool isNormal = op->hasAttr(normalResultAttributeName);
    return (isNormal ? normal : general).matchAndRewrite(op, rewriter);
  }

private:
  ExpandUnary<math::Exp2Op> general, normal, notPositive;
};

class ExpandExp final : public OpRewritePattern<math::ExpOp> {
public:
  ExpandExp(MLIRContext *context, bool hasFma)
      : OpRewritePattern(context), general(context, buildExp, hasFma),
        notPositive(context, buildExpOfNotPositive, hasFma) {}

  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const final {
    bool isSmall = op->hasAttr(notPositiveAttributeName);
    return (isSmall ? notPositive : general).matchAndRewrite(op, rewriter);
  }

private:
  ExpandUnary<math::ExpOp> general, notPositive;
};

class ExpandPow final : public OpRewritePattern<math::PowFOp> {
public:
  ExpandPow(MLIRContext *context, bool hasFma)
      : OpRewritePattern(context), hasFma(hasFma) {}

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const final {
    if (!canExpand(op.getType()))
      return failure();
    Adapter adapter(rewriter, op.getLoc(), op.getType(), hasFma);
    Value result = buildPow(adapter.math, adapter.enter(op.getLhs()),
                            adapter.enter(op.getRhs()));
    rewriter.replaceOp(op, adapter.leave(result));
    return success();
  }

private:
  bool hasFma;
};

class ExpandMathPass final : public impl::ExpandMathPassBase<ExpandMathPass> {
public:
  using ExpandMathPassBase::ExpandMathPassBase;

  void runOnOperation() final {
    const MachineModel *machine =
        getMachine(getAnalysisManager(), getOperation());
    if (!machine)
      return signalPassFailure();
    const bool hasFma = machine->hasFma;
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp, ExpandExp2, ExpandPow>(&getContext(), hasFma);
    patterns.add<ExpandIntegerPower>(&getContext());
    add<math::ExpM1Op>(patterns, buildExpM1, hasFma);
    add<math::SinhOp>(patterns, buildSinh, hasFma);
    add<math::CoshOp>(patterns, buildCosh, hasFma);
    add<math::TanhOp>(patterns, buildTanh, hasFma);
    add<math::ErfOp>(patterns, buildErf, hasFma);
    add<math::LogOp>(patterns, buildLog, hasFma);
    add<math::Log2Op>(patterns, buildLog2, hasFma);
    add<math::Log10Op>(patterns, buildLog10, hasFma);
    add<math::Log1pOp>(patterns, buildLog1p, hasFma);
    add<math::AsinhOp>(patterns, buildAsinh, hasFma);
    add<math::AcoshOp>(patterns, buildAcosh, hasFma);
    add<math::AtanhOp>(patterns, buildAtanh, hasFma);
    add<math::SinOp>(patterns, buildSin, hasFma);
    add<math::CosOp>(patterns, buildCos, hasFma);
    add<math::TanOp>(patterns, buildTan, hasFma);
    add<math::AsinOp>(patterns, buildAsin, hasFma);
    add<math::AcosOp>(patterns, buildAcos, hasFma);
    add<math::AtanOp>(patterns, buildAtan, hasFma);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }

private:
  template <typename Op>
  void add(RewritePatternSet &patterns, typename ExpandUnary<Op>::Builder build,
           bool hasFma) {
    patterns.add<ExpandUnary<Op>>(&getContext(), build, hasFma);
  }
};

} // namespace
} // namespace sluice
