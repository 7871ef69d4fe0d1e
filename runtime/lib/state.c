/*===- state.c - What a run leaves for the next one
 * --------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "state_memory.h"

#include "status.h"

#include <stdlib.h>
#include <string.h>

static int32_t count_states(const sluice_context *context) {
  return sluice_state_count(context->model->descriptor);
}

bool sluice_create_states(sluice_context *context) {
  int32_t count = count_states(context);
  size_t sizes = 0;
  for (int32_t i = 0; i < count; ++i) {
    int32_t input = context->model->descriptor->states[i].input;
    sizes += 2 * (size_t)context->model->descriptor->inputs[input].rank;
  }
  context->states = calloc((size_t)count + 1, sizeof *context->states);
  context->state_sizes = calloc(sizes + 1, sizeof *context->state_sizes);
  if (!context->states || !context->state_sizes)
    return false;
  int64_t *next = context->state_sizes;
  for (int32_t i = 0; i < count; ++i) {
    struct sluice_state_ref state = sluice_get_state(context, i);
    context->inputs[state.signature->input].state = i;
    context->outputs[state.signature->output].state = i;
    state.slot->dims = next;
    state.slot->strides = next + state.input->rank;
    next += 2 * state.input->rank;
    bool known = state.signature->axis < 0 || state.signature->capacity > 0;
    for (int32_t d = 0; d < state.input->rank; ++d)
      known &= d == state.signature->axis || state.input->dims[d] >= 0;
    if (known && sluice_state_make_ready(context, i) != SLUICE_OK)
      return false;
  }
  return true;
}

void sluice_destroy_states(sluice_context *context) {
  for (int32_t i = 0; context->states && i < count_states(context); ++i)
    for (int b = 0; b < 2; ++b)
      sluice_buffer_free(&context->states[i].buffers[b]);
  free(context->states);
  free(context->state_sizes);
}

void sluice_abandon_states(sluice_context *context, bool binding) {
  const struct sluice_buffer none = {NULL, 0, false};
  for (int32_t i = 0; context->states && i < count_states(context); ++i) {
    struct sluice_state_ref state = sluice_get_state(context, i);
    if (!binding && !state.signature->in_place)
      continue;
    state.slot->ready = state.slot->fixed = false;
    state.slot->bound = NULL;
    state.slot->buffers[0] = state.slot->buffers[1] = none;
  }
}

static bool lie_apart(const void *left, size_t left_size, const void *right,
                      size_t right_size) {
  uintptr_t a = (uintptr_t)left, b = (uintptr_t)right;
  return a + left_size <= b || b + right_size <= a;
}

/* How far a tensor's data reaches from its first element, both ways. */
static void find_extent(const struct sluice_state_ref *state,
                        const sluice_tensor *tensor, size_t dense,
                        const uint8_t **first, size_t *bytes) {
  *first = tensor->data;
  *bytes = dense;
  if (!tensor->strides)
    return;
  *bytes = state->element_size;
  for (int32_t i = 0; i < tensor->rank; ++i) {
    int64_t reach = tensor->dims[i] > 0
                        ? (tensor->dims[i] - 1) * tensor->strides[i] *
                              (int64_t)state->element_size
                        : 0;
    if (reach < 0)
      *first += reach;
    *bytes += (size_t)(reach < 0 ? -reach : reach);
  }
}

/* Is a tensor what the state is already? */
static bool is_state(const struct sluice_state_ref *state,
                     const sluice_tensor *tensor) {
  if (!state->slot->ready || tensor->data != sluice_state_data(state->slot))
    return false;
  for (int32_t i = 0; i < tensor->rank; ++i)
    if (tensor->dims[i] != state->slot->dims[i] ||
        (tensor->strides && tensor->strides[i] != state->slot->strides[i]))
      return false;
  return tensor->strides || state->signature->axis < 0;
}

sluice_status sluice_state_import(sluice_context *context, int32_t index,
                                  const sluice_tensor *tensor) {
  struct sluice_state_ref state = sluice_get_state(context, index);
  struct sluice_state_slot *slot = state.slot;
  int32_t axis = state.signature->axis;
  if (is_state(&state, tensor))
    return SLUICE_OK;
  int64_t length = axis < 0 ? 0 : tensor->dims[axis];
  int64_t capacity = slot->fixed ? slot->capacity : state.signature->capacity;
  if (axis >= 0 && !slot->fixed && capacity == 0)
    return sluice_state_no_capacity(&state, &context->error);
  if (length > capacity)
    return sluice_fail(&context->error, SLUICE_BUFFER_TOO_SMALL,
                       "input '%s' has length %lld along dimension %d, its "
                       "state has room for %lld",
                       state.input->name, (long long)length, axis,
                       (long long)capacity);
  bool fits = slot->ready;
  for (int32_t i = 0; i < state.input->rank; ++i)
    if (i != axis && slot->ready && slot->dims[i] != tensor->dims[i]) {
      if (slot->fixed)
        return sluice_fail(&context->error, SLUICE_SHAPE_MISMATCH,
                           "input '%s' is %lld in dimension %d, its state is "
                           "%lld",
                           state.input->name, (long long)tensor->dims[i], i,
                           (long long)slot->dims[i]);
      fits = false;
    }
  size_t dense = 0, reach = 0;
  const uint8_t *first;
  sluice_byte_size(tensor->dtype, tensor->rank, tensor->dims, &dense);
  find_extent(&state, tensor, dense, &first, &reach);
  if (slot->ready && dense > 0 &&
      !lie_apart(first, reach, sluice_state_data(slot),
                 sluice_state_bytes(context, index)))
    return sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                       "input '%s' lies in the memory of its state",
                       state.input->name);
  if (!fits) {
    sluice_status status =
        sluice_state_allocate(&state, tensor->dims, capacity, &context->error);
    if (status != SLUICE_OK)
      return status;
  }
  if (axis >= 0)
    sluice_state_set_length(&state, length);
  sluice_state_fill(&state, tensor);
  return SLUICE_OK;
}

sluice_status sluice_prepare_states(sluice_context *context) {
  for (int32_t i = 0; i < count_states(context); ++i) {
    sluice_status status = sluice_state_make_ready(context, i);
    if (status != SLUICE_OK)
      return status;
    struct sluice_state_ref state = sluice_get_state(context, i);
    struct sluice_state_slot *slot = state.slot;
    /* What has been bound for runs to write over it needs a second piece. */
    size_t bytes = sluice_state_bytes(context, i);
    if (slot->bound && state.signature->axis < 0 &&
        !state.signature->in_place &&
        !sluice_buffer_reserve(&slot->buffers[0], bytes ? bytes : 1))
      return sluice_fail(&context->error, SLUICE_OUT_OF_MEMORY,
                         "no memory for state '%s': %zu bytes",
                         state.input->name, bytes);
    int64_t *dims = context->inputs[state.signature->input].dims;
    memcpy(dims, slot->dims, (size_t)state.input->rank * sizeof *dims);
    sluice_frame_tensor *tensor =
        &context->frame_inputs[state.signature->input];
    tensor->data = sluice_state_data(slot);
    tensor->strides = state.signature->axis < 0 ? NULL : slot->strides;
    tensor->axis = state.signature->axis;
    tensor->length = slot->length;
    tensor->capacity = slot->capacity;
  }
  return SLUICE_OK;
}

void *sluice_state_output(sluice_context *context, int32_t index,
                          const int64_t *dims) {
  struct sluice_state_ref state = sluice_get_state(context, index);
  struct sluice_state_slot *slot = state.slot;
  int32_t axis = state.signature->axis;
  for (int32_t i = 0; i < state.input->rank; ++i)
    if (i != axis && dims[i] != slot->dims[i]) {
      sluice_fail(&context->error, SLUICE_SHAPE_MISMATCH,
                  "output '%s' is %lld in dimension %d, but %lld in input "
                  "'%s', whose state it is",
                  state.output->name, (long long)dims[i], i,
                  (long long)slot->dims[i], state.input->name);
      return NULL;
    }
  void *data = sluice_state_data(slot);
  if (axis >= 0) {
    if (dims[axis] > slot->capacity) {
      sluice_fail(&context->error, SLUICE_BUFFER_TOO_SMALL,
                  "output '%s' would have length %lld along dimension %d, but "
                  "input '%s', whose state it is, has a capacity of %lld; the "
                  "state keeps its length of %lld",
                  state.output->name, (long long)dims[axis], axis,
                  state.input->name, (long long)slot->capacity,
                  (long long)slot->length);
      return NULL;
    }
    slot->next_length = dims[axis];
  } else if (!state.signature->in_place) {
    data = slot->bound ? slot->buffers[0].data
                       : slot->buffers[!slot->current].data;
  }
  sluice_frame_tensor *tensor =
      &context->frame_outputs[state.signature->output];
  tensor->strides = axis < 0 ? NULL : slot->strides;
  tensor->axis = axis;
  tensor->length = slot->next_length;
  tensor->capacity = slot->capacity;
  return data;
}

void sluice_commit_states(sluice_context *context) {
  for (int32_t i = 0; i < count_states(context); ++i) {
    struct sluice_state_ref state = sluice_get_state(context, i);
    if (state.signature->axis >= 0) {
      sluice_state_set_length(&state, state.slot->next_length);
    } else if (!state.signature->in_place) {
      if (state.slot->bound)
        memcpy(state.slot->bound, state.slot->buffers[0].data,
               sluice_state_bytes(context, i));
      else
        state.slot->current = !state.slot->current;
    }
  }
}
