//===- SelectionKernels.cpp - TopK and Unique -----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Heap.h"
#include "NonMaxSuppression.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Elements/LoopNest.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

/// lhs < rhs in the order of an element type. NaN comes behind all numbers and
/// equals itself, so that the order is one where it occurs too.
static Value isLess(KernelBuilder &kernel, Value lhs, Value rhs,
                    Type elementType) {
  BodyBuilder body{kernel.builder, kernel.loc};
  if (BodyBuilder::isFloat(lhs))
    return both(kernel, body.compare(arith::CmpFPredicate::ORD, lhs, lhs),
                body.compare(arith::CmpFPredicate::ULT, lhs, rhs));
  return body.compare(
      isUnsignedType(elementType) ? Predicate::ult : Predicate::slt, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// TopK
//===----------------------------------------------------------------------===//

namespace {
/// The best elements of one row, as a heap in the result buffers: the worst is
/// at the root. Sorting it afterwards leaves the best in front.
class RowHeap final : public Heap {
public:
  RowHeap(KernelBuilder &kernel, TopKOp op, ValueRange outer)
      : Heap(kernel), op(op), outer(outer),
        elementType(elementTypeOf(op.getOperand())) {}

  Candidate load(Value position) final {
    SmallVector<Value> at = place(position);
    Value element = memref::LoadOp::create(kernel.builder, kernel.loc,
                                           kernel.buffer(op.getValues()), at);
    Value index = memref::LoadOp::create(kernel.builder, kernel.loc,
                                         kernel.buffer(op.getIndices()), at);
    return {kernel.toCompute(element, elementType), index};
  }
  void store(Candidate candidate, Value position) final {
    SmallVector<Value> at = place(position);
    kernel.store(candidate.element, op.getValues(), at);
    kernel.store(candidate.index, op.getIndices(), at);
  }
  Candidate input(Value position) {
    SmallVector<Value> at = place(position);
    return {kernel.load(op.getOperand(), at),
            kernel.fromIndex(position, kernel.builder.getI64Type())};
  }
  /// Does `lhs` come after `rhs` in the result?
  Value isAbove(Candidate lhs, Candidate rhs) final {
    BodyBuilder body{kernel.builder, kernel.loc};
    Value low = lhs.element, high = rhs.element;
    if (op.getSmallest())
      std::swap(low, high);
    Value behind = isLess(kernel, low, high, elementType);
    Value before = isLess(kernel, high, low, elementType);
    Value later = body.compare(Predicate::sgt, lhs.index, rhs.index);
    return either(kernel, behind,
                  both(kernel, negation(kernel, before), later));
  }

private:
  SmallVector<Value> place(Value position) {
    SmallVector<Value> at(outer);
    at.insert(at.begin() + op.getAxis(), position);
    return at;
  }

  TopKOp op;
  SmallVector<Value> outer;
  Type elementType;
};
} // namespace

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
  parallelNest(kernel, outer, kernel.cost({10000, 0}), [&](ValueRange row) {
    RowHeap heap(kernel, op, row);
    kernel.forEach(
        kept, [&](ValueRange at) { heap.store(heap.input(at[0]), at[0]); });
    heap.arrange(kept);
    Value isEmpty = compare(kernel, Predicate::eq, kept, kernel.index(0));
    Value rest =
        select(kernel, isEmpty, kernel.index(0), kernel.sub(size, kept));
    kernel.forEach(rest, [&](ValueRange at) {
      Candidate candidate = heap.input(kernel.add(kept, at[0]));
      Candidate root = heap.load(kernel.index(0));
      when(kernel, heap.isAbove(root, candidate),
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
  Value order = allocateNumbers(kernel, rows);
  Value repeats = allocateNumbers(kernel, rows);
  Value ranks = allocateNumbers(kernel, rows);
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

void sluice::registerSelectionEmitters(EmitterRegistry &registry) {
  registry.addKernel<NonMaxSuppressionOp>(emitNonMaxSuppression);
  registry.addKernel<TopKOp>(emitTopK);
  registry.addKernel<UniqueOp>(emitUnique);
}
