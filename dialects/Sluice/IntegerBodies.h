//===- IntegerBodies.h - Integers for every operand -------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Operations on integers that are undefined, in C and in LLVM, for some of
// their operands. What is built here gives one number for each, so that a value
// computed at compile time is that of the run, on every CPU.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_INTEGERBODIES_H
#define SLUICE_DIALECTS_SLUICE_INTEGERBODIES_H

#include "dialects/Sluice/BodyBuilder.h"

namespace sluice {

/// The float `x` as an integer of the element type `type`, rounded towards
/// zero. What i32 or i64 do not hold, NaN included, becomes their lowest
/// number. Narrower types have the low bits of that i32, u32 those of that i64;
/// so has u64, except for what only it holds.
mlir::Value convertToInteger(BodyBuilder &body, mlir::Value x, mlir::Type type);

/// The integer `x` of the element type `from` in as many bits as `type` has.
mlir::Value resizeInteger(BodyBuilder &body, mlir::Value x, mlir::Type from,
                          mlir::Type type);

/// A sum of 128 bits of `count` (an index) integers, divided by it and rounded
/// towards zero, in 64 bits: long division, digit by digit, as no CPU divides
/// so wide a number. Counts have less than 40 bits, and sums no more than as
/// many integers of 64 bits make.
mlir::Value divideWide(BodyBuilder &body, mlir::Value total, mlir::Value count,
                       bool isUnsigned);

/// `base` to the power of `exponent`, integers of these element types, modulo
/// two to the power of the base's bits. Negative exponents give what is left of
/// the fraction when it is rounded towards zero, and the base's lowest number
/// for a base of zero.
mlir::Value buildIntegerPower(BodyBuilder &body, mlir::Value base,
                              mlir::Value exponent, mlir::Type baseType,
                              mlir::Type exponentType);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_INTEGERBODIES_H
