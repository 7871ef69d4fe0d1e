//===- ElementwiseBodies.cpp - Scalar and vector bodies -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/IntegerBodies.h"
#include "dialects/Sluice/MathHints.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sluice;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

// Bodies that are one math-dialect op on floats.
#define SLUICE_MATH_BODY(OP, MATH)                                             \
  Value OP::buildBody(OpBuilder &builder, Location location,                   \
                      ValueRange arguments) {                                  \
    return MATH::create(builder, location, arguments[0]);                      \
  }
SLUICE_MATH_BODY(SqrtOp, math::SqrtOp)
SLUICE_MATH_BODY(ExpOp, math::ExpOp)
SLUICE_MATH_BODY(LogOp, math::LogOp)
SLUICE_MATH_BODY(SinOp, math::SinOp)
SLUICE_MATH_BODY(CosOp, math::CosOp)
SLUICE_MATH_BODY(TanOp, math::TanOp)
SLUICE_MATH_BODY(AsinOp, math::AsinOp)
SLUICE_MATH_BODY(AcosOp, math::AcosOp)
SLUICE_MATH_BODY(AtanOp, math::AtanOp)
SLUICE_MATH_BODY(SinhOp, math::SinhOp)
SLUICE_MATH_BODY(CoshOp, math::CoshOp)
SLUICE_MATH_BODY(TanhOp, math::TanhOp)
SLUICE_MATH_BODY(AsinhOp, math::AsinhOp)
SLUICE_MATH_BODY(AcoshOp, math::AcoshOp)
SLUICE_MATH_BODY(AtanhOp, math::AtanhOp)
SLUICE_MATH_BODY(ErfOp, math::ErfOp)
#undef SLUICE_MATH_BODY

// Rounding is the identity on integers.
#define SLUICE_ROUNDING_BODY(OP, MATH)                                         \
  Value OP::buildBody(OpBuilder &builder, Location location,                   \
                      ValueRange arguments) {                                  \
    if (!BodyBuilder::isFloat(arguments[0]))                                   \
      return arguments[0];                                                     \
    return MATH::create(builder, location, arguments[0]);                      \
  }
SLUICE_ROUNDING_BODY(FloorOp, math::FloorOp)
SLUICE_ROUNDING_BODY(CeilOp, math::CeilOp)
SLUICE_ROUNDING_BODY(RoundOp, math::RoundEvenOp)
#undef SLUICE_ROUNDING_BODY

Value AbsOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  if (BodyBuilder::isFloat(arguments[0]))
    return math::AbsFOp::create(builder, location, arguments[0]);
  if (isUnsignedTensor(getOperand()))
    return arguments[0];
  return math::AbsIOp::create(builder, location, arguments[0]);
}

Value NegOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  BodyBuilder body{builder, location};
  if (BodyBuilder::isFloat(arguments[0]))
    return body.make<arith::NegFOp>(arguments[0]);
  return body.sub(body.zero(arguments[0]), arguments[0]);
}

Value SignOp::buildBody(OpBuilder &builder, Location location,
                        ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0], zero = body.zero(x);
  if (BodyBuilder::isFloat(x)) {
    Value one = body.constant(x, 1), minusOne = body.constant(x, -1);
    Value notPositive =
        body.select(body.compare(CmpFPredicate::OLT, x, zero), minusOne, x);
    return body.select(body.compare(CmpFPredicate::OGT, x, zero), one,
                       notPositive);
  }
  Value one = body.integer(x, 1);
  if (isUnsignedTensor(getOperand()))
    return body.select(body.compare(CmpIPredicate::ne, x, zero), one, zero);
  Value notPositive = body.select(body.compare(CmpIPredicate::slt, x, zero),
                                  body.integer(x, -1), zero);
  return body.select(body.compare(CmpIPredicate::sgt, x, zero), one,
                     notPositive);
}

Value ReciprocalOp::buildBody(OpBuilder &builder, Location location,
                              ValueRange arguments) {
  BodyBuilder body{builder, location};
  return body.div(body.constant(arguments[0], 1), arguments[0]);
}

// max(x, 0) that keeps NaN; this form is one `max` instruction on x86.
static Value buildRelu(BodyBuilder &body, Value x) {
  Value zero = body.zero(x);
  if (!BodyBuilder::isFloat(x))
    return body.make<arith::MaxSIOp>(x, zero);
  return body.select(body.compare(CmpFPredicate::OLT, x, zero), zero, x);
}

Value ReluOp::buildBody(OpBuilder &builder, Location location,
                        ValueRange arguments) {
  BodyBuilder body{builder, location};
  return buildRelu(body, arguments[0]);
}

// 1 / (1 + exp(-x)).
static Value buildSigmoid(BodyBuilder &body, Value x) {
  Value one = body.constant(x, 1);
  Value power = body.make<math::ExpOp>(body.make<arith::NegFOp>(x));
  return body.div(one, body.add(one, power));
}

Value SigmoidOp::buildBody(OpBuilder &builder, Location location,
                           ValueRange arguments) {
  BodyBuilder body{builder, location};
  return buildSigmoid(body, arguments[0]);
}

// log(1 + exp(x)) as max(x, 0) + log1p(exp(-|x|)), which cannot overflow.
static Value buildSoftplus(BodyBuilder &body, Value x) {
  Value power = body.make<math::ExpOp>(
      body.make<arith::NegFOp>(body.make<math::AbsFOp>(x)));
  return body.add(buildRelu(body, x), body.make<math::Log1pOp>(power));
}

Value SoftplusOp::buildBody(OpBuilder &builder, Location location,
                            ValueRange arguments) {
  BodyBuilder body{builder, location};
  return buildSoftplus(body, arguments[0]);
}

Value SoftsignOp::buildBody(OpBuilder &builder, Location location,
                            ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  return body.div(x, body.add(body.constant(x, 1), body.make<math::AbsFOp>(x)));
}

// clip(alpha * x + beta, 0, 1).
static Value buildHardSigmoid(BodyBuilder &body, Value x, double alpha,
                              double beta) {
  Value line =
      body.add(body.mul(x, body.constant(x, alpha)), body.constant(x, beta));
  return body.clamp(line, body.constant(x, 0), body.constant(x, 1));
}

Value HardSigmoidOp::buildBody(OpBuilder &builder, Location location,
                               ValueRange arguments) {
  BodyBuilder body{builder, location};
  return buildHardSigmoid(body, arguments[0], getAlpha().convertToDouble(),
                          getBeta().convertToDouble());
}

Value HardSwishOp::buildBody(OpBuilder &builder, Location location,
                             ValueRange arguments) {
  BodyBuilder body{builder, location};
  return body.mul(arguments[0],
                  buildHardSigmoid(body, arguments[0], 1.0 / 6, 0.5));
}

Value MishOp::buildBody(OpBuilder &builder, Location location,
                        ValueRange arguments) {
  BodyBuilder body{builder, location};
  return body.mul(arguments[0],
                  body.make<math::TanhOp>(buildSoftplus(body, arguments[0])));
}

// Coefficients from the lowest power up, joined in pairs: that makes shorter
// chains of dependent operations than Horner's rule.
static Value buildPolynomial(BodyBuilder &body, Value x,
                             ArrayRef<float> coefficients) {
  SmallVector<Value> terms;
  for (float coefficient : coefficients)
    terms.push_back(body.constant(x, coefficient));
  for (Value power = x; terms.size() > 1; power = body.mul(power, power)) {
    SmallVector<Value> pairs;
    for (size_t i = 0; i < terms.size(); i += 2)
      pairs.push_back(i + 1 < terms.size()
                          ? body.add(body.mul(terms[i + 1], power), terms[i])
                          : terms[i]);
    terms = std::move(pairs);
  }
  return terms.front();
}

// x P(x), with the normal distribution P, in f32. P(-t) = 2^(t q(t) - 1) for
// t >= 0 gives both sides from one small number: max(x, 0) - t P(-t). So small
// results for negative x do not suffer from cancellation. Beyond 8, t P(-t) is
// nothing beside x. q is the polynomial with the smallest largest error of the
// exponent (2^-22.5), less exact where P is tiny.
static Value buildNormalGelu(BodyBuilder &body, Value x) {
  static constexpr float coefficients[] = {
      -0x1.26af12p+0f,  -0x1.d63370p-2f,  -0x1.ae8b80p-5f, 0x1.d186cap-8f,
      -0x1.dec466p-14f, -0x1.e83682p-13f, 0x1.14e19ap-14f, -0x1.4fa02cp-17f,
      0x1.ea5ff2p-21f,  -0x1.95658ep-25f, 0x1.23ba18p-30f};
  Value limit = body.constant(x, 8);
  Value t = body.make<math::AbsFOp>(x);
  t = body.select(body.compare(CmpFPredicate::OLT, limit, t), limit, t);
  Value q = buildPolynomial(body, t, coefficients);
  Value exponent = body.sub(body.mul(q, t), body.constant(x, 1));
  auto power = math::Exp2Op::create(body.builder, body.loc, exponent);
  // The exponent is between -50 and -1.
  power->setAttr(normalResultAttributeName, body.builder.getUnitAttr());
  Value tail = body.mul(t, power);
  return body.sub(buildRelu(body, x), tail);
}

Value GeluOp::buildBody(OpBuilder &builder, Location location,
                        ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  if (getTanhApproximation()) {
    // (1 + tanh(y)) / 2 = 1 / (1 + exp(-2 y)), y = sqrt(2 / pi) (x + c x^3).
    Value square = body.mul(x, x);
    Value factor = body.add(
        body.mul(square, body.constant(x, -0.044715 * 1.59576912160573071176)),
        body.constant(x, -1.59576912160573071176));
    Value power = body.make<math::ExpOp>(body.mul(x, factor));
    return body.div(x, body.add(body.constant(x, 1), power));
  }
  if (getElementTypeOrSelf(x.getType()).isF32())
    return buildNormalGelu(body, x);
  // 1 / sqrt(2)
  Value inner = body.make<math::ErfOp>(
      body.mul(x, body.constant(x, 0.70710678118654752440)));
  Value half = body.mul(x, body.constant(x, 0.5));
  return body.mul(half, body.add(inner, body.constant(x, 1)));
}

Value SwishOp::buildBody(OpBuilder &builder, Location location,
                         ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  double alpha = getAlpha().convertToDouble();
  Value scaled = alpha == 1.0 ? x : body.mul(x, body.constant(x, alpha));
  Value power = body.make<math::ExpOp>(body.make<arith::NegFOp>(scaled));
  return body.div(x, body.add(body.constant(x, 1), power));
}

Value EluOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  Value negative = body.mul(body.make<math::ExpM1Op>(x),
                            body.constant(x, getAlpha().convertToDouble()));
  return body.select(body.compare(CmpFPredicate::OGT, x, body.zero(x)), x,
                     negative);
}

Value SeluOp::buildBody(OpBuilder &builder, Location location,
                        ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  Value gamma = body.constant(x, getGamma().convertToDouble());
  Value negative = body.mul(body.make<math::ExpM1Op>(x),
                            body.constant(x, getAlpha().convertToDouble()));
  return body.mul(gamma,
                  body.select(body.compare(CmpFPredicate::OGT, x, body.zero(x)),
                              x, negative));
}

Value CeluOp::buildBody(OpBuilder &builder, Location location,
                        ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  double alpha = getAlpha().convertToDouble();
  Value power =
      body.make<math::ExpM1Op>(body.mul(x, body.constant(x, 1.0 / alpha)));
  return body.select(body.compare(CmpFPredicate::OGT, x, body.zero(x)), x,
                     body.mul(power, body.constant(x, alpha)));
}

Value LeakyReluOp::buildBody(OpBuilder &builder, Location location,
                             ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  Value scaled = body.mul(x, body.constant(x, getAlpha().convertToDouble()));
  return body.select(body.compare(CmpFPredicate::OLT, x, body.zero(x)), scaled,
                     x);
}

Value ThresholdedReluOp::buildBody(OpBuilder &builder, Location location,
                                   ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  Value above = body.compare(CmpFPredicate::OGT, x,
                             body.constant(x, getAlpha().convertToDouble()));
  return body.select(above, x, body.zero(x));
}

Value ShrinkOp::buildBody(OpBuilder &builder, Location location,
                          ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  double bias = getBias().convertToDouble();
  double lambda = getLambda().convertToDouble();
  if (!BodyBuilder::isFloat(x)) {
    // Integers go through f64, as in the definition.
    Type wide = BodyBuilder::withElement(x, builder.getF64Type());
    Value real = isUnsignedTensor(getOperand())
                     ? body.make<arith::UIToFPOp>(wide, x)
                     : body.make<arith::SIToFPOp>(wide, x);
    Value low =
        body.compare(CmpFPredicate::OLT, real, body.constant(real, -lambda));
    Value high =
        body.compare(CmpFPredicate::OGT, real, body.constant(real, lambda));
    Value result =
        body.select(low, body.add(real, body.constant(real, bias)),
                    body.select(high, body.sub(real, body.constant(real, bias)),
                                body.zero(real)));
    return convertToInteger(body, result, elementTypeOf(getOperand()));
  }
  Value low = body.compare(CmpFPredicate::OLT, x, body.constant(x, -lambda));
  Value high = body.compare(CmpFPredicate::OGT, x, body.constant(x, lambda));
  return body.select(
      low, body.add(x, body.constant(x, bias)),
      body.select(high, body.sub(x, body.constant(x, bias)), body.zero(x)));
}

Value PReluOp::buildBody(OpBuilder &builder, Location location,
                         ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0], zero = body.zero(x);
  Value scaled = body.mul(x, arguments[1]);
  Value negative =
      BodyBuilder::isFloat(x)
          ? body.compare(CmpFPredicate::OLT, x, zero)
          : body.compare(isUnsignedTensor(getLhs()) ? CmpIPredicate::ult
                                                    : CmpIPredicate::slt,
                         x, zero);
  return body.select(negative, scaled, x);
}

Value ClipOp::buildBody(OpBuilder &builder, Location location,
                        ValueRange arguments) {
  BodyBuilder body{builder, location};
  if (BodyBuilder::isFloat(arguments[0]))
    return body.clamp(arguments[0], arguments[1], arguments[2]);
  if (isUnsignedTensor(getOperand()))
    return body.make<arith::MinUIOp>(
        body.make<arith::MaxUIOp>(arguments[0], arguments[1]), arguments[2]);
  return body.make<arith::MinSIOp>(
      body.make<arith::MaxSIOp>(arguments[0], arguments[1]), arguments[2]);
}

Value NotOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  BodyBuilder body{builder, location};
  return body.make<arith::XOrIOp>(arguments[0], body.integer(arguments[0], -1));
}

Value IsNanOp::buildBody(OpBuilder &builder, Location location,
                         ValueRange arguments) {
  BodyBuilder body{builder, location};
  return body.compare(CmpFPredicate::UNO, arguments[0], arguments[0]);
}

Value IsInfOp::buildBody(OpBuilder &builder, Location location,
                         ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  double infinity = std::numeric_limits<double>::infinity();
  Value result = body.integer(body.compare(CmpFPredicate::UNO, x, x), 0);
  if (getPositive())
    result = body.make<arith::OrIOp>(
        result,
        body.compare(CmpFPredicate::OEQ, x, body.constant(x, infinity)));
  if (getNegative())
    result = body.make<arith::OrIOp>(
        result,
        body.compare(CmpFPredicate::OEQ, x, body.constant(x, -infinity)));
  return result;
}

Value SelectOp::buildBody(OpBuilder &builder, Location location,
                          ValueRange arguments) {
  return arith::SelectOp::create(builder, location, arguments[0], arguments[1],
                                 arguments[2]);
}
