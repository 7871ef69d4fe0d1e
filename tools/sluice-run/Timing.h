//===- Timing.h - Latencies and their percentiles ------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_TIMING_H
#define SLUICE_TOOLS_SLUICERUN_TIMING_H

#include <cstdint>
#include <vector>

namespace sluice::run {

/// Nanoseconds of the monotonic clock.
int64_t now();

struct LatencySummary {
  double minimum = 0, median = 0, p90 = 0, p99 = 0, mean = 0, maximum = 0;
};

/// Summarises nanoseconds as milliseconds. Percentiles are the nearest rank's.
LatencySummary summarise(std::vector<int64_t> nanoseconds);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_TIMING_H
