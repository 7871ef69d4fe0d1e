//===- Runner.cpp - Loads a model and runs it ----------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Runner.h"

#include "Inputs.h"

#include <algorithm>
#include <sys/resource.h>

using namespace sluice::run;

static int64_t peakResidentBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) * 1024;
}

static ExitCode exitCodeOf(sluice_status status) {
  switch (status) {
  case SLUICE_UNSUPPORTED_ISA:
    return ExitCode::UnsupportedISA;
  case SLUICE_DTYPE_MISMATCH:
  case SLUICE_SHAPE_MISMATCH:
  case SLUICE_MISSING_INPUT:
    return ExitCode::BadInput;
  default:
    return ExitCode::RunFailed;
  }
}

Outcome sluice::run::loadModel(const Options &options, Results &results) {
  sluice_load_options load = SLUICE_LOAD_OPTIONS_INIT;
  load.weights_path =
      options.weights.empty() ? nullptr : options.weights.c_str();
  load.verify_weights = !options.skipWeightsChecksum;
  load.weights_memory = options.weightsMemory;
  int64_t start = now();
  sluice_model *model = nullptr;
  sluice_error error;
  sluice_status status =
      sluice_model_load(options.model.c_str(), &load, &model, &error);
  results.model.reset(model);
  results.loadMilliseconds = double(now() - start) * 1e-6;
  if (status == SLUICE_OK)
    return {};
  return fail(status == SLUICE_UNSUPPORTED_ISA    ? ExitCode::UnsupportedISA
              : status == SLUICE_INVALID_ARGUMENT ? ExitCode::Usage
                                                  : ExitCode::CannotLoad,
              error.message);
}

static Outcome runFailure(sluice_context *context, sluice_status status) {
  return fail(exitCodeOf(status), sluice_context_message(context));
}

/// Gives the states that grow as much room as was asked for.
static sluice_status reserveStates(const Options &options,
                                   const Results &results,
                                   sluice_context *context) {
  const sluice_model *model = results.model.get();
  for (int32_t i = 0; i < sluice_model_state_count(model); ++i) {
    const sluice_state_signature *state = sluice_model_state(model, i);
    if (state->axis < 0 || options.capacity == 0)
      continue;
    std::vector<int64_t> dims = results.inputs[size_t(state->input)].dims;
    dims[size_t(state->axis)] = options.capacity;
    sluice_status status =
        sluice_context_state_reserve(context, i, dims.data());
    if (status != SLUICE_OK)
      return status;
  }
  return SLUICE_OK;
}

static sluice_status setInput(sluice_context *context, const Results &results,
                              int32_t index) {
  if (results.inputs[size_t(index)].isDefault)
    return SLUICE_OK;
  sluice_tensor view = results.inputs[size_t(index)].view();
  return sluice_context_set_input(context, index, &view);
}

/// Has states begin anew: empty, or as they are given.
static sluice_status rewindStates(sluice_context *context,
                                  const Results &results) {
  const sluice_model *model = results.model.get();
  sluice_status status = SLUICE_OK;
  if (sluice_model_state_count(model) > 0)
    status = sluice_context_state_reset(context, SLUICE_ALL_STATES);
  for (int32_t i = 0;
       status == SLUICE_OK && i < sluice_model_state_count(model); ++i)
    status = setInput(context, results, sluice_model_state(model, i)->input);
  return status;
}

static Outcome createContext(const Options &options, const Results &results,
                             Profile *profile, ContextHandle &context) {
  sluice_context_options create = SLUICE_CONTEXT_OPTIONS_INIT;
  create.threads = options.threads;
  create.affinity_count = int32_t(options.affinity.size());
  create.affinity = options.affinity.data();
  create.seed = options.seed;
  if (profile) {
    create.on_kernel = Profile::record;
    create.on_kernel_user = profile;
  }
  sluice_context *created = nullptr;
  sluice_error error;
  sluice_status status =
      sluice_context_create(results.model.get(), &create, &created, &error);
  context.reset(created);
  if (status != SLUICE_OK)
    return fail(status == SLUICE_INVALID_ARGUMENT ? ExitCode::Usage
                                                  : ExitCode::RunFailed,
                error.message);
  status = reserveStates(options, results, created);
  for (size_t i = 0; status == SLUICE_OK && i < results.inputs.size(); ++i)
    status = setInput(created, results, int32_t(i));
  return status == SLUICE_OK ? Outcome() : runFailure(created, status);
}

/// The warm-up and the runs that count. `peak` is sampled between some of them,
/// if given.
static Outcome measure(const Options &options, sluice_context *context,
                       Profile *profile, PeakProbe *peak, Results &results) {
  constexpr int32_t samples = 20;
  const int32_t runsPerSample = std::max(1, options.repeat / samples);
  int32_t warmUp = options.warmUp;
  if (warmUp < 0)
    warmUp = options.repeat > 1 ? std::max(1, options.repeat / 10) : 0;
  for (int32_t i = -warmUp; i < options.repeat; ++i) {
    if (peak && i >= 0 && i % runsPerSample == 0)
      peak->sampleArithmetic();
    if (profile && i == 0)
      profile->clear();
    sluice_status status = rewindStates(context, results);
    if (status != SLUICE_OK)
      return runFailure(context, status);
    for (int32_t step = 0; step < options.steps; ++step) {
      if (profile)
        profile->beginRun();
      int64_t start = now();
      status = sluice_context_run(context);
      int64_t end = now();
      if (profile)
        profile->endRun();
      if (status != SLUICE_OK)
        return runFailure(context, status);
      if (i == -warmUp && step == 0)
        results.firstRunMilliseconds += double(end - start) * 1e-6;
      if (i >= 0)
        results.latencies.push_back(end - start);
    }
  }
  return {};
}

static Outcome collectOutputs(sluice_context *context, Results &results) {
  const sluice_model *model = results.model.get();
  for (int32_t i = 0; i < sluice_model_output_count(model); ++i) {
    sluice_tensor output;
    sluice_status status = sluice_context_output(context, i, &output);
    if (status != SLUICE_OK)
      return runFailure(context, status);
    results.outputs.push_back(
        copyOf(output, sluice_model_output(model, i)->name));
  }
  return {};
}

Outcome sluice::run::runModel(const Options &options, Results &results) {
  const sluice_model *model = results.model.get();
  if (Outcome failure = collectInputs(model, options, results.inputs))
    return failure;
  if (Outcome failure = collectExpected(model, options, results.expected))
    return failure;
  bool profiled = options.profile || !options.trace.empty();
  Profile profile(sluice_model_kernel_count(model));
  Profile *recorder = profiled ? &profile : nullptr;
  results.threads = options.threads ? options.threads : sluice_usable_cores();
  int64_t start = now();
  ContextHandle context;
  if (Outcome failure = createContext(options, results, recorder, context))
    return failure;
  results.firstRunMilliseconds = double(now() - start) * 1e-6;
  results.peakResidentBytes = peakResidentBytes();
  PeakProbe peak(results.threads);
  if (options.profile)
    peak.sampleMemory();
  if (Outcome failure = measure(options, context.get(), recorder,
                                options.profile ? &peak : nullptr, results))
    return failure;
  if (!options.profile)
    results.peakResidentBytes = peakResidentBytes();
  if (options.profile) {
    peak.sampleArithmetic();
    peak.sampleMemory();
    results.peak = peak.peak();
  }
  results.workspaceSize = sluice_context_workspace_size(context.get());
  if (Outcome failure = collectOutputs(context.get(), results))
    return failure;
  Tolerance tolerance = {options.relativeTolerance, options.absoluteTolerance};
  for (size_t i = 0; i < results.outputs.size(); ++i)
    if (results.expected[i].dtype != SLUICE_DTYPE_UNDEFINED)
      results.comparisons.push_back(
          compare(results.outputs[i], results.expected[i], tolerance));
  if (profiled) {
    results.kernels = profile.sorted();
    results.lastRun = profile.lastRun();
  }
  return {};
}
