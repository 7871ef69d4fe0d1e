//===- NonMaxSuppression.cpp - Boxes that do not overlap ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "NonMaxSuppression.h"
#include "Heap.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Codegen/Elements/FlatAccess.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

namespace {
/// The corners of a box, in order along each axis.
struct Box {
  Value low[2], high[2];
};
} // namespace

static Box loadBox(KernelBuilder &kernel, NonMaxSuppressionOp op, Value batch,
                   Value box) {
  BodyBuilder body{kernel.builder, kernel.loc};
  Value numbers[4];
  for (int64_t i = 0; i < 4; ++i)
    numbers[i] = kernel.load(op.getBoxes(), {batch, box, kernel.index(i)});
  Box result;
  for (unsigned axis : {0u, 1u}) {
    if (op.getCenterPoint()) {
      Value half =
          body.mul(numbers[2 + axis], body.constant(numbers[2 + axis], 0.5));
      result.low[axis] = body.sub(numbers[axis], half);
      result.high[axis] = body.add(numbers[axis], half);
    } else {
      result.low[axis] =
          body.make<arith::MinimumFOp>(numbers[axis], numbers[2 + axis]);
      result.high[axis] =
          body.make<arith::MaximumFOp>(numbers[axis], numbers[2 + axis]);
    }
  }
  return result;
}

/// Is the shared part of two boxes a larger share of their union than
/// `threshold`?
static Value overlaps(KernelBuilder &kernel, const Box &a, const Box &b,
                      Value threshold) {
  BodyBuilder body{kernel.builder, kernel.loc};
  Value shared, areas[2];
  for (unsigned axis : {0u, 1u}) {
    Value side =
        body.sub(body.make<arith::MinimumFOp>(a.high[axis], b.high[axis]),
                 body.make<arith::MaximumFOp>(a.low[axis], b.low[axis]));
    side = body.make<arith::MaximumFOp>(side, body.zero(side));
    shared = shared ? body.mul(shared, side) : side;
    const Box *boxes[] = {&a, &b};
    for (unsigned i : {0u, 1u}) {
      Value length = body.sub(boxes[i]->high[axis], boxes[i]->low[axis]);
      areas[i] = areas[i] ? body.mul(areas[i], length) : length;
    }
  }
  Value whole = body.sub(body.add(areas[0], areas[1]), shared);
  Value share = body.div(shared, whole);
  return both(
      kernel,
      body.compare(arith::CmpFPredicate::OGT, shared, body.zero(shared)),
      body.compare(arith::CmpFPredicate::OGT, share, threshold));
}

namespace {
/// The boxes of one class whose score is above the threshold, the best at the
/// root. A score that is NaN is above no threshold.
class ScoreHeap final : public Heap {
public:
  ScoreHeap(KernelBuilder &kernel, Value scores, Value batch, Value which,
            Value order)
      : Heap(kernel), scores(scores), batch(batch), which(which), order(order) {
  }

  Candidate load(Value position) final {
    Value box = loadNumber(kernel, order, position);
    return {kernel.load(scores, {batch, which, box}), box};
  }
  void store(Candidate candidate, Value position) final {
    storeNumber(kernel, candidate.index, order, position);
  }
  Value isAbove(Candidate lhs, Candidate rhs) final {
    BodyBuilder body{kernel.builder, kernel.loc};
    Value isBetter =
        body.compare(arith::CmpFPredicate::OGT, lhs.element, rhs.element);
    Value isEqual =
        body.compare(arith::CmpFPredicate::OEQ, lhs.element, rhs.element);
    Value isEarlier = compare(kernel, Predicate::slt, lhs.index, rhs.index);
    return either(kernel, isBetter, both(kernel, isEqual, isEarlier));
  }
  /// Stores the boxes above the threshold and returns how many there are.
  Value fill(Value boxes, Value threshold) {
    BodyBuilder body{kernel.builder, kernel.loc};
    Value count =
        kernel.loop(boxes, kernel.index(0), [&](Value box, ValueRange found) {
          Value score = kernel.load(scores, {batch, which, box});
          Value isIn =
              body.compare(arith::CmpFPredicate::OGT, score, threshold);
          when(kernel, isIn,
               [&] { storeNumber(kernel, box, order, found[0]); });
          Value next = kernel.add(found[0], kernel.index(1));
          return SmallVector<Value>{select(kernel, isIn, next, found[0])};
        })[0];
    arrange(count);
    return count;
  }
  /// Takes the root away; `rest` are left.
  void drop(Value rest) {
    when(kernel, compare(kernel, Predicate::sgt, rest, kernel.index(0)),
         [&] { siftDown(load(rest), kernel.index(0), rest); });
  }

private:
  Value scores, batch, which, order;
};

/// Selects boxes of one class after the other.
class Suppression {
public:
  Suppression(KernelBuilder &kernel, NonMaxSuppressionOp op)
      : kernel(kernel), op(op) {}

  LogicalResult emit();

private:
  Value scalar(Value tensor) {
    SmallVector<Value> zeros(shapeOf(tensor).size(), kernel.index(0));
    return kernel.load(tensor, zeros);
  }
  /// Selects from one class, behind what is selected already; returns how many
  /// are selected in all.
  Value selectClass(Value batch, Value which, Value selected);
  /// Does a box overlap none of those selected at [begin, end)?
  Value isFree(Value batch, const Box &box, Value begin, Value end);

  KernelBuilder &kernel;
  NonMaxSuppressionOp op;
  Value boxes; ///< how many of them a class has
  Value most;  ///< to be selected of a class, at most `boxes`
  Value room;  ///< rows of the result
  Value order; ///< memory for the heap
  Value overlap, threshold;
};
} // namespace

Value Suppression::isFree(Value batch, const Box &box, Value begin, Value end) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  auto search = scf::WhileOp::create(builder, loc, builder.getIndexType(),
                                     ValueRange{begin});
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *before = builder.createBlock(&search.getBefore(), {},
                                        builder.getIndexType(), loc);
    Value at = before->getArgument(0);
    Value goesOn = kernel.choose(
        compare(kernel, Predicate::slt, at, end), builder.getI1Type(),
        [&] {
          Value other = loadNumber(kernel, kernel.buffer(op.getSelected()),
                                   {at, kernel.index(2)});
          Value covers =
              overlaps(kernel, loadBox(kernel, op, batch, other), box, overlap);
          return SmallVector<Value>{negation(kernel, covers)};
        },
        [&] {
          return SmallVector<Value>{
              arith::ConstantIntOp::create(builder, loc, 0, /*width=*/1)};
        })[0];
    scf::ConditionOp::create(builder, loc, goesOn, at);
    Block *after = builder.createBlock(&search.getAfter(), {},
                                       builder.getIndexType(), loc);
    scf::YieldOp::create(builder, loc,
                         kernel.add(after->getArgument(0), kernel.index(1)));
  }
  return compare(kernel, Predicate::eq, search.getResult(0), end);
}

Value Suppression::selectClass(Value batch, Value which, Value selected) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Type index = builder.getIndexType();
  Value zero = kernel.index(0), one = kernel.index(1);
  ScoreHeap heap(kernel, op.getScores(), batch, which, order);
  Value count = heap.fill(boxes, threshold);
  Value end =
      arith::MinSIOp::create(builder, loc, room, kernel.add(selected, most));
  auto picking = scf::WhileOp::create(builder, loc, TypeRange{index, index},
                                      ValueRange{count, selected});
  OpBuilder::InsertionGuard guard(builder);
  Block *before =
      builder.createBlock(&picking.getBefore(), {}, {index, index}, {loc, loc});
  Value goesOn = both(
      kernel, compare(kernel, Predicate::sgt, before->getArgument(0), zero),
      compare(kernel, Predicate::slt, before->getArgument(1), end));
  scf::ConditionOp::create(builder, loc, goesOn, before->getArguments());

  Block *after =
      builder.createBlock(&picking.getAfter(), {}, {index, index}, {loc, loc});
  Value rest = kernel.sub(after->getArgument(0), one);
  Value total = after->getArgument(1);
  Value best = heap.load(zero).index;
  heap.drop(rest);
  Value chosen =
      isFree(batch, loadBox(kernel, op, batch, best), selected, total);
  when(kernel, chosen, [&] {
    Value row[] = {batch, which, best};
    for (auto [i, number] : llvm::enumerate(row))
      kernel.store(kernel.fromIndex(number, builder.getI64Type()),
                   op.getSelected(), {total, kernel.index(i)});
  });
  total = select(kernel, chosen, kernel.add(total, one), total);
  scf::YieldOp::create(builder, loc, ValueRange{rest, total});
  return picking.getResult(1);
}

LogicalResult Suppression::emit() {
  OpBuilder &builder = kernel.builder;
  Value zero = kernel.index(0);
  Value batches = kernel.size(op.getScores(), 0);
  boxes = kernel.size(op.getScores(), 2);
  kernel.check(
      compare(kernel, Predicate::eq, kernel.size(op.getBoxes(), 1), boxes),
      "the numbers of boxes and scores differ");
  kernel.check(
      compare(kernel, Predicate::eq, kernel.size(op.getBoxes(), 0), batches),
      "the batches of boxes and scores differ");
  auto smaller = [&](Value lhs, Value rhs) -> Value {
    return arith::MinSIOp::create(builder, kernel.loc, lhs, rhs);
  };
  boxes = smaller(boxes, kernel.size(op.getBoxes(), 1));
  batches = smaller(batches, kernel.size(op.getBoxes(), 0));
  Value limit =
      kernel.toIndex(scalar(op.getMaxBoxes()), elementTypeOf(op.getMaxBoxes()));
  // A negative limit selects nothing.
  most =
      arith::MaxSIOp::create(builder, kernel.loc, smaller(limit, boxes), zero);
  room = kernel.size(op.getSelected(), 0);
  order = allocateNumbers(kernel, boxes);
  overlap = scalar(op.getIouThreshold());
  threshold = scalar(op.getScoreThreshold());
  Value classes = kernel.size(op.getScores(), 1);
  Value total = kernel.loop(batches, zero, [&](Value batch, ValueRange outer) {
    return kernel.loop(classes, outer[0], [&](Value which, ValueRange inner) {
      return SmallVector<Value>{selectClass(batch, which, inner[0])};
    });
  })[0];
  kernel.store(kernel.fromIndex(total, builder.getI64Type()), op.getCount(),
               zero);
  return success();
}

LogicalResult sluice::emitNonMaxSuppression(KernelBuilder &kernel,
                                            Operation *anchor) {
  auto op = cast<NonMaxSuppressionOp>(anchor);
  if (!isAlone(kernel, anchor))
    return op.emitError("takes no other ops into its kernel");
  return Suppression(kernel, op).emit();
}
