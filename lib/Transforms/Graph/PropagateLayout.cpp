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

#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Work.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_PROPAGATELAYOUTPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

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
    return type.clone(
        applyPermutation(type.getShape(), lastFromFirst(type.getRank())));
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

  void visitImage(ImageOpInterface op);
  void visitPermutable(PermutableOpInterface op);
  /// The operands with the op's dimensions in their channels-last forms; the
  /// others as they are.
  SmallVector<Value> makeForms(PermutableOpInterface op, int64_t rank);

  IRRewriter rewriter;
};

} // namespace

void Propagation::visitImage(ImageOpInterface op) {
  Value image = op->getOperand(0);
  ChannelsLastUse use = op.getChannelsLastUse();
  if (op.getChannelsLast() || shapeOf(image).size() < 3 ||
      use == ChannelsLastUse::Never ||
      (use == ChannelsLastUse::Follows && !form(image)))
    return;
  SmallVector<Value> operands(op->getOperands());
  operands.front() = makeForm(image);
  Operation *copy = cloneWith(op, operands);
  cast<ImageOpInterface>(copy).setChannelsLast(true);
  replace(op, copy);
}

SmallVector<Value> Propagation::makeForms(PermutableOpInterface op,
                                          int64_t rank) {
  SmallVector<Value> operands(op->getOperands());
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (!op.hasDimensions(i))
      continue;
    auto type = cast<RankedTensorType>(operand.getType());
    if (int64_t missing = rank - type.getRank(); missing > 0) {
      SmallVector<int64_t> axes =
          llvm::to_vector(llvm::seq<int64_t>(0, missing));
      SmallVector<int64_t> shape(missing, 1);
      llvm::append_range(shape, type.getShape());
      operand = UnsqueezeOp::create(rewriter, op->getLoc(), type.clone(shape),
                                    operand, axes);
    }
    operand = makeForm(operand);
  }
  return operands;
}

void Propagation::visitPermutable(PermutableOpInterface op) {
  int64_t rank = 0;
  // Elements whose transpose is saved, and those to be transposed.
  double saved = 0, cost = 0;
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    if (!op.hasDimensions(i))
      continue;
    rank = std::max<int64_t>(rank, shapeOf(operand).size());
    if (form(operand))
      saved += guessElements(operand);
    else if (!operand.getDefiningOp<ConstantOp>())
      cost += guessElements(operand);
  }
  if (rank < 3 || saved == 0 || cost > saved)
    return;
  SmallVector<int64_t> permutation = lastFromFirst(rank);
  auto result = op.permuteResult(permutation);
  if (!result)
    return;
  if (*result == permutation) {
    Operation *copy = cloneWith(op, makeForms(op, rank));
    cast<PermutableOpInterface>(copy).permuteAttributes(permutation);
    replace(op, copy);
  } else if (isIdentityPermutation(*result)) {
    // What is left of the image is in one order in either layout.
    SmallVector<Value> operands = makeForms(op, rank);
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperands(operands);
      op.permuteAttributes(permutation);
    });
  }
}

void Propagation::visit(Operation *op) {
  rewriter.setInsertionPoint(op);
  if (auto image = dyn_cast<ImageOpInterface>(op))
    visitImage(image);
  else if (auto permutable = dyn_cast<PermutableOpInterface>(op))
    visitPermutable(permutable);
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
