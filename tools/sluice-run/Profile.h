//===- Profile.h - Where the time of a run goes --------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_PROFILE_H
#define SLUICE_TOOLS_SLUICERUN_PROFILE_H

#include "Peak.h"

#include "sluice/sluice.h"

#include <string>
#include <vector>

namespace sluice::run {

struct KernelEvent {
  int32_t kernel;
  int64_t begin, end; // nanoseconds
};

struct KernelTime {
  int32_t kernel;
  int64_t calls = 0;
  double milliseconds = 0; // in the median run
};

/// Collects the kernels of the runs that count.
class Profile {
public:
  explicit Profile(int32_t kernelCount) : times(size_t(kernelCount)) {}

  /// What a context's on_kernel calls, with the profile as user pointer.
  static void record(void *profile, int32_t kernel, int64_t begin, int64_t end);

  /// Forgets everything, for the end of the warm-up.
  void clear();
  /// The runs' events begin anew: only the last run's are kept.
  void beginRun();
  /// Adds up what each kernel took since `beginRun`.
  void endRun();

  /// Kernels that ran, the slowest first. Medians over the runs, so that a few
  /// interrupted ones do not matter.
  std::vector<KernelTime> sorted() const;
  const std::vector<KernelEvent> &lastRun() const { return events; }

private:
  struct Sum {
    int64_t calls = 0;
    int64_t nanoseconds = 0; ///< of the run that goes on
    std::vector<int64_t> runs;
  };
  std::vector<Sum> times;
  std::vector<KernelEvent> events;
};

/// A table for people.
std::string formatProfile(const sluice_model *model,
                          const std::vector<KernelTime> &times,
                          const MachinePeak &peak);

/// The trace event format of chrome://tracing and Perfetto.
std::string formatTrace(const sluice_model *model,
                        const std::vector<KernelEvent> &events);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_PROFILE_H
