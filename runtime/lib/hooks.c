/*===- hooks.c - What generated code calls ------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "context.h"

#include "platform.h"
#include "status.h"
#include "thread_pool.h"

static sluice_context *context_of(sluice_frame *frame) {
  return frame->runtime;
}

/* True for the first failure of a run, whose message is the one to keep. Loop
 * bodies may fail on several threads at once. */
static bool first_failure(sluice_frame *frame, sluice_status status) {
  bool first = !atomic_exchange(&context_of(frame)->failed, true);
  if (first)
    __atomic_store_n(&frame->status, (int32_t)status, __ATOMIC_RELAXED);
  return first;
}

static void fail_hook(sluice_frame *frame, int32_t status, const char *node,
                      const char *message) {
  sluice_status known = status > SLUICE_OK && status <= SLUICE_INTERNAL
                            ? (sluice_status)status
                            : SLUICE_RUN_FAILED;
  if (!first_failure(frame, known))
    return;
  bool named = node && *node;
  sluice_fail(&context_of(frame)->error, known, "%s%s%s%s",
              named ? "node '" : "", named ? node : "", named ? "': " : "",
              message ? message : sluice_status_name(known));
}

/* What is wrong with an output, or null. */
static const char *output_defect(const sluice_tensor_signature *output,
                                 int32_t rank, const int64_t *dims,
                                 size_t *size) {
  if (rank != output->rank)
    return "another rank than its signature";
  for (int32_t i = 0; i < rank; ++i)
    if (output->dims[i] >= 0 && dims[i] != output->dims[i])
      return "another size than the model declares";
  if (!sluice_byte_size((sluice_dtype)output->dtype, rank, dims, size))
    return "a senseless size";
  return NULL;
}

static void *output_hook(sluice_frame *frame, int32_t index, int32_t rank,
                         const int64_t *dims) {
  sluice_context *context = context_of(frame);
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  if (index < 0 || index >= descriptor->output_count) {
    fail_hook(frame, SLUICE_INTERNAL, NULL,
              "the model wrote an output it does not have");
    return NULL;
  }
  const sluice_tensor_signature *output = &descriptor->outputs[index];
  struct sluice_output_slot *slot = &context->outputs[index];
  size_t size;
  const char *defect = output_defect(output, rank, dims, &size);
  if (defect) {
    if (first_failure(frame, SLUICE_INTERNAL))
      sluice_fail(&context->error, SLUICE_INTERNAL, "output '%s' has %s",
                  output->name, defect);
    return NULL;
  }
  if (slot->state >= 0) {
    /* The message is the first failure's; loop bodies do not get here. */
    if (atomic_load(&context->failed))
      return NULL;
    slot->data = sluice_state_output(context, slot->state, dims);
    if (!slot->data) {
      first_failure(frame, context->error.status);
      return NULL;
    }
    for (int32_t i = 0; i < rank; ++i)
      slot->dims[i] = dims[i];
    slot->produced = true;
    frame->outputs[index].data = slot->data;
    return slot->data;
  }
  if (slot->bound && size > slot->bound_capacity) {
    if (first_failure(frame, SLUICE_BUFFER_TOO_SMALL))
      sluice_fail(&context->error, SLUICE_BUFFER_TOO_SMALL,
                  "output '%s' needs %zu bytes, the caller's buffer has %zu",
                  output->name, size, slot->bound_capacity);
    return NULL;
  }
  if (!slot->bound && !sluice_buffer_reserve(&slot->buffer, size)) {
    if (first_failure(frame, SLUICE_OUT_OF_MEMORY))
      sluice_fail(&context->error, SLUICE_OUT_OF_MEMORY,
                  "no memory for output '%s': %zu bytes", output->name, size);
    return NULL;
  }
  for (int32_t i = 0; i < rank; ++i)
    slot->dims[i] = dims[i];
  slot->data = slot->bound ? slot->bound : slot->buffer.data;
  slot->produced = true;
  frame->outputs[index].data = slot->data;
  return slot->data;
}

static void *allocate_hook(sluice_frame *frame, int64_t size) {
  sluice_context *context = context_of(frame);
  void *data = size < 0
                   ? NULL
                   : sluice_recycler_allocate(&context->recycler, (size_t)size);
  if (!data && first_failure(frame, SLUICE_OUT_OF_MEMORY)) {
    if (size < 0)
      sluice_fail(&context->error, SLUICE_OUT_OF_MEMORY,
                  "intermediate results have more bytes than can be counted");
    else
      sluice_fail(&context->error, SLUICE_OUT_OF_MEMORY,
                  "no memory for %lld bytes of intermediate results",
                  (long long)size);
  }
  return data;
}

static void parallel_for_hook(sluice_frame *frame, sluice_loop_body body,
                              void *closure, int64_t count, double cost) {
  sluice_context *context = context_of(frame);
  if (count <= 0)
    return;
  bool nested = atomic_load_explicit(&context->in_loop, memory_order_relaxed);
  if (nested || !(context->has_executor || context->owns_pool_now)) {
    body(closure, 0, count);
    return;
  }
  atomic_store_explicit(&context->in_loop, true, memory_order_relaxed);
  if (context->has_executor) {
    const sluice_executor *executor = &context->executor;
    struct sluice_loop_shape shape =
        sluice_shape_loop(count, cost, executor->threads);
    if (shape.shares > 1)
      executor->parallel_for(executor->user, body, closure, count, shape.chunk);
    else
      body(closure, 0, count);
  } else {
    sluice_thread_pool_run(context->pool, body, closure, count, cost);
  }
  atomic_store_explicit(&context->in_loop, false, memory_order_relaxed);
}

static void profile_hook(sluice_frame *frame, int32_t kernel, int32_t end) {
  sluice_context *context = context_of(frame);
  int64_t now = sluice_now();
  if (end)
    context->on_kernel(context->on_kernel_user, kernel, context->kernel_begin,
                       now);
  else
    context->kernel_begin = now;
}

void sluice_fill_hooks(sluice_context *context, sluice_frame *frame) {
  frame->output = output_hook;
  frame->parallel_for = parallel_for_hook;
  frame->allocate = allocate_hook;
  frame->fail = fail_hook;
  frame->profile = context->on_kernel ? profile_hook : NULL;
  frame->runtime = context;
}
