//===- UnitReshapes.cpp - Reshapes that move dimensions of one ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "UnitReshapes.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

bool sluice::movesUnitDimensions(Operation *op) {
  auto reshape = dyn_cast<ReshapeOp>(op);
  if (!reshape)
    return false;
  auto withoutOnes = [](Value tensor) {
    SmallVector<int64_t> sizes;
    for (int64_t size : shapeOf(tensor))
      if (size != 1)
        sizes.push_back(size);
    return sizes;
  };
  SmallVector<int64_t> from = withoutOnes(op->getOperand(0));
  return from == withoutOnes(op->getResult(0)) &&
         !llvm::is_contained(from, ShapedType::kDynamic);
}

ValueRange sluice::operandsInScan(Operation *op) {
  ValueRange operands = op->getOperands();
  return isa<ReshapeOp>(op) ? operands.take_front() : operands;
}

static SmallVector<int64_t> unitDimensions(Value tensor) {
  SmallVector<int64_t> axes;
  for (auto [i, size] : llvm::enumerate(shapeOf(tensor)))
    if (size == 1)
      axes.push_back(i);
  return axes;
}

Value sluice::moveUnitDimensions(OpBuilder &builder, Operation *reshape,
                                 Value value) {
  Location loc = reshape->getLoc();
  SmallVector<int64_t> shape;
  for (int64_t size : shapeOf(value))
    if (size != 1)
      shape.push_back(size);
  Value dense = SqueezeOp::create(
      builder, loc, RankedTensorType::get(shape, elementTypeOf(value)), value,
      unitDimensions(value));
  Value result = reshape->getResult(0);
  return UnsqueezeOp::create(builder, loc, result.getType(), dense,
                             unitDimensions(result));
}
