//===- IntegerBodies.cpp - Integers for every operand ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/IntegerBodies.h"
#include "dialects/Sluice/TypeInference.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace sluice;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

static unsigned widthOf(Type type) {
  return cast<IntegerType>(getElementTypeOrSelf(type)).getWidth();
}

/// Through a signed integer of `width` bits.
static Value convertToSigned(BodyBuilder &body, Value x, unsigned width) {
  double limit = std::ldexp(1.0, static_cast<int>(width) - 1);
  // NaN is not below the limit either.
  Value isInside = body.compare(CmpFPredicate::OLT, body.make<math::AbsFOp>(x),
                                body.constant(x, limit));
  Value safe = body.select(isInside, x, body.constant(x, -limit));
  Type type = IntegerType::get(body.builder.getContext(), width);
  return body.make<arith::FPToSIOp>(BodyBuilder::withElement(x, type), safe);
}

Value sluice::convertToInteger(BodyBuilder &body, Value x, Type type) {
  unsigned width = widthOf(type);
  bool isUnsigned = isUnsignedType(type);
  if (width < 32 || (width == 32 && !isUnsigned))
    return resizeInteger(body, convertToSigned(body, x, 32),
                         body.builder.getI32Type(), type);
  Value integer = convertToSigned(body, x, 64);
  if (width == 32)
    return resizeInteger(body, integer, body.builder.getI64Type(), type);
  if (!isUnsigned)
    return integer;
  // From 2^63 to 2^64 the difference to 2^63 is exact.
  Value half = body.constant(x, 0x1p63);
  Value upper = body.make<arith::AndIOp>(
      body.compare(CmpFPredicate::OGE, x, half),
      body.compare(CmpFPredicate::OLT, x, body.constant(x, 0x1p64)));
  Value rest = convertToSigned(
      body, body.select(upper, body.sub(x, half), body.zero(x)), 64);
  Value high = body.make<arith::XOrIOp>(rest, body.integer(rest, INT64_MIN));
  return body.select(upper, high, integer);
}

Value sluice::resizeInteger(BodyBuilder &body, Value x, Type from, Type type) {
  unsigned source = widthOf(x.getType()), target = widthOf(type);
  if (source == target)
    return x;
  Type result = BodyBuilder::withElement(
      x, IntegerType::get(body.builder.getContext(), target));
  if (source > target)
    return body.make<arith::TruncIOp>(result, x);
  return isUnsignedType(from) ? body.make<arith::ExtUIOp>(result, x)
                              : body.make<arith::ExtSIOp>(result, x);
}

/// What a negative power of a base is when it is rounded towards zero: that of
/// 1 and -1 is itself, that of 0 has no value.
static Value buildReciprocalPower(BodyBuilder &body, Value base, Value isOdd,
                                  Type baseType) {
  Value zero = body.zero(base), one = body.integer(base, 1);
  Value isOne = body.compare(CmpIPredicate::eq, base, one);
  Value result = body.select(isOne, one, zero);
  if (isUnsignedType(baseType))
    return result;
  Value minusOne = body.integer(base, -1);
  Value isMinusOne = body.compare(CmpIPredicate::eq, base, minusOne);
  result = body.select(isMinusOne, body.select(isOdd, minusOne, one), result);
  Value lowest = body.integer(
      base, static_cast<int64_t>(uint64_t(1) << (widthOf(baseType) - 1)));
  return body.select(body.compare(CmpIPredicate::eq, base, zero), lowest,
                     result);
}

Value sluice::buildIntegerPower(BodyBuilder &body, Value base, Value exponent,
                                Type baseType, Type exponentType) {
  Type wide =
      IntegerType::get(body.builder.getContext(),
                       std::max(widthOf(baseType), widthOf(exponentType)));
  Value wideBase = resizeInteger(body, base, baseType, wide);
  Value wideExponent = resizeInteger(body, exponent, exponentType, wide);
  Value zero = body.zero(wideBase), one = body.integer(wideBase, 1);
  Value isOdd = body.compare(CmpIPredicate::ne,
                             body.make<arith::AndIOp>(wideExponent, one), zero);
  // The op that follows takes its exponent for a signed number.
  if (isUnsignedType(exponentType)) {
    Value root = body.make<math::IPowIOp>(
        wideBase, body.make<arith::ShRUIOp>(wideExponent, one));
    Value power =
        body.mul(body.mul(root, root), body.select(isOdd, wideBase, one));
    return resizeInteger(body, power, wide, baseType);
  }
  Value power = body.make<math::IPowIOp>(
      wideBase, body.make<arith::MaxSIOp>(wideExponent, zero));
  power = resizeInteger(body, power, wide, baseType);
  Value isNegative = body.compare(CmpIPredicate::slt, wideExponent, zero);
  return body.select(isNegative,
                     buildReciprocalPower(body, base, isOdd, baseType), power);
}

Value sluice::divideWide(BodyBuilder &body, Value total, Value count,
                         bool isUnsigned) {
  constexpr int64_t digitBits = 24, digits = 5;
  Type wide = total.getType(), narrow = body.builder.getI64Type();
  auto number = [&](Type type, int64_t value) {
    return body.make<arith::ConstantOp>(
        body.builder.getIntegerAttr(type, value));
  };
  Value zero = number(wide, 0), shift = number(narrow, digitBits);
  Value isNegative = isUnsigned ? number(body.builder.getI1Type(), 0)
                                : body.compare(CmpIPredicate::slt, total, zero);
  Value size = body.select(isNegative, body.sub(zero, total), total);
  Value divisor = body.make<arith::IndexCastOp>(narrow, count);
  // An integer division by zero must not happen, whatever the sizes are.
  divisor = body.make<arith::MaxSIOp>(divisor, number(narrow, 1));
  Value quotient = number(narrow, 0), rest = quotient;
  // From the highest digit on.
  for (int64_t i = digits; i-- > 0;) {
    Value digit = body.make<arith::TruncIOp>(
        narrow, body.make<arith::ShRUIOp>(size, number(wide, i * digitBits)));
    digit = body.make<arith::AndIOp>(
        digit, number(narrow, (int64_t(1) << digitBits) - 1));
    rest =
        body.make<arith::OrIOp>(body.make<arith::ShLIOp>(rest, shift), digit);
    quotient =
        body.make<arith::OrIOp>(body.make<arith::ShLIOp>(quotient, shift),
                                body.make<arith::DivUIOp>(rest, divisor));
    rest = body.make<arith::RemUIOp>(rest, divisor);
  }
  return body.select(isNegative, body.sub(number(narrow, 0), quotient),
                     quotient);
}
