//===- DropUnitDimensions.cpp - Convolutions along fewer dimensions -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Sequences are often convolved as images that are one pixel wide. Kernels work
// along the last spatial dimension, so one of size one leaves them nothing to
// share their loads over. It is dropped; the views that insert and drop it move
// to where they cancel.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_DROPUNITDIMENSIONSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Places of the unit dimensions in `larger` whose removal gives `smaller`.
std::optional<SmallVector<int64_t>> findUnits(ArrayRef<int64_t> larger,
                                              ArrayRef<int64_t> smaller) {
  SmallVector<int64_t> units;
  for (auto [i, size] : llvm::enumerate(larger)) {
    bool isKept = !smaller.empty() && smaller.front() == size;
    // Of several dimensions of size one the first are the ones that stay.
    if (isKept)
      smaller = smaller.drop_front();
    else if (size == 1)
      units.push_back(i);
    else
      return std::nullopt;
  }
  if (!smaller.empty() || units.empty())
    return std::nullopt;
  return units;
}

bool isStaticReshape(Operation *op) {
  return isa<ReshapeOp>(op) &&
         cast<RankedTensorType>(op->getResult(0).getType()).hasStaticShape() &&
         cast<RankedTensorType>(op->getOperand(0).getType()).hasStaticShape();
}

/// The places of the dimensions of size one that a view drops, in the operand.
std::optional<SmallVector<int64_t>> droppedUnits(Operation *op) {
  if (auto squeeze = dyn_cast<SqueezeOp>(op))
    return llvm::to_vector(squeeze.getAxes());
  if (!isStaticReshape(op))
    return std::nullopt;
  return findUnits(shapeOf(op->getOperand(0)), shapeOf(op->getResult(0)));
}

/// The places of the dimensions of size one that a view inserts, in the result.
std::optional<SmallVector<int64_t>> insertedUnits(Operation *op) {
  if (auto unsqueeze = dyn_cast<UnsqueezeOp>(op))
    return llvm::to_vector(unsqueeze.getAxes());
  if (!isStaticReshape(op))
    return std::nullopt;
  return findUnits(shapeOf(op->getResult(0)), shapeOf(op->getOperand(0)));
}

Value squeeze(GraphBuilder &graph, Value value, ArrayRef<int64_t> axes) {
  return graph.make<SqueezeOp>(value, graph.builder.getDenseI64ArrayAttr(axes));
}

/// A convolution whose last spatial dimensions are of size one everywhere.
struct NarrowConvolution : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConvOp op,
                                PatternRewriter &rewriter) const override {
    int64_t spatial = op.getSpatialRank(), kept = spatial;
    if (op.getChannelsLast())
      return failure();
    while (kept > 0 && isUnit(op, kept - 1))
      --kept;
    // A convolution of single pixels is a matrix product already.
    if (kept == spatial || kept == 0)
      return failure();
    remarks::applied(op, remarks::layout)
        << "convolution runs along the dimensions that are larger than one";
    GraphBuilder graph(rewriter, op.getLoc());
    SmallVector<int64_t> dropped =
        llvm::to_vector(llvm::seq<int64_t>(kept + 2, spatial + 2));
    auto keep = [&](ArrayRef<int64_t> values) {
      return rewriter.getDenseI64ArrayAttr(values.take_front(kept));
    };
    SmallVector<int64_t> pads(op.getPads().take_front(kept));
    llvm::append_range(pads, op.getPads().slice(spatial, kept));
    auto type = op.getType();
    Value input = squeeze(graph, op.getInput(), dropped);
    Value weight = squeeze(graph, op.getWeight(), dropped);
    Value narrow = ConvOp::create(
        rewriter, op.getLoc(), type.clone(type.getShape().take_front(kept + 2)),
        input, weight, keep(op.getStrides()), keep(op.getDilations()),
        rewriter.getDenseI64ArrayAttr(pads), op.getGroupsAttr(), UnitAttr());
    rewriter.replaceOpWithNewOp<UnsqueezeOp>(
        op, type, narrow, rewriter.getDenseI64ArrayAttr(dropped));
    return success();
  }

private:
  static bool isUnit(ConvOp op, int64_t dimension) {
    return shapeOf(op.getInput())[dimension + 2] == 1 &&
           shapeOf(op.getResult())[dimension + 2] == 1 &&
           shapeOf(op.getWeight())[dimension + 2] == 1 &&
           op.getPads()[dimension] == 0 &&
           op.getPads()[op.getSpatialRank() + dimension] == 0;
  }
};

/// squeeze(transpose(x)) is transpose(squeeze(x)).
template <typename OpTy> struct DropBeforeTranspose : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getOperand().template getDefiningOp<TransposeOp>();
    auto units = droppedUnits(op);
    if (!transpose || !transpose->hasOneUse() || !units)
      return failure();
    SmallVector<int64_t> dropped, permutation;
    for (auto [i, dimension] : llvm::enumerate(transpose.getPermutation()))
      (llvm::is_contained(*units, int64_t(i)) ? dropped : permutation)
          .push_back(dimension);
    llvm::sort(dropped);
    for (int64_t &dimension : permutation)
      dimension -= llvm::count_if(
          dropped, [&](int64_t other) { return other < dimension; });
    GraphBuilder graph(rewriter, op.getLoc());
    Value smaller = squeeze(graph, transpose.getOperand(), dropped);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), smaller,
                                             permutation);
    return success();
  }
};

/// squeeze(unsqueeze(x)) is x. (Static views merge as reshapes.)
struct CancelViews : OpRewritePattern<SqueezeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SqueezeOp op,
                                PatternRewriter &rewriter) const override {
    auto inserting = op.getOperand().getDefiningOp<UnsqueezeOp>();
    if (!inserting || inserting.getAxes() != op.getAxes() ||
        inserting.getOperand().getType() != op.getType())
      return failure();
    rewriter.replaceOp(op, inserting.getOperand());
    return success();
  }
};

/// f(unsqueeze(x)) is unsqueeze(f(x)), where the other operands are constant
/// along the inserted dimensions.
struct InsertBehindFunction
    : OpInterfaceRewritePattern<ElementwiseOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(ElementwiseOpInterface op,
                                PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1)
      return failure();
    auto axes = findAxes(op);
    if (!axes)
      return failure();
    GraphBuilder graph(rewriter, op->getLoc());
    int64_t rank = shapeOf(op->getResult(0)).size();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (isView(operand, *axes)) {
        operands.push_back(operand.getDefiningOp()->getOperand(0));
        continue;
      }
      // Dimensions are counted from the last.
      int64_t missing = rank - shapeOf(operand).size();
      SmallVector<int64_t> own;
      for (int64_t axis : *axes)
        if (axis >= missing)
          own.push_back(axis - missing);
      operands.push_back(own.empty() ? operand : squeeze(graph, operand, own));
    }
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    SmallVector<int64_t> shape(type.getShape());
    for (int64_t axis : llvm::reverse(*axes))
      shape.erase(shape.begin() + axis);
    Operation *smaller = rewriter.clone(*op);
    smaller->setOperands(operands);
    smaller->getResult(0).setType(type.clone(shape));
    rewriter.replaceOpWithNewOp<UnsqueezeOp>(
        op, type, smaller->getResult(0), rewriter.getDenseI64ArrayAttr(*axes));
    return success();
  }

private:
  static bool isView(Value value, ArrayRef<int64_t> axes) {
    Operation *op = value.getDefiningOp();
    auto inserted = op ? insertedUnits(op) : std::nullopt;
    return inserted && ArrayRef<int64_t>(*inserted) == axes;
  }

  /// The places that all operands that are no constants were given.
  static std::optional<SmallVector<int64_t>> findAxes(Operation *op) {
    std::optional<SmallVector<int64_t>> axes;
    int64_t rank = shapeOf(op->getResult(0)).size();
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        if (static_cast<int64_t>(shapeOf(operand).size()) == rank && !axes &&
            !isConstantExpression(operand))
          axes = insertedUnits(producer);
    if (!axes)
      return std::nullopt;
    for (Value operand : op->getOperands()) {
      if (static_cast<int64_t>(shapeOf(operand).size()) == rank &&
          isView(operand, *axes))
        continue;
      int64_t missing = rank - shapeOf(operand).size();
      bool isEven = llvm::all_of(*axes, [&](int64_t axis) {
        return axis < missing || shapeOf(operand)[axis - missing] == 1;
      });
      if (!isConstantExpression(operand) || !isEven)
        return std::nullopt;
    }
    return axes;
  }
};

class DropUnitDimensionsPass final
    : public impl::DropUnitDimensionsPassBase<DropUnitDimensionsPass> {
public:
  using DropUnitDimensionsPassBase::DropUnitDimensionsPassBase;

  void runOnOperation() final {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<NarrowConvolution>(context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    RewritePatternSet views(context);
    views.add<DropBeforeTranspose<SqueezeOp>, DropBeforeTranspose<ReshapeOp>,
              CancelViews, InsertBehindFunction>(context);
    ReshapeOp::getCanonicalizationPatterns(views, context);
    SqueezeOp::getCanonicalizationPatterns(views, context);
    UnsqueezeOp::getCanonicalizationPatterns(views, context);
    TransposeOp::getCanonicalizationPatterns(views, context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(views))))
      signalPassFailure();
  }
};

} // namespace
} // namespace sluice
