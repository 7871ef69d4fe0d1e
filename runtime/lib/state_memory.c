/*===- state_memory.c - The memory of a state
 * ------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "state_memory.h"

#include "status.h"

#include <string.h>

struct sluice_state_ref sluice_get_state(const sluice_context *context,
                                         int32_t index) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  const sluice_state_signature *signature = &descriptor->states[index];
  const sluice_tensor_signature *input = &descriptor->inputs[signature->input];
  return (struct sluice_state_ref){
      signature, input, &descriptor->outputs[signature->output],
      &context->states[index], sluice_dtype_size((sluice_dtype)input->dtype)};
}

/* How the memory of a state lies: blocks of `step` bytes along its axis,
 * `outer` times room for `capacity` of them. Without an axis all is one block.
 */
struct layout {
  size_t outer;
  size_t step;
};

/* That of a state of checked sizes whose bytes can be counted. */
static struct layout get_layout(const struct sluice_state_ref *state) {
  int32_t axis = state->signature->axis;
  struct layout layout = {1, state->element_size};
  for (int32_t i = 0; i < state->input->rank; ++i)
    if (i < axis)
      layout.outer *= (size_t)state->slot->dims[i];
    else if (i > axis)
      layout.step *= (size_t)state->slot->dims[i];
  return layout;
}

bool sluice_state_count_bytes(const struct sluice_state_ref *state,
                              const int64_t *dims, int64_t capacity,
                              size_t *bytes) {
  int64_t sizes[sluice_max_rank];
  for (int32_t i = 0; i < state->input->rank; ++i)
    sizes[i] = i == state->signature->axis ? capacity : dims[i];
  return sluice_byte_size((sluice_dtype)state->input->dtype, state->input->rank,
                          sizes, bytes);
}

size_t sluice_state_bytes(const sluice_context *context, int32_t index) {
  struct sluice_state_ref state = sluice_get_state(context, index);
  size_t bytes = 0;
  sluice_state_count_bytes(&state, state.slot->dims, state.slot->capacity,
                           &bytes);
  return bytes;
}

void *sluice_state_data(const struct sluice_state_slot *slot) {
  return slot->bound ? slot->bound : slot->buffers[slot->current].data;
}

void sluice_state_set_sizes(const struct sluice_state_ref *state,
                            const int64_t *dims, int64_t length,
                            int64_t capacity) {
  struct sluice_state_slot *slot = state->slot;
  int32_t axis = state->signature->axis;
  int64_t stride = 1;
  for (int32_t i = state->input->rank - 1; i >= 0; --i) {
    slot->dims[i] = i == axis ? length : dims[i];
    slot->strides[i] = stride;
    /* Where nothing can be reached, strides say nothing. */
    if (__builtin_mul_overflow(stride, i == axis ? capacity : dims[i], &stride))
      stride = 0;
  }
  slot->length = axis < 0 ? 0 : length;
  slot->capacity = axis < 0 ? 0 : capacity;
  slot->current = 0;
  slot->ready = true;
}

void sluice_state_set_length(const struct sluice_state_ref *state,
                             int64_t length) {
  state->slot->length = length;
  state->slot->dims[state->signature->axis] = length;
}

sluice_status sluice_state_allocate(const struct sluice_state_ref *state,
                                    const int64_t *dims, int64_t capacity,
                                    sluice_error *error) {
  size_t bytes;
  state->slot->ready = false;
  state->slot->bound = NULL;
  if (!sluice_state_count_bytes(state, dims, capacity, &bytes))
    return sluice_fail(error, SLUICE_SHAPE_MISMATCH,
                       "state '%s' has more bytes than can be counted",
                       state->input->name);
  bool two = state->signature->axis < 0 && !state->signature->in_place;
  for (int i = 0; i < (two ? 2 : 1); ++i)
    if (!sluice_buffer_reserve(&state->slot->buffers[i], bytes ? bytes : 1))
      return sluice_fail(error, SLUICE_OUT_OF_MEMORY,
                         "no memory for state '%s': %zu bytes",
                         state->input->name, bytes);
  sluice_state_set_sizes(state, dims, 0, capacity);
  return SLUICE_OK;
}

/* Copies `outer` runs of `bytes` that lie a step apart. */
static void copy_blocks(uint8_t *to, size_t to_step, const uint8_t *from,
                        size_t from_step, size_t outer, size_t bytes) {
  for (size_t i = 0; bytes && i < outer; ++i)
    memcpy(to + i * to_step, from + i * from_step, bytes);
}

void sluice_state_fill(const struct sluice_state_ref *state,
                       const sluice_tensor *tensor) {
  struct sluice_state_slot *slot = state->slot;
  int32_t axis = state->signature->axis < 0 ? 0 : state->signature->axis;
  int32_t rank = state->input->rank;
  uint8_t *to = sluice_state_data(slot);
  const uint8_t *from = tensor->data;
  for (int32_t i = 0; i < rank; ++i)
    if (slot->dims[i] == 0)
      return;
  struct layout layout = get_layout(state);
  size_t bytes = layout.step;
  size_t to_step = 0;
  if (state->signature->axis >= 0) {
    bytes *= (size_t)slot->length;
    to_step = layout.step * (size_t)slot->capacity;
  }
  if (!tensor->strides) {
    copy_blocks(to, to_step, from, bytes, layout.outer, bytes);
    return;
  }
  /* Walks over the dimensions in front of the axis like an odometer. */
  int64_t place[sluice_max_rank] = {0};
  for (size_t block = 0; block < layout.outer; ++block) {
    sluice_gather(to + block * to_step, from, state->element_size, rank - axis,
                  slot->dims + axis, tensor->strides + axis);
    for (int32_t i = axis - 1; i >= 0; --i) {
      int64_t stride = tensor->strides[i] * (int64_t)state->element_size;
      from += stride;
      if (++place[i] < slot->dims[i])
        break;
      from -= stride * slot->dims[i];
      place[i] = 0;
    }
  }
}

sluice_status sluice_state_clear(sluice_context *context, int32_t index) {
  struct sluice_state_ref state = sluice_get_state(context, index);
  sluice_tensor value;
  if (sluice_model_input_default(context->model, state.signature->input,
                                 &value) == SLUICE_OK)
    return sluice_state_import(context, index, &value);
  if (state.signature->axis >= 0)
    sluice_state_set_length(&state, 0);
  else
    memset(sluice_state_data(state.slot), 0,
           sluice_state_bytes(context, index));
  return SLUICE_OK;
}

/* Finds the sizes that a state must have: the model's, or those of another
 * input's dimension of the same name. */
static sluice_status find_sizes(sluice_context *context, int32_t index,
                                int64_t *dims) {
  struct sluice_state_ref state = sluice_get_state(context, index);
  const sluice_model *model = context->model;
  const int32_t *symbols = model->dim_symbols, *own = NULL;
  for (int32_t i = 0; i < model->descriptor->input_count; ++i) {
    if (i == state.signature->input)
      own = symbols;
    symbols += model->descriptor->inputs[i].rank;
  }
  for (int32_t d = 0; d < state.input->rank; ++d) {
    dims[d] = d == state.signature->axis ? 0 : state.input->dims[d];
    symbols = model->dim_symbols;
    for (int32_t i = 0; dims[d] < 0 && i < model->descriptor->input_count;
         symbols += model->descriptor->inputs[i++].rank) {
      if (!context->inputs[i].bound)
        continue;
      for (int32_t e = 0; e < model->descriptor->inputs[i].rank; ++e)
        if (own[d] >= 0 && symbols[e] == own[d])
          dims[d] = context->inputs[i].dims[e];
    }
    if (dims[d] < 0)
      return sluice_fail(&context->error, SLUICE_MISSING_INPUT,
                         "the size of state '%s' in dimension %d is not known: "
                         "reserve or bind its memory, or set the input",
                         state.input->name, d);
  }
  return SLUICE_OK;
}

sluice_status sluice_state_no_capacity(const struct sluice_state_ref *state,
                                       sluice_error *error) {
  return sluice_fail(error, SLUICE_MISSING_INPUT,
                     "state '%s' has no capacity: reserve or bind its memory, "
                     "or compile the model with one",
                     state->input->name);
}

sluice_status sluice_state_make_ready(sluice_context *context, int32_t index) {
  struct sluice_state_ref state = sluice_get_state(context, index);
  int64_t dims[sluice_max_rank];
  if (state.slot->ready)
    return SLUICE_OK;
  sluice_status status = find_sizes(context, index, dims);
  if (status == SLUICE_OK && state.signature->axis >= 0 &&
      state.signature->capacity == 0)
    status = sluice_state_no_capacity(&state, &context->error);
  if (status == SLUICE_OK)
    status = sluice_state_allocate(&state, dims, state.signature->capacity,
                                   &context->error);
  return status == SLUICE_OK ? sluice_state_clear(context, index) : status;
}
