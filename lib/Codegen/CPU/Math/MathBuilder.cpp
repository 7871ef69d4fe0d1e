//===- MathBuilder.cpp - f32 arithmetic on scalars or vectors -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "MathBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace sluice::math_expansion {

Type MathBuilder::shaped(Type elementType) const {
  if (lanes == 0)
    return elementType;
  return VectorType::get({lanes}, elementType);
}

Value MathBuilder::number(double value, Type type) {
  Type elementType = getElementTypeOrSelf(type);
  TypedAttr attribute = builder.getFloatAttr(elementType, value);
  if (auto shape = dyn_cast<ShapedType>(type))
    attribute = DenseElementsAttr::get(shape, Attribute(attribute));
  return arith::ConstantOp::create(builder, loc, attribute);
}

Value MathBuilder::integer(int64_t value, Type type) {
  Type elementType = getElementTypeOrSelf(type);
  TypedAttr attribute = builder.getIntegerAttr(
      elementType,
      APInt(64, value).sextOrTrunc(elementType.getIntOrFloatBitWidth()));
  if (auto shape = dyn_cast<ShapedType>(type))
    attribute = DenseElementsAttr::get(shape, Attribute(attribute));
  return arith::ConstantOp::create(builder, loc, attribute);
}

Value MathBuilder::fma(Value a, Value b, Value c) {
  // Without the instruction, LLVM would call a function per lane.
  if (!hasFma)
    return add(mul(a, b), c);
  return math::FmaOp::create(builder, loc, a, b, c);
}
Value MathBuilder::sqrt(Value value) { return make<math::SqrtOp>(value); }
Value MathBuilder::absolute(Value value) { return make<math::AbsFOp>(value); }
Value MathBuilder::negate(Value value) { return make<arith::NegFOp>(value); }
Value MathBuilder::copySign(Value magnitude, Value sign) {
  Value signBit = integer(int64_t(1) << 31);
  Value rest = integer(0x7fffffff);
  return fromBits(
      orInt(andInt(bits(magnitude), rest), andInt(bits(sign), signBit)));
}
Value MathBuilder::floor(Value value) { return make<math::FloorOp>(value); }
Value MathBuilder::extend(Value value) {
  return make<arith::ExtFOp>(f64(), value);
}
Value MathBuilder::truncate(Value value) {
  return make<arith::TruncFOp>(f32(), value);
}
Value MathBuilder::toFloat(Value integer) {
  return make<arith::SIToFPOp>(f32(), integer);
}

Value MathBuilder::bits(Value number) {
  bool isDouble = getElementTypeOrSelf(number.getType()).isF64();
  return arith::BitcastOp::create(builder, loc, isDouble ? i64() : i32(),
                                  number);
}
Value MathBuilder::fromBits(Value bits) {
  bool isDouble = getElementTypeOrSelf(bits.getType()).isInteger(64);
  return arith::BitcastOp::create(builder, loc, isDouble ? f64() : f32(), bits);
}
Value MathBuilder::andInt(Value lhs, Value rhs) {
  return make<arith::AndIOp>(lhs, rhs);
}
Value MathBuilder::orInt(Value lhs, Value rhs) {
  return make<arith::OrIOp>(lhs, rhs);
}
Value MathBuilder::xorInt(Value lhs, Value rhs) {
  return make<arith::XOrIOp>(lhs, rhs);
}
Value MathBuilder::shiftLeft(Value value, int64_t count) {
  return make<arith::ShLIOp>(value, integer(count, value.getType()));
}
Value MathBuilder::shiftRight(Value value, int64_t count) {
  return make<arith::ShRUIOp>(value, integer(count, value.getType()));
}
Value MathBuilder::shiftRightSigned(Value value, int64_t count) {
  return make<arith::ShRSIOp>(value, integer(count, value.getType()));
}

Value MathBuilder::less(Value lhs, Value rhs) {
  return compare(arith::CmpFPredicate::OLT, lhs, rhs);
}
Value MathBuilder::lessEqual(Value lhs, Value rhs) {
  return compare(arith::CmpFPredicate::OLE, lhs, rhs);
}
Value MathBuilder::equal(Value lhs, Value rhs) {
  return compare(arith::CmpFPredicate::OEQ, lhs, rhs);
}
Value MathBuilder::equalInt(Value lhs, Value rhs) {
  return compare(arith::CmpIPredicate::eq, lhs, rhs);
}

Value MathBuilder::clamp(Value value, double low, double high) {
  Value lowest = number(low, value.getType());
  Value highest = number(high, value.getType());
  value = select(less(value, lowest), lowest, value);
  return select(less(highest, value), highest, value);
}

Value MathBuilder::polynomial(Value x, ArrayRef<double> coefficients) {
  Value lowest = number(coefficients.front(), x.getType());
  SmallVector<Value> terms;
  for (double coefficient : coefficients.drop_front())
    terms.push_back(number(coefficient, x.getType()));
  if (terms.empty())
    return lowest;
  for (Value power = x; terms.size() > 1;) {
    SmallVector<Value> pairs;
    for (size_t i = 0; i < terms.size(); i += 2)
      pairs.push_back(i + 1 < terms.size() ? fma(terms[i + 1], power, terms[i])
                                           : terms[i]);
    terms = std::move(pairs);
    if (terms.size() > 1)
      power = mul(power, power);
  }
  return fma(terms.front(), x, lowest);
}

Value MathBuilder::scale(Value value, Value power) {
  // In two steps, so that both factors are normal numbers.
  Value half = shiftRightSigned(power, 1);
  Value rest = sub(power, half);
  return mul(mul(value, powerOfTwo(half)), powerOfTwo(rest));
}

Value MathBuilder::powerOfTwo(Value power) {
  return fromBits(shiftLeft(add(power, integer(127)), 23));
}

MathBuilder::Nearest MathBuilder::nearest(Value x, double factor) {
  // Adding 1.5 * 2^23 leaves the integer in the low bits.
  constexpr float shift = 12582912.0f;
  Value shifted = fma(x, number(factor), number(shift));
  Value asInteger = sub(bits(shifted), integer(llvm::bit_cast<int32_t>(shift)));
  return {asInteger, sub(shifted, number(shift))};
}

} // namespace sluice::math_expansion
