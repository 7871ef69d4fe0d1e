/*===- peer_onnxruntime.c - onnxruntime's C library as a benchmark peer
 * ------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * The PyPI wheel has the C library but not its header. The interface is a table
 * of functions to which entries are only ever added at the end, so the few that
 * are used here are declared by their place in it.
 *
 *===----------------------------------------------------------------------===*/
#include "peer.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERROR_LEVEL = 3, API_VERSION = 16 };

enum place {
  GET_ERROR_MESSAGE = 2,
  CREATE_ENV = 3,
  CREATE_SESSION = 7,
  RUN = 9,
  CREATE_SESSION_OPTIONS = 10,
  SET_INTRA_OP_THREADS = 24,
  SET_INTER_OP_THREADS = 25,
  GET_OUTPUT_COUNT = 31,
  GET_OUTPUT_NAME = 37,
  CREATE_TENSOR_WITH_DATA = 49,
  GET_TENSOR_DATA = 51,
  CREATE_CPU_MEMORY_INFO = 69,
  GET_DEFAULT_ALLOCATOR = 78,
  RELEASE_VALUE = 96
};

struct api_base {
  void *const *(*get_api)(uint32_t version);
  const char *(*get_version)(void);
};

static void *const *api;
static void *session;
static const char *input_names[PEER_MAX_TENSORS];
static const char *output_names[PEER_MAX_TENSORS];
static void *input_values[PEER_MAX_TENSORS];
static void *output_values[PEER_MAX_TENSORS];
static size_t input_count, output_count;

static void check(void *status) {
  typedef const char *(*get_message)(void *);
  if (status)
    peer_die("onnxruntime", ((get_message)api[GET_ERROR_MESSAGE])(status));
}

static void find_api(void) {
  const char *path = getenv("ONNXRUNTIME_LIBRARY");
  void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library)
    peer_die("ONNXRUNTIME_LIBRARY", path ? dlerror() : "not set");
  typedef const struct api_base *(*get_base)(void);
  get_base function = (get_base)dlsym(library, "OrtGetApiBase");
  if (!function || !(api = function()->get_api(API_VERSION)))
    peer_die(path, "no such interface version");
}

static void create_session(const char *model, int threads) {
  void *environment, *options;
  check(((void *(*)(int, const char *, void **))api[CREATE_ENV])(
      ERROR_LEVEL, "bench", &environment));
  check(((void *(*)(void **))api[CREATE_SESSION_OPTIONS])(&options));
  check(((void *(*)(void *, int))api[SET_INTRA_OP_THREADS])(options, threads));
  check(((void *(*)(void *, int))api[SET_INTER_OP_THREADS])(options, 1));
  check(((void *(*)(void *, const char *, void *, void **))api[CREATE_SESSION])(
      environment, model, options, &session));
}

static void create_inputs(const struct peer_tensor *inputs, int count) {
  void *memory;
  check(((void *(*)(int, int, void **))api[CREATE_CPU_MEMORY_INFO])(1, 0,
                                                                    &memory));
  typedef void *(*create)(void *, void *, size_t, const int64_t *, size_t, int,
                          void **);
  for (int i = 0; i < count; ++i) {
    input_names[i] = inputs[i].name;
    check(((create)api[CREATE_TENSOR_WITH_DATA])(
        memory, inputs[i].data, inputs[i].bytes, inputs[i].dims, inputs[i].rank,
        inputs[i].dtype, &input_values[i]));
  }
  input_count = count;
}

void engine_load(const char *model, int threads,
                 const struct peer_tensor *inputs, int count) {
  find_api();
  create_session(model, threads);
  create_inputs(inputs, count);
  void *allocator;
  check(((void *(*)(void **))api[GET_DEFAULT_ALLOCATOR])(&allocator));
  check(((void *(*)(void *, size_t *))api[GET_OUTPUT_COUNT])(session,
                                                             &output_count));
  if (output_count > PEER_MAX_TENSORS)
    peer_die(model, "too many outputs");
  typedef void *(*get_name)(void *, size_t, void *, const char **);
  for (size_t i = 0; i < output_count; ++i)
    check(((get_name)api[GET_OUTPUT_NAME])(session, i, allocator,
                                           &output_names[i]));
}

void engine_run(void) {
  typedef void (*release)(void *);
  for (size_t i = 0; i < output_count; ++i) {
    if (output_values[i])
      ((release)api[RELEASE_VALUE])(output_values[i]);
    output_values[i] = NULL;
  }
  typedef void *(*run)(void *, void *, const char *const *, void *const *,
                       size_t, const char *const *, size_t, void **);
  check(((run)api[RUN])(session, NULL, input_names, input_values, input_count,
                        output_names, output_count, output_values));
}

int engine_touch(void) {
  int sum = 0;
  for (size_t i = 0; i < output_count; ++i) {
    void *data;
    check(((void *(*)(void *, void **))api[GET_TENSOR_DATA])(output_values[i],
                                                             &data));
    if (data)
      sum += *(const volatile unsigned char *)data;
  }
  return sum;
}

void engine_profile(int runs) {
  (void)runs;
  puts("end");
}
