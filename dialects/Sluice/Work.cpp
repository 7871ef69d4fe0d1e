//===- Work.cpp - How much ops compute ------------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Work.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;

double sluice::countElements(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.hasStaticShape() ? static_cast<double>(type.getNumElements())
                               : -1;
}

double sluice::guessElements(Value tensor) {
  double count = 1;
  for (int64_t size : shapeOf(tensor))
    count *= ShapedType::isDynamic(size) ? 32 : size;
  return count;
}

double sluice::countOperationsPerElement(Operation *op) {
  if (auto working = dyn_cast<WorkOpInterface>(op))
    return working.getOperationsPerElement();
  // Reductions read more than they write.
  double read = op->getNumOperands() ? countElements(op->getOperand(0)) : 0;
  double written = countElements(op->getResult(0));
  return written > 0 ? std::max(1.0, read / written) : 1.0;
}
