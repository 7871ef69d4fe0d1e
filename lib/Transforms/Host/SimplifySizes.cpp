//===- SimplifySizes.cpp - Equal sizes of buffers become one value --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/State/State.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/ScopedHashTable.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_SIMPLIFYSIZESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// What an index can be; both ends belong to it.
struct Range {
  int64_t low = INT64_MIN, high = INT64_MAX;
};

/// Ops that compute the same from the same operands.
struct SameOp : DenseMapInfo<Operation *> {
  static unsigned getHashValue(const Operation *op) {
    return OperationEquivalence::computeHash(
        const_cast<Operation *>(op), OperationEquivalence::directHashValue,
        OperationEquivalence::ignoreHashValue,
        OperationEquivalence::IgnoreLocations);
  }
  static bool isEqual(const Operation *a, const Operation *b) {
    if (a == b)
      return true;
    if (a == getTombstoneKey() || a == getEmptyKey() ||
        b == getTombstoneKey() || b == getEmptyKey())
      return false;
    return OperationEquivalence::isEquivalentTo(
        const_cast<Operation *>(a), const_cast<Operation *>(b),
        OperationEquivalence::IgnoreLocations);
  }
};

class SizeSimplifier {
public:
  void run(func::FuncOp function);

private:
  /// What was computed and checked in the blocks around the one looked at.
  using Ops = llvm::ScopedHashTable<Operation *, Operation *, SameOp>;
  using Checked = llvm::ScopedHashTable<Value, bool>;

  void simplify(Block &block);
  void simplify(Operation *op);
  /// Another value for an op's only result, or null.
  Value simpler(Operation *op);
  Value bufferSize(memref::DimOp op);
  Value simplerExtreme(Operation *op);
  Value simplerBroadcast(arith::SelectOp op);
  Range rangeOf(Value index) const;
  Range computeRange(Operation *op) const;
  void replace(Operation *op, ValueRange values);
  /// The op, or the one that computed the same before, for which it goes.
  Operation *keep(Operation *op);

  Ops ops;
  Checked checked;
  DenseMap<Value, Range> ranges;
  /// Sizes that are 1 only where each of these is: the operands of the
  /// broadcasts that they come from.
  DenseMap<Value, SmallVector<Value, 4>> broadcast;
  SmallVector<Operation *> kept;
};

/// More operands than differ in real broadcasts are not looked at.
constexpr size_t mostOperands = 8;

} // namespace

/// The value that a size of a buffer was made with.
Value SizeSimplifier::bufferSize(memref::DimOp op) {
  auto place = op.getConstantIndex();
  if (!place)
    return {};
  Value source = op.getSource();
  while (auto conversion = source.getDefiningOp<memref::CastOp>())
    source = conversion.getSource();
  auto type = cast<MemRefType>(source.getType());
  OpBuilder builder(op);
  if (!type.isDynamicDim(*place))
    return arith::ConstantIndexOp::create(builder, op.getLoc(),
                                          type.getDimSize(*place));
  Operation *maker = source.getDefiningOp();
  auto input = dyn_cast_if_present<kernel::InputOp>(maker);
  // Only the runtime knows how much room there is.
  if (input && input.getRoom() == static_cast<uint64_t>(*place))
    return {};
  if (input)
    return keep(kernel::InputSizeOp::create(
                    builder, op.getLoc(), builder.getIndexType(),
                    input.getFrame(), input.getIndexAttr(),
                    builder.getI64IntegerAttr(*place)))
        ->getResult(0);
  ValueRange sizes;
  if (auto make = dyn_cast_if_present<kernel::AllocateOp>(maker))
    sizes = make.getSizes();
  else if (auto make = dyn_cast_if_present<kernel::OutputOp>(maker))
    sizes = make.getSizes();
  else if (auto make = dyn_cast_if_present<kernel::ViewOp>(maker))
    sizes = make.getSizes();
  else if (auto make = dyn_cast_if_present<kernel::SubviewOp>(maker))
    sizes = make.getSizes();
  return sizes.empty() ? Value() : sizes[type.getDynamicDimIndex(*place)];
}

Range SizeSimplifier::rangeOf(Value index) const {
  if (auto known = getConstantIntValue(index))
    return {*known, *known};
  return ranges.lookup(index);
}

Range SizeSimplifier::computeRange(Operation *op) const {
  if (isa<kernel::InputSizeOp>(op))
    return {0, INT64_MAX};
  if (op->getNumOperands() < 2)
    return {};
  Range a = rangeOf(op->getOperand(0)), b = rangeOf(op->getOperand(1));
  if (isa<arith::MaxSIOp>(op))
    return {std::max(a.low, b.low), std::max(a.high, b.high)};
  if (isa<arith::MinSIOp>(op))
    return {std::min(a.low, b.low), std::min(a.high, b.high)};
  Range sum;
  if (isa<arith::AddIOp>(op) && !llvm::AddOverflow(a.low, b.low, sum.low) &&
      !llvm::AddOverflow(a.high, b.high, sum.high))
    return sum;
  if (isa<arith::SubIOp>(op) && !llvm::SubOverflow(a.low, b.high, sum.low) &&
      !llvm::SubOverflow(a.high, b.low, sum.high))
    return sum;
  if (auto choice = dyn_cast<arith::SelectOp>(op)) {
    a = rangeOf(choice.getTrueValue()), b = rangeOf(choice.getFalseValue());
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
  }
  return {};
}

/// A minimum or maximum of what is in order anyway.
Value SizeSimplifier::simplerExtreme(Operation *op) {
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  Range a = rangeOf(lhs), b = rangeOf(rhs);
  bool isMaximum = isa<arith::MaxSIOp>(op);
  if (a.low >= b.high)
    return isMaximum ? lhs : rhs;
  if (b.low >= a.high)
    return isMaximum ? rhs : lhs;
  return {};
}

/// `size == 1 ? other : size`, the size of a broadcast, is `size` where that is
/// 1 only if `other` is, and `other` where that is itself such a choice.
Value SizeSimplifier::simplerBroadcast(arith::SelectOp op) {
  auto comparison = op.getCondition().getDefiningOp<arith::CmpIOp>();
  Value size = op.getFalseValue(), other = op.getTrueValue();
  if (!comparison || comparison.getPredicate() != arith::CmpIPredicate::eq ||
      comparison.getLhs() != size ||
      !matchPattern(comparison.getRhs(), m_One()))
    return {};
  auto operands = broadcast.find(size);
  if (operands != broadcast.end() &&
      llvm::is_contained(operands->second, other))
    return size;
  if (auto inner = other.getDefiningOp<arith::SelectOp>())
    if (inner.getCondition() == op.getCondition() &&
        inner.getFalseValue() == size)
      return other;
  SmallVector<Value, 4> all;
  for (Value operand : {size, other}) {
    all.push_back(operand);
    if (auto more = broadcast.find(operand); more != broadcast.end())
      llvm::append_range(all, more->second);
  }
  if (all.size() <= mostOperands)
    broadcast[op] = std::move(all);
  return {};
}

Value SizeSimplifier::simpler(Operation *op) {
  if (auto size = dyn_cast<memref::DimOp>(op))
    return bufferSize(size);
  if (isa<arith::MaxSIOp, arith::MinSIOp>(op))
    if (Value value = simplerExtreme(op))
      return value;
  if (auto choice = dyn_cast<arith::SelectOp>(op))
    if (Value value = simplerBroadcast(choice))
      return value;
  SmallVector<Value> folded;
  OpBuilder builder(op);
  if (failed(builder.tryFold(op, folded)) || folded.empty())
    return {};
  Operation *maker = folded.front().getDefiningOp();
  // Is it a constant that was made just now?
  bool isNew = maker && maker->getNextNode() == op;
  return isNew ? keep(maker)->getResult(0) : folded.front();
}

Operation *SizeSimplifier::keep(Operation *op) {
  if (Operation *same = ops.lookup(op)) {
    if (same == op)
      return op;
    replace(op, same->getResults());
    return same;
  }
  ops.insert(op, op);
  kept.push_back(op);
  if (op->getNumResults() == 1 && op->getResult(0).getType().isIndex())
    ranges[op->getResult(0)] = computeRange(op);
  return op;
}

void SizeSimplifier::replace(Operation *op, ValueRange values) {
  op->replaceAllUsesWith(values);
  // A later op may lie where this one did.
  for (Value result : op->getResults())
    broadcast.erase(result);
  op->erase();
}

void SizeSimplifier::simplify(Operation *op) {
  if (auto check = dyn_cast<kernel::CheckOp>(op)) {
    // The host function ends where the first of them does not hold.
    if (checked.count(check.getCondition()) ||
        matchPattern(check.getCondition(), m_One())) {
      op->erase();
    } else {
      checked.insert(check.getCondition(), true);
    }
    return;
  }
  if (!isa<memref::DimOp, kernel::InputSizeOp>(op) &&
      !isa<arith::ArithDialect>(op->getDialect()))
    return;
  if (op->getNumResults() == 1)
    if (Value value = simpler(op); value && value != op->getResult(0)) {
      replace(op, value);
      return;
    }
  keep(op);
}

void SizeSimplifier::simplify(Block &block) {
  Ops::ScopeTy opsScope(ops);
  Checked::ScopeTy checkedScope(checked);
  // What folding makes is put in front of an op, and kept there and then.
  for (Operation &op : llvm::make_early_inc_range(block)) {
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        simplify(inner);
    simplify(&op);
  }
}

void SizeSimplifier::run(func::FuncOp function) {
  for (Block &block : function.getBody())
    simplify(block);
  for (Operation *op : llvm::reverse(kept))
    if (isOpTriviallyDead(op))
      op->erase();
}

namespace {
class SimplifySizesPass final
    : public impl::SimplifySizesPassBase<SimplifySizesPass> {
public:
  using SimplifySizesPassBase::SimplifySizesPassBase;

  void runOnOperation() final {
    auto function = getOperation().lookupSymbol<func::FuncOp>("sluice_host");
    if (!function)
      return;
    SizeSimplifier().run(function);
  }
};
} // namespace
} // namespace sluice
