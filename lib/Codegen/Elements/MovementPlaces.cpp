//===- MovementPlaces.cpp - Where moved elements come from ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/MovementPlaces.h"
#include "dialects/Sluice/SizeBuilder.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

template <typename OpTy> static bool hasNoWidths(OpTy op, int64_t dimension) {
  return op.getWidths().empty() && op.getLow()[dimension] == 0 &&
         op.getHigh()[dimension] == 0;
}

bool sluice::isWhole(PadOp op, int64_t dimension) {
  return hasNoWidths(op, dimension);
}

bool sluice::isWhole(ExtendOp op, int64_t dimension) {
  return hasNoWidths(op, dimension);
}

bool sluice::isWhole(TileOp op, int64_t dimension) {
  int64_t size = shapeOf(op.getOperand())[dimension];
  return !ShapedType::isDynamic(size) &&
         size == op.getType().getDimSize(dimension);
}

Value sluice::lowWidth(KernelBuilder &kernel, PadOp op, int64_t dimension) {
  if (op.getWidths().empty())
    return kernel.index(op.getLow()[dimension]);
  return loadIndex(kernel, op.getWidths()[0], kernel.index(dimension));
}

Value sluice::padValue(KernelBuilder &kernel, PadOp op) {
  SmallVector<Value> zeros(shapeOf(op.getValue()).size(), kernel.index(0));
  return kernel.load(op.getValue(), zeros);
}

Cropped sluice::cropDimension(KernelBuilder &kernel, ExtendOp op,
                              int64_t dimension) {
  SizeBuilder at{kernel.builder, kernel.loc};
  auto width = [&](ArrayRef<int64_t> known, int64_t place) -> OpFoldResult {
    if (op.getWidths().empty())
      return at.constant(known[dimension]);
    return loadIndex(kernel, op.getWidths()[0], kernel.index(place));
  };
  OpFoldResult zero = at.constant(0);
  OpFoldResult low = width(op.getLow(), dimension);
  OpFoldResult high = width(op.getHigh(), dimension + op.getType().getRank());
  OpFoldResult first = at.sub(zero, at.min(low, zero));
  int64_t known = shapeOf(op.getOperand())[dimension];
  OpFoldResult size =
      ShapedType::isDynamic(known)
          ? OpFoldResult(kernel.size(op.getOperand(), dimension))
          : at.constant(known);
  size = at.add(at.sub(size, first), at.min(high, zero));
  Cropped cropped{at.value(first), at.value(size), at.value(at.max(low, zero)),
                  nullptr};
  if (auto left = getConstantIntValue(cropped.size); !left || *left < 1) {
    // Where nothing is left nothing can be repeated; a division by zero must
    // not happen either.
    cropped.isFilled =
        compare(kernel, Predicate::sgt, cropped.size, kernel.index(0));
    cropped.size = arith::MaxSIOp::create(kernel.builder, kernel.loc,
                                          cropped.size, kernel.index(1));
  }
  return cropped;
}

Value sluice::positiveRemainder(KernelBuilder &kernel, Value x, Value size) {
  Value rest = arith::RemSIOp::create(kernel.builder, kernel.loc, x, size);
  return wrapNegative(kernel, rest, size);
}

Value sluice::reflectionPeriod(KernelBuilder &kernel, Value size) {
  Value last = kernel.sub(size, kernel.index(1));
  return arith::MaxSIOp::create(kernel.builder, kernel.loc,
                                kernel.mul(last, kernel.index(2)),
                                kernel.index(1));
}

Value sluice::extendPosition(KernelBuilder &kernel, ExtendMode mode, Value x,
                             Value size) {
  switch (mode) {
  case ExtendMode::Edge:
    return kernel.clampIndex(x, size);
  case ExtendMode::Wrap:
    return positiveRemainder(kernel, x, size);
  case ExtendMode::Reflect:
    break;
  }
  Value period = reflectionPeriod(kernel, size);
  Value phase = positiveRemainder(kernel, x, period);
  Value isBack =
      compare(kernel, Predicate::sgt, phase, kernel.sub(size, kernel.index(1)));
  return select(kernel, isBack, kernel.sub(period, phase), phase);
}
