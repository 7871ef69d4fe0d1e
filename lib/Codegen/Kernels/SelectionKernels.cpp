//===- SelectionKernels.cpp - TopK, Unique, NonMaxSuppression -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "FlatBuffers.h"
#include "LoopNest.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

/// lhs < rhs in the order of an element type.
static Value isLess(KernelBuilder &kernel, Value lhs, Value rhs,
                    Type elementType) {
  BodyBuilder body{kernel.builder, kernel.loc};
  if (BodyBuilder::isFloat(lhs))
    return body.compare(arith::CmpFPredicate::OLT, lhs, rhs);
  return body.compare(
      isUnsignedType(elementType) ? Predicate::ult : Predicate::slt, lhs, rhs);
}

static Value either(KernelBuilder &kernel, Value lhs, Value rhs) {
  return arith::OrIOp::create(kernel.builder, kernel.loc, lhs, rhs);
}

static Value negation(KernelBuilder &kernel, Value condition) {
  Value yes = arith::ConstantIntOp::create(kernel.builder, kernel.loc, 1, 1);
  return arith::XOrIOp::create(kernel.builder, kernel.loc, condition, yes);
}

/// A vector of numbers in memory that only this kernel uses.
static Value allocateIndices(KernelBuilder &kernel, Value count) {
  Value bytes = kernel.mul(count, kernel.index(8));
  auto type =
      MemRefType::get({ShapedType::kDynamic}, kernel.builder.getI64Type());
  return kernel.view(kernel.allocate(bytes), kernel.index(0), type, count);
}

static Value loadNumber(KernelBuilder &kernel, Value vector, Value at) {
  Value number = memref::LoadOp::create(kernel.builder, kernel.loc, vector, at);
  return arith::IndexCastOp::create(kernel.builder, kernel.loc,
                                    kernel.builder.getIndexType(), number);
}

static void storeNumber(KernelBuilder &kernel, Value number, Value vector,
                        Value at) {
  Value wide = arith::IndexCastOp::create(kernel.builder, kernel.loc,
                                          kernel.builder.getI64Type(), number);
  memref::StoreOp::create(kernel.builder, kernel.loc, wide, vector, at);
}

//===----------------------------------------------------------------------===//
// TopK
//===----------------------------------------------------------------------===//

namespace {
/// An element and where it comes from.
struct Candidate {
  Value element;
  Value index;
};

/// The best candidates of one row, as a heap in the result buffers: the worst
/// is at the root. Sorting it afterwards leaves the best in front.
class Heap {
public:
  Heap(KernelBuilder &kernel, TopKOp op, ValueRange outer)
      : kernel(kernel), op(op), outer(outer),
        elementType(elementTypeOf(op.getOperand())) {}

  Candidate load(Value position) {
    SmallVector<Value> at = place(position);
    Value element = memref::LoadOp::create(kernel.builder, kernel.loc,
                                           kernel.buffer(op.getValues()), at);
    Value index = memref::LoadOp::create(kernel.builder, kernel.loc,
                                         kernel.buffer(op.getIndices()), at);
    return {kernel.toCompute(element, elementType), index};
  }
  void store(Candidate candidate, Value position) {
    SmallVector<Value> at = place(position);
    kernel.store(candidate.element, op.getValues(), at);
    kernel.store(candidate.index, op.getIndices(), at);
  }
  Candidate input(Value position) {
    SmallVector<Value> at(outer);
    at.insert(at.begin() + op.getAxis(), position);
    return {kernel.load(op.getOperand(), at),
            kernel.fromIndex(position, kernel.builder.getI64Type())};
  }
  /// Does `lhs` come after `rhs` in the result?
  Value isWorse(Candidate lhs, Candidate rhs) {
    BodyBuilder body{kernel.builder, kernel.loc};
    Value behind = op.getSmallest()
                       ? isLess(kernel, rhs.element, lhs.element, elementType)
                       : isLess(kernel, lhs.element, rhs.element, elementType);
    Value before = op.getSmallest()
                       ? isLess(kernel, lhs.element, rhs.element, elementType)
                       : isLess(kernel, rhs.element, lhs.element, elementType);
    Value later = body.compare(Predicate::sgt, lhs.index, rhs.index);
    return either(kernel, behind,
                  both(kernel, negation(kernel, before), later));
  }
  /// Puts a candidate into the heap [0, limit) at `hole` or below it.
  void siftDown(Candidate candidate, Value hole, Value limit);

private:
  SmallVector<Value> place(Value position) {
    SmallVector<Value> at(outer);
    at.insert(at.begin() + op.getAxis(), position);
    return at;
  }

  KernelBuilder &kernel;
  TopKOp op;
  SmallVector<Value> outer;
  Type elementType;
};
} // namespace

void Heap::siftDown(Candidate candidate, Value hole, Value limit) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Type index = builder.getIndexType();
  auto descent = scf::WhileOp::create(builder, loc, TypeRange{index, index},
                                      ValueRange{hole});
  OpBuilder::InsertionGuard guard(builder);
  Block *before = builder.createBlock(&descent.getBefore(), {}, index, loc);
  Value here = before->getArgument(0), one = kernel.index(1);
  Value left = kernel.add(kernel.mul(here, kernel.index(2)), one);
  Value right = kernel.add(left, one);
  Value hasLeft = isInside(kernel, left, limit);
  Value child = select(kernel, hasLeft, left, here);
  Value other = select(kernel, isInside(kernel, right, limit), right, child);
  Candidate leftChild = load(child), rightChild = load(other);
  Value isRight = isWorse(rightChild, leftChild);
  child = select(kernel, isRight, other, child);
  Candidate worst{
      select(kernel, isRight, rightChild.element, leftChild.element),
      select(kernel, isRight, rightChild.index, leftChild.index)};
  Value goesOn = both(kernel, hasLeft, isWorse(worst, candidate));
  scf::ConditionOp::create(builder, loc, goesOn, ValueRange{here, child});

  Block *after =
      builder.createBlock(&descent.getAfter(), {}, {index, index}, {loc, loc});
  store(load(after->getArgument(1)), after->getArgument(0));
  scf::YieldOp::create(builder, loc, after->getArgument(1));
  builder.setInsertionPointAfter(descent);
  store(candidate, descent.getResult(0));
}

static LogicalResult emitTopK(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<TopKOp>(anchor);
  int64_t axis = op.getAxis();
  SmallVector<Value> outer = kernel.sizes(op.getOperand());
  Value size = outer[axis];
  outer.erase(outer.begin() + axis);
  Value kept = kernel.size(op.getValues(), axis);
  SmallVector<Value> zeros(shapeOf(op.getK()).size(), kernel.index(0));
  kernel.check(compare(kernel, Predicate::sle,
                       loadIndex(kernel, op.getK(), zeros), size),
               "k is larger than the dimension");
  Value one = kernel.index(1);
  parallelNest(kernel, outer, 1000, [&](ValueRange row) {
    Heap heap(kernel, op, row);
    kernel.forEach(
        kept, [&](ValueRange at) { heap.store(heap.input(at[0]), at[0]); });
    Value half = kernel.div(kept, kernel.index(2));
    kernel.forEach(half, [&](ValueRange at) {
      Value hole = kernel.sub(kernel.sub(half, one), at[0]);
      heap.siftDown(heap.load(hole), hole, kept);
    });
    Value isEmpty = compare(kernel, Predicate::eq, kept, kernel.index(0));
    Value rest =
        select(kernel, isEmpty, kernel.index(0), kernel.sub(size, kept));
    kernel.forEach(rest, [&](ValueRange at) {
      Candidate candidate = heap.input(kernel.add(kept, at[0]));
      Candidate root = heap.load(kernel.index(0));
      when(kernel, heap.isWorse(root, candidate),
           [&] { heap.siftDown(candidate, kernel.index(0), kept); });
    });
    // The worst of what is left goes to the end.
    Value last = kernel.sub(kept, one);
    kernel.forEach(select(kernel, isEmpty, kernel.index(0), last),
                   [&](ValueRange at) {
                     Value end = kernel.sub(last, at[0]);
                     Candidate candidate = heap.load(end);
                     heap.store(heap.load(kernel.index(0)), end);
                     heap.siftDown(candidate, kernel.index(0), end);
                   });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Unique
//===----------------------------------------------------------------------===//

/// Compares two rows of a flat matrix: {lhs < rhs, lhs == rhs}.
static std::pair<Value, Value> compareRows(KernelBuilder &kernel, Value flat,
                                           Value lhs, Value rhs, Value length,
                                           Type elementType) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  // The first place where they differ, or the length.
  auto search = scf::WhileOp::create(builder, loc, builder.getIndexType(),
                                     ValueRange{kernel.index(0)});
  auto element = [&](Value row, Value at) {
    return loadFlat(kernel, flat, kernel.add(kernel.mul(row, length), at),
                    elementType);
  };
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *before = builder.createBlock(&search.getBefore(), {},
                                        builder.getIndexType(), loc);
    Value at = before->getArgument(0);
    Value inside = isInside(kernel, at, length);
    Value goesOn = kernel.choose(
        inside, builder.getI1Type(),
        [&] {
          Value a = element(lhs, at), b = element(rhs, at);
          Value differs = either(kernel, isLess(kernel, a, b, elementType),
                                 isLess(kernel, b, a, elementType));
          return SmallVector<Value>{negation(kernel, differs)};
        },
        [&] { return SmallVector<Value>{inside}; })[0];
    scf::ConditionOp::create(builder, loc, goesOn, at);
    Block *after = builder.createBlock(&search.getAfter(), {},
                                       builder.getIndexType(), loc);
    scf::YieldOp::create(builder, loc,
                         kernel.add(after->getArgument(0), kernel.index(1)));
  }
  Value at = search.getResult(0);
  Value differs = isInside(kernel, at, length);
  Value less = kernel.choose(
      differs, builder.getI1Type(),
      [&] {
        return SmallVector<Value>{
            isLess(kernel, element(lhs, at), element(rhs, at), elementType)};
      },
      [&] { return SmallVector<Value>{differs}; })[0];
  return {less, negation(kernel, differs)};
}

/// Different rows are kept in order and found by bisection.
static LogicalResult emitUnique(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<UniqueOp>(anchor);
  if (!isAlone(kernel, anchor))
    return op.emitError("takes no other ops into its kernel");
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Value data = op.getOperand();
  Type elementType = elementTypeOf(data);
  Value rows = kernel.size(data, 0), length = kernel.size(data, 1);
  Value flat = flatBuffer(kernel, data);
  Value order = allocateIndices(kernel, rows);
  Value repeats = allocateIndices(kernel, rows);
  Value ranks = allocateIndices(kernel, rows);
  Value first = flatBuffer(kernel, op.getFirst()),
        inverse = flatBuffer(kernel, op.getInverse()),
        counts = flatBuffer(kernel, op.getCounts());
  Value zero = kernel.index(0), one = kernel.index(1);

  auto found = kernel.loop(rows, zero, [&](Value row, ValueRange running) {
    Value different = running[0];
    // The first of the different rows that is not less than this one.
    Type index = builder.getIndexType();
    auto bisection = scf::WhileOp::create(builder, loc, TypeRange{index, index},
                                          ValueRange{zero, different});
    {
      OpBuilder::InsertionGuard guard(builder);
      Block *before = builder.createBlock(&bisection.getBefore(), {},
                                          {index, index}, {loc, loc});
      Value open = compare(kernel, Predicate::slt, before->getArgument(0),
                           before->getArgument(1));
      scf::ConditionOp::create(builder, loc, open, before->getArguments());
      Block *after = builder.createBlock(&bisection.getAfter(), {},
                                         {index, index}, {loc, loc});
      Value low = after->getArgument(0), high = after->getArgument(1);
      Value middle = kernel.div(kernel.add(low, high), kernel.index(2));
      Value other = loadNumber(kernel, order, middle);
      Value less =
          compareRows(kernel, flat, other, row, length, elementType).first;
      scf::YieldOp::create(
          builder, loc,
          ValueRange{select(kernel, less, kernel.add(middle, one), low),
                     select(kernel, less, high, middle)});
    }
    Value at = bisection.getResult(0);
    Value candidate = compare(kernel, Predicate::slt, at, different);
    Value isKnown = kernel.choose(
        candidate, builder.getI1Type(),
        [&] {
          Value other = loadNumber(kernel, order, at);
          return SmallVector<Value>{
              compareRows(kernel, flat, other, row, length, elementType)
                  .second};
        },
        [&] { return SmallVector<Value>{candidate}; })[0];
    when(
        kernel, isKnown,
        [&] {
          Value known = loadNumber(kernel, order, at);
          storeNumber(kernel, known, inverse, row);
          Value more = kernel.add(loadNumber(kernel, repeats, known), one);
          storeNumber(kernel, more, repeats, known);
        },
        [&] {
          kernel.forEach(kernel.sub(different, at), [&](ValueRange moved) {
            Value to = kernel.sub(different, moved[0]);
            Value from = kernel.sub(to, one);
            storeNumber(kernel, loadNumber(kernel, order, from), order, to);
          });
          storeNumber(kernel, row, order, at);
          storeNumber(kernel, row, inverse, row);
          storeNumber(kernel, one, repeats, row);
        });
    return SmallVector<Value>{
        select(kernel, isKnown, different, kernel.add(different, one))};
  });

  auto number = [&](Value row, Value position) {
    storeNumber(kernel, row, first, position);
    storeNumber(kernel, loadNumber(kernel, repeats, row), counts, position);
    storeNumber(kernel, position, ranks, row);
  };
  if (op.getSorted()) {
    kernel.forEach(found[0], [&](ValueRange at) {
      number(loadNumber(kernel, order, at[0]), at[0]);
    });
  } else {
    kernel.loop(rows, zero, [&](Value row, ValueRange running) {
      Value isFirst =
          compare(kernel, Predicate::eq, loadNumber(kernel, inverse, row), row);
      when(kernel, isFirst, [&] { number(row, running[0]); });
      return SmallVector<Value>{
          select(kernel, isFirst, kernel.add(running[0], one), running[0])};
    });
  }
  kernel.forEach(rows, [&](ValueRange at) {
    Value row = loadNumber(kernel, inverse, at[0]);
    storeNumber(kernel, loadNumber(kernel, ranks, row), inverse, at[0]);
  });
  kernel.store(kernel.fromIndex(found[0], builder.getI64Type()), op.getCount(),
               zero);
  return success();
}

//===----------------------------------------------------------------------===//
// NonMaxSuppression
//===----------------------------------------------------------------------===//

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

static LogicalResult emitNonMaxSuppression(KernelBuilder &kernel,
                                           Operation *anchor) {
  auto op = cast<NonMaxSuppressionOp>(anchor);
  if (!isAlone(kernel, anchor))
    return op.emitError("takes no other ops into its kernel");
  BodyBuilder body{kernel.builder, kernel.loc};
  OpBuilder &builder = kernel.builder;
  auto scalar = [&](Value tensor) {
    SmallVector<Value> zeros(shapeOf(tensor).size(), kernel.index(0));
    return kernel.load(tensor, zeros);
  };
  Value zero = kernel.index(0), one = kernel.index(1);
  Value boxes = kernel.size(op.getScores(), 2);
  Value most =
      kernel.toIndex(scalar(op.getMaxBoxes()), elementTypeOf(op.getMaxBoxes()));
  Value overlap = scalar(op.getIouThreshold()),
        threshold = scalar(op.getScoreThreshold());
  Value room = kernel.size(op.getSelected(), 0);
  // Which boxes of the class at hand are out.
  Value out = allocateIndices(kernel, boxes);
  Value total = zero;
  kernel.check(
      compare(kernel, Predicate::eq, kernel.size(op.getBoxes(), 1), boxes),
      "the numbers of boxes and scores differ");
  kernel.check(compare(kernel, Predicate::eq, kernel.size(op.getBoxes(), 0),
                       kernel.size(op.getScores(), 0)),
               "the batches of boxes and scores differ");
  boxes = arith::MinSIOp::create(builder, kernel.loc, boxes,
                                 kernel.size(op.getBoxes(), 1));
  Value batches =
      arith::MinSIOp::create(builder, kernel.loc, kernel.size(op.getBoxes(), 0),
                             kernel.size(op.getScores(), 0));
  Value classes = kernel.size(op.getScores(), 1);
  auto perClass = [&](Value batch, Value which, Value selected) {
    kernel.forEach(
        boxes, [&](ValueRange at) { storeNumber(kernel, zero, out, at[0]); });
    auto result = kernel.loop(most, selected, [&](Value, ValueRange running) {
      // The best box that is still in; `boxes` stands for none.
      auto best =
          kernel.loop(boxes, {boxes, threshold}, [&](Value box, ValueRange so) {
            Value score = kernel.load(op.getScores(), {batch, which, box});
            Value isIn = compare(kernel, Predicate::eq,
                                 loadNumber(kernel, out, box), zero);
            Value isBetter =
                both(kernel, isIn,
                     body.compare(arith::CmpFPredicate::OGT, score, so[1]));
            return SmallVector<Value>{select(kernel, isBetter, box, so[0]),
                                      select(kernel, isBetter, score, so[1])};
          });
      Value exists = both(kernel, isInside(kernel, best[0], boxes),
                          isInside(kernel, running[0], room));
      when(kernel, exists, [&] {
        Value row[] = {batch, which, best[0]};
        for (auto [i, number] : llvm::enumerate(row))
          kernel.store(kernel.fromIndex(number, builder.getI64Type()),
                       op.getSelected(), {running[0], kernel.index(i)});
        storeNumber(kernel, one, out, best[0]);
        Box chosen = loadBox(kernel, op, batch, best[0]);
        kernel.forEach(boxes, [&](ValueRange at) {
          Box other = loadBox(kernel, op, batch, at[0]);
          when(kernel, overlaps(kernel, chosen, other, overlap),
               [&] { storeNumber(kernel, one, out, at[0]); });
        });
      });
      return SmallVector<Value>{
          select(kernel, exists, kernel.add(running[0], one), running[0])};
    });
    return result[0];
  };
  total = kernel.loop(batches, total, [&](Value batch, ValueRange outer) {
    return SmallVector<Value>(
        kernel.loop(classes, outer[0], [&](Value which, ValueRange inner) {
          return SmallVector<Value>{perClass(batch, which, inner[0])};
        }));
  })[0];
  kernel.store(kernel.fromIndex(total, builder.getI64Type()), op.getCount(),
               zero);
  return success();
}

void sluice::registerSelectionEmitters(EmitterRegistry &registry) {
  registry.addKernel<NonMaxSuppressionOp>(emitNonMaxSuppression);
  registry.addKernel<TopKOp>(emitTopK);
  registry.addKernel<UniqueOp>(emitUnique);
}
