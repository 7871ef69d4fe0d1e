/*===- model.c - A loaded model -----------------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "model.h"

#include "status.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *dim_name(const sluice_tensor_signature *tensor,
                            int32_t dim) {
  bool named = tensor->dims[dim] < 0 && tensor->dim_names;
  return named ? tensor->dim_names[dim] : NULL;
}

static int32_t find_symbol(const sluice_model *model, const char *name) {
  const sluice_tensor_signature *inputs = model->descriptor->inputs;
  for (int32_t i = 0; i < model->symbol_count; ++i) {
    const struct sluice_symbol *symbol = &model->symbols[i];
    if (strcmp(dim_name(&inputs[symbol->input], symbol->dim), name) == 0)
      return i;
  }
  return -1;
}

/* Gives every symbolic dimension name a number. */
static bool number_symbols(sluice_model *model) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  size_t dims = 0;
  for (int32_t i = 0; i < descriptor->input_count; ++i)
    dims += (size_t)descriptor->inputs[i].rank;
  /* One more than needed, for calloc(0) may be null. */
  model->dim_symbols = calloc(dims + 1, sizeof *model->dim_symbols);
  model->symbols = calloc(dims + 1, sizeof *model->symbols);
  if (!model->dim_symbols || !model->symbols)
    return false;
  int32_t *entry = model->dim_symbols;
  for (int32_t i = 0; i < descriptor->input_count; ++i)
    for (int32_t d = 0; d < descriptor->inputs[i].rank; ++d, ++entry) {
      const char *name = dim_name(&descriptor->inputs[i], d);
      *entry = name ? find_symbol(model, name) : -1;
      if (!name || *entry >= 0)
        continue;
      *entry = model->symbol_count++;
      model->symbols[*entry] = (struct sluice_symbol){i, d};
    }
  return true;
}

static void release_weights(sluice_model *model) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  if (!model->weights_mapping)
    return;
  if (SLUICE_DESCRIPTOR_HAS(descriptor, release_weights) &&
      descriptor->release_weights)
    descriptor->release_weights(model->weights,
                                (int64_t)model->weights_mapping_size);
  munmap(model->weights_mapping, model->weights_mapping_size);
}

static void destroy(sluice_model *model) {
  release_weights(model);
  if (model->library)
    dlclose(model->library);
  free(model->dim_symbols);
  free(model->symbols);
  free(model);
}

sluice_status sluice_model_create(const sluice_model_descriptor *descriptor,
                                  sluice_model **model, sluice_error *error) {
  sluice_model *created = calloc(1, sizeof *created);
  if (created) {
    atomic_init(&created->references, 1);
    created->descriptor = descriptor;
    created->weights = descriptor->weights;
  }
  if (!created || !number_symbols(created)) {
    if (created)
      destroy(created);
    return sluice_fail(error, SLUICE_OUT_OF_MEMORY, "no memory for the model");
  }
  *model = created;
  return sluice_succeed(error);
}

void sluice_model_retain(const sluice_model *model) {
  /* The count is the one thing about a model that changes. */
  sluice_model *counted = (sluice_model *)model;
  atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
}

void sluice_model_release(sluice_model *model) {
  if (model && atomic_fetch_sub_explicit(&model->references, 1,
                                         memory_order_acq_rel) == 1)
    destroy(model);
}

const char *sluice_model_name(const sluice_model *model) {
  return model->descriptor->name;
}

const char *sluice_model_compiler(const sluice_model *model) {
  return model->descriptor->compiler;
}

const char *sluice_model_target_triple(const sluice_model *model) {
  return model->descriptor->target_triple;
}

const char *sluice_model_target_cpu(const sluice_model *model) {
  return model->descriptor->target_cpu;
}

const char *sluice_model_isa_features(const sluice_model *model) {
  return model->descriptor->isa_features;
}

int32_t sluice_model_input_count(const sluice_model *model) {
  return model->descriptor->input_count;
}

int32_t sluice_model_output_count(const sluice_model *model) {
  return model->descriptor->output_count;
}

const sluice_tensor_signature *sluice_model_input(const sluice_model *model,
                                                  int32_t index) {
  bool found = index >= 0 && index < model->descriptor->input_count;
  return found ? &model->descriptor->inputs[index] : NULL;
}

const sluice_tensor_signature *sluice_model_output(const sluice_model *model,
                                                   int32_t index) {
  bool found = index >= 0 && index < model->descriptor->output_count;
  return found ? &model->descriptor->outputs[index] : NULL;
}

static int32_t find_tensor(const sluice_tensor_signature *tensors,
                           int32_t count, const char *name) {
  for (int32_t i = 0; name && i < count; ++i)
    if (strcmp(tensors[i].name, name) == 0)
      return i;
  return -1;
}

int32_t sluice_model_find_input(const sluice_model *model, const char *name) {
  return find_tensor(model->descriptor->inputs, model->descriptor->input_count,
                     name);
}

int32_t sluice_model_find_output(const sluice_model *model, const char *name) {
  return find_tensor(model->descriptor->outputs,
                     model->descriptor->output_count, name);
}

sluice_status sluice_model_input_default(const sluice_model *model,
                                         int32_t index, sluice_tensor *tensor) {
  const sluice_input_default *value =
      sluice_find_default(model->descriptor, index);
  if (!value || !tensor)
    return SLUICE_INVALID_ARGUMENT;
  const sluice_tensor_signature *input = &model->descriptor->inputs[index];
  const uint8_t *data = model->weights ? model->weights + value->offset : NULL;
  *tensor = (sluice_tensor){.dtype = (sluice_dtype)input->dtype,
                            .rank = input->rank,
                            .dims = value->dims,
                            .data = data};
  return SLUICE_OK;
}

int32_t sluice_model_metadata_count(const sluice_model *model) {
  return model->descriptor->metadata_count;
}

const char *sluice_model_metadata_key(const sluice_model *model,
                                      int32_t index) {
  bool found = index >= 0 && index < model->descriptor->metadata_count;
  return found ? model->descriptor->metadata[2 * index] : NULL;
}

const char *sluice_model_metadata_value(const sluice_model *model,
                                        int32_t index) {
  bool found = index >= 0 && index < model->descriptor->metadata_count;
  return found ? model->descriptor->metadata[2 * index + 1] : NULL;
}

int32_t sluice_model_kernel_count(const sluice_model *model) {
  return model->descriptor->kernel_count;
}

const sluice_kernel_info *sluice_model_kernel(const sluice_model *model,
                                              int32_t index) {
  bool found = index >= 0 && index < model->descriptor->kernel_count;
  return found ? &model->descriptor->kernels[index] : NULL;
}

static int64_t known_or_dynamic(int64_t size) { return size < 0 ? -1 : size; }

sluice_memory_plan sluice_model_memory_plan(const sluice_model *model) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  sluice_memory_plan plan = {
      descriptor->weights_size,
      known_or_dynamic(descriptor->static_workspace_size),
      known_or_dynamic(descriptor->liveness_lower_bound)};
  return plan;
}

/* Writes sizes as "[1,3,224]"; cut off where the text ends. */
static void print_sizes(char *text, size_t size, int32_t rank,
                        const int64_t *dims,
                        const sluice_tensor_signature *names) {
  size_t length = (size_t)snprintf(text, size, "[");
  for (int32_t i = 0; i < rank && length < size; ++i) {
    const char *comma = i ? "," : "";
    const char *name = names ? dim_name(names, i) : NULL;
    if (dims[i] < 0 && names)
      length += (size_t)snprintf(text + length, size - length, "%s%s", comma,
                                 name ? name : "?");
    else
      length += (size_t)snprintf(text + length, size - length, "%s%lld", comma,
                                 (long long)dims[i]);
  }
  if (length < size)
    snprintf(text + length, size - length, "]");
}

sluice_status sluice_check_sizes(const sluice_tensor_signature *signature,
                                 const char *what, int32_t rank,
                                 const int64_t *dims, sluice_error *error) {
  char wanted[160], given[160];
  print_sizes(wanted, sizeof wanted, signature->rank, signature->dims,
              signature);
  if (rank != signature->rank)
    return sluice_fail(error, SLUICE_SHAPE_MISMATCH,
                       "%s '%s' has %d dimensions, the model's signature is %s",
                       what, signature->name, rank, wanted);
  for (int32_t i = 0; i < rank; ++i) {
    bool fits =
        signature->dims[i] < 0 ? dims[i] >= 0 : dims[i] == signature->dims[i];
    if (fits)
      continue;
    print_sizes(given, sizeof given, rank, dims, NULL);
    return sluice_fail(error, SLUICE_SHAPE_MISMATCH,
                       "%s '%s' has shape %s, which does not fit %s in "
                       "dimension %d",
                       what, signature->name, given, wanted, i);
  }
  return sluice_succeed(error);
}

int64_t sluice_model_workspace_size(const sluice_model *model,
                                    const int64_t *const *dims) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  if (descriptor->static_workspace_size >= 0)
    return descriptor->static_workspace_size;
  for (int32_t i = 0; i < descriptor->input_count; ++i)
    if (!dims || sluice_check_sizes(&descriptor->inputs[i], "input",
                                    descriptor->inputs[i].rank, dims[i], NULL))
      return -1;
  sluice_frame_tensor *tensors =
      calloc((size_t)descriptor->input_count + 1, sizeof *tensors);
  if (!tensors)
    return -1;
  for (int32_t i = 0; i < descriptor->input_count; ++i)
    tensors[i].dims = dims[i];
  int64_t size = descriptor->workspace_size(tensors);
  free(tensors);
  return known_or_dynamic(size);
}
