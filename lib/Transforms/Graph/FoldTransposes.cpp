//===- FoldTransposes.cpp - Transposes inside products and reductions -----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FOLDTRANSPOSESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Does the permutation swap the last two dimensions only?
bool swapsMatrix(ArrayRef<int64_t> permutation) {
  int64_t rank = permutation.size();
  if (rank < 2 || permutation[rank - 1] != rank - 2 ||
      permutation[rank - 2] != rank - 1)
    return false;
  return isIdentityPermutation(permutation.drop_back(2));
}

/// A transposed operand of a matrix product sets the product's flag instead.
/// Where batch dimensions move as well, the rest of the transpose keeps the
/// innermost dimension, and so copies whole rows.
struct TransposeIntoMatmul : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i : {0u, 1u}) {
      auto transpose = op->getOperand(i).getDefiningOp<TransposeOp>();
      if (!transpose)
        continue;
      SmallVector<int64_t> permutation(transpose.getPermutation());
      int64_t rank = permutation.size();
      if (permutation[rank - 2] != rank - 1)
        continue;
      Value operand = transpose.getOperand();
      if (!swapsMatrix(permutation)) {
        if (!transpose->hasOneUse())
          continue;
        std::swap(permutation[rank - 1], permutation[rank - 2]);
        operand = GraphBuilder(rewriter, transpose.getLoc())
                      .transpose(operand, permutation);
      }
      remarks::applied(transpose, remarks::layout)
          << "transpose folded into the matrix product that reads it";
      rewriter.modifyOpInPlace(op, [&] {
        op->setOperand(i, operand);
        if (i == 0)
          op.setTransposeLhs(!op.getTransposeLhs());
        else
          op.setTransposeRhs(!op.getTransposeRhs());
      });
      return success();
    }
    return failure();
  }
};

/// (A B)^T = B^T A^T.
struct TransposeOfMatmul : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto matmul = op.getOperand().getDefiningOp<MatmulOp>();
    if (!matmul || !matmul->hasOneUse() || !swapsMatrix(op.getPermutation()))
      return failure();
    remarks::applied(op, remarks::layout)
        << "transpose folded into the matrix product in front of it";
    auto flag = [&](bool set) {
      return set ? rewriter.getUnitAttr() : UnitAttr();
    };
    rewriter.replaceOpWithNewOp<MatmulOp>(
        op, op.getType(), matmul.getRhs(), matmul.getLhs(),
        flag(!matmul.getTransposeRhs()), flag(!matmul.getTransposeLhs()));
    return success();
  }
};

/// Attention reads its tensors in any order.
struct TransposeIntoAttention : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    bool hasChanged = false;
    auto fold = [&](OpOperand &operand, ArrayRef<int64_t> order, auto set) {
      auto transpose = operand.get().getDefiningOp<TransposeOp>();
      if (!transpose)
        return;
      remarks::applied(transpose, remarks::layout)
          << "transpose folded into the attention that reads it";
      SmallVector<int64_t> turned;
      for (int64_t dimension : order)
        turned.push_back(transpose.getPermutation()[dimension]);
      rewriter.modifyOpInPlace(op, [&] {
        set(turned);
        operand.set(transpose.getOperand());
      });
      hasChanged = true;
    };
    fold(op.getQueryMutable(), op.getQueryOrder(),
         [&](ArrayRef<int64_t> order) { op.setQueryOrder(order); });
    fold(op.getKeyMutable(), op.getKeyOrder(),
         [&](ArrayRef<int64_t> order) { op.setKeyOrder(order); });
    fold(op.getValueMutable(), op.getValueOrder(),
         [&](ArrayRef<int64_t> order) { op.setValueOrder(order); });
    return success(hasChanged);
  }
};

/// And it writes its result in any order.
struct TransposeOfAttention : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto attention = op.getOperand().getDefiningOp<AttentionOp>();
    if (!attention || !op.getOperand().hasOneUse() ||
        attention.getResult() != op.getOperand())
      return failure();
    remarks::applied(op, remarks::layout)
        << "transpose folded into the attention in front of it";
    SmallVector<int64_t> turned,
        inverse = invertPermutationVector(op.getPermutation());
    for (int64_t dimension : attention.getResultOrder())
      turned.push_back(inverse[dimension]);
    rewriter.modifyOpInPlace(attention, [&] {
      attention.setResultOrder(turned);
      attention.getResult().setType(op.getType());
    });
    rewriter.replaceOp(op, attention.getResult());
    return success();
  }
};

/// A reduction of a transposed tensor reads the tensor as it is, and at most
/// its smaller result is transposed.
struct TransposeBehindReduction : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReduceOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getOperand().getDefiningOp<TransposeOp>();
    if (!transpose || !transpose->hasOneUse())
      return failure();
    SmallVector<int64_t> back =
        invertPermutationVector(transpose.getPermutation());
    auto turned = op.permuteResult(back);
    if (!turned)
      return failure();
    GraphBuilder graph(rewriter, op.getLoc());
    Value result =
        graph.reduce(transpose.getOperand(), op.getKind(),
                     permuteAxes(op.getAxes(), back), op.getKeepDims());
    SmallVector<int64_t> rest = invertPermutationVector(*turned);
    if (!isIdentityPermutation(rest))
      result = graph.transpose(result, rest);
    result.setType(op.getType());
    rewriter.replaceOp(op, result);
    return success();
  }
};

class FoldTransposesPass final
    : public impl::FoldTransposesPassBase<FoldTransposesPass> {
public:
  using FoldTransposesPassBase::FoldTransposesPassBase;

  void runOnOperation() final {
    RewritePatternSet patterns(&getContext());
    patterns.add<TransposeIntoMatmul, TransposeOfMatmul, TransposeIntoAttention,
                 TransposeOfAttention, TransposeBehindReduction>(&getContext());
    TransposeOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace sluice
