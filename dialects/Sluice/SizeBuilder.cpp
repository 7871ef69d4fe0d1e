//===- SizeBuilder.cpp - Arithmetic on sizes ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

using Size = OpFoldResult;

/// The sum, or the limit it would cross.
static int64_t addSaturated(int64_t lhs, int64_t rhs) {
  int64_t sum;
  if (!__builtin_add_overflow(lhs, rhs, &sum))
    return sum;
  return rhs < 0 ? INT64_MIN : INT64_MAX;
}

int64_t sluice::slicedSize(int64_t start, int64_t end, int64_t step,
                           int64_t size) {
  if (ShapedType::isDynamic(size)) {
    if (step == 1 && start == 0 && end == 0)
      return 0;
    return ShapedType::kDynamic;
  }
  if (start < 0)
    start = addSaturated(start, size);
  if (end < 0)
    end = addSaturated(end, size);
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, size);
    end = std::clamp<int64_t>(end, 0, size);
    return start >= end ? 0 : (end - start - 1) / step + 1;
  }
  // Backwards, a start in front of the first element is that element.
  if (size == 0)
    return 0;
  start = std::clamp<int64_t>(start, 0, size - 1);
  end = std::clamp<int64_t>(end, -1, size - 1);
  uint64_t width = -static_cast<uint64_t>(step);
  return start <= end ? 0 : static_cast<int64_t>((start - end - 1) / width) + 1;
}

int64_t sluice::knownSize(ArrayRef<int64_t> sizes) {
  for (int64_t size : sizes)
    if (!ShapedType::isDynamic(size))
      return size;
  return ShapedType::kDynamic;
}

SmallVector<Size>
SizeBuilder::ofType(RankedTensorType type,
                    llvm::function_ref<Size(int64_t)> dynamic) {
  SmallVector<Size> sizes;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    sizes.push_back(ShapedType::isDynamic(size) ? dynamic(i) : constant(size));
  return sizes;
}

Size SizeBuilder::add(Size lhs, Size rhs) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  if (left && right)
    return constant(addSaturated(*left, *right));
  return IndexArithmetic::add(lhs, rhs);
}

Size SizeBuilder::selectNegative(Size number, Size negative, Size otherwise) {
  if (auto known = getConstantIntValue(number))
    return *known < 0 ? negative : otherwise;
  Value isNegative =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                            value(number), value(constant(0)));
  return arith::SelectOp::create(builder, loc, isNegative, value(negative),
                                 value(otherwise))
      .getResult();
}

Size SizeBuilder::ceilDiv(Size lhs, Size rhs) {
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if (right == 1)
    return lhs;
  if (left && right && *right > 0)
    return constant(llvm::divideCeilSigned(*left, *right));
  // One more than (lhs - 1) / rhs, which does not overflow for any divisor;
  // division rounds towards zero, so that zero has to be told apart.
  Value isFilled = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::sgt, value(lhs), value(constant(0)));
  Value rest = arith::DivSIOp::create(builder, loc,
                                      value(sub(lhs, constant(1))), value(rhs));
  return arith::SelectOp::create(builder, loc, isFilled,
                                 value(add(rest, constant(1))),
                                 value(constant(0)))
      .getResult();
}

/// A position counted from the front, not behind what the step can start from.
static Size limitPosition(SizeBuilder &at, Size position, Size step,
                          Size size) {
  Size fromFront =
      at.selectNegative(position, at.add(position, size), position);
  Size last = at.selectNegative(step, at.sub(size, at.constant(1)), size);
  return at.min(fromFront, last);
}

Size SizeBuilder::sliceStart(Size start, Size step, Size size) {
  return max(limitPosition(*this, start, step, size), constant(0));
}

Size SizeBuilder::sliced(Size start, Size end, Size step, Size size) {
  Size first = sliceStart(start, step, size);
  Size beforeAll = selectNegative(step, constant(-1), constant(0));
  Size last = max(limitPosition(*this, end, step, size), beforeAll);
  Size distance = selectNegative(step, sub(first, last), sub(last, first));
  // The lowest step has no positive counterpart, but does what the next does.
  Size counted = max(step, constant(-INT64_MAX));
  Size width = selectNegative(step, sub(constant(0), counted), step);
  // A step of zero is against the rules; it must not divide.
  if (!getConstantIntValue(width))
    width = max(width, constant(1));
  Size count = ceilDiv(max(distance, constant(0)), width);
  // Backwards, an empty dimension still has a start.
  auto known = getConstantIntValue(step);
  return known && *known > 0 ? count : min(count, size);
}

std::optional<int64_t> sluice::countSteps(int64_t start, int64_t limit,
                                          int64_t step) {
  if (step == 0 || (step > 0 ? limit <= start : limit >= start))
    return 0;
  // Without a sign both are exact.
  uint64_t from = start, to = limit, width = step;
  if (step < 0)
    width = -width;
  uint64_t distance = step > 0 ? to - from : from - to;
  uint64_t whole = distance / width;
  if (whole >= static_cast<uint64_t>(INT64_MAX))
    return std::nullopt;
  return static_cast<int64_t>(whole) + (distance % width != 0);
}

Size SizeBuilder::steps(Size start, Size limit, Size step) {
  auto first = getConstantIntValue(start), end = getConstantIntValue(limit),
       known = getConstantIntValue(step);
  if (first && end && known)
    return constant(countSteps(*first, *end, *known).value_or(INT64_MAX));
  // Nothing overflows here, so that the size stays as simple as it is.
  if (first && *first >= 0 && known && *known > 0)
    return ceilDiv(sub(max(limit, start), start), step);
  // As above: differences and widths are numbers without a sign.
  BodyBuilder body{builder, loc};
  using Predicate = arith::CmpIPredicate;
  Type wide = builder.getI64Type();
  auto integer = [&](Size size) {
    return body.make<arith::IndexCastOp>(wide, value(size));
  };
  Value from = integer(start), to = integer(limit), width = integer(step);
  Value zero = body.zero(from), one = body.integer(from, 1);
  Value isBack = body.compare(Predicate::slt, width, zero);
  Value low = body.select(isBack, to, from);
  Value high = body.select(isBack, from, to);
  width = body.select(isBack, body.sub(zero, width), width);
  // A step of zero is against the rules; it must not divide.
  width = body.make<arith::MaxUIOp>(width, one);
  Value distance = body.select(body.compare(Predicate::slt, low, high),
                               body.sub(high, low), zero);
  Value whole = body.make<arith::DivUIOp>(distance, width);
  Value rest = body.make<arith::RemUIOp>(distance, width);
  Value hasRest = body.compare(Predicate::ne, rest, zero);
  // More than an index can say is more than any memory holds.
  whole = body.make<arith::MinUIOp>(whole, body.integer(from, INT64_MAX - 1));
  Value count = body.add(whole, body.make<arith::ExtUIOp>(wide, hasRest));
  return body.make<arith::IndexCastOp>(builder.getIndexType(), count);
}

Size SizeBuilder::floatRange(Value start, Value limit, Value delta) {
  BodyBuilder body{builder, loc};
  Type type = builder.getF64Type();
  auto read = [&](Value tensor) -> Value {
    SmallVector<Value> indices(shapeOf(tensor).size(), value(constant(0)));
    Value element = tensor::ExtractOp::create(builder, loc, tensor, indices);
    if (element.getType().isF64())
      return element;
    return arith::ExtFOp::create(builder, loc, type, element);
  };
  Value first = read(start);
  Value count = body.make<math::CeilOp>(
      body.div(body.sub(read(limit), first), read(delta)));
  // Also NaN, from a delta of zero, becomes no element at all.
  Value positive =
      body.compare(arith::CmpFPredicate::OGT, count, body.constant(count, 0.0));
  count = body.select(positive, count, body.constant(count, 0.0));
  count = body.make<arith::MinimumFOp>(count, body.constant(count, 9e15));
  Value integer =
      arith::FPToSIOp::create(builder, loc, builder.getI64Type(), count);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    integer)
      .getResult();
}
