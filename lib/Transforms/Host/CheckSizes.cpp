//===- CheckSizes.cpp - Fail where dynamic sizes do not fit ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels rely on what ops demand of their operands' sizes. Type inference
// checks what types say; the rest is checked here, before the first kernel that
// would read outside of a buffer. What each op demands is in the files
// Check*Sizes.cpp.
//
//===----------------------------------------------------------------------===//

#include "SizeChecker.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Transforms/Graph/TypeRefinement.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CHECKSIZESPASS
#include "sluice/Transforms/Passes.h.inc"

using Size = OpFoldResult;
using Predicate = arith::CmpIPredicate;

namespace {

/// Can a size computed this way not be negative?
bool isSurelyNotNegative(Size size, unsigned depth = 0) {
  if (auto known = getConstantIntValue(size))
    return *known >= 0;
  Operation *op = cast<Value>(size).getDefiningOp();
  if (!op || depth > 8)
    return false;
  auto operand = [&](unsigned i) {
    return isSurelyNotNegative(op->getOperand(i), depth + 1);
  };
  if (isa<tensor::DimOp>(op))
    return true;
  if (isa<arith::MaxSIOp>(op))
    return operand(0) || operand(1);
  if (isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::DivSIOp,
          arith::DivUIOp>(op))
    return operand(0) && operand(1);
  if (isa<arith::SelectOp>(op))
    return operand(1) && operand(2);
  return false;
}

} // namespace

void Checker::require(Value condition, StringRef message) {
  auto known = getConstantIntValue(condition);
  if (known && *known != 0)
    return;
  cf::AssertOp::create(builder, loc, condition, message);
  ++count;
}

void Checker::requireEqual(Size lhs, Size rhs, StringRef message) {
  if (lhs == rhs)
    return;
  require(compare(Predicate::eq, lhs, rhs), message);
}

void Checker::requireNotNegative(Size size, StringRef message) {
  if (!isSurelyNotNegative(size))
    require(compare(Predicate::sge, size, number(0)), message);
}

void Checker::requireModest(Size size, StringRef message) {
  if (getConstantIntValue(size))
    return;
  constexpr int64_t limit = int64_t(1) << 60;
  Size shifted = sizes().add(size, number(limit));
  require(compare(Predicate::ule, shifted, number(2 * limit)), message);
}

void Checker::requireProduct(Size lhs, Size rhs, StringRef message) {
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if ((left && *left <= 1) || (right && *right <= 1) || (left && right))
    return;
  // The divisor is the operand, whose size is that of memory there is.
  Size most = builder.createOrFold<arith::DivSIOp>(
      loc, sizes().value(number(INT64_MAX)),
      sizes().value(sizes().max(lhs, number(1))));
  require(compare(Predicate::sle, rhs, most), message);
}

Size Checker::requireBroadcast(Size lhs, Size rhs) {
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if (left == 1)
    return rhs;
  if (right == 1 || lhs == rhs)
    return lhs;
  Value fits = compare(Predicate::eq, lhs, rhs);
  for (Size size : {lhs, rhs})
    if (!getConstantIntValue(size))
      fits = either(fits, compare(Predicate::eq, size, number(1)));
  require(fits, broadcastMessage);
  return broadcastSizes(builder, loc, lhs, rhs);
}

void Checker::requireShape(Value tensor, ArrayRef<Size> shape,
                           StringRef message) {
  for (auto [i, size] : llvm::enumerate(shape))
    requireEqual(sizeOf(tensor, i), size, message);
}

Value Checker::isProduct(ArrayRef<Size> factors, Size product) {
  Type wide = builder.getI64Type();
  auto toWide = [&](Size size) -> Value {
    return builder.createOrFold<arith::IndexCastOp>(loc, wide,
                                                    sizes().value(size));
  };
  Value zero = toWide(number(0)), noOverflow;
  Value result = toWide(factors.empty() ? number(1) : factors.front());
  for (Size factor : factors.drop_front(factors.empty() ? 0 : 1)) {
    auto next =
        arith::MulSIExtendedOp::create(builder, loc, result, toWide(factor));
    result = next.getLow();
    // The high half of a small number is its sign, and sizes have none.
    Value isSmall = arith::CmpIOp::create(builder, loc, Predicate::eq,
                                          next.getHigh(), zero);
    Value hasNoSign =
        arith::CmpIOp::create(builder, loc, Predicate::sge, result, zero);
    Value fits = both(isSmall, hasNoSign);
    noOverflow = noOverflow ? both(noOverflow, fits) : fits;
  }
  Value equal = builder.createOrFold<arith::CmpIOp>(loc, Predicate::eq, result,
                                                    toWide(product));
  return noOverflow ? both(noOverflow, equal) : equal;
}

int64_t Checker::check() {
  builder.setInsertionPoint(op);
  Operation *before = op->getPrevNode();
  llvm::TypeSwitch<Operation *>(op)
      .Case<
#define GET_OP_LIST
#include "dialects/Sluice/SluiceOps.cpp.inc"
          , tensor::CastOp>([&](auto known) { demand(known); });
  // Reading an element may have asked for sizes.
  resolver.resolve(before, op);
  return count;
}

int64_t Checker::refuse() {
  builder.setInsertionPoint(op);
  require(arith::ConstantIntOp::create(builder, loc, 0, /*width=*/1),
          "the sizes of the operands do not fit together");
  return count;
}

namespace {

/// Sizes that were found after the op was made may contradict each other.
bool isContradictory(Operation *op) {
  auto inference = dyn_cast<InferTypeOpInterface>(op);
  SmallVector<Type> inferred;
  return inference &&
         (failed(inference.inferReturnTypes(
              op->getContext(), std::nullopt, op->getOperands(),
              op->getAttrDictionary(), op->getPropertiesStorage(),
              op->getRegions(), inferred)) ||
          !inference.isCompatibleReturnTypes(inferred, op->getResultTypes()));
}

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
