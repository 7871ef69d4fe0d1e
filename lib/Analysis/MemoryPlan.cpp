//===- MemoryPlan.cpp - Places of buffers in one workspace ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/MemoryPlan.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <cassert>
#include <limits>
#include <map>
#include <set>
#include <tuple>

using namespace sluice;
using llvm::ArrayRef;

namespace {

/// A buffer with a place.
struct Placed {
  LiveRange range;
  int64_t bytes;
  int64_t offset;
};

bool hasLowerOffset(const Placed *a, const Placed *b) {
  return a->offset < b->offset;
}

/// Buffers with a place, by the spans of time in which they are in use: most
/// meet few others, so that not all have to be looked at for each.
class PlacedBuffers {
public:
  explicit PlacedBuffers(int64_t end) {
    width = end / numSpans + 1;
    spans.resize(numSpans);
  }

  void insert(Placed *buffer) {
    auto [first, last] = spansOf(*buffer);
    if (last - first > longest) {
      everywhere.push_back(buffer);
      return;
    }
    for (int64_t span = first; span <= last; ++span)
      spans[span].push_back(buffer);
  }

  /// Those that may meet a buffer, in order of their offsets: some of `all`,
  /// which are so already, or all, where that costs less.
  ArrayRef<Placed *> meeting(const Placed &buffer, ArrayRef<Placed *> all) {
    auto [first, last] = spansOf(buffer);
    size_t count = everywhere.size();
    for (int64_t span = first; span <= last; ++span)
      count += spans[span].size();
    if (count * llvm::Log2_64_Ceil(count + 2) > all.size())
      return all;
    found.assign(everywhere.begin(), everywhere.end());
    for (int64_t span = first; span <= last; ++span)
      llvm::append_range(found, spans[span]);
    llvm::sort(found, hasLowerOffset);
    return found;
  }

private:
  static constexpr int64_t numSpans = 4096;
  /// Buffers of more spans are listed once.
  static constexpr int64_t longest = 16;

  std::pair<int64_t, int64_t> spansOf(const Placed &buffer) const {
    return {buffer.range.begin / width, buffer.range.end / width};
  }

  int64_t width = 1;
  std::vector<llvm::SmallVector<Placed *, 0>> spans;
  std::vector<Placed *> everywhere, found;
};

/// Up to where memory is taken without a gap, at some times. Buffers that live
/// long all lie upon each other: none of them needs to look at those below.
class TakenMemory {
public:
  explicit TakenMemory(int64_t end) : end(std::max<int64_t>(end, 1)) {
    taken.resize(numTimes + 1);
  }

  /// Below this there is no room for a buffer that is in use in this range.
  int64_t below(const LiveRange &range) const {
    int64_t most = 0;
    for (int64_t i = firstIn(range); i <= lastIn(range); ++i)
      most = std::max(most, taken[i]);
    return most;
  }

  void insert(const Placed &buffer) {
    int64_t top = buffer.offset + buffer.bytes;
    for (int64_t i = firstIn(buffer.range); i <= lastIn(buffer.range); ++i)
      if (buffer.offset <= taken[i])
        taken[i] = std::max(taken[i], top);
  }

private:
  /// The times are these parts of all, and its end.
  static constexpr int64_t numTimes = 512;

  int64_t timeOf(int64_t i) const { return i * end / numTimes; }
  int64_t firstIn(const LiveRange &range) const {
    int64_t i = std::min(range.begin * numTimes / end, numTimes);
    while (i <= numTimes && timeOf(i) < range.begin)
      ++i;
    return i;
  }
  int64_t lastIn(const LiveRange &range) const {
    int64_t i = std::min((range.end + 1) * numTimes / end, numTimes);
    while (i >= 0 && timeOf(i) > range.end)
      --i;
    return i;
  }

  int64_t end;
  std::vector<int64_t> taken;
};

/// The buffers with a place in the order of their offsets.
class PlacedByOffset {
public:
  void insert(Placed *buffer) {
    size_t at =
        llvm::upper_bound(placed, buffer, hasLowerOffset) - placed.begin();
    placed.insert(placed.begin() + at, buffer);
    tops.insert(tops.begin() + at, at == 0 ? 0 : tops[at - 1]);
    int64_t top = buffer->offset + buffer->bytes;
    for (; at < tops.size() && tops[at] < top; ++at)
      tops[at] = top;
  }

  /// All but some that end below an offset.
  ArrayRef<Placed *> above(int64_t offset) const {
    size_t first = llvm::upper_bound(tops, offset) - tops.begin();
    return ArrayRef(placed).drop_front(first);
  }

private:
  std::vector<Placed *> placed;
  /// The highest end of each buffer and those in front of it.
  std::vector<int64_t> tops;
};

/// The buffers that are in use at a time, by offset, as time goes on. Tells
/// about each pair that has come to lie one directly above the other.
template <typename OnPair, typename OnTop>
void sweep(ArrayRef<LiveRange> ranges, ArrayRef<int64_t> offsets, OnPair onPair,
           OnTop onTop) {
  struct Event {
    int64_t time;
    bool begins;
    size_t buffer;
  };
  std::vector<Event> events;
  for (auto [buffer, range] : llvm::enumerate(ranges)) {
    events.push_back({range.begin, true, buffer});
    events.push_back({range.end + 1, false, buffer});
  }
  // What ends goes before what begins.
  llvm::sort(events, [](const Event &a, const Event &b) {
    return std::tuple(a.time, a.begins, a.buffer) <
           std::tuple(b.time, b.begins, b.buffer);
  });
  std::set<std::pair<int64_t, size_t>> inUse;
  for (const Event &event : events) {
    std::pair<int64_t, size_t> key(offsets[event.buffer], event.buffer);
    auto here = event.begins ? inUse.insert(key).first : inUse.find(key);
    auto next = std::next(here);
    bool hasBelow = here != inUse.begin(), hasAbove = next != inUse.end();
    size_t below = hasBelow ? std::prev(here)->second : 0;
    if (!event.begins) {
      inUse.erase(here);
      if (hasBelow && hasAbove)
        onPair(below, next->second);
    } else {
      if (hasBelow)
        onPair(below, event.buffer);
      if (hasAbove)
        onPair(event.buffer, next->second);
    }
    if (!inUse.empty())
      onTop(inUse.rbegin()->second);
  }
}

/// Whether no two buffers that are in use at once share memory.
[[maybe_unused]] bool keepsApart(ArrayRef<LiveRange> ranges,
                                 ArrayRef<int64_t> bytes,
                                 ArrayRef<int64_t> offsets) {
  bool isApart = true;
  sweep(
      ranges, offsets,
      [&](size_t below, size_t above) {
        isApart &= bytes[above] == 0 ||
                   offsets[below] + bytes[below] <= offsets[above];
      },
      [](size_t) {});
  return isApart;
}

template <typename List> void sortAndUnique(List &list) {
  llvm::sort(list);
  list.erase(llvm::unique(list), list.end());
}

} // namespace

Placement sluice::placeBySize(ArrayRef<LiveRange> ranges,
                              ArrayRef<int64_t> bytes) {
  std::vector<Placed> buffers;
  for (auto [range, size] : llvm::zip_equal(ranges, bytes)) {
    assert(range.begin <= range.end && "buffers are in use for some time");
    buffers.push_back({range, size, 0});
  }
  std::vector<Placed *> order;
  for (Placed &buffer : buffers)
    order.push_back(&buffer);
  llvm::sort(order, [](Placed *a, Placed *b) {
    return a->bytes != b->bytes ? a->bytes > b->bytes : a < b;
  });
  Placement placement;
  int64_t end = 0;
  for (const LiveRange &range : ranges)
    end = std::max(end, range.end);
  PlacedByOffset byOffset;
  PlacedBuffers byTime(end);
  TakenMemory taken(end);
  for (Placed *buffer : order) {
    // In order of their offsets: take the first gap that is large enough.
    int64_t offset = buffer->bytes ? taken.below(buffer->range) : 0;
    for (Placed *other : byTime.meeting(*buffer, byOffset.above(offset))) {
      if (!other->range.overlaps(buffer->range))
        continue;
      if (other->offset >= offset + buffer->bytes)
        break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer->offset = offset;
    placement.total = std::max(placement.total, offset + buffer->bytes);
    byOffset.insert(buffer);
    byTime.insert(buffer);
    taken.insert(*buffer);
  }
  for (const Placed &buffer : buffers)
    placement.offsets.push_back(buffer.offset);
  assert(keepsApart(ranges, bytes, placement.offsets) &&
         "buffers in use at once have a place each");
  return placement;
}

int64_t sluice::mostBytesInUse(ArrayRef<LiveRange> ranges,
                               ArrayRef<int64_t> bytes) {
  std::map<int64_t, int64_t> changes;
  for (auto [range, size] : llvm::zip_equal(ranges, bytes)) {
    changes[range.begin] += size;
    changes[range.end + 1] -= size;
  }
  int64_t inUse = 0, most = 0;
  for (auto [time, change] : changes)
    most = std::max(most, inUse += change);
  return most;
}

StackedPlan::StackedPlan(ArrayRef<LiveRange> ranges, ArrayRef<unsigned> sizes,
                         const Placement &placement) {
  ArrayRef<int64_t> offsets = placement.offsets;
  std::map<std::pair<int64_t, unsigned>, unsigned> numbers;
  for (auto [offset, size] : llvm::zip_equal(offsets, sizes))
    numbers[{offset, size}] = 0;
  // In the order of their offsets, in which no cell is below an earlier one.
  for (auto &[key, number] : numbers) {
    number = allCells.size();
    allCells.push_back({key.second, {}});
  }
  for (auto [offset, size] : llvm::zip_equal(offsets, sizes))
    cellOfBuffer.push_back(numbers[{offset, size}]);
  sweep(
      ranges, offsets,
      [&](size_t below, size_t above) {
        allCells[cellOfBuffer[above]].below.push_back(cellOfBuffer[below]);
      },
      [&](size_t highest) { topCells.push_back(cellOfBuffer[highest]); });
  for (Cell &cell : allCells)
    sortAndUnique(cell.below);
  sortAndUnique(topCells);
}

Placement StackedPlan::place(ArrayRef<int64_t> bytesOfSizes) const {
  Placement placement;
  std::vector<int64_t> ends;
  for (const Cell &cell : allCells) {
    int64_t offset = 0;
    for (unsigned below : cell.below) {
      assert(below < ends.size() && "cells are in the order of their offsets");
      offset = std::max(offset, ends[below]);
    }
    placement.offsets.push_back(offset);
    ends.push_back(offset + bytesOfSizes[cell.size]);
  }
  for (unsigned cell : topCells)
    placement.total = std::max(placement.total, ends[cell]);
  return placement;
}

std::vector<StackedPlan>
sluice::choosePlans(ArrayRef<LiveRange> ranges, ArrayRef<unsigned> sizes,
                    ArrayRef<std::vector<int64_t>> samples, size_t limit,
                    double tolerance) {
  std::vector<StackedPlan> plans;
  for (const std::vector<int64_t> &sample : samples) {
    std::vector<int64_t> bytes;
    for (unsigned size : sizes)
      bytes.push_back(sample[size]);
    plans.emplace_back(ranges, sizes, placeBySize(ranges, bytes));
  }
  // What each plan needs for each sample, the best of all, and that of those
  // that are chosen.
  std::vector<std::vector<int64_t>> totals(plans.size());
  std::vector<int64_t> best(samples.size(), INT64_MAX), reached = best;
  for (auto [plan, needs] : llvm::zip_equal(plans, totals))
    for (auto [sample, least] : llvm::zip_equal(samples, best)) {
      needs.push_back(plan.place(sample).total);
      least = std::min(least, needs.back());
    }
  auto excessWith = [&](ArrayRef<int64_t> needs) {
    double excess = 0;
    for (auto [need, least, before] : llvm::zip_equal(needs, best, reached))
      if (least > 0)
        excess = std::max(excess, double(std::min(need, before)) / least - 1);
    return excess;
  };
  std::vector<StackedPlan> chosen;
  double excess = std::numeric_limits<double>::infinity();
  while (excess > tolerance && chosen.size() < limit) {
    auto better = llvm::min_element(totals, [&](const auto &a, const auto &b) {
      return excessWith(a) < excessWith(b);
    });
    double next = excessWith(*better);
    if (next >= excess)
      break;
    excess = next;
    for (auto [need, before] : llvm::zip_equal(*better, reached))
      before = std::min(before, need);
    chosen.push_back(plans[better - totals.begin()]);
  }
  return chosen;
}
