/*===- state_calls.c - What callers do with states
 * -------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "state_memory.h"

#include "status.h"

#include <string.h>

static int32_t count_states(const sluice_context *context) {
  return sluice_state_count(context->model->descriptor);
}

int32_t sluice_model_state_count(const sluice_model *model) {
  return sluice_state_count(model->descriptor);
}

const sluice_state_signature *sluice_model_state(const sluice_model *model,
                                                 int32_t index) {
  bool found = index >= 0 && index < sluice_state_count(model->descriptor);
  return found ? &model->descriptor->states[index] : NULL;
}

int32_t sluice_model_find_state(const sluice_model *model, const char *name) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  for (int32_t i = 0; name && i < sluice_state_count(descriptor); ++i) {
    const sluice_state_signature *state = &descriptor->states[i];
    if (strcmp(descriptor->inputs[state->input].name, name) == 0 ||
        strcmp(descriptor->outputs[state->output].name, name) == 0)
      return i;
  }
  return -1;
}

static sluice_status check_index(sluice_context *context, int32_t index) {
  int32_t count = count_states(context);
  if (index >= 0 && index < count)
    return SLUICE_OK;
  return sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                     "there is no state %d, model '%s' has %d", index,
                     context->model->descriptor->name, count);
}

/* Checks the sizes of memory for a state; the axis's is its capacity. */
static sluice_status check_memory(const struct sluice_state_ref *state,
                                  const int64_t *dims, sluice_error *error) {
  if (state->input->rank > 0 && !dims)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "state '%s': its sizes are null", state->input->name);
  sluice_status status = sluice_check_sizes(state->input, "state",
                                            state->input->rank, dims, error);
  size_t bytes;
  if (status == SLUICE_OK &&
      !sluice_state_count_bytes(
          state, dims,
          state->signature->axis < 0 ? 0 : dims[state->signature->axis],
          &bytes))
    return sluice_fail(error, SLUICE_SHAPE_MISMATCH,
                       "state '%s' has more bytes than can be counted",
                       state->input->name);
  return status;
}

static sluice_status state_reserve(sluice_context *context, int32_t index,
                                   const int64_t *dims) {
  sluice_status status = check_index(context, index);
  if (status != SLUICE_OK)
    return status;
  struct sluice_state_ref state = sluice_get_state(context, index);
  status = check_memory(&state, dims, &context->error);
  if (status != SLUICE_OK)
    return status;
  int32_t axis = state.signature->axis;
  state.slot->fixed = false;
  status = sluice_state_allocate(&state, dims, axis < 0 ? 0 : dims[axis],
                                 &context->error);
  if (status != SLUICE_OK)
    return status;
  state.slot->fixed = true;
  return sluice_state_clear(context, index);
}

static sluice_status bind_state(sluice_context *context, int32_t index,
                                const sluice_tensor *memory, int64_t length) {
  sluice_status status = check_index(context, index);
  if (status != SLUICE_OK)
    return status;
  struct sluice_state_ref state = sluice_get_state(context, index);
  sluice_error *error = &context->error;
  int32_t axis = state.signature->axis;
  const char *name = state.input->name;
  if (!memory) {
    state.slot->ready = state.slot->fixed = false;
    state.slot->bound = NULL;
    return SLUICE_OK;
  }
  if ((int32_t)memory->dtype != state.input->dtype)
    return sluice_fail(error, SLUICE_DTYPE_MISMATCH,
                       "the memory for state '%s' has element type %s, the "
                       "model wants %s",
                       name, sluice_dtype_name(memory->dtype),
                       sluice_dtype_name((sluice_dtype)state.input->dtype));
  if (memory->memory_space != 0 || memory->unused != 0)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "state '%s' is not in the process's memory", name);
  if (memory->rank != state.input->rank)
    return sluice_fail(error, SLUICE_SHAPE_MISMATCH,
                       "the memory for state '%s' has %d dimensions, the model "
                       "wants %d",
                       name, memory->rank, state.input->rank);
  status = check_memory(&state, memory->dims, error);
  if (status != SLUICE_OK)
    return status;
  if (!sluice_is_dense(memory))
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "the memory for state '%s' is not dense", name);
  int64_t capacity = axis < 0 ? 0 : memory->dims[axis];
  if (length < 0 || length > capacity)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "state '%s' cannot have length %lld: there is room for "
                       "%lld",
                       name, (long long)length, (long long)capacity);
  size_t bytes = 0;
  sluice_state_count_bytes(&state, memory->dims, capacity, &bytes);
  if (!memory->data && bytes > 0)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "state '%s': its memory is null", name);
  if ((uintptr_t)memory->data % sluice_dtype_alignment(memory->dtype) != 0)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "the memory for state '%s' is not aligned for %s", name,
                       sluice_dtype_name(memory->dtype));
  /* Empty memory may be anywhere. */
  static _Alignas(SLUICE_ALIGNMENT) uint8_t nothing[SLUICE_ALIGNMENT];
  state.slot->bound = memory->data ? (void *)memory->data : nothing;
  state.slot->fixed = true;
  sluice_state_set_sizes(&state, memory->dims, length, capacity);
  return SLUICE_OK;
}

static sluice_status state_reset(sluice_context *context, int32_t index) {
  bool all = index == SLUICE_ALL_STATES;
  sluice_status status = all ? SLUICE_OK : check_index(context, index);
  int32_t end = all                   ? count_states(context)
                : status == SLUICE_OK ? index + 1
                                      : 0;
  for (int32_t i = all ? 0 : index; status == SLUICE_OK && i < end; ++i) {
    struct sluice_state_slot *slot = &context->states[i];
    /* Sizes that other inputs told are asked for anew. */
    if (!slot->fixed)
      slot->ready = false;
    else
      status = sluice_state_clear(context, i);
  }
  return status;
}

static sluice_status check_seek(sluice_context *context, int32_t index,
                                int64_t length) {
  struct sluice_state_ref state = sluice_get_state(context, index);
  if (state.signature->axis < 0)
    return sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                       "state '%s' has no length: every run replaces it",
                       state.input->name);
  int64_t now = state.slot->ready ? state.slot->length : 0;
  if (length < 0 || length > now)
    return sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                       "state '%s' cannot go to length %lld, it has %lld",
                       state.input->name, (long long)length, (long long)now);
  return SLUICE_OK;
}

static sluice_status state_seek(sluice_context *context, int32_t index,
                                int64_t length) {
  bool all = index == SLUICE_ALL_STATES;
  sluice_status status = all ? SLUICE_OK : check_index(context, index);
  int32_t begin = all ? 0 : index;
  int32_t end = all                   ? count_states(context)
                : status == SLUICE_OK ? index + 1
                                      : 0;
  for (int32_t i = begin; status == SLUICE_OK && i < end; ++i)
    if (!all || context->model->descriptor->states[i].axis >= 0)
      status = check_seek(context, i, length);
  for (int32_t i = begin; status == SLUICE_OK && i < end; ++i) {
    struct sluice_state_ref state = sluice_get_state(context, i);
    if (state.signature->axis >= 0 && state.slot->ready)
      sluice_state_set_length(&state, length);
  }
  return status;
}

static sluice_status view_state(sluice_context *context, int32_t index,
                                sluice_tensor *tensor) {
  sluice_status status = check_index(context, index);
  if (status != SLUICE_OK)
    return status;
  if (!tensor)
    return sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                       "state %d: the tensor is null", index);
  status = sluice_state_make_ready(context, index);
  if (status != SLUICE_OK)
    return status;
  struct sluice_state_ref state = sluice_get_state(context, index);
  *tensor = (sluice_tensor){
      .dtype = (sluice_dtype)state.input->dtype,
      .rank = state.input->rank,
      .dims = state.slot->dims,
      .strides = state.signature->axis < 0 ? NULL : state.slot->strides,
      .data = sluice_state_data(state.slot)};
  return SLUICE_OK;
}

/* Whether the source's state can be copied to the memory that the target was
 * given. */
static sluice_status check_clone(sluice_context *context,
                                 sluice_context *source, int32_t index) {
  struct sluice_state_ref to = sluice_get_state(context, index),
                          from = sluice_get_state(source, index);
  int32_t axis = to.signature->axis;
  if (!from.slot->ready || !to.slot->bound)
    return SLUICE_OK;
  for (int32_t i = 0; i < to.input->rank; ++i)
    if (i == axis ? from.slot->length > to.slot->capacity
                  : from.slot->dims[i] != to.slot->dims[i])
      return sluice_fail(&context->error, SLUICE_SHAPE_MISMATCH,
                         "state '%s' does not fit the memory of the other "
                         "context in dimension %d",
                         to.input->name, i);
  return SLUICE_OK;
}

static sluice_status clone_state(sluice_context *context,
                                 sluice_context *source, int32_t index) {
  struct sluice_state_ref to = sluice_get_state(context, index),
                          from = sluice_get_state(source, index);
  if (!from.slot->ready)
    return state_reset(context, index);
  if (!to.slot->bound) {
    sluice_status status = sluice_state_allocate(
        &to, from.slot->dims, from.slot->capacity, &context->error);
    if (status != SLUICE_OK)
      return status;
    to.slot->fixed = from.slot->fixed;
  }
  if (to.signature->axis >= 0)
    sluice_state_set_length(&to, from.slot->length);
  sluice_tensor tensor = {.dtype = (sluice_dtype)from.input->dtype,
                          .rank = from.input->rank,
                          .dims = from.slot->dims,
                          .strides = from.slot->strides,
                          .data = sluice_state_data(from.slot)};
  sluice_state_fill(&to, &tensor);
  return SLUICE_OK;
}

static sluice_status clone_states(sluice_context *context,
                                  sluice_context *source) {
  sluice_status status = SLUICE_OK;
  if (source->model->descriptor != context->model->descriptor)
    return sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                       "the other context is one of another model, '%s'",
                       source->model->descriptor->name);
  for (int32_t i = 0; status == SLUICE_OK && i < count_states(context); ++i)
    status = check_clone(context, source, i);
  for (int32_t i = 0; status == SLUICE_OK && i < count_states(context); ++i)
    status = clone_state(context, source, i);
  return status;
}

sluice_status sluice_context_state_reserve(sluice_context *context,
                                           int32_t index, const int64_t *dims) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  return sluice_context_leave(context, state_reserve(context, index, dims));
}

sluice_status sluice_context_bind_state(sluice_context *context, int32_t index,
                                        const sluice_tensor *memory,
                                        int64_t length) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  return sluice_context_leave(context,
                              bind_state(context, index, memory, length));
}

sluice_status sluice_context_state(sluice_context *context, int32_t index,
                                   sluice_tensor *tensor) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  return sluice_context_leave(context, view_state(context, index, tensor));
}

sluice_status sluice_context_state_length(sluice_context *context,
                                          int32_t index, int64_t *length) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_reads))
    return SLUICE_BUSY;
  sluice_status status = check_index(context, index);
  if (status == SLUICE_OK && !length)
    status = sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                         "`length` is null");
  if (status == SLUICE_OK)
    status = check_seek(context, index, 0);
  if (status == SLUICE_OK) {
    const struct sluice_state_slot *slot = &context->states[index];
    *length = slot->ready ? slot->length : 0;
  }
  return sluice_context_leave(context, status);
}

sluice_status sluice_context_state_reset(sluice_context *context,
                                         int32_t index) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  return sluice_context_leave(context, state_reset(context, index));
}

sluice_status sluice_context_state_seek(sluice_context *context, int32_t index,
                                        int64_t length) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  return sluice_context_leave(context, state_seek(context, index, length));
}

sluice_status sluice_context_state_clone(sluice_context *context,
                                         sluice_context *source) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  if (!source)
    return sluice_context_leave(
        context, sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                             "there is no context to copy states of"));
  if (source == context)
    return sluice_context_leave(
        context, sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                             "a context cannot be copied to itself"));
  if (!sluice_context_enter(source, sluice_call_reads))
    return sluice_context_leave(
        context, sluice_fail(&context->error, SLUICE_BUSY,
                             "the other context is running on another thread"));
  sluice_status status = clone_states(context, source);
  sluice_context_leave(source, SLUICE_OK);
  return sluice_context_leave(context, status);
}
