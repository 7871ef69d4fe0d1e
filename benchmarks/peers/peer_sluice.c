/*===- peer_sluice.c - Sluice's runtime as a benchmark peer
 * ------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "peer.h"

#include "sluice/sluice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sluice_model *model;
static sluice_context *context;

/* While profiling: the times of each kernel in each run. */
static int64_t *kernel_times;
static int profiled_run, profiled_runs;

static void on_kernel(void *user, int32_t kernel, int64_t begin, int64_t end) {
  (void)user;
  if (kernel_times)
    kernel_times[(int64_t)kernel * profiled_runs + profiled_run] += end - begin;
}

void engine_load(const char *path, int threads,
                 const struct peer_tensor *inputs, int count) {
  sluice_error error;
  if (sluice_model_load(path, NULL, &model, &error) != SLUICE_OK)
    peer_die(path, error.message);
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.threads = threads;
  /* The callback costs two clock readings a kernel: only where asked for. */
  if (getenv("SLUICE_PEER_PROFILE"))
    options.on_kernel = on_kernel;
  if (sluice_context_create(model, &options, &context, &error) != SLUICE_OK)
    peer_die(path, error.message);
  for (int i = 0; i < count; ++i) {
    int32_t index = sluice_model_find_input(model, inputs[i].name);
    sluice_tensor tensor = {(sluice_dtype)inputs[i].dtype,
                            inputs[i].rank,
                            inputs[i].dims,
                            NULL,
                            inputs[i].data,
                            0,
                            0};
    if (sluice_context_set_input(context, index, &tensor) != SLUICE_OK)
      peer_die(inputs[i].name, sluice_context_message(context));
  }
}

void engine_run(void) {
  if (sluice_context_run(context) != SLUICE_OK)
    peer_die("run", sluice_context_message(context));
}

int engine_touch(void) {
  int sum = 0;
  for (int32_t i = 0; i < sluice_model_output_count(model); ++i) {
    sluice_tensor tensor;
    if (sluice_context_output(context, i, &tensor) != SLUICE_OK)
      peer_die("output", sluice_context_message(context));
    if (tensor.data)
      sum += *(const volatile unsigned char *)tensor.data;
  }
  return sum;
}

static int compare_times(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

void engine_profile(int runs) {
  int32_t kernels = sluice_model_kernel_count(model);
  kernel_times = calloc((size_t)kernels * runs + 1, sizeof(int64_t));
  if (!kernel_times)
    peer_die("profile", "out of memory");
  profiled_runs = runs;
  for (profiled_run = 0; profiled_run < runs; ++profiled_run)
    engine_run();
  for (int32_t k = 0; k < kernels; ++k) {
    int64_t *times = kernel_times + (int64_t)k * runs;
    qsort(times, runs, sizeof *times, compare_times);
    const sluice_kernel_info *info = sluice_model_kernel(model, k);
    printf("%ld %.17g %s %s\n", times[runs / 2], info->flops, info->kind,
           info->name);
  }
  puts("end");
  free(kernel_times);
  kernel_times = NULL;
}
