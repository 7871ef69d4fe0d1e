#!/usr/bin/env python3
"""Computes the polynomials of lib/Codegen/CPU/Math/Coefficients.h.

    pip install mpmath
    scripts/minimax.py > lib/Codegen/CPU/Math/Coefficients.h

Each polynomial is the one of its degree with the smallest largest weighted
error over its interval (Remez' exchange algorithm, in 60 digits), rounded to
the type it is evaluated in.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import struct
import sys

from mpmath import mp, mpf

mp.dps = 60


def chebyshev_points(count, low, high):
    middle, half = (low + high) / 2, (high - low) / 2
    return sorted(
        middle + half * mp.cos(mp.pi * k / (count - 1)) for k in range(count)
    )


def evaluate(coefficients, x):
    value = mpf(0)
    for coefficient in reversed(coefficients):
        value = value * x + coefficient
    return value


def minimax(function, weight, degree, low, high):
    """Coefficients, lowest first, and the largest weighted error."""
    low, high = mpf(low), mpf(high)
    points = chebyshev_points(degree + 2, low, high)
    grid = chebyshev_points(60 * (degree + 2), low, high)
    targets = [function(x) for x in grid]
    weights = [weight(x) for x in grid]
    for _ in range(30):
        matrix = mp.matrix(degree + 2, degree + 2)
        right = mp.matrix(degree + 2, 1)
        for row, x in enumerate(points):
            for column in range(degree + 1):
                matrix[row, column] = x**column
            matrix[row, degree + 1] = (-1) ** row / weight(x)
            right[row] = function(x)
        solution = mp.lu_solve(matrix, right)
        coefficients = [solution[i] for i in range(degree + 1)]
        level = abs(solution[degree + 1])
        errors = [
            w * (evaluate(coefficients, x) - target)
            for x, target, w in zip(grid, targets, weights)
        ]
        points, largest = exchange(grid, errors, degree + 2)
        if largest <= level * mpf("1.001"):
            break
    return coefficients, largest


def exchange(grid, errors, count):
    """The extreme of each run of equal sign; the best `count` in a row."""
    extremes = []
    for x, error in zip(grid, errors):
        if extremes and (extremes[-1][1] > 0) == (error > 0):
            if abs(error) > abs(extremes[-1][1]):
                extremes[-1] = (x, error)
        else:
            extremes.append((x, error))
    while len(extremes) > count:
        if abs(extremes[0][1]) < abs(extremes[-1][1]):
            extremes.pop(0)
        else:
            extremes.pop()
    return [x for x, _ in extremes], max(abs(error) for _, error in extremes)


def to_f32(value):
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def print_polynomial(name, comment, function, weight, degree, interval, double=False):
    coefficients, error = minimax(function, weight, degree, *interval)
    kind, suffix = ("double", "") if double else ("float", "f")
    print(f"/// {comment}")
    print(f"/// Largest error 2^{float(mp.log(error, 2)):.1f}.")
    print(f"inline constexpr {kind} {name}[] = {{")
    lines = []
    for coefficient in coefficients:
        rounded = float(coefficient) if double else to_f32(coefficient)
        lines.append(f"    {rounded.hex()}{suffix}")
    print(",\n".join(lines) + "};\n")


def print_parts(name, value, bits, count):
    """A constant as a sum of floats, all but the last of `bits` bits."""
    print(f"inline constexpr float {name}[] = {{")
    parts, rest = [], value
    for index in range(count):
        part = to_f32(rest)
        if index + 1 < count and bits < 24:
            unit = mpf(2) ** (mp.floor(mp.log(abs(rest), 2)) - bits + 1)
            part = to_f32(mp.nint(rest / unit) * unit)
        parts.append(f"    {part.hex()}f")
        rest -= mpf(part)
    print(",\n".join(parts) + "};\n")


def at_zero(function, limit):
    """`function` with its limit at a removable singularity."""
    return lambda x: limit if x == 0 else function(x)


def print_exponentials():
    half_ln2 = mp.log(2) / 2 * mpf("1.0001")
    print_polynomial(
        "expTail", "(e^x - 1 - x) / x^2 for |x| <= ln(2) / 2.",
        at_zero(lambda x: (mp.expm1(x) - x) / x**2, mpf(1) / 2),
        lambda x: x**2 + mpf(2) ** -40, 4, (-half_ln2, half_ln2))
    print_polynomial(
        "exp2Tail", "(2^x - 1) / x for |x| <= 1/2.",
        at_zero(lambda x: mp.expm1(x * mp.log(2)) / x, mp.log(2)),
        lambda x: abs(x) + mpf(2) ** -40, 5, (mpf("-0.5001"), mpf("0.5001")))
    print_polynomial(
        "exp2Double", "2^x for |x| <= 1/2.", lambda x: mpf(2) ** x,
        lambda x: mpf(2) ** -x, 7, (mpf("-0.5001"), mpf("0.5001")), double=True)


def print_logarithms():
    low, high = mp.sqrt(mpf(1) / 2) - 1, mp.sqrt(2) - 1
    print_polynomial(
        "logTail", "(ln(1 + x) - x + x^2 / 2) / x^3 around zero.",
        at_zero(lambda x: (mp.log1p(x) - x + x**2 / 2) / x**3, mpf(1) / 3),
        lambda x: abs(x**3 / mp.log1p(x)) if x else mpf(2) ** -40,
        8, (low * mpf("1.0001"), high * mpf("1.0001")))
    edge = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)
    print_polynomial(
        "log2Tail",
        "log2((1 + x) / (1 - x)) / x as a polynomial in x^2, |x| <= 0.1716.",
        at_zero(lambda z: mp.log((1 + mp.sqrt(z)) / (1 - mp.sqrt(z)), 2)
                / mp.sqrt(z), 2 / mp.log(2)),
        lambda z: mpf(1), 5, (mpf(0), edge**2 * mpf("1.001")), double=True)


def odd_tail(function, third):
    """(f(x) - x) / x^3 as a function of x^2."""
    return at_zero(
        lambda z: (function(mp.sqrt(z)) - mp.sqrt(z)) / mp.sqrt(z) ** 3, third)


def odd_weight(function):
    return at_zero(
        lambda z: mp.sqrt(z) ** 3 / function(mp.sqrt(z)), mpf(2) ** -40)


def print_odd(name, text, function, third, degree, edge):
    print_polynomial(
        name, f"({text} - x) / x^3 as a polynomial in x^2.",
        odd_tail(function, third), odd_weight(function), degree,
        (mpf(0), mpf(edge) ** 2))


def print_circular():
    edge = mp.pi / 4 * mpf("1.0001")
    print_odd("sinTail", "sin(x)", mp.sin, mpf(-1) / 6, 2, edge)
    print_polynomial(
        "cosTail", "(cos(x) - 1 + x^2 / 2) / x^4 as a polynomial in x^2.",
        at_zero(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, mpf(1) / 24),
        lambda z: z**2 + mpf(2) ** -40, 2, (mpf(0), edge**2))
    print_odd("tanTail", "tan(x)", mp.tan, mpf(1) / 3, 6, edge)
    print_odd("asinTail", "asin(x)", mp.asin, mpf(1) / 6, 5, "0.5001")
    print_odd("atanTail", "atan(x)", mp.atan, mpf(-1) / 3, 8, "1.0001")


def print_hyperbolic():
    print_odd("sinhTail", "sinh(x)", mp.sinh, mpf(1) / 6, 3, "1.0001")
    print_odd("tanhTail", "tanh(x)", mp.tanh, mpf(-1) / 3, 4, "0.6001")


def print_error_function():
    scale = 2 / mp.sqrt(mp.pi)
    print_polynomial(
        "erfSmall", "erf(x) / x - 1 as a polynomial in x^2, |x| <= 1.",
        at_zero(lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, scale - 1),
        at_zero(lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)), 1 / scale),
        6, (mpf(0), mpf("1.0001")))
    print_polynomial(
        "erfLarge", "ln(erfc(x)) / x for 1 <= x <= 4.",
        lambda x: mp.log(mp.erfc(x)) / x, lambda x: x * mp.erfc(x),
        7, (mpf("0.9999"), mpf(4)))


def print_two_over_pi():
    """The bits after the point, 32 at a time, after 64 zero bits."""
    print("/// The bits of 2 / pi after the point, 64 zero bits first.")
    print("inline constexpr uint32_t twoOverPiBits[] = {")
    words, rest = ["0x0u", "0x0u"], 2 / mp.pi
    for _ in range(7):
        rest *= 2**32
        words.append(f"0x{int(mp.floor(rest)):08x}u")
        rest -= mp.floor(rest)
    print("    " + ", ".join(words) + "};\n")


def main():
    print("//===- Coefficients.h - Polynomials of the elementary functions ---------===//")
    print("//")
    print("// Part of Sluice, under the Apache License v2.0. See LICENSE.")
    print("//")
    print("//===----------------------------------------------------------------------===//")
    print("//")
    print("// Computed by scripts/minimax.py; do not edit. Lowest power first.")
    print("//")
    print("//===----------------------------------------------------------------------===//")
    print("#ifndef SLUICE_LIB_CODEGEN_CPU_MATH_COEFFICIENTS_H")
    print("#define SLUICE_LIB_CODEGEN_CPU_MATH_COEFFICIENTS_H\n")
    print("#include <cstdint>\n")
    print("// clang-format off\n")
    print("namespace sluice::math_expansion {\n")
    print("/// ln(2) and pi/2 as sums of floats, for reductions with and without FMA.")
    print_parts("ln2Parts", mp.log(2), 15, 2)
    print_parts("piOver2Parts", mp.pi / 2, 24, 3)
    print_parts("log2eParts", 1 / mp.log(2), 24, 2)
    print_parts("log10eParts", 1 / mp.log(10), 24, 2)
    print_parts("log10of2Parts", mp.log(2, 10), 12, 2)
    print_exponentials()
    print_logarithms()
    print_circular()
    print_hyperbolic()
    print_error_function()
    print_two_over_pi()
    print("} // namespace sluice::math_expansion\n")
    print("#endif // SLUICE_LIB_CODEGEN_CPU_MATH_COEFFICIENTS_H")
    return 0


if __name__ == "__main__":
    sys.exit(main())
