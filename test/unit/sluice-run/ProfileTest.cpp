//===- ProfileTest.cpp - What a profile says of its kernels --------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Profile.h"
#include "sluice/artifact_abi.h"

#include <gtest/gtest.h>

using namespace sluice::run;

/// The profile of one kernel that takes a millisecond, on a machine that does
/// 100 GFLOP/s and reads 10 GB/s.
static std::string profileOf(double flops, double bytes) {
  sluice_kernel_info kernel = {"k", "map", "node", flops, bytes};
  sluice_model_descriptor descriptor = {};
  descriptor.magic = SLUICE_ABI_MAGIC;
  descriptor.abi_version = SLUICE_ABI_VERSION;
  descriptor.descriptor_size = sizeof descriptor;
  descriptor.name = descriptor.compiler = descriptor.target_triple =
      descriptor.target_cpu = descriptor.isa_features = "";
  descriptor.kernel_count = 1;
  descriptor.kernels = &kernel;
  descriptor.run = [](sluice_frame *) { return 0; };
  sluice_model *model = nullptr;
  sluice_error error;
  EXPECT_EQ(sluice_model_from_descriptor(&descriptor, nullptr, &model, &error),
            SLUICE_OK)
      << error.message;
  std::string table = formatProfile(model, {{0, 1, 1.0}}, {100, 10});
  sluice_model_release(model);
  return table;
}

static bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

TEST(Profile, SharesOfThePeak) {
  std::string table = profileOf(50e6, 2.5e6);
  EXPECT_TRUE(contains(table, "50.0  50.0%      2.5  25.0%  k (node)"))
      << table;
  EXPECT_FALSE(contains(table, "wrong")) << table;
  EXPECT_FALSE(contains(table, "cache")) << table;
}

TEST(Profile, MoreArithmeticThanThePeakIsAWrongPeak) {
  std::string table = profileOf(106e6, 2.5e6);
  EXPECT_TRUE(contains(table, "106.0  wrong      2.5  25.0%")) << table;
  EXPECT_TRUE(contains(table, "Measure again")) << table;
  EXPECT_FALSE(contains(profileOf(104e6, 2.5e6), "wrong"));
}

TEST(Profile, MoreBytesThanMemoryGivesComeFromCaches) {
  std::string table = profileOf(50e6, 20e6);
  EXPECT_TRUE(contains(table, "20.0  cache  k (node)")) << table;
  EXPECT_TRUE(contains(table, "in the caches")) << table;
}

TEST(Profile, UnknownWork) {
  std::string table = profileOf(-1, -1);
  EXPECT_TRUE(contains(table, "-      -        -      -  k (node)")) << table;
  EXPECT_TRUE(contains(table, "are not known")) << table;
}

TEST(Profile, PeakOfThisMachine) {
  PeakProbe one(1), two(2);
  EXPECT_EQ(one.peak().gigaflops, 0);
  one.sampleArithmetic();
  one.sampleMemory();
  two.sampleArithmetic();
  // Any machine does more than that, however busy.
  EXPECT_GT(one.peak().gigaflops, 0.01);
  EXPECT_GT(one.peak().gigabytes, 0.001);
  EXPECT_GT(two.peak().gigaflops, 0.01);
}
