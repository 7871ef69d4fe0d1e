//===- SequenceLengths.cpp - Steps of the sequences of a batch ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "SequenceLengths.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sluice;

void SequenceLengths::check(Value batch) const {
  if (!lengths)
    return;
  BodyBuilder body{kernel.builder, kernel.loc};
  kernel.forEach({batch}, [&](ValueRange at) {
    Value length =
        kernel.toIndex(kernel.load(lengths, at), elementTypeOf(lengths));
    kernel.check(body.compare(arith::CmpIPredicate::ule, length, steps),
                 "a sequence length is outside the tensor");
  });
}

Value SequenceLengths::get(Value number) const {
  if (!lengths)
    return steps;
  Value given =
      kernel.toIndex(kernel.load(lengths, number), elementTypeOf(lengths));
  given = arith::MaxSIOp::create(kernel.builder, kernel.loc, given,
                                 kernel.index(0));
  return arith::MinSIOp::create(kernel.builder, kernel.loc, given, steps);
}

Value SequenceLengths::getMost(Value begin, Value end) const {
  if (!lengths)
    return steps;
  return kernel.loop(kernel.sub(end, begin), kernel.index(0),
                     [&](Value i, ValueRange running) -> SmallVector<Value> {
                       Value length = get(kernel.add(begin, i));
                       return {arith::MaxSIOp::create(
                           kernel.builder, kernel.loc, running[0], length)};
                     })[0];
}
