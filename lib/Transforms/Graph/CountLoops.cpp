//===- CountLoops.cpp - Loops that grow lists by concatenation ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_COUNTLOOPSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Turns one loop with a condition into one that counts.
class LoopCounter {
public:
  LoopCounter(scf::WhileOp loop)
      : loop(loop), before(loop.getBefore().front()),
        after(loop.getAfter().front()) {}

  void run();

private:
  /// A tensor to which each step appends a part of length one.
  struct List {
    unsigned number; ///< among the values that the loop carries
    Value next;      ///< the longer tensor, as the next step sees it
    ConcatOp concat;
    int64_t axis;
    /// Of a part, without the axis.
    RankedTensorType element;
  };

  bool matchCounter();
  std::optional<List> matchList(unsigned number);
  bool matchCarried();
  Value makeCount(OpBuilder &builder);
  void moveBody(scf::ForOp counted, unsigned firstList);
  Value finishList(OpBuilder &builder, const List &list, Value made);

  scf::WhileOp loop;
  Block &before, &after;
  unsigned counter = 0; ///< which of the carried values counts the steps
  Value limit;
  SmallVector<unsigned> states;
  SmallVector<List> lists;
};

} // namespace

/// i = 0; while (i < limit) i = i + 1, and the condition sees nothing else.
bool LoopCounter::matchCounter() {
  auto condition = loop.getConditionOp();
  if (!llvm::equal(condition.getArgs(), before.getArguments()) ||
      before.getOperations().size() != 2)
    return false;
  auto goesOn = condition.getCondition().getDefiningOp<arith::CmpIOp>();
  auto number =
      goesOn ? dyn_cast<BlockArgument>(goesOn.getLhs()) : BlockArgument();
  if (!number || number.getOwner() != &before ||
      goesOn.getPredicate() != arith::CmpIPredicate::slt ||
      !number.getType().isIndex() ||
      goesOn.getRhs().getParentRegion() == &loop.getBefore())
    return false;
  counter = number.getArgNumber();
  limit = goesOn.getRhs();
  auto next =
      loop.getYieldOp().getOperand(counter).getDefiningOp<arith::AddIOp>();
  return next && next.getLhs() == after.getArgument(counter) &&
         getConstantIntValue(next.getRhs()) == 1 &&
         getConstantIntValue(loop.getInits()[counter]) == 0;
}

std::optional<LoopCounter::List> LoopCounter::matchList(unsigned number) {
  Value argument = after.getArgument(number);
  Value next = loop.getYieldOp().getOperand(number), longer = next;
  while (longer.hasOneUse() && longer.getDefiningOp<tensor::CastOp>())
    longer = longer.getDefiningOp()->getOperand(0);
  auto concat = longer.getDefiningOp<ConcatOp>();
  if (!concat || concat->getBlock() != &after || concat.getNumOperands() != 2 ||
      concat.getOperand(0) != argument || !argument.hasOneUse() ||
      !concat->hasOneUse())
    return std::nullopt;
  Value start = loop.getInits()[number];
  while (auto cast = start.getDefiningOp<tensor::CastOp>())
    start = cast.getSource();
  auto part = cast<RankedTensorType>(concat.getOperand(1).getType());
  auto empty = cast<RankedTensorType>(start.getType());
  int64_t axis = concat.getAxis();
  if (!part.hasStaticShape() || part.getDimSize(axis) != 1 ||
      !empty.hasStaticShape() || empty.getDimSize(axis) != 0)
    return std::nullopt;
  // A loop without steps gives the list that it begins with.
  SmallVector<int64_t> shape(part.getShape()), other(empty.getShape());
  shape.erase(shape.begin() + axis);
  other.erase(other.begin() + axis);
  if (shape != other)
    return std::nullopt;
  return List{number, next, concat, axis,
              RankedTensorType::get(shape, part.getElementType())};
}

bool LoopCounter::matchCarried() {
  for (unsigned i = 0; i < after.getNumArguments(); ++i) {
    if (i == counter)
      continue;
    if (!isa<RankedTensorType>(after.getArgument(i).getType()))
      return false;
    if (auto list = matchList(i))
      lists.push_back(*list);
    else
      states.push_back(i);
  }
  return !lists.empty();
}

Value LoopCounter::makeCount(OpBuilder &builder) {
  if (getConstantIntValue(limit).value_or(-1) >= 0)
    return limit;
  Value zero = arith::ConstantIndexOp::create(builder, loop.getLoc(), 0);
  return arith::MaxSIOp::create(builder, loop.getLoc(), limit, zero);
}

void LoopCounter::moveBody(scf::ForOp counted, unsigned firstList) {
  Block *body = counted.getBody();
  Operation *end = loop.getYieldOp();
  SmallVector<Value> next;
  for (unsigned number : states)
    next.push_back(end->getOperand(number));
  OpBuilder builder(end);
  for (auto [i, list] : llvm::enumerate(lists)) {
    Location loc = list.concat.getLoc();
    Value element = SqueezeOp::create(builder, loc, list.concat.getOperand(1),
                                      ArrayRef<int64_t>(list.axis));
    next.push_back(SetElementOp::create(builder, loc,
                                        body->getArgument(firstList + i),
                                        body->getArgument(0), element));
  }
  scf::YieldOp::create(builder, loop.getLoc(), next);
  end->erase();
  after.getArgument(counter).replaceAllUsesWith(counted.getInductionVar());
  for (auto [i, number] : llvm::enumerate(states))
    after.getArgument(number).replaceAllUsesWith(body->getArgument(1 + i));
  for (List &list : lists) {
    // What casts the longer list is dead as well.
    for (Value longer = list.next; longer != list.concat.getResult();) {
      Operation *cast = longer.getDefiningOp();
      longer = cast->getOperand(0);
      cast->erase();
    }
    list.concat.erase();
  }
  body->getOperations().splice(body->end(), after.getOperations());
}

/// The list as the concatenation along its axis.
Value LoopCounter::finishList(OpBuilder &builder, const List &list,
                              Value made) {
  GraphBuilder graph(builder, loop.getLoc());
  SmallVector<int64_t> order;
  for (int64_t i = 1; i <= list.element.getRank(); ++i)
    order.push_back(i);
  order.insert(order.begin() + list.axis, 0);
  if (list.axis != 0)
    made = graph.transpose(made, order);
  Type type = loop.getResult(list.number).getType();
  if (made.getType() != type)
    made = tensor::CastOp::create(builder, loop.getLoc(), type, made);
  return made;
}

void LoopCounter::run() {
  if (loop.getInits().size() != after.getNumArguments() || !matchCounter() ||
      !matchCarried())
    return;
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  Value count = makeCount(builder);
  auto known = getConstantIntValue(count);
  SmallVector<Value> initial;
  for (unsigned number : states)
    initial.push_back(loop.getInits()[number]);
  for (const List &list : lists) {
    SmallVector<int64_t> shape{known.value_or(ShapedType::kDynamic)};
    llvm::append_range(shape, list.element.getShape());
    initial.push_back(tensor::EmptyOp::create(
        builder, loc,
        RankedTensorType::get(shape, list.element.getElementType()),
        known ? ValueRange() : ValueRange(count)));
  }
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto counted =
      scf::ForOp::create(builder, loc, zero, count, one, initial,
                         [](OpBuilder &, Location, Value, ValueRange) {});
  moveBody(counted, 1 + states.size());
  loop.getResult(counter).replaceAllUsesWith(count);
  for (auto [i, number] : llvm::enumerate(states))
    loop.getResult(number).replaceAllUsesWith(counted.getResult(i));
  for (auto [i, list] : llvm::enumerate(lists))
    loop.getResult(list.number)
        .replaceAllUsesWith(
            finishList(builder, list, counted.getResult(states.size() + i)));
  loop.erase();
}

namespace {
class CountLoopsPass final : public impl::CountLoopsPassBase<CountLoopsPass> {
public:
  using CountLoopsPassBase::CountLoopsPassBase;

  void runOnOperation() final {
    SmallVector<scf::WhileOp> loops;
    getOperation().walk([&](scf::WhileOp loop) { loops.push_back(loop); });
    for (scf::WhileOp loop : loops)
      LoopCounter(loop).run();
  }
};
} // namespace
} // namespace sluice
