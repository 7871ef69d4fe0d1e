//===- Work.cpp - How much there is to do ---------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Work.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

double sluice::countElements(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.hasStaticShape() ? static_cast<double>(type.getNumElements())
                               : -1;
}

static double bytesOf(Type elementType) {
  return (elementType.getIntOrFloatBitWidth() + 7) / 8;
}

double sluice::countBytes(Value tensor) {
  double count = countElements(tensor);
  return count < 0 ? count : count * bytesOf(elementTypeOf(tensor));
}

double sluice::guessElements(Value tensor) {
  double count = 1;
  for (int64_t size : shapeOf(tensor))
    count *= ShapedType::isDynamic(size) ? 32 : size;
  return count;
}

Work sluice::workOnOperands(Operation *op, double operations) {
  Work work{operations, 0};
  for (Value value : op->getOperands())
    work.bytes += countBytes(value);
  for (Value value : op->getResults())
    work.bytes += countBytes(value);
  return work;
}

Work sluice::workOfMoving(Type elementType) {
  return {1, 2 * bytesOf(elementType)};
}

std::optional<Work> sluice::getWork(Operation *op) {
  auto isDynamic = [](Value value) { return countElements(value) < 0; };
  if (llvm::any_of(op->getOperands(), isDynamic) ||
      llvm::any_of(op->getResults(), isDynamic))
    return std::nullopt;
  if (auto working = dyn_cast<WorkOpInterface>(op))
    return working.getWork();
  // Reductions read more than they write.
  double read = op->getNumOperands() ? countElements(op->getOperand(0)) : 0;
  double written = countElements(op->getResult(0));
  return workOnOperands(op, std::max(read, written));
}
