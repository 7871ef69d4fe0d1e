//===- MemoryPlanTest.cpp - Tests of places in one workspace --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/MemoryPlan.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <numeric>
#include <random>

using namespace sluice;

namespace {

/// Buffers whose sizes are only known by number.
struct Buffers {
  std::vector<LiveRange> ranges;
  std::vector<unsigned> sizes;
  unsigned numSizes = 0;

  std::vector<int64_t> bytes(const std::vector<int64_t> &bytesOfSizes) const {
    std::vector<int64_t> result;
    for (unsigned size : sizes)
      result.push_back(bytesOfSizes[size]);
    return result;
  }
};

Buffers randomBuffers(std::mt19937 &random, int64_t count, int64_t longest) {
  auto below = [&](int64_t limit) {
    return static_cast<int64_t>(random() % limit);
  };
  Buffers buffers;
  buffers.numSizes = 1 + below(9);
  for (int64_t i = 0; i < count; ++i) {
    int64_t begin = below(2 * count);
    buffers.ranges.push_back({begin, begin + below(longest)});
    buffers.sizes.push_back(below(buffers.numSizes));
  }
  return buffers;
}

std::vector<int64_t> randomBytes(std::mt19937 &random, unsigned count,
                                 int64_t least) {
  std::vector<int64_t> bytes;
  for (unsigned i = 0; i < count; ++i)
    bytes.push_back(least + random() % (random() % 2 ? 10 : 1000));
  return bytes;
}

/// Counts the bytes in use at each time, one time after the other.
int64_t slowMostBytes(const Buffers &buffers,
                      const std::vector<int64_t> &bytes) {
  int64_t most = 0, end = 0;
  for (const LiveRange &range : buffers.ranges)
    end = std::max(end, range.end);
  for (int64_t time = 0; time <= end; ++time) {
    int64_t sum = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
      if (buffers.ranges[i].begin <= time && time <= buffers.ranges[i].end)
        sum += bytes[i];
    most = std::max(most, sum);
  }
  return most;
}

/// No two buffers share a byte at any time, and the total holds them all.
void expectApart(const Buffers &buffers, const std::vector<int64_t> &bytes,
                 const std::vector<int64_t> &offsets, int64_t total) {
  int64_t end = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_GE(offsets[i], 0);
    end = std::max(end, offsets[i] + bytes[i]);
    for (size_t j = 0; j < i; ++j) {
      bool meet = buffers.ranges[i].begin <= buffers.ranges[j].end &&
                  buffers.ranges[j].begin <= buffers.ranges[i].end;
      EXPECT_TRUE(!meet || offsets[i] + bytes[i] <= offsets[j] ||
                  offsets[j] + bytes[j] <= offsets[i])
          << i << " and " << j;
    }
  }
  EXPECT_EQ(total, end);
  EXPECT_GE(total, slowMostBytes(buffers, bytes));
}

std::vector<int64_t> offsetsOf(const StackedPlan &plan,
                               const Placement &placement, size_t count) {
  std::vector<int64_t> offsets;
  for (size_t i = 0; i < count; ++i)
    offsets.push_back(placement.offsets[plan.cellOf(i)]);
  return offsets;
}

TEST(MemoryPlan, NothingNeedsNoMemory) {
  Placement placement = placeBySize({}, {});
  EXPECT_EQ(placement.total, 0);
  EXPECT_EQ(mostBytesInUse({}, {}), 0);
  StackedPlan plan({}, {}, placement);
  EXPECT_TRUE(plan.cells().empty());
  EXPECT_EQ(plan.place({}).total, 0);
}

TEST(MemoryPlan, AChainTakesTwoPlaces) {
  std::vector<LiveRange> ranges;
  std::vector<int64_t> bytes;
  for (int64_t i = 0; i < 1000; ++i) {
    ranges.push_back({i, i + 1});
    bytes.push_back(64);
  }
  Placement placement = placeBySize(ranges, bytes);
  EXPECT_EQ(placement.total, 128);
  StackedPlan plan(ranges, std::vector<unsigned>(1000, 0), placement);
  EXPECT_EQ(plan.cells().size(), 2u);
  EXPECT_EQ(plan.place({int64_t(192)}).total, 384);
}

TEST(MemoryPlan, RandomBuffersStayApartAtAnySizes) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    Buffers buffers =
        randomBuffers(random, 1 + random() % 40, 1 + random() % 30);
    std::vector<int64_t> known = randomBytes(random, buffers.numSizes, 1);
    std::vector<int64_t> bytes = buffers.bytes(known);
    Placement placement = placeBySize(buffers.ranges, bytes);
    expectApart(buffers, bytes, placement.offsets, placement.total);
    EXPECT_EQ(mostBytesInUse(buffers.ranges, bytes),
              slowMostBytes(buffers, bytes));

    StackedPlan plan(buffers.ranges, buffers.sizes, placement);
    size_t pairs = 0;
    for (auto [number, cell] : llvm::enumerate(plan.cells())) {
      pairs += cell.below.size();
      for (unsigned below : cell.below)
        EXPECT_LT(below, number);
    }
    EXPECT_LE(pairs, 3 * bytes.size());
    // Sizes of the run, none at all included.
    for (int other = 0; other < 4; ++other) {
      std::vector<int64_t> actual = randomBytes(random, buffers.numSizes, 0);
      Placement run = plan.place(actual);
      expectApart(buffers, buffers.bytes(actual),
                  offsetsOf(plan, run, bytes.size()), run.total);
    }
    // Nothing is lost where all sizes grow in proportion.
    std::vector<int64_t> larger = known;
    for (int64_t &size : larger)
      size *= 7;
    EXPECT_LE(plan.place(known).total, placement.total);
    EXPECT_EQ(plan.place(larger).total, 7 * plan.place(known).total);
  }
}

/// The lowest place for each buffer, the largest first, found by trying.
std::vector<int64_t> slowPlaces(const std::vector<LiveRange> &ranges,
                                const std::vector<int64_t> &bytes) {
  std::vector<size_t> order(bytes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return bytes[a] > bytes[b]; });
  std::vector<int64_t> offsets(bytes.size());
  for (size_t i = 0; i < order.size(); ++i) {
    size_t buffer = order[i];
    int64_t &offset = offsets[buffer];
    for (bool isFree = false; !isFree;) {
      isFree = true;
      for (size_t j = 0; j < i && isFree; ++j) {
        size_t other = order[j];
        int64_t end = offsets[other] + bytes[other];
        if (ranges[other].overlaps(ranges[buffer]) && end > offset &&
            offsets[other] < offset + bytes[buffer]) {
          offset = end;
          isFree = false;
        }
      }
    }
  }
  return offsets;
}

TEST(MemoryPlan, EachBufferHasTheLowestPlace) {
  std::mt19937 random(11);
  for (int64_t longest : {2, 20, 150, 300})
    for (int round = 0; round < 20; ++round) {
      Buffers buffers = randomBuffers(random, 150, longest);
      // Some live until the end.
      for (LiveRange &range : buffers.ranges)
        if (random() % 3 == 0)
          range.end = 600;
      std::vector<int64_t> bytes =
          buffers.bytes(randomBytes(random, buffers.numSizes, 1));
      EXPECT_EQ(placeBySize(buffers.ranges, bytes).offsets,
                slowPlaces(buffers.ranges, bytes));
    }
}

TEST(MemoryPlan, BuffersThatLiveUntilTheEndLieUponEachOther) {
  // Of as many, no one may look at all others.
  const int64_t count = 200000;
  std::vector<LiveRange> ranges;
  for (int64_t i = 0; i < count; ++i)
    ranges.push_back({i, count});
  std::vector<int64_t> bytes(count, 64);
  Placement placement = placeBySize(ranges, bytes);
  EXPECT_EQ(placement.total, 64 * count);
  EXPECT_EQ(placement.offsets.front(), 0);
  EXPECT_EQ(placement.offsets.back(), 64 * (count - 1));
}

TEST(MemoryPlan, ProportionalSizesNeedOnePlan) {
  std::mt19937 random(2);
  Buffers buffers = randomBuffers(random, 30, 20);
  std::vector<int64_t> small = randomBytes(random, buffers.numSizes, 1);
  std::vector<int64_t> large = small;
  for (int64_t &size : large)
    size *= 100;
  EXPECT_EQ(choosePlans(buffers.ranges, buffers.sizes, {small, large}, 3, 0.01)
                .size(),
            1u);
}

TEST(MemoryPlan, ChosenPlansServeAllSamples) {
  std::mt19937 random(3);
  size_t several = 0;
  for (int round = 0; round < 100; ++round) {
    Buffers buffers = randomBuffers(random, 25, 15);
    std::vector<std::vector<int64_t>> samples;
    for (int i = 0; i < 5; ++i)
      samples.push_back(randomBytes(random, buffers.numSizes, 1));
    auto plans = choosePlans(buffers.ranges, buffers.sizes, samples,
                             samples.size(), 0.1);
    several += plans.size() > 1;
    for (const std::vector<int64_t> &sample : samples) {
      int64_t least = INT64_MAX;
      for (const StackedPlan &plan : plans)
        least = std::min(least, plan.place(sample).total);
      std::vector<int64_t> bytes = buffers.bytes(sample);
      EXPECT_LE(least, 1.1 * placeBySize(buffers.ranges, bytes).total);
    }
    EXPECT_LE(
        choosePlans(buffers.ranges, buffers.sizes, samples, 2, 0.1).size(), 2u);
  }
  EXPECT_GT(several, 0u);
}

TEST(MemoryPlan, PairsStayFewWhereManyBuffersMeet) {
  constexpr int64_t count = 20000;
  std::vector<LiveRange> ranges;
  std::vector<unsigned> sizes;
  std::vector<int64_t> bytes;
  for (int64_t i = 0; i < count; ++i) {
    ranges.push_back({i, 2 * count - i});
    sizes.push_back(i);
    bytes.push_back(64 + i);
  }
  Placement placement = placeBySize(ranges, bytes);
  EXPECT_EQ(placement.total, mostBytesInUse(ranges, bytes));
  StackedPlan plan(ranges, sizes, placement);
  size_t pairs = 0;
  for (const StackedPlan::Cell &cell : plan.cells())
    pairs += cell.below.size();
  EXPECT_LE(pairs, 3u * count);
  EXPECT_EQ(plan.place(bytes).total, placement.total);
}

} // namespace
