//===- Circular.cpp - Circular functions and their inverses ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Coefficients.h"
#include "Functions.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;

namespace sluice::math_expansion {

namespace {

constexpr double twoOverPi = 0.6366197723675814;
constexpr double piOver2 = 1.5707963267948966;
/// Beyond, pi/2 as a sum of three floats is not precise enough.
constexpr double largestDirect = 0x1p17;

/// x = quadrant * pi / 2 + angle with |angle| <= pi / 4, up to multiples of
/// 2 pi.
struct Reduced {
  Value quadrant; // i32
  Value angle;
};

/// |x| <= largestDirect.
Reduced reduceDirectly(MathBuilder &math, Value x) {
  MathBuilder::Nearest quadrant = math.nearest(x, twoOverPi);
  if (math.hasFma) {
    Value angle = x;
    for (float part : piOver2Parts)
      angle = math.fma(quadrant.number, math.number(-part), angle);
    return {quadrant.integer, angle};
  }
  // 33 bits of pi/2, so that the product with a quadrant is exact in f64.
  constexpr double high = 0x1.921fb544p+0, low = 0x1.0b4611a626331p-34;
  Value wide = math.extend(quadrant.number);
  Value angle =
      math.sub(math.extend(x), math.mul(wide, math.number(high, math.f64())));
  angle = math.sub(angle, math.mul(wide, math.number(low, math.f64())));
  return {quadrant.integer, math.truncate(angle)};
}

/// Any finite |x| >= 2^2, after Payne and Hanek: of x * 2 / pi, only the bits
/// from 2 downwards matter, and x has 24 of them. `x` is an integer times a
/// power of two; 96 bits of 2 / pi that meet those bits are multiplied by the
/// integer.
Reduced reduceAny(MathBuilder &math, Value x) {
  Type wide = math.i64();
  Value bits = math.bits(math.absolute(x));
  auto widen = [&](Value value) -> Value {
    return arith::ExtUIOp::create(math.builder, math.loc, wide, value);
  };
  Value exponent = math.shiftRight(bits, 23);
  Value integer = widen(math.orInt(math.andInt(bits, math.integer(0x7fffff)),
                                   math.integer(0x800000)));
  // x = integer * 2^(exponent - 150). Bit i after the point of 2 / pi has the
  // weight 2^-i, so the first that matters is i = exponent - 151. The table
  // starts 64 bits before the point.
  Value position = math.add(exponent, math.integer(64 - 152));
  Value word = math.shiftRight(position, 5);
  Value shift = widen(math.andInt(position, math.integer(31)));

  // The four words from `word` on.
  constexpr int wordCount = std::size(twoOverPiBits);
  Value words[4];
  for (int part = 0; part < 4; ++part)
    words[part] = math.integer(twoOverPiBits[part], wide);
  for (int first = 1; first + 3 < wordCount; ++first) {
    Value isHere = math.equalInt(word, math.integer(first));
    for (int part = 0; part < 4; ++part)
      words[part] = math.select(
          isHere, math.integer(twoOverPiBits[first + part], wide), words[part]);
  }
  Value mask = math.integer(0xffffffff, wide);
  Value window[3];
  for (int part = 0; part < 3; ++part) {
    Value pair = math.orInt(math.shiftLeft(words[part], 32), words[part + 1]);
    pair = arith::ShLIOp::create(math.builder, math.loc, pair, shift);
    window[part] = math.shiftRight(pair, 32);
  }
  // The product modulo 2^96; its two highest bits are the quadrant.
  Value low = math.mul(integer, window[2]);
  Value middle =
      math.add(math.mul(integer, window[1]), math.shiftRight(low, 32));
  Value high =
      math.add(math.mul(integer, window[0]), math.shiftRight(middle, 32));
  Value turns = math.orInt(math.shiftLeft(high, 32), math.andInt(middle, mask));
  Value quadrant = math.shiftRight(
      math.add(turns, math.integer(int64_t(1) << 61, wide)), 62);
  Value fraction = math.sub(turns, math.shiftLeft(quadrant, 62));
  Value angle =
      arith::SIToFPOp::create(math.builder, math.loc, math.f64(), fraction);
  angle = math.truncate(
      math.mul(angle, math.number(piOver2 * 0x1p-62, math.f64())));
  Value narrow =
      arith::TruncIOp::create(math.builder, math.loc, math.i32(), quadrant);
  // sin(-x) is what -angle in quadrant -q gives.
  Value isNegative = math.less(x, math.number(0.0));
  return {math.select(isNegative, math.sub(math.integer(0), narrow), narrow),
          math.select(isNegative, math.negate(angle), angle)};
}

Reduced reduce(MathBuilder &math, Value x) {
  OpBuilder &builder = math.builder;
  Reduced direct = reduceDirectly(math, x);
  Value isLarge = math.less(math.number(largestDirect), math.absolute(x));
  Value anyLarge = isLarge;
  if (math.lanes > 0)
    anyLarge = vector::ReductionOp::create(builder, math.loc,
                                           vector::CombiningKind::OR, isLarge);
  auto branch = scf::IfOp::create(
      builder, math.loc, anyLarge,
      [&](OpBuilder &, Location) {
        Reduced any = reduceAny(math, x);
        scf::YieldOp::create(
            builder, math.loc,
            ValueRange{math.select(isLarge, any.quadrant, direct.quadrant),
                       math.select(isLarge, any.angle, direct.angle)});
      },
      [&](OpBuilder &, Location) {
        scf::YieldOp::create(builder, math.loc,
                             ValueRange{direct.quadrant, direct.angle});
      });
  Value isInfinite = math.equal(math.absolute(x), math.number(INFINITY));
  return {branch.getResult(0),
          math.select(isInfinite, math.number(NAN), branch.getResult(1))};
}

/// The sine of a reduced angle in a quadrant.
Value sineIn(MathBuilder &math, Value quadrant, Value angle) {
  Value sine = math.oddPolynomial(angle, sinTail);
  Value square = math.mul(angle, angle);
  Value cosine =
      math.fma(math.mul(square, square), math.polynomial(square, cosTail),
               math.fma(square, math.number(-0.5), math.number(1.0)));
  Value one = math.integer(1);
  Value isOdd = math.equalInt(math.andInt(quadrant, one), one);
  Value sign = math.shiftLeft(math.andInt(quadrant, math.integer(2)), 30);
  Value value = math.select(isOdd, cosine, sine);
  return math.fromBits(math.xorInt(math.bits(value), sign));
}

/// x itself where it is so small that the result rounds to it.
Value keepTiny(MathBuilder &math, Value x, Value result) {
  Value isTiny = math.less(math.absolute(x), math.number(0x1p-13));
  return math.select(isTiny, x, result);
}

} // namespace

Value buildSin(MathBuilder &math, Value x) {
  Reduced reduced = reduce(math, x);
  return keepTiny(math, x, sineIn(math, reduced.quadrant, reduced.angle));
}

Value buildCos(MathBuilder &math, Value x) {
  Reduced reduced = reduce(math, x);
  Value quadrant = math.add(reduced.quadrant, math.integer(1));
  return sineIn(math, quadrant, reduced.angle);
}

Value buildTan(MathBuilder &math, Value x) {
  Reduced reduced = reduce(math, x);
  Value tangent = math.oddPolynomial(reduced.angle, tanTail);
  Value one = math.integer(1);
  Value isOdd = math.equalInt(math.andInt(reduced.quadrant, one), one);
  Value cotangent = math.div(math.number(-1.0), tangent);
  return keepTiny(math, x, math.select(isOdd, cotangent, tangent));
}

namespace {

/// For |x| > 1/2, asin(x) = pi/2 - 2 asin(sqrt((1 - |x|) / 2)): the second
/// term, halved. For the rest asin(|x|).
struct InverseSine {
  Value isLarge;
  Value angle;
};

InverseSine inverseSine(MathBuilder &math, Value magnitude) {
  Value half = math.number(0.5);
  Value isLarge = math.less(half, magnitude);
  Value square = math.mul(half, math.sub(math.number(1.0), magnitude));
  Value argument = math.select(isLarge, math.sqrt(square), magnitude);
  return {isLarge, math.oddPolynomial(argument, asinTail)};
}

} // namespace

Value buildAsin(MathBuilder &math, Value x) {
  Value magnitude = math.absolute(x);
  InverseSine inverse = inverseSine(math, magnitude);
  Value twice = math.add(inverse.angle, inverse.angle);
  Value large = math.sub(math.number(piOver2Parts[0]),
                         math.add(twice, math.number(-piOver2Parts[1])));
  Value result = math.select(inverse.isLarge, large, inverse.angle);
  return math.copySign(result, x);
}

Value buildAcos(MathBuilder &math, Value x) {
  InverseSine inverse = inverseSine(math, math.absolute(x));
  Value twice = math.add(inverse.angle, inverse.angle);
  Value isNegative = math.less(x, math.number(0.0));
  // pi - 2 a on the left, 2 a on the right, pi/2 - asin(x) between.
  Value left = math.sub(math.number(2.0 * piOver2Parts[0]),
                        math.add(twice, math.number(-2.0 * piOver2Parts[1])));
  Value signedAngle = math.copySign(inverse.angle, x);
  Value middle = math.sub(math.number(piOver2Parts[0]),
                          math.add(signedAngle, math.number(-piOver2Parts[1])));
  Value outer = math.select(isNegative, left, twice);
  return math.select(inverse.isLarge, outer, middle);
}

Value buildAtan(MathBuilder &math, Value x) {
  Value magnitude = math.absolute(x);
  Value one = math.number(1.0);
  Value isLarge = math.less(one, magnitude);
  Value argument = math.select(isLarge, math.div(one, magnitude), magnitude);
  Value angle = math.oddPolynomial(argument, atanTail);
  Value large = math.sub(math.number(piOver2Parts[0]),
                         math.add(angle, math.number(-piOver2Parts[1])));
  return math.copySign(math.select(isLarge, large, angle), x);
}

} // namespace sluice::math_expansion
