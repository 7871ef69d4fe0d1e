//===- ThreadPoolTest.cpp - Fork and join --------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/sluice.h"

extern "C" {
#include "platform.h"
#include "thread_pool.h"
}

#include <gtest/gtest.h>

#include <atomic>
#include <cfenv>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <sched.h>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

/// Owns a pool.
class Pool {
public:
  explicit Pool(int32_t threads, std::vector<int32_t> affinity = {}) {
    sluice_thread_pool_options options = SLUICE_THREAD_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.affinity_count = static_cast<int32_t>(affinity.size());
    options.affinity = affinity.data();
    sluice_error error;
    EXPECT_EQ(sluice_thread_pool_create(&options, &pool, &error), SLUICE_OK)
        << error.message;
  }
  ~Pool() { sluice_thread_pool_destroy(pool); }
  operator sluice_thread_pool *() const { return pool; }

private:
  sluice_thread_pool *pool = nullptr;
};

/// Counts how often each iteration runs.
struct Tally {
  explicit Tally(int64_t count) : visits(count) {}
  static void body(void *closure, int64_t begin, int64_t end) {
    Tally *tally = static_cast<Tally *>(closure);
    for (int64_t i = begin; i < end; ++i)
      tally->visits[i].fetch_add(1, std::memory_order_relaxed);
  }
  bool once() const {
    for (const std::atomic<int> &visit : visits)
      if (visit.load(std::memory_order_relaxed) != 1)
        return false;
    return true;
  }
  std::vector<std::atomic<int>> visits;
};

/// Leaves the calling thread, and those that it makes, one CPU.
class OneCpu {
public:
  OneCpu() {
    if (sched_getaffinity(0, sizeof before, &before) != 0)
      return;
    int first = 0;
    while (first < CPU_SETSIZE && !CPU_ISSET(first, &before))
      ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    changed = sched_setaffinity(0, sizeof one, &one) == 0;
  }
  ~OneCpu() {
    if (changed)
      sched_setaffinity(0, sizeof before, &before);
  }
  bool holds() const { return changed; }

private:
  cpu_set_t before;
  bool changed = false;
};

/// The threads of this process. Those that have ended may stay for a moment.
std::set<std::string> listThreads() {
  std::set<std::string> threads;
  for (const auto &task :
       std::filesystem::directory_iterator("/proc/self/task"))
    threads.insert(task.path().filename().string());
  return threads;
}

// Large enough to be worth waking workers for, whatever the count is.
constexpr double highCost = 1e6;

} // namespace

TEST(LoopShape, SmallLoopsStaySerial) {
  EXPECT_EQ(sluice_shape_loop(100, 10, 8).shares, 1);
  EXPECT_EQ(sluice_shape_loop(1, 1e9, 8).shares, 1);
  EXPECT_EQ(sluice_shape_loop(1000, 1e9, 1).shares, 1);
  EXPECT_EQ(sluice_shape_loop(1000, 0, 8).shares, 1);
  EXPECT_EQ(sluice_shape_loop(1000, -5, 8).shares, 1);
  EXPECT_EQ(sluice_shape_loop(1000, 0.0 / 0.0, 8).shares, 1);
}

TEST(LoopShape, SharesFollowTheWork) {
  EXPECT_EQ(sluice_shape_loop(1000, 8, 8).shares, 3);
  EXPECT_EQ(sluice_shape_loop(1000, 1e6, 8).shares, 8);
  EXPECT_EQ(sluice_shape_loop(3, 1e6, 8).shares, 3);
}

TEST(LoopShape, ChunksAreWorthTaking) {
  sluice_loop_shape shape = sluice_shape_loop(1000000, 1, 4);
  EXPECT_GE(shape.chunk, 2000);
  EXPECT_LE(shape.chunk, 250000);
  shape = sluice_shape_loop(16, 1e6, 4);
  EXPECT_EQ(shape.chunk, 1);
  shape = sluice_shape_loop(INT64_MAX, 1e-15, 4);
  EXPECT_GE(shape.chunk, 1);
}

TEST(ThreadPool, EveryIterationRunsOnce) {
  for (int32_t threads : {1, 2, 3, 8}) {
    Pool pool(threads);
    ASSERT_TRUE(sluice_thread_pool_enter(pool));
    for (int64_t count : {1, 2, 3, 7, 8, 9, 64, 1000}) {
      Tally tally(count);
      sluice_thread_pool_run(pool, Tally::body, &tally, count, highCost);
      EXPECT_TRUE(tally.once()) << threads << " threads, " << count;
    }
    sluice_thread_pool_leave(pool);
  }
}

TEST(ThreadPool, ManyRunsAndLoops) {
  Pool pool(4);
  for (int run = 0; run < 200; ++run) {
    ASSERT_TRUE(sluice_thread_pool_enter(pool));
    for (int loop = 0; loop < 20; ++loop) {
      Tally tally(17 + loop);
      sluice_thread_pool_run(pool, Tally::body, &tally, 17 + loop, highCost);
      ASSERT_TRUE(tally.once()) << run << ", " << loop;
    }
    sluice_thread_pool_leave(pool);
  }
}

TEST(ThreadPool, WorkIsSpreadOverThreads) {
  Pool pool(2);
  ASSERT_TRUE(sluice_thread_pool_enter(pool));
  // The first iterations wait for each other, so they need two threads. The
  // first share's chunk is 1 at this cost.
  struct Meeting {
    std::atomic<int> arrived{0};
    std::atomic<bool> timedOut{false};
  } meeting;
  auto body = [](void *closure, int64_t begin, int64_t end) {
    Meeting *meeting = static_cast<Meeting *>(closure);
    if (begin != 0 && begin != 4)
      return;
    meeting->arrived.fetch_add(1);
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (meeting->arrived.load() < 2) {
      if (std::chrono::steady_clock::now() > deadline) {
        meeting->timedOut.store(true);
        return;
      }
      std::this_thread::yield();
    }
  };
  sluice_thread_pool_run(pool, body, &meeting, 8, highCost);
  EXPECT_FALSE(meeting.timedOut.load());
  sluice_thread_pool_leave(pool);
}

TEST(ThreadPool, OneRunAtATime) {
  Pool pool(2);
  EXPECT_TRUE(sluice_thread_pool_enter(pool));
  EXPECT_FALSE(sluice_thread_pool_enter(pool));
  sluice_thread_pool_leave(pool);
  EXPECT_TRUE(sluice_thread_pool_enter(pool));
  sluice_thread_pool_leave(pool);
}

TEST(ThreadPool, WorkersSleepBetweenRuns) {
  Pool pool(4);
  ASSERT_TRUE(sluice_thread_pool_enter(pool));
  Tally tally(100);
  sluice_thread_pool_run(pool, Tally::body, &tally, 100, highCost);
  sluice_thread_pool_leave(pool);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  double used = double(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used, 0.02);
}

TEST(ThreadPool, WorkersTakeOverRounding) {
  Pool pool(2);
  ASSERT_TRUE(sluice_thread_pool_enter(pool));
  std::fesetround(FE_UPWARD);
  struct Result {
    std::atomic<int> wrong{0};
  } result;
  auto body = [](void *closure, int64_t begin, int64_t end) {
    if (std::fegetround() != FE_UPWARD)
      static_cast<Result *>(closure)->wrong.fetch_add(1);
  };
  for (int i = 0; i < 50; ++i)
    sluice_thread_pool_run(pool, body, &result, 64, highCost);
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(result.wrong.load(), 0);
  sluice_thread_pool_leave(pool);
}

TEST(ThreadPool, AffinityIsATaste) {
  // CPU 0 is there on every machine but perhaps not in our mask, CPU 9999
  // hardly anywhere: either way the loop runs.
  Pool pool(3, {0, 9999});
  ASSERT_TRUE(sluice_thread_pool_enter(pool));
  Tally tally(50);
  sluice_thread_pool_run(pool, Tally::body, &tally, 50, highCost);
  EXPECT_TRUE(tally.once());
  sluice_thread_pool_leave(pool);
}

TEST(ThreadPool, AsManyThreadsAsTheMaskAllows) {
  OneCpu mask;
  if (!mask.holds())
    GTEST_SKIP() << "the affinity mask cannot be changed";
  EXPECT_EQ(sluice_usable_cores(), 1);
  // Sanitizers start a thread of their own with the first.
  std::thread([] {}).join();
  auto threadsOfALoop = [](int32_t wanted) {
    std::set<std::string> before = listThreads();
    Pool pool(wanted);
    EXPECT_TRUE(sluice_thread_pool_enter(pool));
    Tally tally(50);
    sluice_thread_pool_run(pool, Tally::body, &tally, 50, highCost);
    EXPECT_TRUE(tally.once());
    int threads = 1;
    for (const std::string &thread : listThreads())
      threads += before.count(thread) == 0;
    sluice_thread_pool_leave(pool);
    return threads;
  };
  EXPECT_EQ(threadsOfALoop(0), 1);
  // A number that was asked for counts more.
  EXPECT_EQ(threadsOfALoop(3), 3);
}

TEST(ThreadPool, SenselessOptionsAreRefused) {
  sluice_thread_pool *pool = nullptr;
  sluice_error error;
  sluice_thread_pool_options options = SLUICE_THREAD_POOL_OPTIONS_INIT;
  EXPECT_EQ(sluice_thread_pool_create(&options, nullptr, &error),
            SLUICE_INVALID_ARGUMENT);
  options.threads = -1;
  EXPECT_EQ(sluice_thread_pool_create(&options, &pool, &error),
            SLUICE_INVALID_ARGUMENT);
  options.threads = 1;
  options.affinity_count = 1;
  EXPECT_EQ(sluice_thread_pool_create(&options, &pool, &error),
            SLUICE_INVALID_ARGUMENT);
  int32_t negative = -1;
  options.affinity = &negative;
  EXPECT_EQ(sluice_thread_pool_create(&options, &pool, &error),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(pool, nullptr);
  sluice_thread_pool_destroy(nullptr);
}
