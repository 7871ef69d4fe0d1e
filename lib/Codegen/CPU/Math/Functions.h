//===- Functions.h - Elementary functions from arithmetic -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// f32 in, f32 out, over the whole range: subnormal numbers, infinities, NaN and
// the sign of zero are as in C's libm. docs/numerics.md lists the errors.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MATH_FUNCTIONS_H
#define SLUICE_LIB_CODEGEN_CPU_MATH_FUNCTIONS_H

#include "MathBuilder.h"

namespace sluice::math_expansion {

mlir::Value buildExp(MathBuilder &math, mlir::Value x);
/// The same for x <= 0 or no number; zero for results that are not normal.
mlir::Value buildExpOfNotPositive(MathBuilder &math, mlir::Value x);
mlir::Value buildExp2(MathBuilder &math, mlir::Value x);
/// The same for -126 <= x <= 126 or no number.
mlir::Value buildNormalExp2(MathBuilder &math, mlir::Value x);
/// 2^x of x that is not positive, or no number; 0 below the normal numbers.
mlir::Value buildExp2OfNotPositive(MathBuilder &math, mlir::Value x);
mlir::Value buildExpM1(MathBuilder &math, mlir::Value x);
mlir::Value buildSinh(MathBuilder &math, mlir::Value x);
mlir::Value buildCosh(MathBuilder &math, mlir::Value x);
mlir::Value buildTanh(MathBuilder &math, mlir::Value x);
mlir::Value buildErf(MathBuilder &math, mlir::Value x);

mlir::Value buildLog(MathBuilder &math, mlir::Value x);
mlir::Value buildLog2(MathBuilder &math, mlir::Value x);
mlir::Value buildLog10(MathBuilder &math, mlir::Value x);
mlir::Value buildLog1p(MathBuilder &math, mlir::Value x);
mlir::Value buildAsinh(MathBuilder &math, mlir::Value x);
mlir::Value buildAcosh(MathBuilder &math, mlir::Value x);
mlir::Value buildAtanh(MathBuilder &math, mlir::Value x);

mlir::Value buildSin(MathBuilder &math, mlir::Value x);
mlir::Value buildCos(MathBuilder &math, mlir::Value x);
mlir::Value buildTan(MathBuilder &math, mlir::Value x);
mlir::Value buildAsin(MathBuilder &math, mlir::Value x);
mlir::Value buildAcos(MathBuilder &math, mlir::Value x);
mlir::Value buildAtan(MathBuilder &math, mlir::Value x);

mlir::Value buildPow(MathBuilder &math, mlir::Value x, mlir::Value y);

} // namespace sluice::math_expansion

#endif // SLUICE_LIB_CODEGEN_CPU_MATH_FUNCTIONS_H
