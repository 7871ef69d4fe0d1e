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
#include "sluice/Transforms/Graph/SizeResolver.h"
#include "sluice/Transforms/Graph/TypeRefinement.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CHECKSIZESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Puts the checks of one op in front of it.
class Checker final : public SizeConditions {
public:
  Checker(OpBuilder &builder, SizeResolver &resolver, Operation *op)
      : SizeConditions(builder, op->getLoc()), resolver(resolver), op(op) {
    builder.setInsertionPoint(op);
  }

  /// Returns how many checks were made.
  int64_t check();
  /// The same, of an op whose types contradict each other: every run that comes
  /// to it fails.
  int64_t refuse();

  Size sizeOf(Value tensor, int64_t dimension) override {
    return resolver.size(tensor, dimension);
  }
  void makeSame(Value result, Value operand) override {
    result.replaceAllUsesWith(operand);
  }

private:
  void add(Value condition, StringRef message) override {
    cf::AssertOp::create(builder, loc, condition, message);
    ++count;
  }
  void checkCast(tensor::CastOp cast);

  SizeResolver &resolver;
  Operation *op;
  int64_t count = 0;
};

} // namespace

/// A cast to sizes that only its readers know. Where the op in front of it can
/// be told in time, its result gets them.
void Checker::checkCast(tensor::CastOp cast) {
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

int64_t Checker::check() {
  Operation *before = op->getPrevNode();
  if (auto demanding = dyn_cast<SizeConditionsOpInterface>(op))
    demanding.requireSizes(*this);
  else if (auto cast = dyn_cast<tensor::CastOp>(op))
    checkCast(cast);
  // Reading an element may have asked for sizes.
  resolver.resolve(before, op);
  return count;
}

int64_t Checker::refuse() {
  require(arith::ConstantIntOp::create(builder, loc, 0, /*width=*/1),
          "the sizes of the operands do not fit together");
  return count;
}

namespace {

class CheckSizesPass final : public impl::CheckSizesPassBase<CheckSizesPass> {
public:
  using CheckSizesPassBase::CheckSizesPassBase;

  void runOnOperation() final {
    SmallVector<Operation *> ops;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<SluiceDialect>(op->getDialect()) || isa<tensor::CastOp>(op))
        ops.push_back(op);
    });
    OpBuilder builder(&getContext());
    SizeResolver resolver(builder);
    for (Operation *op : ops) {
      (void)resolver.visit(op);
      // Sizes that were found after the op was made may contradict each other.
      if (isContradictory(op)) {
        numChecks += Checker(builder, resolver, op).refuse();
        continue;
      }
      // Inference has checked what types say: that folds to nothing.
      numChecks += Checker(builder, resolver, op).check();
    }
    updateResultTypes(getOperation());
  }
};

} // namespace
} // namespace sluice
