//===- JsonReport.cpp - What sluice-run writes for programs --------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Report.h"

#include <nlohmann/json.hpp>

using namespace sluice::run;
using json = nlohmann::ordered_json;

static json describeTensor(const Tensor &tensor) {
  return {{"name", tensor.name},
          {"dtype", sluice_dtype_name(tensor.dtype)},
          {"shape", tensor.dims}};
}

static json describeComparison(const Comparison &comparison) {
  return {{"output", comparison.name},
          {"matches", comparison.matches()},
          {"incompatible", comparison.incompatible},
          {"elements", comparison.elements},
          {"mismatches", comparison.mismatches},
          {"max_absolute_error", comparison.maxAbsolute},
          {"max_relative_error", comparison.maxRelative}};
}

static json describeKernel(const sluice_model *model, const KernelTime &time) {
  const sluice_kernel_info *kernel = sluice_model_kernel(model, time.kernel);
  return {{"name", kernel->name},    {"kind", kernel->kind},
          {"nodes", kernel->nodes},  {"calls", time.calls},
          {"ms", time.milliseconds}, {"flops", kernel->flops},
          {"bytes", kernel->bytes}};
}

std::string sluice::run::formatJson(const Options &options,
                                    const Results &results) {
  const sluice_model *model = results.model.get();
  sluice_memory_plan plan = sluice_model_memory_plan(model);
  LatencySummary latency = summarise(results.latencies);
  json report = {{"model", sluice_model_name(model)},
                 {"target_cpu", sluice_model_target_cpu(model)},
                 {"threads", results.threads},
                 {"load_ms", results.loadMilliseconds},
                 {"first_run_ms", results.firstRunMilliseconds},
                 {"latency_ms",
                  {{"runs", results.latencies.size()},
                   {"min", latency.minimum},
                   {"p50", latency.median},
                   {"p90", latency.p90},
                   {"p99", latency.p99},
                   {"max", latency.maximum},
                   {"mean", latency.mean}}},
                 {"memory",
                  {{"weights", plan.weights_size},
                   {"workspace", results.workspaceSize},
                   {"planned_workspace", plan.workspace_size},
                   {"liveness_lower_bound", plan.liveness_lower_bound},
                   {"peak_resident", results.peakResidentBytes}}},
                 {"inputs", json::array()},
                 {"outputs", json::array()},
                 {"comparisons", json::array()},
                 {"kernels", json::array()}};
  for (const Tensor &input : results.inputs)
    report["inputs"].push_back(describeTensor(input));
  for (const Tensor &output : results.outputs)
    report["outputs"].push_back(describeTensor(output));
  for (const Comparison &comparison : results.comparisons)
    report["comparisons"].push_back(describeComparison(comparison));
  for (const KernelTime &time : results.kernels)
    report["kernels"].push_back(describeKernel(model, time));
  if (options.profile)
    report["peak"] = {{"gflops", results.peak.gigaflops},
                      {"gbytes", results.peak.gigabytes}};
  return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}
