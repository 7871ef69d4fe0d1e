//===- CheckSizes.cpp - Fail where dynamic sizes do not fit ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels rely on what ops demand of their operands' sizes. Type inference
// checks what types say; the rest is checked here, before the first kernel that
// would read outside of a buffer. What each op demands it says by
// SizeConditionsOpInterface.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeConditions.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Iterators.h"
#include "sluice/Transforms/Graph/SizeResolver.h"
#include "sluice/Transforms/Graph/TypeRefinement.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CHECKSIZESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Puts assertions in front of the ops of a function, which come in its order.
class SizeChecker {
public:
  explicit SizeChecker(func::FuncOp function);

  void check(function_ref<bool(Operation *)> isChecked);

private:
  class Assertions;
  OpFoldResult sizeOf(Value tensor, int64_t dimension);
  void dropUnused();

  func::FuncOp function;
  OpBuilder builder;
  SizeResolver resolver;
  SmallVector<Operation *> ops;
  /// The op whose turn it is, and the first whose sizes were not asked for.
  size_t current = 0, unseen = 0;
};

/// Of one op.
class SizeChecker::Assertions final : public SizeAssertions {
public:
  Assertions(SizeChecker &checker, Operation *op)
      : SizeAssertions(checker.builder, op), checker(checker) {
    builder.setInsertionPoint(op);
  }

  Size sizeOf(Value tensor, int64_t dimension) override {
    return checker.sizeOf(tensor, dimension);
  }
  void makeSame(Value result, Value operand) override {
    result.replaceAllUsesWith(operand);
  }
  void requireCast(tensor::CastOp cast);

private:
  SizeChecker &checker;
};

} // namespace

SizeChecker::SizeChecker(func::FuncOp function)
    : function(function), builder(function.getContext()), resolver(builder) {
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<SluiceDialect>(op->getDialect()) || isa<tensor::CastOp>(op))
      ops.push_back(op);
  });
}

/// Where types do not say it, all ops up to this one have to tell their sizes.
OpFoldResult SizeChecker::sizeOf(Value tensor, int64_t dimension) {
  if (ShapedType::isDynamic(shapeOf(tensor)[dimension]))
    for (; unseen <= current; ++unseen)
      (void)resolver.visit(ops[unseen]);
  return resolver.size(tensor, dimension);
}

/// A cast to sizes that only its readers know. Where the op in front of it can
/// be told in time, its result gets them.
void SizeChecker::Assertions::requireCast(tensor::CastOp cast) {
  auto source = dyn_cast<RankedTensorType>(cast.getSource().getType());
  auto known = dyn_cast<RankedTensorType>(cast.getType());
  if (!source || !known)
    return;
  Operation *producer = cast.getSource().getDefiningOp();
  bool isTold = producer && isa<SluiceDialect>(producer->getDialect()) &&
                llvm::all_of(cast.getSource().getUsers(), [&](Operation *user) {
                  return user->getBlock() == cast->getBlock() &&
                         acceptsRefinedOperands(user) &&
                         !isa<scf::YieldOp>(user);
                });
  SmallVector<int64_t> places;
  for (int64_t i = 0; i < known.getRank(); ++i) {
    if (!source.isDynamicDim(i) || known.isDynamicDim(i))
      continue;
    places.push_back(i);
    // A size that is asked of the tensor itself is known too late.
    auto size = dyn_cast<Value>(sizeOf(cast.getSource(), i));
    auto question =
        size ? size.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
    isTold &= !question || question.getSource() != cast.getSource();
  }
  if (places.empty())
    return;
  SmallVector<OpFoldResult> sizes;
  for (int64_t i : places)
    sizes.push_back(sizeOf(cast.getSource(), i));
  if (isTold)
    builder.setInsertionPoint(producer);
  for (auto [i, size] : llvm::zip(places, sizes)) {
    int64_t wanted = known.getDimSize(i);
    requireEqual(size, number(wanted),
                 "a size must be " + std::to_string(wanted) +
                     " to fit what else the node reads");
  }
  if (isTold && refineType(cast.getSource(), intersectTypes(source, known)))
    cast.getResult().replaceAllUsesWith(cast.getSource());
}

void SizeChecker::check(function_ref<bool(Operation *)> isChecked) {
  for (current = 0; current < ops.size(); ++current) {
    Operation *op = ops[current];
    if (!isChecked(op))
      continue;
    Operation *before = op->getPrevNode();
    Assertions assertions(*this, op);
    // Sizes that were found after the op was made may contradict each other:
    // every run that comes to it fails.
    if (isContradictory(op))
      assertions.require(
          arith::ConstantIntOp::create(builder, op->getLoc(), 0, /*width=*/1),
          "the sizes of the operands do not fit together");
    // Inference has checked what types say: that folds to nothing.
    else if (auto demanding = dyn_cast<SizeConditionsOpInterface>(op))
      demanding.requireSizes(assertions);
    else if (auto cast = dyn_cast<tensor::CastOp>(op))
      assertions.requireCast(cast);
    // Reading an element may have asked for sizes.
    resolver.resolve(before, op);
  }
  dropUnused();
}

/// Sizes that no condition is about.
void SizeChecker::dropUnused() {
  function.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (!isa<SluiceDialect>(op->getDialect()) && isOpTriviallyDead(op))
      op->erase();
  });
}

void checkSizes(func::FuncOp function,
                function_ref<bool(Operation *)> isChecked) {
  SizeChecker(function).check(isChecked);
  updateResultTypes(function);
}

namespace {

class CheckSizesPass final : public impl::CheckSizesPassBase<CheckSizesPass> {
public:
  using CheckSizesPassBase::CheckSizesPassBase;

  void runOnOperation() final {
    checkSizes(getOperation(), [](Operation *) { return true; });
  }
};

} // namespace
} // namespace sluice
