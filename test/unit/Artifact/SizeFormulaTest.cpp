//===- SizeFormulaTest.cpp - The normal form of formulas of sizes --------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/Artifact/SizeFormula.h"

#include <gtest/gtest.h>

#include <cstdint>

using sluice::SizeFormula;

namespace {

SizeFormula n(int64_t value) { return SizeFormula::number(value); }

const SizeFormula a = SizeFormula::inputSize(0, 0);
const SizeFormula b = SizeFormula::inputSize(0, 1);

SizeFormula plus(const SizeFormula &lhs, const SizeFormula &rhs) {
  return SizeFormula::add(lhs, rhs);
}
SizeFormula minus(const SizeFormula &lhs, const SizeFormula &rhs) {
  return SizeFormula::add(lhs, SizeFormula::multiply(rhs, n(-1)));
}
SizeFormula times(const SizeFormula &lhs, const SizeFormula &rhs) {
  return SizeFormula::multiply(lhs, rhs);
}
SizeFormula over(const SizeFormula &lhs, const SizeFormula &rhs) {
  return SizeFormula::divide(lhs, rhs);
}

std::string text(const SizeFormula &formula, bool asFactor = false) {
  SizeFormula::Spelling spelling;
  spelling.inputSize = [](unsigned, unsigned dimension) {
    return std::string(dimension == 0 ? "a" : "b");
  };
  return formula.print(spelling, asFactor);
}

} // namespace

TEST(SizeFormula, SumsCollectTerms) {
  EXPECT_EQ(text(plus(a, a)), "2 * a");
  EXPECT_EQ(text(minus(plus(a, b), a)), "b");
  EXPECT_EQ(text(minus(a, a)), "0");
  EXPECT_EQ(text(minus(plus(a, n(6)), n(7))), "a - 1");
  EXPECT_EQ(text(minus(n(5), times(a, n(2)))), "-2 * a + 5");
  EXPECT_EQ(text(plus(b, minus(n(1), a))), "b - a + 1");
  EXPECT_EQ(text(plus(a, n(1)), /*asFactor=*/true), "(a + 1)");
}

TEST(SizeFormula, ProductsHaveOneOrder) {
  EXPECT_EQ(text(times(b, a)), "a * b");
  EXPECT_EQ(times(b, a), times(a, b));
  EXPECT_EQ(text(plus(times(a, b), times(b, times(a, n(3))))), "4 * a * b");
  EXPECT_EQ(text(times(plus(a, n(1)), n(2))), "2 * a + 2");
  EXPECT_EQ(text(times(plus(a, n(1)), b)), "(a + 1) * b");
}

TEST(SizeFormula, DivisionIsExactWhereItCanBe) {
  EXPECT_EQ(text(over(times(a, n(6)), n(3))), "2 * a");
  EXPECT_EQ(text(over(plus(a, n(6)), n(1))), "a + 6");
  EXPECT_EQ(text(over(plus(a, n(1)), n(2))), "(a + 1) / 2");
  EXPECT_EQ(text(over(over(plus(a, n(1)), n(2)), n(2))), "(a + 1) / 4");
  EXPECT_EQ(text(over(times(a, times(b, n(3))), n(2))), "3 * a * b / 2");
  EXPECT_EQ(text(times(n(2), over(a, n(2)))), "2 * (a / 2)");
  EXPECT_EQ(text(SizeFormula::remainder(a, n(2))), "a % 2");
  // What could be a division by zero is no formula.
  EXPECT_FALSE(over(a, b).isKnown());
  EXPECT_FALSE(over(a, n(0)).isKnown());
  EXPECT_EQ(text(over(a, SizeFormula::maximum(b, n(1)))), "a / max(b, 1)");
}

TEST(SizeFormula, BoundsAreFolded) {
  EXPECT_EQ(text(SizeFormula::maximum(plus(a, n(1)), n(0))), "a + 1");
  EXPECT_EQ(text(SizeFormula::maximum(minus(a, n(1)), n(0))), "max(a - 1, 0)");
  EXPECT_EQ(text(SizeFormula::maximum(
                minus(SizeFormula::maximum(minus(a, n(2)), n(0)), n(1)), n(0))),
            "max(a - 3, 0)");
  EXPECT_EQ(text(SizeFormula::minimum(plus(a, b), a)), "a");
  EXPECT_EQ(text(SizeFormula::minimum(a, n(512))), "min(a, 512)");
}

TEST(SizeFormula, ChoicesAreMadeWhereTheyCanBe) {
  using Comparison = SizeFormula::Comparison;
  auto choose = [](Comparison comparison, const SizeFormula &lhs,
                   const SizeFormula &rhs) {
    return text(SizeFormula::select(comparison, lhs, rhs, a, b));
  };
  EXPECT_EQ(choose(Comparison::Equal, a, n(1)), "(a == 1 ? a : b)");
  EXPECT_EQ(choose(Comparison::Equal, a, plus(a, n(1))), "b");
  EXPECT_EQ(choose(Comparison::NotEqual, a, a), "b");
  EXPECT_EQ(choose(Comparison::Less, a, plus(a, plus(b, n(1)))), "a");
  EXPECT_EQ(choose(Comparison::Less, plus(a, b), a), "b");
  EXPECT_EQ(choose(Comparison::LessEqual, a, plus(a, b)), "a");
  EXPECT_EQ(choose(Comparison::LessEqual, a, b), "(a <= b ? a : b)");
  EXPECT_EQ(text(SizeFormula::select(Comparison::Less, a, b, a, a)), "a");
}

TEST(SizeFormula, WhatIsTooLongOrTooLargeIsUnknown) {
  EXPECT_FALSE(SizeFormula().isKnown());
  EXPECT_FALSE(plus(SizeFormula(), n(1)).isKnown());
  EXPECT_FALSE(times(times(a, n(INT64_MAX)), n(2)).isKnown());
  EXPECT_FALSE(plus(n(INT64_MAX), n(1)).isKnown());
  EXPECT_FALSE(n(INT64_MIN).isKnown());
  SizeFormula sum = a;
  for (int i = 0; i < 1000; ++i)
    sum = SizeFormula::maximum(over(plus(sum, b), n(3)), minus(sum, n(i)));
  EXPECT_FALSE(sum.isKnown());
  EXPECT_EQ(text(sum), "");
}
