//===- ElementwiseBinaryBodies.cpp - Bodies of binary ops and casts -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/IntegerBodies.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sluice;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

Value AddOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  return BodyBuilder{builder, location}.add(arguments[0], arguments[1]);
}

Value SubOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  return BodyBuilder{builder, location}.sub(arguments[0], arguments[1]);
}

Value MulOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  return BodyBuilder{builder, location}.mul(arguments[0], arguments[1]);
}

// A divisor that cannot trap: one where the divisor is zero, or where the
// signed quotient would overflow (the smallest integer divided by -1).
static Value safeDivisor(BodyBuilder &body, Value x, Value y, bool isSigned) {
  Value isZero = body.compare(CmpIPredicate::eq, y, body.zero(y));
  Value unsafe = isZero;
  if (isSigned) {
    unsigned width =
        cast<IntegerType>(getElementTypeOrSelf(x.getType())).getWidth();
    Value smallest =
        body.integer(x, static_cast<int64_t>(uint64_t(1) << (width - 1)));
    Value overflow = body.make<arith::AndIOp>(
        body.compare(CmpIPredicate::eq, x, smallest),
        body.compare(CmpIPredicate::eq, y, body.integer(y, -1)));
    unsafe = body.make<arith::OrIOp>(isZero, overflow);
  }
  return body.select(unsafe, body.integer(y, 1), y);
}

Value DivOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0], y = arguments[1];
  if (BodyBuilder::isFloat(x))
    return body.div(x, y);
  bool isSigned = !isUnsignedTensor(getLhs());
  Value divisor = safeDivisor(body, x, y, isSigned);
  Value quotient = isSigned ? body.make<arith::DivSIOp>(x, divisor)
                            : body.make<arith::DivUIOp>(x, divisor);
  return body.select(body.compare(CmpIPredicate::eq, y, body.zero(y)),
                     body.zero(x), quotient);
}

Value ModOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0], y = arguments[1];
  if (BodyBuilder::isFloat(x)) {
    Value remainder = body.make<arith::RemFOp>(x, y);
    if (getFmod())
      return remainder;
    Value zero = body.zero(x);
    Value differs = body.make<arith::XOrIOp>(
        body.compare(CmpFPredicate::OLT, remainder, zero),
        body.compare(CmpFPredicate::OLT, y, zero));
    Value adjust = body.make<arith::AndIOp>(
        differs, body.compare(CmpFPredicate::UNE, remainder, zero));
    return body.select(adjust, body.add(remainder, y), remainder);
  }
  bool isSigned = !isUnsignedTensor(getLhs());
  Value divisor = safeDivisor(body, x, y, isSigned);
  Value remainder = isSigned ? body.make<arith::RemSIOp>(x, divisor)
                             : body.make<arith::RemUIOp>(x, divisor);
  if (isSigned && !getFmod()) {
    Value zero = body.zero(x);
    Value differs = body.make<arith::XOrIOp>(
        body.compare(CmpIPredicate::slt, remainder, zero),
        body.compare(CmpIPredicate::slt, y, zero));
    Value adjust = body.make<arith::AndIOp>(
        differs, body.compare(CmpIPredicate::ne, remainder, zero));
    remainder = body.select(adjust, body.add(remainder, y), remainder);
  }
  return remainder;
}

// Converts between compute types; `from` and `to` are storage element types.
static Value convert(BodyBuilder &body, Value x, Type from, Type to) {
  Type source = getElementTypeOrSelf(x.getType());
  Type target = getComputeType(to);
  Type result = BodyBuilder::withElement(x, target);
  bool fromUnsigned = isUnsignedType(from);
  if (isa<FloatType>(source) && isa<FloatType>(target)) {
    unsigned sourceWidth = source.getIntOrFloatBitWidth();
    unsigned targetWidth = target.getIntOrFloatBitWidth();
    if (sourceWidth < targetWidth)
      return body.make<arith::ExtFOp>(result, x);
    if (sourceWidth > targetWidth)
      return body.make<arith::TruncFOp>(result, x);
    return x;
  }
  if (to.isInteger(1))
    return isa<FloatType>(source)
               ? body.compare(CmpFPredicate::UNE, x, body.zero(x))
               : body.compare(CmpIPredicate::ne, x, body.zero(x));
  if (isa<FloatType>(target))
    return fromUnsigned ? body.make<arith::UIToFPOp>(result, x)
                        : body.make<arith::SIToFPOp>(result, x);
  if (isa<FloatType>(source))
    return convertToInteger(body, x, to);
  return resizeInteger(body, x, from, to);
}

Value CastOp::buildBody(OpBuilder &builder, Location location,
                        ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = convert(body, arguments[0], elementTypeOf(getOperand()), getTo());
  Type compute = getComputeType(getTo());
  if (!isa<FloatType>(compute) || compute == getTo())
    return x;
  // What is stored in fewer bits is computed in more; a cast rounds even so.
  Value rounded =
      body.make<arith::TruncFOp>(BodyBuilder::withElement(x, getTo()), x);
  return body.make<arith::ExtFOp>(BodyBuilder::withElement(x, compute),
                                  rounded);
}

Value BitCastOp::buildBody(OpBuilder &builder, Location location,
                           ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0];
  auto as = [&](Type type) { return BodyBuilder::withElement(x, type); };
  // From what is computed with to the bits that are stored.
  Type from = elementTypeOf(getOperand()), to = getTo();
  if (isa<FloatType>(from)) {
    if (getComputeType(from) != from)
      x = body.make<arith::TruncFOp>(as(from), x);
    x = body.make<arith::BitcastOp>(
        as(builder.getIntegerType(from.getIntOrFloatBitWidth())), x);
  } else if (from.isInteger(1)) {
    x = body.make<arith::ExtUIOp>(as(builder.getI8Type()), x);
  }
  if (to.isInteger(1))
    return body.compare(arith::CmpIPredicate::ne, x, body.zero(x));
  if (!isa<FloatType>(to))
    return x;
  x = body.make<arith::BitcastOp>(as(to), x);
  Type compute = getComputeType(to);
  return compute == to ? x : body.make<arith::ExtFOp>(as(compute), x);
}

Value PowOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0], y = arguments[1];
  Type base = elementTypeOf(getLhs()), exponent = elementTypeOf(getRhs());
  if (BodyBuilder::isFloat(x))
    return body.make<math::PowFOp>(x, convert(body, y, exponent, base));
  if (!BodyBuilder::isFloat(y))
    return buildIntegerPower(body, x, y, base, exponent);
  // A fraction as the exponent needs real numbers.
  Type real = builder.getF64Type();
  Value power = body.make<math::PowFOp>(convert(body, x, base, real),
                                        convert(body, y, exponent, real));
  return convert(body, power, real, base);
}

Value MaxOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  BodyBuilder body{builder, location};
  if (BodyBuilder::isFloat(arguments[0]))
    return body.make<arith::MaximumFOp>(arguments[0], arguments[1]);
  if (isUnsignedTensor(getLhs()))
    return body.make<arith::MaxUIOp>(arguments[0], arguments[1]);
  return body.make<arith::MaxSIOp>(arguments[0], arguments[1]);
}

Value MinOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  BodyBuilder body{builder, location};
  if (BodyBuilder::isFloat(arguments[0]))
    return body.make<arith::MinimumFOp>(arguments[0], arguments[1]);
  if (isUnsignedTensor(getLhs()))
    return body.make<arith::MinUIOp>(arguments[0], arguments[1]);
  return body.make<arith::MinSIOp>(arguments[0], arguments[1]);
}

Value AndOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  return arith::AndIOp::create(builder, location, arguments[0], arguments[1]);
}

Value OrOp::buildBody(OpBuilder &builder, Location location,
                      ValueRange arguments) {
  return arith::OrIOp::create(builder, location, arguments[0], arguments[1]);
}

Value XorOp::buildBody(OpBuilder &builder, Location location,
                       ValueRange arguments) {
  return arith::XOrIOp::create(builder, location, arguments[0], arguments[1]);
}

static unsigned widthOf(Value integer) {
  return cast<IntegerType>(getElementTypeOrSelf(integer.getType())).getWidth();
}

/// Can the hardware shift by this amount? A negative one counts as large.
static Value isBelowWidth(BodyBuilder &body, Value amount) {
  return body.compare(CmpIPredicate::ult, amount,
                      body.integer(amount, widthOf(amount)));
}

/// Zero from the width on.
template <typename ShiftOp>
static Value buildLogicalShift(BodyBuilder &body, Value x, Value amount) {
  Value inRange = isBelowWidth(body, amount);
  Value safe = body.select(inRange, amount, body.zero(amount));
  return body.select(inRange, body.make<ShiftOp>(x, safe), body.zero(x));
}

Value ShiftLeftOp::buildBody(OpBuilder &builder, Location location,
                             ValueRange arguments) {
  BodyBuilder body{builder, location};
  return buildLogicalShift<arith::ShLIOp>(body, arguments[0], arguments[1]);
}

Value ShiftRightOp::buildBody(OpBuilder &builder, Location location,
                              ValueRange arguments) {
  BodyBuilder body{builder, location};
  Value x = arguments[0], amount = arguments[1];
  if (isUnsignedTensor(getLhs()))
    return buildLogicalShift<arith::ShRUIOp>(body, x, amount);
  // From the width on only copies of the sign are left.
  Value safe = body.select(isBelowWidth(body, amount), amount,
                           body.integer(amount, widthOf(amount) - 1));
  return body.make<arith::ShRSIOp>(x, safe);
}

// `unsignedPredicate` serves unsigned integers and bools.
static Value buildCompare(OpBuilder &builder, Location location,
                          ValueRange arguments, Value lhs,
                          CmpFPredicate floatPredicate,
                          CmpIPredicate signedPredicate,
                          CmpIPredicate unsignedPredicate) {
  BodyBuilder body{builder, location};
  if (BodyBuilder::isFloat(arguments[0]))
    return body.compare(floatPredicate, arguments[0], arguments[1]);
  return body.compare(isUnsignedTensor(lhs) ? unsignedPredicate
                                            : signedPredicate,
                      arguments[0], arguments[1]);
}

Value EqualOp::buildBody(OpBuilder &builder, Location location,
                         ValueRange arguments) {
  return buildCompare(builder, location, arguments, getLhs(),
                      CmpFPredicate::OEQ, CmpIPredicate::eq, CmpIPredicate::eq);
}

Value LessOp::buildBody(OpBuilder &builder, Location location,
                        ValueRange arguments) {
  return buildCompare(builder, location, arguments, getLhs(),
                      CmpFPredicate::OLT, CmpIPredicate::slt,
                      CmpIPredicate::ult);
}

Value LessEqualOp::buildBody(OpBuilder &builder, Location location,
                             ValueRange arguments) {
  return buildCompare(builder, location, arguments, getLhs(),
                      CmpFPredicate::OLE, CmpIPredicate::sle,
                      CmpIPredicate::ule);
}

Value GreaterOp::buildBody(OpBuilder &builder, Location location,
                           ValueRange arguments) {
  return buildCompare(builder, location, arguments, getLhs(),
                      CmpFPredicate::OGT, CmpIPredicate::sgt,
                      CmpIPredicate::ugt);
}

Value GreaterEqualOp::buildBody(OpBuilder &builder, Location location,
                                ValueRange arguments) {
  return buildCompare(builder, location, arguments, getLhs(),
                      CmpFPredicate::OGE, CmpIPredicate::sge,
                      CmpIPredicate::uge);
}
