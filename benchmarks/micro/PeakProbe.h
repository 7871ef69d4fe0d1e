//===- PeakProbe.h - What this core can do right now ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Shared machines change speed from one moment to the next, so kernels are
// compared with a register-only multiply-add loop timed right beside them.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_BENCHMARKS_MICRO_PEAKPROBE_H
#define SLUICE_BENCHMARKS_MICRO_PEAKPROBE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include <functional>

namespace sluice::benchmarks {

struct Measurement {
  /// Of one call, in seconds.
  double best = 0;
  double median = 0;
  /// Share of the concurrent peak for `flops` per call.
  double medianPeakShare = 0;
  double bestPeakShare = 0;
  /// Median of the rival's time over ours; 0 without one.
  double speedup = 0;
};

/// What to print behind a share of the peak that is above 105 %: a kernel
/// cannot do that, so the probe is wrong. Empty for others.
const char *describeCredibility(double peakShare);

/// GFLOP/s of one short run of multiply-adds in registers.
double probePeak();

/// Times `call` in `repetitions` short blocks, each between two probes and, if
/// there is a `rival`, beside a block of it.
Measurement measure(llvm::function_ref<void()> call, double flops,
                    int repetitions, const std::function<void()> &rival = {});

} // namespace sluice::benchmarks

#endif // SLUICE_BENCHMARKS_MICRO_PEAKPROBE_H
