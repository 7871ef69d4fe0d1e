//===- Exponential.cpp - Exponential and hyperbolic functions, erf --------===//
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

constexpr double log2OfE = 1.4426950408889634;

/// x = power * ln(2) + r with |r| <= ln(2) / 2; `fraction` is e^r - 1.
struct Reduced {
  Value power;
  Value fraction;
};

Reduced reduce(MathBuilder &math, Value x) {
  MathBuilder::Nearest power = math.nearest(x, log2OfE);
  Value r = math.fma(power.number, math.number(-ln2Parts[0]), x);
  r = math.fma(power.number, math.number(-ln2Parts[1]), r);
  Value tail = math.polynomial(r, expTail);
  return {power.integer, math.fma(math.mul(r, r), tail, r)};
}

/// e^x * 2^extra.
Value expScaled(MathBuilder &math, Value x, int64_t extra) {
  Reduced reduced = reduce(math, math.clamp(x, -105.0, 90.0));
  Value power = reduced.power;
  if (extra != 0)
    power = math.add(power, math.integer(extra));
  return math.scale(math.add(reduced.fraction, math.number(1.0)), power);
}

} // namespace

Value buildExp(MathBuilder &math, Value x) { return expScaled(math, x, 0); }

/// Adding this to n >= -127 leaves the exponent of 2^n in the low bits, and
/// that of zero for -127.
static constexpr double exponentShift = 12582912.0 + 127;

/// The larger one, or `x` where that is no number: one instruction.
static Value atLeast(MathBuilder &math, Value x, double lowest) {
  Value bound = math.number(lowest);
  return math.select(math.less(x, bound), bound, x);
}

Value buildExpOfNotPositive(MathBuilder &math, Value x) {
  // -127 ln(2)
  Value bounded = atLeast(math, x, -0x1.601e67p+6);
  Value shifted =
      math.fma(bounded, math.number(log2OfE), math.number(exponentShift));
  Value power = math.fromBits(math.shiftLeft(math.bits(shifted), 23));
  Value n = math.sub(shifted, math.number(exponentShift));
  Value r = math.fma(n, math.number(-ln2Parts[0]), bounded);
  r = math.fma(n, math.number(-ln2Parts[1]), r);
  Value one = math.number(1.0);
  Value fraction = math.fma(math.polynomial(r, expTail), r, one);
  return math.mul(math.fma(fraction, r, one), power);
}

Value buildExp2OfNotPositive(MathBuilder &math, Value x) {
  Value bounded = atLeast(math, x, -127.0);
  Value shifted = math.add(bounded, math.number(exponentShift));
  Value power = math.fromBits(math.shiftLeft(math.bits(shifted), 23));
  Value r = math.sub(bounded, math.sub(shifted, math.number(exponentShift)));
  // By Horner's rule: loops of it are bound by the number of multiplications.
  Value fraction = math.number(exp2Tail[std::size(exp2Tail) - 1]);
  for (double coefficient : llvm::reverse(llvm::drop_end(exp2Tail)))
    fraction = math.fma(fraction, r, math.number(coefficient));
  return math.mul(math.fma(fraction, r, math.number(1.0)), power);
}

/// 2^(x - power), `power` being the integer nearest to x.
static Value buildExp2Fraction(MathBuilder &math, Value x,
                               const MathBuilder::Nearest &power) {
  Value r = math.sub(x, power.number);
  return math.fma(r, math.polynomial(r, exp2Tail), math.number(1.0));
}

Value buildExp2(MathBuilder &math, Value x) {
  x = math.clamp(x, -151.0, 129.0);
  MathBuilder::Nearest power = math.nearest(x, 1.0);
  return math.scale(buildExp2Fraction(math, x, power), power.integer);
}

Value buildNormalExp2(MathBuilder &math, Value x) {
  MathBuilder::Nearest power = math.nearest(x, 1.0);
  return math.mul(buildExp2Fraction(math, x, power),
                  math.powerOfTwo(power.integer));
}

Value buildExpM1(MathBuilder &math, Value x) {
  Reduced reduced = reduce(math, math.clamp(x, -30.0, 90.0));
  // 2 * (2^(n-1) * fraction + 2^(n-1) - 1/2), where 2^n could overflow.
  Value half = math.powerOfTwo(math.add(reduced.power, math.integer(-1)));
  Value sum =
      math.fma(reduced.fraction, half, math.sub(half, math.number(0.5)));
  // Overflows where the power itself does not fit.
  Value result = math.add(sum, sum);
  Value isTiny = math.less(math.absolute(x), math.number(0x1p-24));
  Value isLarge = math.less(math.number(0x1.62e43p+6), x);
  result = math.select(isLarge, math.number(INFINITY), result);
  return math.select(isTiny, x, result);
}

Value buildSinh(MathBuilder &math, Value x) {
  Value magnitude = math.absolute(x);
  Value half = expScaled(math, magnitude, -1);
  Value large = math.sub(half, math.div(math.number(0.25), half));
  Value small = math.oddPolynomial(x, sinhTail);
  Value isSmall = math.less(magnitude, math.number(1.0));
  return math.select(isSmall, small, math.copySign(large, x));
}

Value buildCosh(MathBuilder &math, Value x) {
  Value half = expScaled(math, math.absolute(x), -1);
  return math.add(half, math.div(math.number(0.25), half));
}

Value buildTanh(MathBuilder &math, Value x) {
  Value magnitude = math.absolute(x);
  // tanh is 1 in f32 from here on.
  Value bounded = math.clamp(magnitude, 0.0, 10.0);
  Value power = buildExp(math, math.add(bounded, bounded));
  Value one = math.number(1.0);
  Value large = math.sub(one, math.div(math.number(2.0), math.add(power, one)));
  Value small = math.oddPolynomial(magnitude, tanhTail);
  Value isSmall = math.less(magnitude, math.number(0.6));
  return math.copySign(math.select(isSmall, small, large), x);
}

Value buildErf(MathBuilder &math, Value x) {
  Value magnitude = math.absolute(x);
  Value bounded = math.clamp(magnitude, 0.0, 4.0);
  Value logarithm = math.mul(bounded, math.polynomial(bounded, erfLarge));
  Reduced reduced = reduce(math, logarithm);
  Value power = math.powerOfTwo(reduced.power);
  // 1 - 2^n * (1 + fraction)
  Value large = math.sub(math.sub(math.number(1.0), power),
                         math.mul(power, reduced.fraction));
  Value small = math.fma(x, math.polynomial(math.mul(x, x), erfSmall), x);
  Value isSmall = math.less(magnitude, math.number(1.0));
  return math.select(isSmall, small, math.copySign(large, x));
}

} // namespace sluice::math_expansion
