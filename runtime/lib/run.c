/*===- run.c - Runs a model ---------------------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "context.h"
#include "status.h"
#include "thread_pool.h"

/* Checks that equal names stand for equal sizes. */
static sluice_status check_symbols(sluice_context *context) {
  const sluice_model *model = context->model;
  const sluice_tensor_signature *inputs = model->descriptor->inputs;
  for (int32_t i = 0; i < model->symbol_count; ++i)
    context->symbol_sizes[i] =
        context->inputs[model->symbols[i].input].dims[model->symbols[i].dim];
  const int32_t *symbol = model->dim_symbols;
  for (int32_t i = 0; i < model->descriptor->input_count; ++i)
    for (int32_t d = 0; d < inputs[i].rank; ++d, ++symbol) {
      int64_t size = context->inputs[i].dims[d];
      if (*symbol < 0 || size == context->symbol_sizes[*symbol])
        continue;
      struct sluice_symbol first = model->symbols[*symbol];
      return sluice_fail(
          &context->error, SLUICE_SHAPE_MISMATCH,
          "dimension '%s' is %lld in input '%s' (dimension %d) but %lld in "
          "input '%s' (dimension %d)",
          inputs[i].dim_names[d], (long long)context->symbol_sizes[*symbol],
          inputs[first.input].name, first.dim, (long long)size, inputs[i].name,
          d);
    }
  return SLUICE_OK;
}

static sluice_status check_bound(sluice_context *context) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  for (int32_t i = 0; i < descriptor->input_count; ++i)
    if (!context->inputs[i].bound && context->inputs[i].state < 0)
      return sluice_fail(&context->error, SLUICE_MISSING_INPUT,
                         "input '%s' is not bound", descriptor->inputs[i].name);
  return SLUICE_OK;
}

static size_t input_size(const sluice_context *context, int32_t index) {
  const sluice_tensor_signature *input =
      &context->model->descriptor->inputs[index];
  size_t size = 0;
  sluice_byte_size((sluice_dtype)input->dtype, input->rank,
                   context->inputs[index].dims, &size);
  return size;
}

/* Makes every input dense and aligned. Empty ones get some address, so that
 * generated code never sees a null pointer. */
static sluice_status prepare_inputs(sluice_context *context) {
  static const _Alignas(SLUICE_ALIGNMENT) uint8_t nothing[SLUICE_ALIGNMENT];
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  for (int32_t i = 0; i < descriptor->input_count; ++i) {
    const sluice_tensor_signature *input = &descriptor->inputs[i];
    struct sluice_input_slot *slot = &context->inputs[i];
    const void *data = slot->data;
    if (slot->state >= 0)
      continue;
    if (slot->gathered) {
      size_t size = input_size(context, i);
      if (!sluice_buffer_reserve(&slot->buffer, size))
        return sluice_fail(&context->error, SLUICE_OUT_OF_MEMORY,
                           "no memory for a dense copy of input '%s': %zu "
                           "bytes",
                           input->name, size);
      sluice_gather(slot->buffer.data, data,
                    sluice_dtype_size((sluice_dtype)input->dtype), input->rank,
                    slot->dims, slot->strides);
      data = slot->buffer.data;
    }
    /* Generated code only reads what is not a state. */
    context->frame_inputs[i].data = (void *)(data ? data : nothing);
  }
  return SLUICE_OK;
}

static bool overlap(const void *left, size_t left_size, const void *right,
                    size_t right_size) {
  uintptr_t a = (uintptr_t)left, b = (uintptr_t)right;
  return left_size && right_size && a < b + right_size && b < a + left_size;
}

/* The caller's memory that a run writes an output to; null where it is the
 * context's own. That of a state is all that is bound. */
static const void *bound_output(const sluice_context *context, int32_t index,
                                size_t *size) {
  const struct sluice_output_slot *output = &context->outputs[index];
  if (output->state < 0) {
    *size = output->bound_capacity;
    return output->bound;
  }
  *size = sluice_state_bytes(context, output->state);
  return context->states[output->state].bound;
}

/* Outputs are written while inputs are still read, so a caller's buffers must
 * not overlap, but for the input and the output of one state. */
static sluice_status check_overlap(sluice_context *context) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  for (int32_t o = 0; o < descriptor->output_count; ++o) {
    size_t size, other_size;
    const void *bound = bound_output(context, o, &size);
    if (!bound)
      continue;
    const char *other = NULL;
    for (int32_t i = 0; i < descriptor->input_count; ++i) {
      int32_t state = context->inputs[i].state;
      if (state >= 0 && state == context->outputs[o].state)
        continue;
      other_size = state < 0 ? input_size(context, i)
                             : sluice_state_bytes(context, state);
      if (overlap(bound, size, context->frame_inputs[i].data, other_size))
        other = descriptor->inputs[i].name;
    }
    for (int32_t p = 0; p < o; ++p) {
      const void *earlier = bound_output(context, p, &other_size);
      if (earlier && overlap(bound, size, earlier, other_size))
        other = descriptor->outputs[p].name;
    }
    if (other)
      return sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                         "the buffer bound to output '%s' overlaps '%s'",
                         descriptor->outputs[o].name, other);
  }
  return SLUICE_OK;
}

static sluice_status prepare_workspace(sluice_context *context,
                                       uint8_t **workspace) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  int64_t size = descriptor->static_workspace_size;
  if (size < 0)
    size = descriptor->workspace_size(context->frame_inputs);
  if (size < 0)
    return sluice_fail(&context->error, SLUICE_OUT_OF_MEMORY,
                       "the workspace for these input sizes has more bytes "
                       "than can be counted");
  if (context->bound_workspace) {
    if ((uint64_t)size > context->bound_workspace_capacity)
      return sluice_fail(&context->error, SLUICE_BUFFER_TOO_SMALL,
                         "the run needs a workspace of %lld bytes, the "
                         "caller's has %zu",
                         (long long)size, context->bound_workspace_capacity);
    *workspace = context->bound_workspace;
    return SLUICE_OK;
  }
  if (!sluice_buffer_reserve(&context->workspace, (size_t)size))
    return sluice_fail(&context->error, SLUICE_OUT_OF_MEMORY,
                       "no memory for a workspace of %lld bytes",
                       (long long)size);
  *workspace = context->workspace.data;
  return SLUICE_OK;
}

/* Calls the generated code and finds out what came of it. */
static sluice_status execute(sluice_context *context, uint8_t *workspace) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  sluice_frame frame = {0};
  frame.version = SLUICE_FRAME_VERSION;
  frame.size = sizeof frame;
  frame.inputs = context->frame_inputs;
  frame.outputs = context->frame_outputs;
  frame.workspace = workspace;
  frame.weights = context->model->weights;
  frame.random_seed = context->seed;
  frame.random_draws = context->random_draws;
  sluice_fill_hooks(context, &frame);
  atomic_store_explicit(&context->failed, false, memory_order_relaxed);
  context->owns_pool_now = context->pool && !context->has_executor &&
                           sluice_thread_pool_enter(context->pool);
  /* Libraries do not see the caller's executor: they stay on this thread. */
  frame.threads =
      context->owns_pool_now ? sluice_thread_pool_limit(context->pool) : 1;
  int32_t returned = descriptor->run(&frame);
  context->random_draws = frame.random_draws;
  if (context->owns_pool_now)
    sluice_thread_pool_leave(context->pool);
  sluice_recycler_reset(&context->recycler);
  if (atomic_load_explicit(&context->failed, memory_order_relaxed))
    return context->error.status;
  if (returned != 0 || frame.status != 0)
    return sluice_fail(&context->error, SLUICE_RUN_FAILED,
                       "model '%s' failed with status %d and did not say why",
                       descriptor->name, returned ? returned : frame.status);
  for (int32_t i = 0; i < descriptor->output_count; ++i)
    if (!context->outputs[i].produced)
      return sluice_fail(&context->error, SLUICE_INTERNAL,
                         "model '%s' did not produce output '%s'",
                         descriptor->name, descriptor->outputs[i].name);
  return SLUICE_OK;
}

static sluice_status run(sluice_context *context) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  for (int32_t i = 0; i < descriptor->output_count; ++i)
    context->outputs[i].produced = false;
  uint8_t *workspace = NULL;
  sluice_status status = check_bound(context);
  if (status == SLUICE_OK)
    status = sluice_prepare_states(context);
  if (status == SLUICE_OK)
    status = check_symbols(context);
  if (status == SLUICE_OK)
    status = prepare_inputs(context);
  if (status == SLUICE_OK)
    status = check_overlap(context);
  if (status == SLUICE_OK)
    status = prepare_workspace(context, &workspace);
  if (status == SLUICE_OK)
    status = execute(context, workspace);
  if (status == SLUICE_OK)
    sluice_commit_states(context);
  for (int32_t i = 0; status != SLUICE_OK && i < descriptor->output_count; ++i)
    context->outputs[i].produced = false;
  return status;
}

sluice_status sluice_context_run(sluice_context *context) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_runs))
    return SLUICE_BUSY;
  return sluice_context_leave(context, run(context));
}
