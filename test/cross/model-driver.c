/*===- model-driver.c - Runs a model in a process of another machine -----===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 *   model-driver MODEL.so INPUTS OUTPUTS THREADS
 *
 * Needs nothing but the runtime and libc, so that it can be built for any
 * target and run under emulation; test/support/emulated.py starts it. With
 * -DLINKED_MODEL=sluice_descriptor_NAME it runs the model that is linked to it
 * and ignores MODEL. INPUTS and OUTPUTS hold one tensor after the other: i32
 * element type, i32 rank, i64 sizes, elements.
 *
 * Exit codes: 0, 1 for files that cannot be read or written, 10 + the status
 * of what the runtime refused.
 *
 *===----------------------------------------------------------------------===*/
#include "sluice/artifact_abi.h"
#include "sluice/sluice.h"

#include <stdio.h>
#include <stdlib.h>

enum { max_rank = 64 };

#ifdef LINKED_MODEL
extern const sluice_model_descriptor LINKED_MODEL;
#endif

static int refuse(sluice_status status, const char *message) {
  fprintf(stderr, "%s\n", message);
  return 10 + (int)status;
}

static int fail(const char *what, const char *path) {
  fprintf(stderr, "%s '%s'\n", what, path);
  return 1;
}

static size_t count_bytes(int32_t dtype, int32_t rank, const int64_t *dims) {
  size_t bytes = sluice_dtype_size((sluice_dtype)dtype);
  for (int32_t i = 0; i < rank; ++i)
    bytes *= (size_t)dims[i];
  return bytes;
}

/* Reads one tensor and has the context copy it. */
static int read_input(FILE *file, const char *path, sluice_context *context,
                      int32_t index) {
  int32_t kind[2];
  int64_t dims[max_rank];
  if (fread(kind, sizeof kind, 1, file) != 1 || kind[1] < 0 ||
      kind[1] > max_rank ||
      fread(dims, sizeof *dims, (size_t)kind[1], file) != (size_t)kind[1])
    return fail("no whole tensor in", path);
  size_t bytes = count_bytes(kind[0], kind[1], dims);
  void *data = malloc(bytes + 1);
  if (!data || fread(data, 1, bytes, file) != bytes) {
    free(data);
    return fail("no whole tensor in", path);
  }
  sluice_tensor tensor = {
      (sluice_dtype)kind[0], kind[1], dims, NULL, data, 0, 0};
  sluice_status status = sluice_context_copy_input(context, index, &tensor);
  free(data);
  return status == SLUICE_OK ? 0
                             : refuse(status, sluice_context_message(context));
}

static int write_output(FILE *file, const char *path, sluice_context *context,
                        int32_t index) {
  sluice_tensor tensor;
  sluice_status status = sluice_context_output(context, index, &tensor);
  if (status != SLUICE_OK)
    return refuse(status, sluice_context_message(context));
  int32_t kind[2] = {(int32_t)tensor.dtype, tensor.rank};
  size_t bytes = count_bytes(kind[0], kind[1], tensor.dims);
  if (fwrite(kind, sizeof kind, 1, file) != 1 ||
      fwrite(tensor.dims, sizeof *tensor.dims, (size_t)kind[1], file) !=
          (size_t)kind[1] ||
      fwrite(tensor.data, 1, bytes, file) != bytes)
    return fail("cannot write", path);
  return 0;
}

static int run_files(const sluice_model *model, sluice_context *context,
                     const char *input_path, const char *output_path) {
  int result = 0;
  FILE *inputs = fopen(input_path, "rb");
  if (!inputs)
    return fail("cannot open", input_path);
  for (int32_t i = 0; !result && i < sluice_model_input_count(model); ++i)
    result = read_input(inputs, input_path, context, i);
  fclose(inputs);
  if (result)
    return result;
  sluice_status status = sluice_context_run(context);
  if (status != SLUICE_OK)
    return refuse(status, sluice_context_message(context));
  FILE *outputs = fopen(output_path, "wb");
  if (!outputs)
    return fail("cannot open", output_path);
  for (int32_t i = 0; !result && i < sluice_model_output_count(model); ++i)
    result = write_output(outputs, output_path, context, i);
  if (fclose(outputs) != 0 && !result)
    result = fail("cannot write", output_path);
  return result;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: %s MODEL.so INPUTS OUTPUTS THREADS\n", argv[0]);
    return 1;
  }
  sluice_error error;
  sluice_model *model;
#ifdef LINKED_MODEL
  sluice_status status =
      sluice_model_from_descriptor(&LINKED_MODEL, NULL, &model, &error);
#else
  sluice_status status = sluice_model_load(argv[1], NULL, &model, &error);
#endif
  if (status != SLUICE_OK)
    return refuse(status, error.message);
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.threads = atoi(argv[4]);
  sluice_context *context;
  status = sluice_context_create(model, &options, &context, &error);
  int result = status == SLUICE_OK ? run_files(model, context, argv[2], argv[3])
                                   : refuse(status, error.message);
  sluice_context_destroy(context);
  sluice_model_release(model);
  return result;
}
