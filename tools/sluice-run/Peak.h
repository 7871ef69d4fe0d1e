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

/// Measures for some 30 ms what `threads` cores can do. One core is measured
/// and multiplied for the arithmetic; memory is measured on one.
MachinePeak measurePeak(int32_t threads);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_PEAK_H
