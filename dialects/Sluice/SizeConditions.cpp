//===- SizeConditions.cpp - What ops demand of sizes ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

using Size = SizeConditions::Size;

SizeConditions::~SizeConditions() = default;

Size SizeConditions::sizeOf(Value tensor, int64_t dimension) {
  return sizes().of(tensor, dimension);
}

void SizeConditions::makeSame(Value, Value) {}

Size SizeConditions::element(Value vector, int64_t index) {
  return readElement(builder, loc, vector, index);
}

Size SizeConditions::countWindows(const Window &window, Size size) {
  return sluice::countWindows(builder, loc, window, size);
}

Size SizeConditions::product(ArrayRef<Size> factors) {
  return multiplySizes(builder, loc, factors);
}

Size SizeConditions::remainder(Size size, int64_t divisor) {
  return builder.createOrFold<arith::RemSIOp>(loc, sizes().value(size),
                                              sizes().value(number(divisor)));
}

Value SizeConditions::compare(Predicate predicate, Size lhs, Size rhs) {
  return builder.createOrFold<arith::CmpIOp>(loc, predicate, sizes().value(lhs),
                                             sizes().value(rhs));
}

Value SizeConditions::both(Value lhs, Value rhs) {
  return builder.createOrFold<arith::AndIOp>(loc, lhs, rhs);
}

Value SizeConditions::either(Value lhs, Value rhs) {
  return builder.createOrFold<arith::OrIOp>(loc, lhs, rhs);
}

namespace {

/// Can a size computed this way not be negative?
bool isSurelyNotNegative(Size size, unsigned depth = 0) {
  if (auto known = getConstantIntValue(size))
    return *known >= 0;
  Operation *op = cast<Value>(size).getDefiningOp();
  if (!op || depth > 8)
    return false;
  auto operand = [&](unsigned i) {
    return isSurelyNotNegative(op->getOperand(i), depth + 1);
  };
  if (isa<tensor::DimOp>(op))
    return true;
  if (isa<arith::MaxSIOp>(op))
    return operand(0) || operand(1);
  if (isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::DivSIOp,
          arith::DivUIOp>(op))
    return operand(0) && operand(1);
  if (isa<arith::SelectOp>(op))
    return operand(1) && operand(2);
  return false;
}

} // namespace

void SizeConditions::require(Value condition, StringRef message) {
  auto known = getConstantIntValue(condition);
  if (known && *known != 0)
    return;
  add(condition, message);
}

void SizeConditions::requireEqual(Size lhs, Size rhs, StringRef message) {
  if (lhs == rhs)
    return;
  require(compare(Predicate::eq, lhs, rhs), message);
}

void SizeConditions::requireNotNegative(Size size, StringRef message) {
  if (!isSurelyNotNegative(size))
    require(compare(Predicate::sge, size, number(0)), message);
}

void SizeConditions::requireModest(Size size, StringRef message) {
  if (getConstantIntValue(size))
    return;
  constexpr int64_t limit = int64_t(1) << 60;
  Size shifted = sizes().add(size, number(limit));
  require(compare(Predicate::ule, shifted, number(2 * limit)), message);
}

void SizeConditions::requireProduct(Size lhs, Size rhs, StringRef message) {
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if ((left && *left <= 1) || (right && *right <= 1) || (left && right))
    return;
  // The divisor is the operand, whose size is that of memory there is.
  Size most = builder.createOrFold<arith::DivSIOp>(
      loc, sizes().value(number(INT64_MAX)),
      sizes().value(sizes().max(lhs, number(1))));
  require(compare(Predicate::sle, rhs, most), message);
}

Size SizeConditions::requireBroadcast(Size lhs, Size rhs) {
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if (left == 1)
    return rhs;
  if (right == 1 || lhs == rhs)
    return lhs;
  Value fits = compare(Predicate::eq, lhs, rhs);
  for (Size size : {lhs, rhs})
    if (!getConstantIntValue(size))
      fits = either(fits, compare(Predicate::eq, size, number(1)));
  require(fits, broadcastMessage);
  return broadcastSizes(builder, loc, lhs, rhs);
}

void SizeConditions::requireShape(Value tensor, ArrayRef<Size> shape,
                                  StringRef message) {
  for (auto [i, size] : llvm::enumerate(shape))
    requireEqual(sizeOf(tensor, i), size, message);
}

Value SizeConditions::isProduct(ArrayRef<Size> factors, Size product) {
  Type wide = builder.getI64Type();
  auto toWide = [&](Size size) -> Value {
    return builder.createOrFold<arith::IndexCastOp>(loc, wide,
                                                    sizes().value(size));
  };
  Value zero = toWide(number(0)), noOverflow;
  Value result = toWide(factors.empty() ? number(1) : factors.front());
  for (Size factor : factors.drop_front(factors.empty() ? 0 : 1)) {
    auto next =
        arith::MulSIExtendedOp::create(builder, loc, result, toWide(factor));
    result = next.getLow();
    // The high half of a small number is its sign, and sizes have none.
    Value isSmall = arith::CmpIOp::create(builder, loc, Predicate::eq,
                                          next.getHigh(), zero);
    Value hasNoSign =
        arith::CmpIOp::create(builder, loc, Predicate::sge, result, zero);
    Value fits = both(isSmall, hasNoSign);
    noOverflow = noOverflow ? both(noOverflow, fits) : fits;
  }
  Value equal = builder.createOrFold<arith::CmpIOp>(loc, Predicate::eq, result,
                                                    toWide(product));
  return noOverflow ? both(noOverflow, equal) : equal;
}

void SizeConditions::requireBroadcast(Operation *op) {
  int64_t rank = rankOf(op->getResult(0));
  SmallVector<Size> joined(rank, number(1));
  for (Value operand : op->getOperands())
    for (int64_t i = 0, own = rankOf(operand); i < own; ++i) {
      Size &size = joined[rank - own + i];
      size = requireBroadcast(size, sizeOf(operand, i));
    }
}

static constexpr StringLiteral windowMessage =
    "the kernel does not fit the padded dimension";

void SizeConditions::requireWindow(Size size, const Window &window) {
  SizeBuilder at = sizes();
  if (getConstantIntValue(size) && getConstantIntValue(window.kernel))
    return;
  requireNotNegative(at.sub(window.kernel, number(1)), windowMessage);
  // With `ceilMode` a window may reach over the end by less than a stride.
  int64_t beyond = window.ceilMode ? window.stride - 1 : 0;
  Size padded = at.add(size, number(window.padBegin + window.padEnd));
  Size reach =
      at.add(at.mul(at.sub(window.kernel, number(1)), number(window.dilation)),
             number(1));
  // No elements at all have no windows.
  Value fits =
      either(compare(Predicate::sge, at.add(padded, number(beyond)), reach),
             compare(Predicate::eq, padded, number(0)));
  require(fits, windowMessage);
}

void SizeAssertions::add(Value condition, StringRef message) {
  cf::AssertOp::create(builder, loc, condition, message);
}
