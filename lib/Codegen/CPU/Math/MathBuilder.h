//===- MathBuilder.h - f32 arithmetic on scalars or vectors -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MATH_MATHBUILDER_H
#define SLUICE_LIB_CODEGEN_CPU_MATH_MATHBUILDER_H

#include "dialects/Sluice/BodyBuilder.h"

namespace sluice::math_expansion {

/// What polynomials and bits need beside plain arithmetic, on scalars or on
/// vectors of `lanes` elements (zero lanes: scalars). Types follow from the
/// operands.
class MathBuilder : public BodyBuilder {
public:
  using Value = mlir::Value;

  MathBuilder(mlir::OpBuilder &builder, mlir::Location loc, int64_t lanes,
              bool hasFma)
      : BodyBuilder{builder, loc}, lanes(lanes), hasFma(hasFma) {}

  mlir::Type shaped(mlir::Type elementType) const;
  mlir::Type f32() const { return shaped(builder.getF32Type()); }
  mlir::Type f64() const { return shaped(builder.getF64Type()); }
  mlir::Type i32() const { return shaped(builder.getI32Type()); }
  mlir::Type i64() const { return shaped(builder.getI64Type()); }

  /// Constants of a value's type.
  Value number(double value, mlir::Type type);
  Value number(double value) { return number(value, f32()); }
  Value integer(int64_t value, mlir::Type type);
  Value integer(int64_t value) { return integer(value, i32()); }

  /// a * b + c, rounded once where the CPU can.
  Value fma(Value a, Value b, Value c);
  Value sqrt(Value value);
  Value absolute(Value value);
  Value negate(Value value);
  /// The magnitude of one f32 with the sign of another.
  Value copySign(Value magnitude, Value sign);
  Value floor(Value value);
  Value extend(Value value);
  Value truncate(Value value);
  Value toFloat(Value integer);

  Value bits(Value number);
  Value fromBits(Value bits);
  Value andInt(Value lhs, Value rhs);
  Value orInt(Value lhs, Value rhs);
  Value xorInt(Value lhs, Value rhs);
  Value shiftLeft(Value value, int64_t count);
  Value shiftRight(Value value, int64_t count);
  Value shiftRightSigned(Value value, int64_t count);

  Value less(Value lhs, Value rhs);
  Value lessEqual(Value lhs, Value rhs);
  Value equal(Value lhs, Value rhs);
  Value equalInt(Value lhs, Value rhs);
  /// NaN stays NaN.
  Value clamp(Value value, double low, double high);

  /// Coefficients from the lowest power up. The lowest is added last, as by
  /// Horner's rule; the others are joined in pairs, since the time of a long
  /// polynomial is that of its longest chain of operations.
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients);
  template <typename Number, size_t size>
  Value polynomial(Value x, const Number (&coefficients)[size]) {
    return polynomial(x, llvm::SmallVector<double>(std::begin(coefficients),
                                                   std::end(coefficients)));
  }
  /// x + x^3 * P(x^2).
  template <size_t size>
  Value oddPolynomial(Value x, const float (&tail)[size]) {
    Value square = mul(x, x);
    return fma(mul(x, square), polynomial(square, tail), x);
  }

  /// value * 2^power for an i32 power of at most a few hundred; rounds once.
  Value scale(Value value, Value power);
  /// 2^power for an i32 power of a normal number.
  Value powerOfTwo(Value power);

  /// The nearest integer to x * factor, as an integer and as an f32;
  /// |x * factor| < 2^21.
  struct Nearest {
    Value integer;
    Value number;
  };
  Nearest nearest(Value x, double factor);

  int64_t lanes;
  bool hasFma;
};

} // namespace sluice::math_expansion

#endif // SLUICE_LIB_CODEGEN_CPU_MATH_MATHBUILDER_H
