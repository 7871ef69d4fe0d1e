//===- Timing.cpp - Latencies and their percentiles ----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

using namespace sluice::run;

int64_t sluice::run::now() {
  auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

LatencySummary sluice::run::summarise(std::vector<int64_t> nanoseconds) {
  LatencySummary summary;
  if (nanoseconds.empty())
    return summary;
  std::sort(nanoseconds.begin(), nanoseconds.end());
  size_t count = nanoseconds.size();
  auto percentile = [&](double share) {
    size_t rank = size_t(std::ceil(share * double(count)));
    return double(nanoseconds[std::max<size_t>(rank, 1) - 1]) * 1e-6;
  };
  summary.minimum = double(nanoseconds.front()) * 1e-6;
  summary.median = percentile(0.5);
  summary.p90 = percentile(0.9);
  summary.p99 = percentile(0.99);
  summary.maximum = double(nanoseconds.back()) * 1e-6;
  summary.mean = std::accumulate(nanoseconds.begin(), nanoseconds.end(), 0.0) /
                 double(count) * 1e-6;
  return summary;
}
