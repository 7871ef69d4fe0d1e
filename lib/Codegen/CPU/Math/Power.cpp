//===- Power.cpp - Powers -------------------------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Coefficients.h"
#include "Functions.h"
#include <cmath>

using namespace mlir;

namespace sluice::math_expansion {

namespace {

/// 1.5 * 2^52: added to a small number, it leaves the nearest integer in the
/// low bits.
constexpr double shift = 6755399441055744.0;
constexpr int64_t shiftBits = 0x4338000000000000;

/// log2(x) in f64 for x >= 0 that was an f32, so that it is never subnormal.
Value log2Double(MathBuilder &math, Value x) {
  Type real = math.f64(), integer = math.i64();
  Value bits = math.bits(x);
  // Exponent relative to sqrt(1/2); the bias keeps it positive.
  constexpr int64_t rootHalf = 0x3fe6a09e667f3bcd;
  constexpr int64_t bias = int64_t(1023) << 52;
  Value power =
      math.sub(math.shiftRight(
                   math.add(bits, math.integer(bias - rootHalf, integer)), 52),
               math.integer(1023, integer));
  Value mantissa = math.fromBits(math.sub(bits, math.shiftLeft(power, 52)));
  Value one = math.number(1.0, real);
  Value ratio = math.div(math.sub(mantissa, one), math.add(mantissa, one));
  Value tail = math.polynomial(math.mul(ratio, ratio), log2Tail);
  Value number =
      math.sub(math.fromBits(math.add(power, math.integer(shiftBits, integer))),
               math.number(shift, real));
  Value result = math.fma(ratio, tail, number);
  Value infinity = math.number(INFINITY, real);
  Value isFinite = math.less(x, infinity);
  result = math.select(isFinite, result, x); // infinity and NaN
  Value isZero = math.equal(x, math.number(0.0, real));
  return math.select(isZero, math.number(-INFINITY, real), result);
}

/// 2^x, rounded to f32.
Value exp2OfDouble(MathBuilder &math, Value x) {
  Type real = math.f64(), integer = math.i64();
  x = math.clamp(x, -200.0, 200.0);
  Value shifted = math.add(x, math.number(shift, real));
  Value power = math.sub(math.bits(shifted), math.integer(shiftBits, integer));
  Value r = math.sub(x, math.sub(shifted, math.number(shift, real)));
  Value scale = math.fromBits(
      math.shiftLeft(math.add(power, math.integer(1023, integer)), 52));
  return math.truncate(math.mul(math.polynomial(r, exp2Double), scale));
}

} // namespace

/// In f64 between, where the product of the logarithm and the exponent has bits
/// to spare.
Value buildPow(MathBuilder &math, Value x, Value y) {
  Value magnitude = math.absolute(x);
  Value logarithm = log2Double(math, math.extend(magnitude));
  Value result = exp2OfDouble(math, math.mul(math.extend(y), logarithm));
  Value one = math.number(1.0), zero = math.number(0.0);
  Value isOne = math.orInt(math.equal(y, zero), math.equal(magnitude, one));
  result = math.select(isOne, one, result);

  Value isInteger = math.equal(math.floor(y), y);
  Value half = math.mul(y, math.number(0.5));
  Value isEven = math.equal(math.floor(half), half);
  Value signBit = math.andInt(math.bits(x), math.integer(int64_t(1) << 31));
  Value noSign = math.integer(0);
  Value sign =
      math.select(isInteger, math.select(isEven, noSign, signBit), noSign);
  result = math.fromBits(math.xorInt(math.bits(result), sign));

  // A negative number has real powers only for integers.
  Value isNegative =
      math.andInt(math.less(x, zero), math.less(math.number(-INFINITY), x));
  Value orNan = math.select(isInteger, result, math.number(NAN));
  result = math.select(isNegative, orNan, result);
  // 1^NaN and NaN^0 are 1; every other NaN stays. -1^NaN is one of those.
  Value isPlainOne = math.orInt(math.equal(y, zero), math.equal(x, one));
  return math.select(isPlainOne, one, result);
}

} // namespace sluice::math_expansion
