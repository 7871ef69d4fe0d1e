//===- FoldPads.cpp - Products of padded matrices -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Zeros around a matrix give zeros, where what they are multiplied with is
// finite; zero times infinity or NaN is NaN. So zeros along the depth go where
// the other matrix has zeros there too or is a constant, and rows or columns of
// zeros are put around the product instead, with NaN where the other matrix has
// such an element.
//
//===----------------------------------------------------------------------===//

#include "Lookups.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FOLDPADSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

using Widths = SmallVector<int64_t>;

/// A pad of zeros, of known sizes and widths, that cuts nothing off.
PadOp findZeros(Value value) {
  auto pad = value.getDefiningOp<PadOp>();
  auto isNegative = [](int64_t width) { return width < 0; };
  if (!pad || !pad.getWidths().empty() || !pad.getType().hasStaticShape() ||
      getSplatNumber(pad.getValue()) != 0.0 ||
      llvm::any_of(pad.getLow(), isNegative) ||
      llvm::any_of(pad.getHigh(), isNegative))
    return {};
  return pad;
}

/// Is zero times each element zero for sure?
bool isFiniteMatrix(Value value) {
  if (isa<IntegerType>(elementTypeOf(value)))
    return true;
  auto constant = value.getDefiningOp<ConstantOp>();
  return constant && isFinite(constant);
}

Value padBy(GraphBuilder &graph, Value value, Value zero, ArrayRef<int64_t> low,
            ArrayRef<int64_t> high) {
  auto isNone = [](int64_t width) { return width == 0; };
  if (llvm::all_of(low, isNone) && llvm::all_of(high, isNone))
    return value;
  return graph.make<PadOp>(value, zero, ValueRange(),
                           graph.builder.getDenseI64ArrayAttr(low),
                           graph.builder.getDenseI64ArrayAttr(high));
}

/// One operand of a product and its dimensions.
struct Operand {
  MatmulOp op;
  unsigned number;

  Value value() { return op->getOperand(number); }
  int64_t rank() { return shapeOf(value()).size(); }
  bool isTransposed() {
    return number == 0 ? op.getTransposeLhs() : op.getTransposeRhs();
  }
  /// Where the depth is: columns of the left matrix, rows of the right one.
  int64_t depthDimension() {
    return (number == 0) == isTransposed() ? rank() - 2 : rank() - 1;
  }
  /// The result's dimension of one of the operand's, which is not the depth.
  int64_t resultDimension(int64_t dimension) {
    int64_t resultRank = op.getType().getRank();
    return dimension >= rank() - 2 ? resultRank - 2 + number
                                   : dimension + resultRank - rank();
  }
};

/// Replaces the product by one of other operands.
Value multiply(GraphBuilder &graph, Operand operand, Value value, Value other) {
  Value left = operand.number == 0 ? value : other;
  Value right = operand.number == 0 ? other : value;
  return graph.make<MatmulOp>(left, right, operand.op.getTransposeLhsAttr(),
                              operand.op.getTransposeRhsAttr());
}

struct PadBeforeProduct : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType().getElementType();
    if (elementTypeOf(op.getLhs()) != type ||
        elementTypeOf(op.getRhs()) != type)
      return failure();
    for (unsigned number : {0u, 1u}) {
      Operand operand{op, number}, other{op, 1 - number};
      PadOp pad = findZeros(operand.value());
      if (!pad)
        continue;
      int64_t depth = operand.depthDimension();
      bool isDeeper = pad.getLow()[depth] != 0 || pad.getHigh()[depth] != 0;
      if (isDeeper ? succeeded(dropDepth(operand, other, pad, rewriter))
                   : succeeded(padResult(operand, other, pad, rewriter)))
        return success();
    }
    return failure();
  }

private:
  /// Leaves out what both or a constant have beside zeros of the depth.
  static LogicalResult dropDepth(Operand operand, Operand other, PadOp pad,
                                 PatternRewriter &rewriter) {
    int64_t depth = operand.depthDimension();
    int64_t otherDepth = other.depthDimension();
    int64_t low = pad.getLow()[depth], high = pad.getHigh()[depth];
    PadOp otherPad = findZeros(other.value());
    bool bothHave = otherPad && otherPad.getLow()[otherDepth] == low &&
                    otherPad.getHigh()[otherDepth] == high;
    bool isConstant = other.value().getDefiningOp<ConstantOp>() &&
                      isFiniteMatrix(other.value());
    if (!bothHave && !isConstant)
      return failure();
    remarks::applied(pad, remarks::fusion)
        << "not written: the product leaves zeros of the depth out";
    GraphBuilder graph(rewriter, operand.op.getLoc());
    Value left = bothHave ? withoutDepth(graph, otherPad, otherDepth)
                          : sliceDepth(graph, other.value(), otherDepth, low,
                                       shapeOf(pad.getOperand())[depth]);
    Value product =
        multiply(graph, operand, withoutDepth(graph, pad, depth), left);
    rewriter.replaceOp(operand.op, product);
    return success();
  }

  static Value withoutDepth(GraphBuilder &graph, PadOp pad, int64_t depth) {
    Widths low(pad.getLow()), high(pad.getHigh());
    low[depth] = high[depth] = 0;
    return padBy(graph, pad.getOperand(), pad.getValue(), low, high);
  }

  static Value sliceDepth(GraphBuilder &graph, Value value, int64_t depth,
                          int64_t start, int64_t size) {
    Widths starts(shapeOf(value).size(), 0), ends(shapeOf(value)),
        steps(shapeOf(value).size(), 1);
    starts[depth] = start;
    ends[depth] = start + size;
    return graph.make<SliceOp>(value, ValueRange(),
                               graph.builder.getDenseI64ArrayAttr(starts),
                               graph.builder.getDenseI64ArrayAttr(ends),
                               graph.builder.getDenseI64ArrayAttr(steps));
  }

  /// Puts rows, columns or matrices of zeros around the product, where that is
  /// half the work or half of what was padded before.
  static LogicalResult padResult(Operand operand, Operand other, PadOp pad,
                                 PatternRewriter &rewriter) {
    MatmulOp op = operand.op;
    int64_t whole = pad.getType().getNumElements();
    auto inner = cast<RankedTensorType>(pad.getOperand().getType());
    if (!op.getType().hasStaticShape() || !inner.hasStaticShape() ||
        (inner.getNumElements() > whole / 2 &&
         op.getType().getNumElements() > whole / 2) ||
        !servesAll(operand, other, pad))
      return failure();
    // Where zeros do not do for what was padded, a constant marks it.
    constexpr int64_t mostMarked = 1 << 20;
    bool isOtherFinite = isFiniteMatrix(other.value());
    if (!isOtherFinite &&
        llvm::any_of(op.getType().getShape(),
                     [](int64_t size) { return size > mostMarked; }))
      return failure();
    remarks::applied(pad, remarks::fusion)
        << "not written: put around the product that reads it";
    GraphBuilder graph(rewriter, op.getLoc());
    Widths low(op.getType().getRank(), 0), high = low;
    for (int64_t i = 0; i < operand.rank(); ++i) {
      if (i == operand.depthDimension())
        continue;
      low[operand.resultDimension(i)] = pad.getLow()[i];
      high[operand.resultDimension(i)] = pad.getHigh()[i];
    }
    Type type = op.getType().getElementType();
    Value product = multiply(graph, operand, pad.getOperand(), other.value());
    Value result = padBy(graph, product, graph.number(type, 0), low, high);
    if (!isOtherFinite)
      result = graph.make<SelectOp>(markPadding(graph, result, low, high),
                                    multiplyByZeros(graph, other), result);
    rewriter.replaceOp(op, result);
    return success();
  }

  /// Has the other operand one matrix for all that were padded?
  static bool servesAll(Operand operand, Operand other, PadOp pad) {
    for (int64_t i = 0; i < operand.rank() - 2; ++i) {
      int64_t place = i - operand.rank() + other.rank();
      if ((pad.getLow()[i] != 0 || pad.getHigh()[i] != 0) && place >= 0 &&
          shapeOf(other.value())[place] != 1)
        return false;
    }
    return true;
  }

  /// What a row or column of zeros gives, with one size of the result's matrix.
  static Value multiplyByZeros(GraphBuilder &graph, Operand other) {
    Value zero = graph.number(elementTypeOf(other.value()), 0);
    Value sums =
        graph.reduce(graph.mul(other.value(), zero), ReductionKind::Sum,
                     other.depthDimension(), /*keepDims=*/true);
    Widths shape(shapeOf(sums));
    int64_t single = other.number == 0 ? shape.size() - 1 : shape.size() - 2;
    // A vector lies as its transpose.
    if (shape[single] != 1)
      std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
    return graph.reshape(sums, shape);
  }

  /// Where the widths put something; they are not all zero.
  static Value markPadding(GraphBuilder &graph, Value result,
                           ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
    Value marks;
    for (auto [i, size] : llvm::enumerate(shapeOf(result))) {
      if (low[i] == 0 && high[i] == 0)
        continue;
      SmallVector<bool> isPadding(size, false);
      std::fill_n(isPadding.begin(), low[i], true);
      std::fill_n(isPadding.rbegin(), high[i], true);
      Widths shape(low.size(), 1);
      shape[i] = size;
      auto type = RankedTensorType::get(shape, graph.builder.getI1Type());
      Value here =
          graph.make<ConstantOp>(DenseElementsAttr::get(type, isPadding));
      marks = marks ? graph.make<OrOp>(marks, here) : here;
    }
    return marks;
  }
};

class FoldPadsPass final : public impl::FoldPadsPassBase<FoldPadsPass> {
public:
  using FoldPadsPassBase::FoldPadsPassBase;

  void runOnOperation() final {
    RewritePatternSet patterns(&getContext());
    patterns.add<PadBeforeProduct>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace sluice
