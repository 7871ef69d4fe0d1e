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

namespace sluice::benchmarks {

struct Measurement {
  /// Of one call, in seconds.
  double best = 0;
  double median = 0;
  /// Share of the concurrent peak for `flops` per call.
  double medianPeakShare = 0;
  double bestPeakShare = 0;
};

/// GFLOP/s of one short run of multiply-adds in registers.
double probePeak();

/// Times `call` in `repetitions` short blocks, each between two probes.
Measurement measure(llvm::function_ref<void()> call, double flops,
                    int repetitions);

} // namespace sluice::benchmarks

#endif // SLUICE_BENCHMARKS_MICRO_PEAKPROBE_H
