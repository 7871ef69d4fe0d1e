/*===- descriptor.c - Checks of a model's descriptor --------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "model.h"

#include "status.h"

#include <stddef.h>

static sluice_status senseless(const char *what, sluice_error *error) {
  return sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                     "the model's descriptor is damaged: %s", what);
}

static bool tensor_is_sane(const sluice_tensor_signature *tensor) {
  if (!tensor->name || tensor->rank < 0 || tensor->rank > sluice_max_rank ||
      sluice_dtype_bits((sluice_dtype)tensor->dtype) == 0 ||
      (tensor->rank > 0 && !tensor->dims))
    return false;
  for (int32_t i = 0; i < tensor->rank; ++i)
    if (tensor->dims[i] < -1)
      return false;
  return true;
}

static bool table_is_sane(int32_t count, const void *table) {
  return count == 0 || (count > 0 && count <= sluice_max_table && table);
}

static bool tables_are_sane(const sluice_model_descriptor *descriptor) {
  if (!table_is_sane(descriptor->input_count, descriptor->inputs) ||
      !table_is_sane(descriptor->output_count, descriptor->outputs) ||
      !table_is_sane(descriptor->metadata_count, descriptor->metadata) ||
      !table_is_sane(descriptor->kernel_count, descriptor->kernels))
    return false;
  for (int32_t i = 0; i < descriptor->input_count; ++i)
    if (!tensor_is_sane(&descriptor->inputs[i]))
      return false;
  for (int32_t i = 0; i < descriptor->output_count; ++i)
    if (!tensor_is_sane(&descriptor->outputs[i]))
      return false;
  for (int32_t i = 0; i < 2 * descriptor->metadata_count; ++i)
    if (!descriptor->metadata[i])
      return false;
  for (int32_t i = 0; i < descriptor->kernel_count; ++i) {
    const sluice_kernel_info *kernel = &descriptor->kernels[i];
    if (!kernel->name || !kernel->kind || !kernel->nodes)
      return false;
  }
  return true;
}

static bool weights_are_sane(const sluice_model_descriptor *descriptor) {
  if (descriptor->weights_size < 0)
    return false;
  if (descriptor->weights)
    return (uintptr_t)descriptor->weights % 64 == 0;
  return descriptor->weights_file || descriptor->weights_size == 0;
}

/* How many inputs have a default: none where the descriptor is older. */
static int64_t default_count(const sluice_model_descriptor *descriptor) {
  const size_t needed =
      offsetof(sluice_model_descriptor, defaults) + sizeof(void *);
  return descriptor->descriptor_size >= needed ? descriptor->default_count : 0;
}

static bool default_is_sane(const sluice_model_descriptor *descriptor,
                            const sluice_input_default *value) {
  if (value->input < 0 || value->input >= descriptor->input_count)
    return false;
  const sluice_tensor_signature *input = &descriptor->inputs[value->input];
  size_t size;
  if (input->rank > 0 && !value->dims)
    return false;
  for (int32_t i = 0; i < input->rank; ++i)
    if (value->dims[i] < 0 ||
        (input->dims[i] >= 0 && value->dims[i] != input->dims[i]))
      return false;
  return sluice_byte_size((sluice_dtype)input->dtype, input->rank, value->dims,
                          &size) &&
         value->offset >= 0 && value->offset % 64 == 0 &&
         value->offset <= descriptor->weights_size &&
         size <= (uint64_t)(descriptor->weights_size - value->offset);
}

static bool defaults_are_sane(const sluice_model_descriptor *descriptor) {
  int64_t count = default_count(descriptor);
  if (count < 0 || count > descriptor->input_count ||
      (count > 0 && !descriptor->defaults))
    return false;
  for (int64_t i = 0; i < count; ++i)
    if (!default_is_sane(descriptor, &descriptor->defaults[i]))
      return false;
  return true;
}

int32_t sluice_state_count(const sluice_model_descriptor *descriptor) {
  return SLUICE_DESCRIPTOR_HAS(descriptor, states)
             ? (int32_t)descriptor->state_count
             : 0;
}

/* Are the sizes those of one tensor, but for the axis? */
static bool state_is_sane(const sluice_model_descriptor *descriptor,
                          const sluice_state_signature *state) {
  if (state->input < 0 || state->input >= descriptor->input_count ||
      state->output < 0 || state->output >= descriptor->output_count)
    return false;
  const sluice_tensor_signature *input = &descriptor->inputs[state->input];
  const sluice_tensor_signature *output = &descriptor->outputs[state->output];
  if (input->dtype != output->dtype || input->rank != output->rank ||
      sluice_dtype_size((sluice_dtype)input->dtype) == 0 || state->axis < -1 ||
      state->axis >= input->rank || state->capacity < 0)
    return false;
  for (int32_t i = 0; i < input->rank; ++i)
    if (i == state->axis ? input->dims[i] >= 0 || output->dims[i] >= 0
                         : input->dims[i] >= 0 && output->dims[i] >= 0 &&
                               input->dims[i] != output->dims[i])
      return false;
  return true;
}

static bool states_are_sane(const sluice_model_descriptor *descriptor) {
  if (!SLUICE_DESCRIPTOR_HAS(descriptor, states))
    return true;
  int64_t count = descriptor->state_count;
  if (count < 0 || count > descriptor->input_count ||
      count > sluice_max_states || (count > 0 && !descriptor->states))
    return false;
  for (int64_t i = 0; i < count; ++i) {
    if (!state_is_sane(descriptor, &descriptor->states[i]))
      return false;
    for (int64_t j = 0; j < i; ++j)
      if (descriptor->states[j].input == descriptor->states[i].input ||
          descriptor->states[j].output == descriptor->states[i].output)
        return false;
  }
  return true;
}

const sluice_input_default *
sluice_find_default(const sluice_model_descriptor *descriptor, int32_t input) {
  for (int64_t i = 0; i < default_count(descriptor); ++i)
    if (descriptor->defaults[i].input == input)
      return &descriptor->defaults[i];
  return NULL;
}

sluice_status sluice_check_descriptor(const sluice_model_descriptor *descriptor,
                                      sluice_error *error) {
  if (descriptor->magic != SLUICE_ABI_MAGIC)
    return sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                       "the model's descriptor is damaged: it begins with "
                       "0x%08x instead of 0x%08x",
                       descriptor->magic, SLUICE_ABI_MAGIC);
  if (descriptor->abi_version != SLUICE_ABI_VERSION)
    return sluice_fail(error, SLUICE_VERSION_MISMATCH,
                       "the model was compiled for version %u of the artifact "
                       "interface, this runtime implements version %u; compile "
                       "it again",
                       descriptor->abi_version, SLUICE_ABI_VERSION);
  const size_t smallest = offsetof(sluice_model_descriptor, flags);
  /* Descriptors that are longer than ours have fields that we do not need. */
  if (descriptor->descriptor_size < smallest)
    return sluice_fail(error, SLUICE_VERSION_MISMATCH,
                       "the model's descriptor has %llu bytes, this runtime "
                       "expects %zu; compile it again",
                       (unsigned long long)descriptor->descriptor_size,
                       smallest);
  if (SLUICE_DESCRIPTOR_HAS(descriptor, frame_size) &&
      descriptor->frame_size > sizeof(sluice_frame))
    return sluice_fail(error, SLUICE_VERSION_MISMATCH,
                       "the model needs a frame of %llu bytes, this runtime's "
                       "has %zu; use a newer runtime",
                       (unsigned long long)descriptor->frame_size,
                       sizeof(sluice_frame));
  if (!descriptor->name || !descriptor->compiler ||
      !descriptor->target_triple || !descriptor->target_cpu ||
      !descriptor->isa_features)
    return senseless("a name is missing", error);
  if (!tables_are_sane(descriptor))
    return senseless("a table is missing or holds senseless entries", error);
  if (!weights_are_sane(descriptor))
    return senseless("the weights are missing or misaligned", error);
  if (!defaults_are_sane(descriptor))
    return senseless("the default of an input does not fit it", error);
  if (!states_are_sane(descriptor))
    return senseless("an output does not fit the input that it is the state of",
                     error);
  if (!descriptor->run ||
      (descriptor->static_workspace_size < 0 && !descriptor->workspace_size))
    return senseless("a function is missing", error);
  return sluice_succeed(error);
}

bool sluice_expects_trailer(const sluice_model_descriptor *descriptor) {
  return SLUICE_DESCRIPTOR_HAS(descriptor, flags) &&
         descriptor->flags & SLUICE_DESCRIPTOR_HAS_TRAILER;
}
