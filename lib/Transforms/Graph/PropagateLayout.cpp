//===- PropagateLayout.cpp - Images channels-last between convolutions ----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// One walk in program order. A value has a channels-last form if it is the
// transpose of one. Ops that work in either layout take the channels-last
// forms of their operands where that saves more transposed elements than it
// costs; transposes that nothing reads any more are dead.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/PatternMatch.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_PROPAGATELAYOUTPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// The place in [N, spatial..., C] of dimension `i` of [N, C, spatial...].
int64_t toLast(int64_t i, int64_t rank) {
  return i == 0 ? 0 : i == 1 ? rank - 1 : i - 1;
}

/// Result dimension j of the transpose is operand dimension permutation[j].
SmallVector<int64_t> lastFromFirst(int64_t rank) {
  SmallVector<int64_t> permutation{0};
  for (int64_t i = 2; i < rank; ++i)
    permutation.push_back(i);
  permutation.push_back(1);
  return permutation;
}
SmallVector<int64_t> firstFromLast(int64_t rank) {
  SmallVector<int64_t> permutation{0, rank - 1};
  for (int64_t i = 1; i + 1 < rank; ++i)
    permutation.push_back(i);
  return permutation;
}

SmallVector<int64_t> permute(ArrayRef<int64_t> values) {
  SmallVector<int64_t> result(values.size());
  for (auto [i, value] : llvm::enumerate(values))
    result[toLast(i, values.size())] = value;
  return result;
}

class Propagation {
public:
  Propagation(MLIRContext *context) : rewriter(context) {}

  void visit(Operation *op);

private:
  /// The channels-last form of a value, if it has one.
  Value form(Value value) {
    auto transpose = value.getDefiningOp<TransposeOp>();
    if (transpose && llvm::equal(transpose.getPermutation(),
                                 firstFromLast(transpose.getType().getRank())))
      return transpose.getOperand();
    return nullptr;
  }
  /// The form, made by a transpose if it must be.
  Value makeForm(Value value) {
    if (Value known = form(value))
      return known;
    auto type = cast<RankedTensorType>(value.getType());
    return TransposeOp::create(rewriter, value.getLoc(), formType(type), value,
                               lastFromFirst(type.getRank()));
  }
  RankedTensorType formType(RankedTensorType type) {
    return type.clone(permute(type.getShape()));
  }
  /// Replaces `op` by what `newOp` computes channels-last.
  void replace(Operation *op, Operation *newOp) {
    rewriter.setInsertionPointAfter(newOp);
    for (auto [oldResult, newResult] :
         llvm::zip(op->getResults(), newOp->getResults())) {
      auto type = cast<RankedTensorType>(oldResult.getType());
      Value back = TransposeOp::create(rewriter, op->getLoc(), type, newResult,
                                       firstFromLast(type.getRank()));
      rewriter.replaceAllUsesWith(oldResult, back);
    }
    rewriter.eraseOp(op);
  }
  /// Clones an op with channels-last operands; the caller adapts attributes.
  Operation *cloneWith(Operation *op, ValueRange operands) {
    SmallVector<Type> types;
    for (Type type : op->getResultTypes())
      types.push_back(formType(cast<RankedTensorType>(type)));
    Operation *copy = rewriter.clone(*op);
    copy->setOperands(operands);
    for (auto [result, type] : llvm::zip(copy->getResults(), types))
      result.setType(type);
    return copy;
  }

  void visitConvolution(Operation *op);
  void visitPool(Operation *op);
  void visitElementwise(Operation *op);
  void visitReduce(ReduceOp op);
  void visitWithAxis(Operation *op);
  void visitSlice(SliceOp op);
  void visitPad(PadOp op);
  void visitResize(ResizeOp op);

  IRRewriter rewriter;
};

/// How many elements a value has, dynamic sizes counted as a usual extent.
double elements(Value value) {
  double count = 1;
  for (int64_t size : shapeOf(value))
    count *= ShapedType::isDynamic(size) ? 32 : size;
  return count;
}

} // namespace

void Propagation::visitConvolution(Operation *op) {
  Value input = op->getOperand(0), weight = op->getOperand(1);
  if (op->hasAttr("channels_last") || shapeOf(input).size() < 3 ||
      !elementTypeOf(input).isF32() || !weight.getDefiningOp<ConstantOp>() ||
      ShapedType::isDynamic(shapeOf(input)[1]))
    return;
  Operation *copy = cloneWith(op, {makeForm(input), weight});
  llvm::TypeSwitch<Operation *>(copy).Case<ConvOp, ConvTransposeOp>(
      [](auto conv) { conv.setChannelsLast(true); });
  replace(op, copy);
}

void Propagation::visitPool(Operation *op) {
  // A pool follows the layout of its input.
  if (op->hasAttr("channels_last") || shapeOf(op->getOperand(0)).size() < 3 ||
      !form(op->getOperand(0)))
    return;
  Operation *copy = cloneWith(op, form(op->getOperand(0)));
  llvm::TypeSwitch<Operation *>(copy).Case<MaxPoolOp, AveragePoolOp, LpPoolOp>(
      [](auto pool) { pool.setChannelsLast(true); });
  replace(op, copy);
}

void Propagation::visitElementwise(Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  int64_t rank = type.getRank();
  if (rank < 3)
    return;
  // Elements whose transpose is saved, and those to be transposed.
  double saved = 0, cost = 0;
  for (Value operand : op->getOperands()) {
    if (form(operand))
      saved += elements(operand);
    else if (!operand.getDefiningOp<ConstantOp>())
      cost += elements(operand);
  }
  if (saved == 0 || cost > saved)
    return;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    auto operandType = cast<RankedTensorType>(operand.getType());
    int64_t missing = rank - operandType.getRank();
    if (operandType.getRank() == 0) {
      operands.push_back(operand);
      continue;
    }
    if (missing > 0) {
      SmallVector<int64_t> axes =
          llvm::to_vector(llvm::seq<int64_t>(0, missing));
      SmallVector<int64_t> shape;
      shape.append(missing, 1);
      llvm::append_range(shape, operandType.getShape());
      operand = UnsqueezeOp::create(rewriter, op->getLoc(),
                                    operandType.clone(shape), operand, axes);
    }
    operands.push_back(makeForm(operand));
  }
  replace(op, cloneWith(op, operands));
}

void Propagation::visitReduce(ReduceOp op) {
  Value input = form(op.getOperand());
  int64_t rank = shapeOf(op.getOperand()).size();
  if (!input)
    return;
  SmallVector<int64_t> axes;
  for (int64_t axis : op.getAxes())
    axes.push_back(toLast(axis, rank));
  llvm::sort(axes);
  if (op.getKeepDims()) {
    Operation *copy = cloneWith(op, input);
    cast<ReduceOp>(copy).setAxes(axes);
    replace(op, copy);
    return;
  }
  // Without the reduced dimensions, only N and C in order are layout-free.
  SmallVector<int64_t> spatial;
  for (int64_t i = 2; i < rank; ++i)
    spatial.push_back(i);
  SmallVector<int64_t> sorted(op.getAxes());
  llvm::sort(sorted);
  if (sorted != spatial)
    return;
  rewriter.modifyOpInPlace(op, [&] {
    op.getOperandMutable().assign(input);
    op.setAxes(axes);
  });
}

void Propagation::visitWithAxis(Operation *op) {
  // Concatenation and softmax: all operands in one layout.
  double saved = 0, cost = 0;
  for (Value operand : op->getOperands())
    (form(operand) ? saved : cost) += elements(operand);
  if (saved == 0 || cost > saved)
    return;
  int64_t rank = shapeOf(op->getResult(0)).size();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(makeForm(operand));
  Operation *copy = cloneWith(op, operands);
  llvm::TypeSwitch<Operation *>(copy).Case<ConcatOp, SoftmaxOp, LogSoftmaxOp>(
      [&](auto typed) { typed.setAxis(toLast(typed.getAxis(), rank)); });
  replace(op, copy);
}

void Propagation::visitSlice(SliceOp op) {
  Value input = form(op.getOperand());
  if (!input || op->getNumOperands() != 1)
    return;
  auto copy = cast<SliceOp>(cloneWith(op, input));
  copy.setStarts(permute(op.getStarts()));
  copy.setEnds(permute(op.getEnds()));
  copy.setSteps(permute(op.getSteps()));
  replace(op, copy);
}

void Propagation::visitPad(PadOp op) {
  Value input = form(op.getOperand());
  if (!input || op->getNumOperands() != 2)
    return;
  auto copy = cast<PadOp>(cloneWith(op, {input, op.getValue()}));
  copy.setLow(permute(op.getLow()));
  copy.setHigh(permute(op.getHigh()));
  replace(op, copy);
}

void Propagation::visitResize(ResizeOp op) {
  Value input = form(op.getOperand());
  auto isSpatial = [](int64_t axis) { return axis >= 2; };
  if (!input || !llvm::all_of(op.getAxes(), isSpatial))
    return;
  SmallVector<Value> operands(op->getOperands());
  operands.front() = input;
  auto copy = cast<ResizeOp>(cloneWith(op, operands));
  SmallVector<int64_t> axes;
  for (int64_t axis : op.getAxes())
    axes.push_back(toLast(axis, op.getType().getRank()));
  copy.setAxes(axes);
  replace(op, copy);
}

void Propagation::visit(Operation *op) {
  rewriter.setInsertionPoint(op);
  llvm::TypeSwitch<Operation *>(op)
      .Case<ConvOp, ConvTransposeOp>([&](auto) { visitConvolution(op); })
      .Case<MaxPoolOp, AveragePoolOp, LpPoolOp>([&](auto) { visitPool(op); })
      .Case([&](ReduceOp reduce) { visitReduce(reduce); })
      .Case([&](SliceOp slice) { visitSlice(slice); })
      .Case([&](PadOp pad) { visitPad(pad); })
      .Case([&](ResizeOp resize) { visitResize(resize); })
      .Case<ConcatOp, SoftmaxOp, LogSoftmaxOp>([&](auto) { visitWithAxis(op); })
      .Default([&](Operation *) {
        if (isa<ElementwiseOpInterface>(op))
          visitElementwise(op);
      });
}

namespace {
class PropagateLayoutPass final
    : public impl::PropagateLayoutPassBase<PropagateLayoutPass> {
public:
  using PropagateLayoutPassBase::PropagateLayoutPassBase;

  void runOnOperation() final {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<SluiceDialect>(op->getDialect()))
        ops.push_back(op);
    });
    Propagation propagation(&getContext());
    for (Operation *op : ops)
      propagation.visit(op);
  }
};
} // namespace
} // namespace sluice
