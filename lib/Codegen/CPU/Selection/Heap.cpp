//===- Heap.cpp - Heaps in kernels ----------------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Heap.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Codegen/Elements/FlatAccess.h"

using namespace mlir;
using namespace sluice;

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
  Value isRight = isAbove(rightChild, leftChild);
  child = select(kernel, isRight, other, child);
  Candidate highest{
      select(kernel, isRight, rightChild.element, leftChild.element),
      select(kernel, isRight, rightChild.index, leftChild.index)};
  Value goesOn = both(kernel, hasLeft, isAbove(highest, candidate));
  scf::ConditionOp::create(builder, loc, goesOn, ValueRange{here, child});

  Block *after =
      builder.createBlock(&descent.getAfter(), {}, {index, index}, {loc, loc});
  store(load(after->getArgument(1)), after->getArgument(0));
  scf::YieldOp::create(builder, loc, after->getArgument(1));
  builder.setInsertionPointAfter(descent);
  store(candidate, descent.getResult(0));
}

void Heap::arrange(Value count) {
  Value half = kernel.div(count, kernel.index(2));
  Value last = kernel.sub(half, kernel.index(1));
  kernel.forEach(half, [&](ValueRange at) {
    Value hole = kernel.sub(last, at[0]);
    siftDown(load(hole), hole, count);
  });
}
