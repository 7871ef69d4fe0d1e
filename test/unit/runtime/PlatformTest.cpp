//===- PlatformTest.cpp - CPU quotas, features and memory ----------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/sluice.h"

extern "C" {
#include "cpu_features.h"
#include "memory.h"
#include "platform.h"
}

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace fs = std::filesystem;

namespace {

/// A folder that stands for the root of the file system.
class CgroupTest : public testing::Test {
protected:
  void SetUp() override {
    root = fs::path(testing::TempDir()) /
           testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root);
  }
  void TearDown() override { fs::remove_all(root); }

  void write(const std::string &path, const std::string &text) {
    fs::create_directories(
        (root.string() + path).substr(0, (root.string() + path).rfind('/')));
    std::ofstream(root.string() + path) << text;
  }
  int32_t cores() { return sluice_cgroup_cores(root.c_str()); }

  fs::path root;
};

} // namespace

TEST(Platform, QuotasRoundUp) {
  EXPECT_EQ(sluice_quota_cores(100000, 100000), 1);
  EXPECT_EQ(sluice_quota_cores(150000, 100000), 2);
  EXPECT_EQ(sluice_quota_cores(1000, 100000), 1);
  EXPECT_EQ(sluice_quota_cores(-1, 100000), 0);
  EXPECT_EQ(sluice_quota_cores(100000, 0), 0);
}

TEST(Platform, ThereIsAtLeastOneCore) { EXPECT_GE(sluice_usable_cores(), 1); }

TEST_F(CgroupTest, NoCgroupsMeansNoLimit) { EXPECT_EQ(cores(), 0); }

TEST_F(CgroupTest, VersionTwo) {
  write("/proc/self/cgroup", "0::/pod/box\n");
  write("/sys/fs/cgroup/pod/box/cpu.max", "max 100000\n");
  EXPECT_EQ(cores(), 0);
  write("/sys/fs/cgroup/pod/cpu.max", "350000 100000\n");
  EXPECT_EQ(cores(), 4);
  write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(cores(), 2);
}

TEST_F(CgroupTest, VersionTwoInsideAContainer) {
  // The path is the host's and does not exist in the container.
  write("/proc/self/cgroup", "0::/kubepods/burstable/pod1234\n");
  write("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(cores(), 1);
}

TEST_F(CgroupTest, VersionOne) {
  write("/proc/self/cgroup", "5:memory:/\n4:cpu,cpuacct:/box\n0::/\n");
  write("/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us", "300000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cores(), 3);
}

TEST_F(CgroupTest, OtherControllersDoNotCount) {
  write("/proc/self/cgroup", "4:cpuset:/box\n");
  write("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "300000\n");
  write("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores(), 0);
}

TEST_F(CgroupTest, NonsenseIsNoLimit) {
  write("/proc/self/cgroup", "what\n::\n0::/box");
  write("/sys/fs/cgroup/box/cpu.max", "many\n");
  EXPECT_EQ(cores(), 0);
}

TEST(CpuFeatures, BaselineIsThere) {
  sluice_cpu_answers answers = {};
#if defined(__x86_64__)
  EXPECT_EQ(sluice_cpu_feature(&answers, "sse2", 4), SLUICE_FEATURE_PRESENT);
  EXPECT_EQ(sluice_cpu_feature(&answers, "avx", 3) == SLUICE_FEATURE_PRESENT,
            __builtin_cpu_supports("avx") != 0);
  EXPECT_EQ(sluice_cpu_feature(&answers, "avx2", 4) == SLUICE_FEATURE_PRESENT,
            __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(sluice_cpu_feature(&answers, "fma", 3) == SLUICE_FEATURE_PRESENT,
            __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(sluice_cpu_feature(&answers, "avx512f", 7) ==
                SLUICE_FEATURE_PRESENT,
            __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(sluice_cpu_feature(&answers, "avx512vnni", 10) ==
                SLUICE_FEATURE_PRESENT,
            __builtin_cpu_supports("avx512vnni") != 0);
#else
  EXPECT_EQ(sluice_cpu_feature(&answers, "neon", 4), SLUICE_FEATURE_PRESENT);
#endif
  EXPECT_EQ(sluice_cpu_feature(&answers, "warp-drive", 10),
            SLUICE_FEATURE_UNKNOWN);
}

TEST(CpuFeatures, MessagesNameWhatIsMissing) {
  sluice_error error;
  EXPECT_EQ(sluice_check_features("m", "", "c", &error), SLUICE_OK);
  EXPECT_EQ(sluice_check_features("m", nullptr, "c", &error), SLUICE_OK);
  EXPECT_EQ(sluice_check_features("m", "-warp-drive", "c", &error), SLUICE_OK);
  EXPECT_EQ(sluice_check_features("net", "+warp-drive,,tea", "c7", &error),
            SLUICE_UNSUPPORTED_ISA);
  EXPECT_STREQ(error.message,
               "model 'net' was compiled for CPU 'c7' and needs warp-drive, "
               "tea, which this runtime cannot check");
}

TEST(CpuFeatures, LongListsAreCut) {
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += "feature" + std::to_string(i) + ",";
  sluice_error error;
  EXPECT_EQ(sluice_check_features("m", many.c_str(), "c", &error),
            SLUICE_UNSUPPORTED_ISA);
  EXPECT_NE(std::strstr(error.message, ", ..."), nullptr) << error.message;
}

TEST(Memory, BuffersOnlyGrow) {
  sluice_buffer buffer = {nullptr, 0, false};
  ASSERT_TRUE(sluice_buffer_reserve(&buffer, 0));
  EXPECT_NE(buffer.data, nullptr);
  for (size_t size : {1ul, 100ul, 300000ul, 5000000ul}) {
    ASSERT_TRUE(sluice_buffer_reserve(&buffer, size));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data) % 64, 0u);
    std::memset(buffer.data, 1, size);
  }
  void *data = buffer.data;
  ASSERT_TRUE(sluice_buffer_reserve(&buffer, 10));
  EXPECT_EQ(buffer.data, data);
  EXPECT_FALSE(sluice_buffer_reserve(&buffer, SIZE_MAX));
  EXPECT_FALSE(sluice_buffer_reserve(&buffer, SIZE_MAX / 2));
  EXPECT_EQ(buffer.data, nullptr);
  sluice_buffer_free(&buffer);
}

TEST(Memory, HugePagesAreFilledWhereLittleIsWasted) {
  constexpr size_t mega = 1 << 20;
  for (auto [size, capacity] : {std::pair<size_t, size_t>{6 * mega, 6 * mega},
                                {5 * mega + 1, 6 * mega},
                                {2 * mega + 1, 2 * mega + 4096},
                                {mega + 1, mega + 4096}}) {
    sluice_buffer buffer = {nullptr, 0, false};
    ASSERT_TRUE(sluice_buffer_reserve(&buffer, size));
    EXPECT_EQ(buffer.capacity, capacity);
    std::memset(buffer.data, 1, buffer.capacity);
    sluice_buffer_free(&buffer);
  }
}

TEST(Memory, RecyclerReusesAndForgets) {
  sluice_recycler recycler;
  sluice_recycler_init(&recycler);
  void *first = sluice_recycler_allocate(&recycler, 1000);
  void *second = sluice_recycler_allocate(&recycler, 1000);
  EXPECT_NE(first, second);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0u);
  sluice_recycler_reset(&recycler);
  void *again = sluice_recycler_allocate(&recycler, 900);
  EXPECT_TRUE(again == first || again == second);
  EXPECT_EQ(sluice_recycler_allocate(&recycler, SIZE_MAX / 2), nullptr);
  sluice_recycler_destroy(&recycler);
}
