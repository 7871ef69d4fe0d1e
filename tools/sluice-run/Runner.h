//===- Runner.h - Loads a model and runs it ------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_RUNNER_H
#define SLUICE_TOOLS_SLUICERUN_RUNNER_H

#include "Compare.h"
#include "Profile.h"
#include "Timing.h"

#include <memory>

namespace sluice::run {

struct ModelRelease {
  void operator()(sluice_model *model) const { sluice_model_release(model); }
};
struct ContextDestroy {
  void operator()(sluice_context *context) const {
    sluice_context_destroy(context);
  }
};
using ModelHandle = std::unique_ptr<sluice_model, ModelRelease>;
using ContextHandle = std::unique_ptr<sluice_context, ContextDestroy>;

/// Everything that one invocation of the tool found out.
struct Results {
  ModelHandle model;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  std::vector<Tensor> expected;
  std::vector<Comparison> comparisons;

  int32_t threads = 1;
  double loadMilliseconds = 0;
  double firstRunMilliseconds = 0; // with the creation of the context
  std::vector<int64_t> latencies;  // nanoseconds, of the runs that count
  int64_t workspaceSize = 0;
  int64_t peakResidentBytes = 0; // without what measuring the machine takes

  MachinePeak peak;
  std::vector<KernelTime> kernels;
  std::vector<KernelEvent> lastRun;
};

Outcome loadModel(const Options &options, Results &results);

/// Collects the inputs, runs as often as asked and compares.
Outcome runModel(const Options &options, Results &results);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_RUNNER_H
