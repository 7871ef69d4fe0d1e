//===- Report.cpp - What sluice-run prints -------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Report.h"

#include "Files.h"
#include "TensorFile.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <sstream>

using namespace sluice::run;

__attribute__((format(printf, 1, 2))) static std::string
format(const char *pattern, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

/// "1.5 MB"
static std::string bytesText(int64_t bytes) {
  if (bytes < 0)
    return "depends on the input sizes";
  if (bytes < 1000)
    return std::to_string(bytes) + " B";
  if (bytes < 1000000)
    return format("%.1f kB", double(bytes) * 1e-3);
  return format("%.1f MB", double(bytes) * 1e-6);
}

/// The first elements.
static std::string elementsText(const Tensor &tensor) {
  constexpr int64_t shown = 5;
  std::string text;
  int64_t count = tensor.elementCount();
  for (int64_t i = 0; i < std::min(count, shown); ++i)
    text += (i ? " " : "") + elementText(tensor, i);
  return count > shown ? text + " ..." : text;
}

/// ", optional: 0.5 1", for an input that has a default.
static std::string defaultText(const sluice_model *model, int32_t input) {
  sluice_tensor value;
  if (sluice_model_input_default(model, input, &value) != SLUICE_OK)
    return "";
  return ", optional: " + elementsText(copyOf(value, ""));
}

/// "present is past of the next run, grows along dimension 2 to at most 64".
static std::string stateText(const sluice_model *model,
                             const sluice_state_signature &state) {
  std::string text =
      std::string(sluice_model_output(model, state.output)->name) + " is " +
      sluice_model_input(model, state.input)->name + " of the next run";
  if (state.axis >= 0)
    text += ", grows along dimension " + std::to_string(state.axis);
  if (state.capacity > 0)
    text += " to at most " + std::to_string(state.capacity);
  return text;
}

std::string sluice::run::formatInfo(const sluice_model *model) {
  std::ostringstream text;
  text << "model     " << sluice_model_name(model) << "\n"
       << "compiler  " << sluice_model_compiler(model) << "\n"
       << "target    " << sluice_model_target_triple(model) << ", "
       << sluice_model_target_cpu(model) << "\n"
       << "needs     " << sluice_model_isa_features(model) << "\n";
  for (int32_t i = 0; i < sluice_model_input_count(model); ++i)
    text << "input     " << sluice_model_input(model, i)->name << ": "
         << signatureText(*sluice_model_input(model, i))
         << defaultText(model, i) << "\n";
  for (int32_t i = 0; i < sluice_model_output_count(model); ++i)
    text << "output    " << sluice_model_output(model, i)->name << ": "
         << signatureText(*sluice_model_output(model, i)) << "\n";
  for (int32_t i = 0; i < sluice_model_state_count(model); ++i)
    text << "state     " << stateText(model, *sluice_model_state(model, i))
         << "\n";
  sluice_memory_plan plan = sluice_model_memory_plan(model);
  text << "weights   " << bytesText(plan.weights_size) << "\n"
       << "workspace " << bytesText(plan.workspace_size);
  if (plan.liveness_lower_bound >= 0)
    text << " (lower bound: " << bytesText(plan.liveness_lower_bound) << ")";
  text << "\n"
       << "kernels   " << sluice_model_kernel_count(model) << "\n";
  for (int32_t i = 0; i < sluice_model_metadata_count(model); ++i)
    text << "metadata  " << sluice_model_metadata_key(model, i) << " = "
         << sluice_model_metadata_value(model, i) << "\n";
  return text.str();
}

std::string sluice::run::summarise(const Tensor &tensor) {
  int64_t count = tensor.elementCount();
  std::string text =
      "output '" + tensor.name + "' " + typeText(tensor.dtype, tensor.dims);
  if (count == 0)
    return text + ": empty";
  double smallest = INFINITY, largest = -INFINITY, sum = 0;
  int64_t undefined = 0;
  for (int64_t i = 0; i < count; ++i) {
    double value = tensor.real(i);
    undefined += std::isnan(value);
    if (std::isnan(value))
      continue;
    smallest = std::fmin(smallest, value);
    largest = std::fmax(largest, value);
    sum += value;
  }
  if (undefined < count)
    text += format(": min %.6g, max %.6g, mean %.6g", smallest, largest,
                   sum / double(count - undefined));
  if (undefined > 0)
    text += format(": %lld NaN", static_cast<long long>(undefined));
  return text + "; " + elementsText(tensor);
}

/// Appends the elements below one position of the outer dimensions.
static void appendNested(const Tensor &tensor, size_t dim, int64_t &next,
                         std::string &text) {
  if (dim == tensor.dims.size()) {
    text += elementText(tensor, next++);
    return;
  }
  bool innermost = dim + 1 == tensor.dims.size();
  text += "[";
  for (int64_t i = 0; i < tensor.dims[dim]; ++i) {
    if (i > 0)
      text += innermost ? ", " : ",\n" + std::string(dim + 1, ' ');
    appendNested(tensor, dim + 1, next, text);
  }
  text += "]";
}

std::string sluice::run::formatTensor(const Tensor &tensor) {
  int64_t next = 0;
  std::string text =
      tensor.name + ": " + typeText(tensor.dtype, tensor.dims) + "\n";
  appendNested(tensor, 0, next, text);
  return text + "\n";
}

static std::string formatLatency(const Results &results) {
  LatencySummary latency = summarise(results.latencies);
  return format("%zu runs on %d threads: min %.4f ms, p50 %.4f ms, p90 %.4f "
                "ms, p99 %.4f ms, mean %.4f ms\n",
                results.latencies.size(), results.threads, latency.minimum,
                latency.median, latency.p90, latency.p99, latency.mean);
}

std::string sluice::run::formatResults(const Options &options,
                                       const Results &results) {
  std::string text;
  for (const Tensor &output : results.outputs)
    text += options.print ? formatTensor(output) : summarise(output) + "\n";
  size_t comparison = 0;
  for (size_t i = 0; i < results.outputs.size(); ++i)
    if (results.expected[i].dtype != SLUICE_DTYPE_UNDEFINED)
      text += describe(results.comparisons[comparison++], results.outputs[i],
                       results.expected[i]) +
              "\n";
  text += format("loaded in %.2f ms, first run %.2f ms, workspace %s\n",
                 results.loadMilliseconds, results.firstRunMilliseconds,
                 bytesText(results.workspaceSize).c_str());
  if (options.repeat > 1)
    text += formatLatency(results);
  if (options.profile)
    text += formatProfile(results.model.get(), results.kernels, results.peak);
  return text;
}

Outcome sluice::run::report(const Options &options, const Results &results) {
  // With the measurements on standard output, nothing else belongs there.
  if (!options.quiet && options.json != "-") {
    std::string text = formatResults(options, results);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  if (!options.save.empty())
    if (Outcome failure = writeTensors(options.save, results.outputs))
      return failure;
  if (!options.trace.empty()) {
    std::string trace = formatTrace(results.model.get(), results.lastRun);
    if (Outcome failure = writeFile(options.trace, trace.data(), trace.size()))
      return failure;
  }
  if (!options.json.empty()) {
    std::string json = formatJson(options, results);
    if (Outcome failure = writeFile(options.json, json.data(), json.size()))
      return failure;
  }
  for (const Comparison &comparison : results.comparisons)
    if (!comparison.matches())
      return fail(ExitCode::Mismatch, "output '" + comparison.name +
                                          "' differs from what was expected");
  return {};
}
