//===- Coefficients.h - Polynomials of the elementary functions ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Computed by scripts/minimax.py; do not edit. Lowest power first.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MATH_COEFFICIENTS_H
#define SLUICE_LIB_CODEGEN_CPU_MATH_COEFFICIENTS_H

#include <cstdint>

// clang-format off

namespace sluice::math_expansion {

/// ln(2) and pi/2 as sums of floats, for reductions with and without FMA.
inline constexpr float ln2Parts[] = {
    0x1.62e4000000000p-1f,
    0x1.7f7d1c0000000p-20f};

inline constexpr float piOver2Parts[] = {
    0x1.921fb60000000p+0f,
    -0x1.777a5c0000000p-25f,
    -0x1.ee59da0000000p-50f};

inline constexpr float log2eParts[] = {
    0x1.7154760000000p+0f,
    0x1.4ae0c00000000p-26f};

inline constexpr float log10eParts[] = {
    0x1.bcb7b20000000p-2f,
    -0x1.5b235e0000000p-27f};

inline constexpr float log10of2Parts[] = {
    0x1.3440000000000p-2f,
    0x1.3509f80000000p-18f};

/// (e^x - 1 - x) / x^2 for |x| <= ln(2) / 2.
/// Largest error 2^-28.3.
inline constexpr float expTail[] = {
    0x1.0000000000000p-1f,
    0x1.55548e0000000p-3f,
    0x1.55545e0000000p-5f,
    0x1.123b540000000p-7f,
    0x1.6db4020000000p-10f};

/// (2^x - 1) / x for |x| <= 1/2.
/// Largest error 2^-29.0.
inline constexpr float exp2Tail[] = {
    0x1.62e4300000000p-1f,
    0x1.ebfbe00000000p-3f,
    0x1.c6aed00000000p-5f,
    0x1.3b29aa0000000p-7f,
    0x1.5f47de0000000p-10f,
    0x1.448fde0000000p-13f};

/// 2^x for |x| <= 1/2.
/// Largest error 2^-34.5.
inline constexpr double exp2Double[] = {
    0x1.ffffffffab9c7p-1,
    0x1.62e42ff116dacp-1,
    0x1.ebfbe0a4f2196p-3,
    0x1.c6b08aae247d5p-5,
    0x1.3b29dc146e37ap-7,
    0x1.5d8a713176883p-10,
    0x1.446a43fa05d2ep-13,
    0x1.fe1730c000912p-17};

/// (ln(1 + x) - x + x^2 / 2) / x^3 around zero.
/// Largest error 2^-30.3.
inline constexpr float logTail[] = {
    0x1.5555480000000p-2f,
    -0x1.0000060000000p-2f,
    0x1.99a4b80000000p-3f,
    -0x1.555c500000000p-3f,
    0x1.23373c0000000p-3f,
    -0x1.fc21820000000p-4f,
    0x1.e6f2a00000000p-4f,
    -0x1.de40800000000p-4f,
    0x1.1457f80000000p-4f};

/// log2((1 + x) / (1 - x)) / x as a polynomial in x^2, |x| <= 0.1716.
/// Largest error 2^-43.5.
inline constexpr double log2Tail[] = {
    0x1.71547652b824fp+1,
    0x1.ec709dc53fba3p-1,
    0x1.2776c28f61c3fp-1,
    0x1.a61a31e7b1d30p-2,
    0x1.4794d3a5c4572p-2,
    0x1.21b85a1ef9eebp-2};

/// (sin(x) - x) / x^3 as a polynomial in x^2.
/// Largest error 2^-28.0.
inline constexpr float sinTail[] = {
    -0x1.5555460000000p-3f,
    0x1.11073a0000000p-7f,
    -0x1.9943860000000p-13f};

/// (cos(x) - 1 + x^2 / 2) / x^4 as a polynomial in x^2.
/// Largest error 2^-33.3.
inline constexpr float cosTail[] = {
    0x1.55554a0000000p-5f,
    -0x1.6c0c8a0000000p-10f,
    0x1.9a020a0000000p-16f};

/// (tan(x) - x) / x^3 as a polynomial in x^2.
/// Largest error 2^-29.6.
inline constexpr float tanTail[] = {
    0x1.5555600000000p-2f,
    0x1.110d8c0000000p-3f,
    0x1.badc1c0000000p-5f,
    0x1.5cad4a0000000p-6f,
    0x1.631fa00000000p-7f,
    0x1.6e4be00000000p-14f,
    0x1.1ee05e0000000p-8f};

/// (asin(x) - x) / x^3 as a polynomial in x^2.
/// Largest error 2^-31.8.
inline constexpr float asinTail[] = {
    0x1.55554c0000000p-3f,
    0x1.3338800000000p-4f,
    0x1.6cae4c0000000p-5f,
    0x1.04964a0000000p-5f,
    0x1.d8d5580000000p-7f,
    0x1.33711a0000000p-5f};

/// (atan(x) - x) / x^3 as a polynomial in x^2.
/// Largest error 2^-28.5.
inline constexpr float atanTail[] = {
    -0x1.55553e0000000p-2f,
    0x1.9991fc0000000p-3f,
    -0x1.24219c0000000p-3f,
    0x1.c098de0000000p-4f,
    -0x1.5830f20000000p-4f,
    0x1.dabc640000000p-5f,
    -0x1.feb45c0000000p-6f,
    0x1.6585000000000p-7f,
    -0x1.d5f06a0000000p-10f};

/// (sinh(x) - x) / x^3 as a polynomial in x^2.
/// Largest error 2^-34.2.
inline constexpr float sinhTail[] = {
    0x1.5555560000000p-3f,
    0x1.1111360000000p-7f,
    0x1.9ffe900000000p-13f,
    0x1.7a161e0000000p-19f};

/// (tanh(x) - x) / x^3 as a polynomial in x^2.
/// Largest error 2^-28.4.
inline constexpr float tanhTail[] = {
    -0x1.55553e0000000p-2f,
    0x1.1109ac0000000p-3f,
    -0x1.b8988a0000000p-5f,
    0x1.54b62a0000000p-6f,
    -0x1.824bda0000000p-8f};

/// erf(x) / x - 1 as a polynomial in x^2, |x| <= 1.
/// Largest error 2^-29.6.
inline constexpr float erfSmall[] = {
    0x1.06eba80000000p-3f,
    -0x1.81273e0000000p-2f,
    0x1.ce2cf60000000p-4f,
    -0x1.b7f9080000000p-6f,
    0x1.5405880000000p-8f,
    -0x1.a3f5c00000000p-11f,
    0x1.4966980000000p-14f};

/// ln(erfc(x)) / x for 1 <= x <= 4.
/// Largest error 2^-33.0.
inline constexpr float erfLarge[] = {
    -0x1.20ebe60000000p+0f,
    -0x1.4554820000000p-1f,
    -0x1.b0d18a0000000p-4f,
    0x1.7a535c0000000p-6f,
    -0x1.a109520000000p-9f,
    0x1.22c6d40000000p-13f,
    0x1.dd5eac0000000p-16f,
    -0x1.dd9aa60000000p-19f};

/// The bits of 2 / pi after the point, 64 zero bits first.
inline constexpr uint32_t twoOverPiBits[] = {
    0x0u, 0x0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe600000u};

} // namespace sluice::math_expansion

#endif // SLUICE_LIB_CODEGEN_CPU_MATH_COEFFICIENTS_H
