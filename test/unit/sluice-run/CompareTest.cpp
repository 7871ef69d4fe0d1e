//===- CompareTest.cpp - Comparisons, made-up inputs and statistics ------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Compare.h"
#include "Inputs.h"
#include "Random.h"
#include "Report.h"
#include "Timing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace sluice::run;

namespace {

Tensor floats(std::vector<float> values) {
  Tensor tensor;
  tensor.name = "y";
  tensor.dtype = SLUICE_DTYPE_F32;
  tensor.dims = {int64_t(values.size())};
  tensor.data.resize(values.size() * sizeof(float));
  std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

Tensor longs(std::vector<int64_t> values) {
  Tensor tensor;
  tensor.dtype = SLUICE_DTYPE_I64;
  tensor.dims = {int64_t(values.size())};
  tensor.data.resize(values.size() * sizeof(int64_t));
  std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

} // namespace

TEST(Compare, LikeNumpyAllclose) {
  Tolerance tolerance = {1e-3, 1e-4};
  EXPECT_TRUE(compare(floats({1, 1000}), floats({1.001f, 1000.9f}), tolerance)
                  .matches());
  Comparison off = compare(floats({1, 5, 2}), floats({1, 2, 2.1f}), tolerance);
  EXPECT_EQ(off.mismatches, 2);
  EXPECT_EQ(off.worst, 1);
  EXPECT_EQ(off.maxAbsolute, 3);
  EXPECT_EQ(off.maxRelative, 1.5);
  EXPECT_NE(describe(off, floats({1, 5, 2}), floats({1, 2, 2.1f}))
                .find("worst at [1]: got 5, expected 2"),
            std::string::npos);
}

TEST(Compare, SpecialValues) {
  Tolerance tolerance = {1e-3, 1e-4};
  EXPECT_TRUE(compare(floats({NAN, INFINITY, -INFINITY}),
                      floats({NAN, INFINITY, -INFINITY}), tolerance)
                  .matches());
  EXPECT_FALSE(compare(floats({1}), floats({NAN}), tolerance).matches());
  EXPECT_FALSE(compare(floats({NAN}), floats({1}), tolerance).matches());
  EXPECT_FALSE(
      compare(floats({INFINITY}), floats({-INFINITY}), tolerance).matches());
  EXPECT_FALSE(
      compare(floats({1e30f}), floats({INFINITY}), tolerance).matches());
}

TEST(Compare, IntegersAreExact) {
  Tolerance tolerance = {0.5, 0};
  int64_t large = int64_t(1) << 60;
  EXPECT_TRUE(compare(longs({large}), longs({large}), tolerance).matches());
  EXPECT_FALSE(
      compare(longs({large + 1}), longs({large}), tolerance).matches());
  EXPECT_FALSE(
      compare(longs({INT64_MAX}), longs({INT64_MIN}), tolerance).matches());
  EXPECT_TRUE(compare(longs({4}), longs({5}), {0, 1}).matches());
}

TEST(Compare, ShapesAndKindsMustAgree) {
  EXPECT_FALSE(compare(floats({1}), floats({1, 2}), {1, 1}).matches());
  EXPECT_FALSE(compare(floats({1}), longs({1}), {1, 1}).matches());
  EXPECT_EQ(compare(floats({1}), longs({1}), {1, 1}).incompatible,
            "got f32[1], expected i64[1]");
}

TEST(Random, IsReproducibleAndInRange) {
  Tensor tensor = floats(std::vector<float>(1000));
  Random(7).fill(tensor, 0, 1);
  Tensor again = tensor;
  Random(7).fill(again, 0, 1);
  EXPECT_EQ(tensor.data, again.data);
  Random(8).fill(again, 0, 1);
  EXPECT_NE(tensor.data, again.data);
  for (sluice_dtype dtype : {SLUICE_DTYPE_F32, SLUICE_DTYPE_F16,
                             SLUICE_DTYPE_BF16, SLUICE_DTYPE_F64}) {
    tensor.dtype = dtype;
    Random(1).fill(tensor, 0, 1);
    double sum = 0;
    for (int64_t i = 0; i < 1000; ++i) {
      EXPECT_GE(tensor.real(i), -1);
      EXPECT_LE(tensor.real(i), 1);
      sum += tensor.real(i);
    }
    EXPECT_LT(std::fabs(sum / 1000), 0.1);
  }
  tensor.dtype = SLUICE_DTYPE_I64;
  Random(1).fill(tensor, 3, 5);
  for (int64_t i = 0; i < 1000; ++i) {
    EXPECT_GE(tensor.integer(i), 3);
    EXPECT_LE(tensor.integer(i), 5);
  }
}

TEST(Random, FillsWithOneValue) {
  Tensor tensor;
  tensor.dims = {3};
  for (sluice_dtype dtype : {SLUICE_DTYPE_F32, SLUICE_DTYPE_F16,
                             SLUICE_DTYPE_BF16, SLUICE_DTYPE_F64}) {
    tensor.dtype = dtype;
    fillWith(tensor, -0.75);
    EXPECT_EQ(tensor.real(2), -0.75);
  }
  for (sluice_dtype dtype : {SLUICE_DTYPE_I8, SLUICE_DTYPE_U16,
                             SLUICE_DTYPE_I32, SLUICE_DTYPE_I64}) {
    tensor.dtype = dtype;
    fillWith(tensor, 100);
    EXPECT_EQ(tensor.integer(1), 100);
  }
}

TEST(Tensor, BFloat16RoundsToNearestEven) {
  // 1 + 2^-8 lies between 1 and 1 + 2^-7; 1 + 3 * 2^-8 between two others.
  Tensor wide = floats({1.00390625f, 1.01171875f, NAN, INFINITY, -1.5f});
  Tensor narrow = wide;
  narrow.dtype = SLUICE_DTYPE_BF16;
  narrow.data = narrowToBFloat16(wide.data);
  EXPECT_EQ(narrow.real(0), 1);
  EXPECT_EQ(narrow.real(1), 1.015625);
  EXPECT_TRUE(std::isnan(narrow.real(2)));
  EXPECT_TRUE(std::isinf(narrow.real(3)));
  wide.data = widenFromBFloat16(narrow.data);
  EXPECT_EQ(wide.real(4), -1.5);
}

TEST(Tensor, HalvesAreExact) {
  // The smallest and the largest subnormal, the smallest and the largest
  // normal value, and infinity.
  const uint16_t bits[] = {0x0001, 0x03ff, 0x0400, 0x7bff, 0xfc00};
  Tensor tensor;
  tensor.dtype = SLUICE_DTYPE_F16;
  tensor.dims = {5};
  tensor.data.resize(sizeof bits);
  std::memcpy(tensor.data.data(), bits, sizeof bits);
  EXPECT_EQ(tensor.real(0), 0x1p-24);
  EXPECT_EQ(tensor.real(1), 0x1p-14 - 0x1p-24);
  EXPECT_EQ(tensor.real(2), 0x1p-14);
  EXPECT_EQ(tensor.real(3), 65504);
  EXPECT_EQ(tensor.real(4), -INFINITY);
}

TEST(Timing, PercentilesAreNearestRanks) {
  std::vector<int64_t> times;
  for (int64_t i = 100; i >= 1; --i)
    times.push_back(i * 1000000);
  LatencySummary summary = summarise(times);
  EXPECT_DOUBLE_EQ(summary.minimum, 1);
  EXPECT_DOUBLE_EQ(summary.median, 50);
  EXPECT_DOUBLE_EQ(summary.p90, 90);
  EXPECT_DOUBLE_EQ(summary.p99, 99);
  EXPECT_DOUBLE_EQ(summary.maximum, 100);
  EXPECT_DOUBLE_EQ(summary.mean, 50.5);
  EXPECT_EQ(summarise(std::vector<int64_t>()).median, 0);
}

TEST(Inputs, NamesMatchOrCount) {
  std::vector<std::string> names = {"a", "input_0"};
  Tensor tensor;
  tensor.name = "input_1";
  EXPECT_EQ(matchTensor(tensor, "input_", names), 1);
  tensor.name = "input_0"; // a name goes before a number
  EXPECT_EQ(matchTensor(tensor, "input_", names), 1);
  tensor.name = "input_2";
  EXPECT_EQ(matchTensor(tensor, "input_", names), -1);
  tensor.name = "other";
  EXPECT_EQ(matchTensor(tensor, "input_", names), -1);
}

TEST(Inputs, AssignmentsSplitAtTheLastSign) {
  std::string name, value;
  EXPECT_TRUE(splitAssignment("x=a.npy", name, value));
  EXPECT_EQ(name + "|" + value, "x|a.npy");
  EXPECT_TRUE(splitAssignment("a=b=3", name, value));
  EXPECT_EQ(name + "|" + value, "a=b|3");
  EXPECT_FALSE(splitAssignment("=3", name, value));
  EXPECT_FALSE(splitAssignment("x", name, value));
}

TEST(Report, TensorsAreNested) {
  Tensor tensor = floats({1, 2, 3, 4});
  tensor.dims = {2, 2};
  EXPECT_EQ(formatTensor(tensor), "y: f32[2,2]\n[[1, 2],\n [3, 4]]\n");
  EXPECT_EQ(summarise(floats({1, 2, NAN})),
            "output 'y' f32[3]: min 1, max 2, mean 1.5: 1 NaN; 1 2 nan");
  EXPECT_EQ(summarise(floats({})), "output 'y' f32[0]: empty");
}
