//===- FoldBatchNorm.cpp - Scale and shift inside linear ops --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The modes follow Y. You et al., "Efficient ConvBN Blocks for Transfer
// Learning and Beyond" (2023): deploy uses constant statistics, tune scales the
// weights on the fly, eval keeps both ops.
//
//===----------------------------------------------------------------------===//

#include "BatchNormParameters.h"
#include "LinearBlock.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FOLDBATCHNORMPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// x * factor + addend per channel; either may be null. Vectors.
struct Affine {
  Value factor, addend;
};

Location fuse(Operation *a, Operation *b) {
  return FusedLoc::get(a->getContext(), {a->getLoc(), b->getLoc()});
}

bool hasConstantParameters(BatchNormOp op) {
  return llvm::all_of(op->getOperands().drop_front(),
                      [](Value value) { return isConstantExpression(value); });
}

/// Weights of one op only: others would keep the unscaled ones alive as well.
bool isShared(const LinearBlock &block) {
  return !isOnlyReadBy(block.getWeight(), block.linear);
}

bool hasStaticWeight(const LinearBlock &block) {
  return cast<RankedTensorType>(block.getWeight().getType()).hasStaticShape();
}

/// Why the normalisation cannot move into the block that feeds it; empty if it
/// can.
StringRef reasonAgainst(BatchNormOp op, const LinearBlock &block,
                        bool allowRuntime) {
  if (!isOnlyReadBy(op.getOperand(), op))
    return "the result in front of it is also used by other nodes";
  if (block.at.resultDimension != getChannelDimension(op))
    return "its channels are not the columns of the matrix product";
  if (!hasStaticWeight(block))
    return "the sizes of the weights are not known at compile time";
  if (allowRuntime)
    return "";
  if (!isConstantExpression(block.getWeight()))
    return "the weights are not constant (--convbn=tune scales them at run "
           "time)";
  if (!hasConstantParameters(op))
    return "its parameters are not constant (--convbn=tune scales the weights "
           "at run time)";
  if (isShared(block))
    return "the weights are also used by other nodes";
  return "";
}

/// linear(x, w) + b behind x * factor + addend.
void foldBehind(PatternRewriter &rewriter, Operation *op,
                const LinearBlock &block, Affine affine) {
  GraphBuilder graph(rewriter, fuse(block.linear, op));
  Type elementType = elementTypeOf(op->getResult(0));
  Value weight = block.getWeight();
  if (affine.factor)
    weight = block.scaleResultChannels(graph, affine.factor);
  Value result = block.rebuild(graph, block.linear->getOperand(0), weight);
  Value addend = affine.addend;
  if (block.bias) {
    Value bias = matchPerChannel(graph, block.bias, block.rank,
                                 block.at.resultDimension, block.channels);
    Type computeType =
        affine.factor ? elementTypeOf(affine.factor) : elementTypeOf(bias);
    bias = graph.cast(bias, computeType);
    if (affine.factor)
      bias = graph.mul(bias, affine.factor);
    addend = addend ? graph.add(graph.cast(addend, computeType), bias) : bias;
  }
  if (addend)
    result =
        graph.add(result, graph.cast(spreadChannels(graph, addend, block.rank,
                                                    block.at.resultDimension),
                                     elementType));
  // The old type may know more or less sizes.
  result.setType(op->getResult(0).getType());
  rewriter.replaceOp(op, result);
}

struct FoldNormBehind : OpRewritePattern<BatchNormOp> {
  FoldNormBehind(MLIRContext *context, bool allowRuntime)
      : OpRewritePattern(context), allowRuntime(allowRuntime) {}

  LogicalResult matchAndRewrite(BatchNormOp op,
                                PatternRewriter &rewriter) const override {
    auto block = LinearBlock::match(op.getOperand());
    if (!block || !reasonAgainst(op, *block, allowRuntime).empty())
      return failure();
    remarks::applied(op, remarks::convBn)
        << (isConstantExpression(block->getWeight()) &&
                    hasConstantParameters(op)
                ? "folded into the weights of the node in front of it"
                : "folded into the node in front of it, whose weights are "
                  "scaled in every run");
    GraphBuilder graph(rewriter, fuse(block->linear, op));
    BatchNormParameters parameters = computeParameters(graph, op);
    foldBehind(rewriter, op, *block, {parameters.factor, parameters.addend});
    return success();
  }

  bool allowRuntime;
};

/// conv(batch_norm(x)): factors go into the weights, addends through them.
/// Padding is zero behind the normalisation, so there may be none.
struct FoldNormInFront : OpRewritePattern<BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;

  static StringRef reasonAgainst(BatchNormOp op, const LinearBlock &block) {
    if (!op->hasOneUse())
      return "its result is also used by other nodes";
    if (isShared(block))
      return "the weights behind it are also used by other nodes";
    if (!hasConstantParameters(op) || !isConstantExpression(block.getWeight()))
      return "its parameters or the weights behind it are not constant";
    if (!block.at.sumsAllTaps)
      return "the convolution behind it pads with zeros";
    return "";
  }
  /// The linear op that reads the normalisation as its input.
  static std::optional<LinearBlock> findUser(BatchNormOp op) {
    for (Operation *user : op->getUsers()) {
      if (!isa<LinearOpInterface>(user) ||
          user->getOperand(0) != op.getResult())
        continue;
      auto block = LinearBlock::match(user->getResult(0));
      if (!block || block->getWeight() == op.getResult() ||
          !hasStaticWeight(*block) ||
          block->at.inputDimension != getChannelDimension(op) ||
          block->inputChannels() != shapeOf(op.getScale())[0])
        continue;
      return block;
    }
    return std::nullopt;
  }

  LogicalResult matchAndRewrite(BatchNormOp op,
                                PatternRewriter &rewriter) const override {
    auto block = findUser(op);
    if (!block || !reasonAgainst(op, *block).empty())
      return failure();
    remarks::applied(op, remarks::convBn)
        << "folded into the weights of the node behind it";
    rewriter.setInsertionPoint(block->linear);
    GraphBuilder graph(rewriter, fuse(op, block->linear));
    BatchNormParameters parameters = computeParameters(graph, op);
    Value sums = block->sumOverInputs(graph, parameters.addend);
    Value result =
        block->rebuild(graph, op.getOperand(),
                       block->scaleInputChannels(graph, parameters.factor));
    sums = graph.cast(
        spreadChannels(graph, sums, block->rank, block->at.resultDimension),
        elementTypeOf(result));
    Value sum = graph.add(result, sums);
    sum.setType(block->linear->getResult(0).getType());
    rewriter.replaceOp(block->linear, sum);
    return success();
  }
};

/// The factor or divisor of a product with a linear block, where it is a
/// constant per channel.
template <typename OpTy> struct FoldConstantBehind : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (fold(op, op.getLhs(), op.getRhs(), rewriter))
      return success();
    return success(op->template hasTrait<OpTrait::IsCommutative>() &&
                   fold(op, op.getRhs(), op.getLhs(), rewriter));
  }

private:
  bool fold(OpTy op, Value input, Value constant,
            PatternRewriter &rewriter) const {
    constexpr bool isSum =
        std::is_same_v<OpTy, AddOp> || std::is_same_v<OpTy, SubOp>;
    if (!isConstantExpression(constant) || !isOnlyReadBy(input, op) ||
        input.getType() != op.getType())
      return false;
    auto block = LinearBlock::match(input);
    if (!block || !hasStaticWeight(*block) ||
        !isPerChannel(constant, block->rank, block->at.resultDimension,
                      block->channels) ||
        // A sum alone is what a block already is.
        (isSum && (!block->bias || !isConstantExpression(block->bias))) ||
        (!isSum &&
         (!isConstantExpression(block->getWeight()) || isShared(*block))))
      return false;
    GraphBuilder graph(rewriter, fuse(block->linear, op));
    Type computeType = getComputeType(elementTypeOf(constant));
    Value vector =
        graph.cast(matchPerChannel(graph, constant, block->rank,
                                   block->at.resultDimension, block->channels),
                   computeType);
    if constexpr (std::is_same_v<OpTy, DivOp>)
      vector = graph.div(graph.number(computeType, 1), vector);
    if constexpr (std::is_same_v<OpTy, SubOp>)
      vector = graph.make<NegOp>(vector);
    remarks::applied(op, remarks::convBn)
        << (isSum ? "added to the bias of the node in front of it"
                  : "folded into the weights of the node in front of it");
    foldBehind(rewriter, op, *block,
               isSum ? Affine{nullptr, vector} : Affine{vector, nullptr});
    return true;
  }
};

class FoldBatchNormPass final
    : public impl::FoldBatchNormPassBase<FoldBatchNormPass> {
public:
  using FoldBatchNormPassBase::FoldBatchNormPassBase;

  void runOnOperation() final {
    if (mode != "deploy" && mode != "tune" && mode != "eval") {
      getOperation().emitError("unknown mode '") << mode << "'";
      return signalPassFailure();
    }
    if (mode == "eval")
      return;
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<FoldNormBehind>(context, mode == "tune");
    patterns.add<FoldNormInFront, FoldConstantBehind<AddOp>,
                 FoldConstantBehind<SubOp>, FoldConstantBehind<MulOp>,
                 FoldConstantBehind<DivOp>>(context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation().walk([&](BatchNormOp op) { explain(op); });
  }

private:
  /// Says why a normalisation is still there.
  void explain(BatchNormOp op) {
    if (auto block = LinearBlock::match(op.getOperand()))
      remarks::missed(op, remarks::convBn)
          << "not folded into the node in front of it: "
          << reasonAgainst(op, *block, mode == "tune");
    else if (auto user = FoldNormInFront::findUser(op))
      remarks::missed(op, remarks::convBn)
          << "not folded into the node behind it: "
          << FoldNormInFront::reasonAgainst(op, *user);
  }
};

} // namespace
} // namespace sluice
