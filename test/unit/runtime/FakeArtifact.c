/*===- FakeArtifact.c - A hand-written artifact for the loader's tests
 * -----===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * y[i] = FAKE_FACTOR * x[i] * weights[i % 16]. Compiled several times with
 * other macros, each time with something else wrong.
 *
 *===----------------------------------------------------------------------===*/
#include "sluice/artifact_abi.h"

#include <stddef.h>

#ifndef FAKE_MAGIC
#define FAKE_MAGIC SLUICE_ABI_MAGIC
#endif
#ifndef FAKE_VERSION
#define FAKE_VERSION SLUICE_ABI_VERSION
#endif
#ifndef FAKE_FEATURES
#define FAKE_FEATURES ""
#endif
#ifndef FAKE_FLAGS
#define FAKE_FLAGS 0
#endif
#ifndef FAKE_SIZE
#define FAKE_SIZE sizeof(sluice_model_descriptor)
#endif
#ifndef FAKE_FACTOR
#define FAKE_FACTOR 1
#endif
#ifndef FAKE_SYMBOL
#define FAKE_SYMBOL sluice_model_descriptor_v1
#endif

enum { weight_count = 16 };

#if defined(FAKE_WEIGHTS_FILE)
#define FAKE_WEIGHTS NULL
#elif defined(FAKE_RESERVED)
/* As the compiler leaves them to be appended. */
#define FAKE_WEIGHTS_FILE NULL
#define FAKE_WEIGHTS fake_weights
extern const uint8_t fake_weights[] __attribute__((visibility("hidden")));
__asm__(".section .lrodata.sluice_weights,\"a\",@nobits\n"
        ".globl fake_weights\n"
        ".hidden fake_weights\n"
        ".p2align 6\n"
        "fake_weights: .zero 64\n"
        ".text\n");
#else
#define FAKE_WEIGHTS_FILE NULL
#define FAKE_WEIGHTS ((const uint8_t *)weights)
__attribute__((section(".lrodata.sluice_weights"),
               aligned(64))) static const float weights[weight_count] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
#endif

static const int64_t dims[] = {-1};
static const char *const names[] = {"n"};
static const sluice_tensor_signature inputs[] = {
    {"x", SLUICE_DTYPE_F32, 1, dims, names}};
static const sluice_tensor_signature outputs[] = {
    {"y", SLUICE_DTYPE_F32, 1, dims, names}};
static const char *const metadata[] = {"author", "the tests"};

static const sluice_kernel_info kernels[] = {
    {"scale_0", "map", "/Mul", -1, -1}};

static int32_t run(sluice_frame *frame) {
  int64_t count = frame->inputs[0].dims[0];
  const float *x = frame->inputs[0].data;
  const float *w = (const float *)frame->weights;
  float *y = frame->output(frame, 0, 1, &count);
  if (frame->profile)
    frame->profile(frame, 0, 0);
  for (int64_t i = 0; y && i < count; ++i)
    y[i] = FAKE_FACTOR * x[i] * w[i % weight_count];
  if (frame->profile)
    frame->profile(frame, 0, 1);
  return frame->status;
}

const sluice_model_descriptor FAKE_SYMBOL = {
    .magic = FAKE_MAGIC,
    .abi_version = FAKE_VERSION,
    .descriptor_size = FAKE_SIZE,
    .name = "fake",
    .compiler = "hand",
    .target_triple = "none",
    .target_cpu = "imaginary",
    .isa_features = FAKE_FEATURES,
    .input_count = 1,
    .output_count = 1,
    .inputs = inputs,
    .outputs = outputs,
    .metadata_count = 1,
    .metadata = metadata,
    .kernel_count = 1,
    .kernels = kernels,
    .weights = FAKE_WEIGHTS,
    .weights_file = FAKE_WEIGHTS_FILE,
    .weights_size = weight_count * sizeof(float),
    .weights_checksum = FAKE_CHECKSUM,
    .run = run,
    .flags = FAKE_FLAGS,
};
