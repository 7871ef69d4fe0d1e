//===- Logarithm.cpp - Logarithms and inverse hyperbolic functions --------===//
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

/// x = 2^power * (1 + fraction) with sqrt(1/2) <= 1 + fraction < sqrt(2).
struct Reduced {
  Value power; // i32
  Value fraction;
};

Reduced reduce(MathBuilder &math, Value x) {
  Value bits = math.bits(x);
  // 0x3f3504f3 is sqrt(1/2).
  Value power =
      math.shiftRightSigned(math.sub(bits, math.integer(0x3f3504f3)), 23);
  Value mantissa = math.fromBits(math.sub(bits, math.shiftLeft(power, 23)));
  return {power, math.sub(mantissa, math.number(1.0))};
}

/// ln(1 + f) - f
Value tail(MathBuilder &math, Value fraction) {
  Value square = math.mul(fraction, fraction);
  Value cube = math.mul(square, fraction);
  Value rest = math.mul(cube, math.polynomial(fraction, logTail));
  return math.fma(square, math.number(-0.5), rest);
}

/// power * ln(2) + ln(1 + f), without losing the low bits of ln(2).
Value combine(MathBuilder &math, Value power, Value fraction) {
  Value low = math.fma(power, math.number(ln2Parts[1]), tail(math, fraction));
  return math.fma(power, math.number(ln2Parts[0]), math.add(fraction, low));
}

/// `result` where x is positive and finite; else the logarithm's special
/// values.
Value finish(MathBuilder &math, Value x, Value result) {
  Value zero = math.number(0.0), infinity = math.number(INFINITY);
  Value special =
      math.select(math.equal(x, infinity), infinity, math.number(NAN));
  special = math.select(math.equal(x, zero), math.number(-INFINITY), special);
  Value isOrdinary = math.andInt(math.less(zero, x), math.less(x, infinity));
  return math.select(isOrdinary, result, special);
}

/// Power as f32 and fraction of any positive x, subnormal ones included.
Reduced reduceAny(MathBuilder &math, Value x) {
  Value isTiny = math.less(x, math.number(0x1p-126));
  Value scaled = math.select(isTiny, math.mul(x, math.number(0x1p23)), x);
  Reduced reduced = reduce(math, scaled);
  Value correction = math.select(isTiny, math.number(23.0), math.number(0.0));
  return {math.sub(math.toFloat(reduced.power), correction), reduced.fraction};
}

/// fraction * factor + tail * factor, where factor is a sum of two floats.
Value scaledLog1p(MathBuilder &math, Value fraction, const float (&factor)[2]) {
  Value high = math.number(factor[0]);
  Value low = math.fma(fraction, math.number(factor[1]),
                       math.mul(tail(math, fraction), high));
  return math.fma(fraction, high, low);
}

/// ln(1 + x) for x > -1; NaN or infinite x give anything.
Value log1pOrdinary(MathBuilder &math, Value x) {
  Value one = math.number(1.0);
  Value sum = math.add(x, one);
  Reduced reduced = reduce(math, sum);
  // What rounding took from the sum, relative to 2^power.
  Value lost = math.sub(x, math.sub(sum, one));
  Value power = arith::MinSIOp::create(math.builder, math.loc, reduced.power,
                                       math.integer(126));
  Value scale =
      math.fromBits(math.shiftLeft(math.sub(math.integer(127), power), 23));
  Value fraction = math.fma(lost, scale, reduced.fraction);
  Value result = combine(math, math.toFloat(reduced.power), fraction);
  Value isTiny = math.less(math.absolute(x), math.number(0x1p-24));
  return math.select(isTiny, x, result);
}

constexpr double ln2 = 0.6931471805599453;

} // namespace

Value buildLog(MathBuilder &math, Value x) {
  Reduced reduced = reduceAny(math, x);
  return finish(math, x, combine(math, reduced.power, reduced.fraction));
}

Value buildLog2(MathBuilder &math, Value x) {
  Reduced reduced = reduceAny(math, x);
  Value result =
      math.add(reduced.power, scaledLog1p(math, reduced.fraction, log2eParts));
  return finish(math, x, result);
}

Value buildLog10(MathBuilder &math, Value x) {
  Reduced reduced = reduceAny(math, x);
  Value low = math.fma(reduced.power, math.number(log10of2Parts[1]),
                       scaledLog1p(math, reduced.fraction, log10eParts));
  Value result = math.fma(reduced.power, math.number(log10of2Parts[0]), low);
  return finish(math, x, result);
}

Value buildLog1p(MathBuilder &math, Value x) {
  Value result = log1pOrdinary(math, x);
  Value one = math.number(1.0);
  Value isOrdinary = math.andInt(math.less(math.number(-1.0), x),
                                 math.less(x, math.number(INFINITY)));
  return math.select(isOrdinary, result,
                     finish(math, math.add(x, one), result));
}

Value buildAsinh(MathBuilder &math, Value x) {
  Value magnitude = math.absolute(x);
  // Above, x^2 is all there is under the root, and could overflow.
  Value isLarge = math.less(math.number(0x1p14), magnitude);
  Value bounded = math.select(isLarge, math.number(1.0), magnitude);
  Value one = math.number(1.0);
  Value square = math.mul(bounded, bounded);
  Value root = math.sqrt(math.add(square, one));
  Value small = log1pOrdinary(
      math, math.add(bounded, math.div(square, math.add(root, one))));
  Value large = math.add(buildLog(math, magnitude), math.number(ln2));
  return math.copySign(math.select(isLarge, large, small), x);
}

Value buildAcosh(MathBuilder &math, Value x) {
  Value isLarge = math.less(math.number(0x1p14), x);
  Value excess = math.sub(x, math.number(1.0));
  Value bounded = math.select(isLarge, math.number(1.0), excess);
  Value root =
      math.sqrt(math.fma(bounded, bounded, math.add(bounded, bounded)));
  Value small = log1pOrdinary(math, math.add(bounded, root));
  Value large = math.add(buildLog(math, x), math.number(ln2));
  Value result = math.select(isLarge, large, small);
  Value isInside = math.lessEqual(math.number(1.0), x);
  return math.select(isInside, result, math.number(NAN));
}

Value buildAtanh(MathBuilder &math, Value x) {
  Value magnitude = math.absolute(x);
  Value one = math.number(1.0);
  Value ratio =
      math.div(math.add(magnitude, magnitude), math.sub(one, magnitude));
  Value result = math.mul(math.number(0.5), log1pOrdinary(math, ratio));
  result =
      math.select(math.equal(magnitude, one), math.number(INFINITY), result);
  Value isInside = math.lessEqual(magnitude, one);
  result = math.select(isInside, math.copySign(result, x), math.number(NAN));
  Value isTiny = math.less(magnitude, math.number(0x1p-12));
  return math.select(isTiny, x, result);
}

} // namespace sluice::math_expansion
