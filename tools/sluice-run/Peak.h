//===- Peak.h - What this machine can do at best -------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_PEAK_H
#define SLUICE_TOOLS_SLUICERUN_PEAK_H

#include <cstdint>

namespace sluice::run {

struct MachinePeak {
  double gigaflops = 0; // f32 multiply-adds, two operations each
  double gigabytes = 0; // reading memory that is in no cache
};

/// Measures what `threads` cores can do together, each time with vectors of the
/// CPU's full width. Shared machines change speed from one moment to the next,
/// so arithmetic is to be sampled between the runs that it is compared with: a
/// sample takes half a millisecond and leaves the caches as they are. Memory is
/// sampled before and after them.
class PeakProbe {
public:
  explicit PeakProbe(int32_t threads) : threads(threads) {}

  void sampleArithmetic();
  /// Takes some 20 ms a thread and empties the caches.
  void sampleMemory();

  /// The best samples.
  MachinePeak peak() const { return best; }

private:
  int32_t threads;
  MachinePeak best;
};

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_PEAK_H
