/*===- context.c - Creating contexts and binding tensors ----------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "context.h"

#include "status.h"

#include <stdlib.h>
#include <string.h>

/* In the child of a fork that came during a call: what the call was changing
 * may be half done, so it is left behind as it is. That costs no memory, for
 * these pages are the parent's until somebody writes to them. */
static void abandon_call(sluice_context *context) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  const struct sluice_buffer none = {NULL, 0, false};
  bool binding = atomic_load(&context->call) == sluice_call_binds;
  for (int32_t i = 0; context->inputs && i < descriptor->input_count; ++i) {
    struct sluice_input_slot *slot = &context->inputs[i];
    if (binding || slot->gathered)
      slot->buffer = none;
    if (binding)
      slot->bound = false;
  }
  for (int32_t i = 0; context->outputs && i < descriptor->output_count; ++i) {
    struct sluice_output_slot *slot = &context->outputs[i];
    slot->produced = false;
    slot->buffer = none;
    if (binding)
      slot->bound = NULL;
  }
  if (binding)
    context->bound_workspace = NULL;
  context->workspace = none;
  sluice_recycler_init(&context->recycler);
  sluice_abandon_states(context, binding);
  atomic_store(&context->in_loop, false);
  atomic_store(&context->call, sluice_call_reads);
}

bool sluice_context_enter(sluice_context *context,
                          enum sluice_context_call call) {
  if (!sluice_process_flag_raise(&context->flags, sluice_context_busy))
    return false;
  if (atomic_load_explicit(&context->call, memory_order_relaxed) !=
      sluice_call_reads)
    abandon_call(context);
  atomic_store(&context->call, call);
  sluice_succeed(&context->error);
  return true;
}

sluice_status sluice_context_leave(sluice_context *context,
                                   sluice_status status) {
  atomic_store_explicit(&context->call, sluice_call_reads,
                        memory_order_release);
  sluice_process_flag_lower(&context->flags, sluice_context_busy);
  return status;
}

/* Allocates the slots and points their sizes into one array. */
static bool create_slots(sluice_context *context) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  size_t inputs = (size_t)descriptor->input_count;
  size_t outputs = (size_t)descriptor->output_count;
  size_t sizes = 0;
  for (size_t i = 0; i < inputs; ++i)
    sizes += 2 * (size_t)descriptor->inputs[i].rank;
  for (size_t i = 0; i < outputs; ++i)
    sizes += (size_t)descriptor->outputs[i].rank;
  /* One more than needed, for calloc(0) may be null. */
  context->inputs = calloc(inputs + 1, sizeof *context->inputs);
  context->outputs = calloc(outputs + 1, sizeof *context->outputs);
  context->frame_inputs = calloc(inputs + 1, sizeof *context->frame_inputs);
  context->frame_outputs = calloc(outputs + 1, sizeof *context->frame_outputs);
  context->sizes = calloc(sizes + 1, sizeof *context->sizes);
  context->symbol_sizes = calloc((size_t)context->model->symbol_count + 1,
                                 sizeof *context->symbol_sizes);
  if (!context->inputs || !context->outputs || !context->frame_inputs ||
      !context->frame_outputs || !context->sizes || !context->symbol_sizes)
    return false;
  int64_t *next = context->sizes;
  for (size_t i = 0; i < inputs; ++i) {
    context->inputs[i].dims = next;
    context->frame_inputs[i].dims = next;
    context->frame_inputs[i].axis = -1;
    next += descriptor->inputs[i].rank;
    context->inputs[i].state = -1;
    context->inputs[i].strides = next;
    next += descriptor->inputs[i].rank;
  }
  for (size_t i = 0; i < outputs; ++i) {
    context->outputs[i].state = -1;
    context->outputs[i].dims = next;
    context->frame_outputs[i].dims = next;
    context->frame_outputs[i].axis = -1;
    next += descriptor->outputs[i].rank;
  }
  return sluice_create_states(context);
}

/* Allocates what is known before the first run, so that runs with static
 * shapes need nothing more. Large buffers cost nothing until touched. */
static bool reserve_static(sluice_context *context) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  if (descriptor->static_workspace_size >= 0 &&
      !sluice_buffer_reserve(&context->workspace,
                             (size_t)descriptor->static_workspace_size))
    return false;
  for (int32_t i = 0; i < descriptor->output_count; ++i) {
    const sluice_tensor_signature *output = &descriptor->outputs[i];
    size_t size;
    if (context->outputs[i].state < 0 &&
        sluice_byte_size((sluice_dtype)output->dtype, output->rank,
                         output->dims, &size) &&
        !sluice_buffer_reserve(&context->outputs[i].buffer, size))
      return false;
  }
  return true;
}

static sluice_status set_up_threads(sluice_context *context,
                                    const sluice_context_options *options,
                                    sluice_error *error) {
  context->pool = options->pool;
  if (options->executor) {
    if (!options->executor->parallel_for || options->executor->threads < 1)
      return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                         "the executor has no function or no threads");
    context->has_executor = true;
    context->executor = *options->executor;
    return SLUICE_OK;
  }
  if (options->pool)
    return SLUICE_OK;
  sluice_thread_pool_options pool = SLUICE_THREAD_POOL_OPTIONS_INIT;
  pool.threads = options->threads;
  pool.affinity_count = options->affinity_count;
  pool.affinity = options->affinity;
  sluice_status status =
      sluice_thread_pool_create(&pool, &context->own_pool, error);
  context->pool = context->own_pool;
  return status;
}

sluice_status sluice_context_create(const sluice_model *model,
                                    const sluice_context_options *options,
                                    sluice_context **context,
                                    sluice_error *error) {
  if (!context)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`context` is null");
  *context = NULL;
  if (!model)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`model` is null");
  sluice_context_options given = SLUICE_CONTEXT_OPTIONS_INIT;
  sluice_status read =
      sluice_read_options(&given, sizeof given, options, error);
  if (read != SLUICE_OK)
    return read;
  if (given.stream || given.collectives)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "`%s` of the options is reserved and must be null",
                       given.stream ? "stream" : "collectives");
  sluice_context *created = calloc(1, sizeof *created);
  if (!created)
    return sluice_fail(error, SLUICE_OUT_OF_MEMORY,
                       "no memory for the context");
  sluice_model_retain(model);
  created->model = model;
  created->on_kernel = given.on_kernel;
  created->on_kernel_user = given.on_kernel_user;
  created->seed = given.seed;
  sluice_recycler_init(&created->recycler);
  sluice_status status = SLUICE_OK;
  if (!sluice_process_flags_create(&created->flags))
    status =
        sluice_fail(error, SLUICE_OUT_OF_MEMORY, "no memory for the context");
  if (status == SLUICE_OK)
    status = set_up_threads(created, &given, error);
  if (status == SLUICE_OK &&
      (!create_slots(created) || !reserve_static(created)))
    status =
        sluice_fail(error, SLUICE_OUT_OF_MEMORY,
                    "no memory for the context: the workspace has %lld bytes",
                    (long long)model->descriptor->static_workspace_size);
  if (status != SLUICE_OK) {
    sluice_context_destroy(created);
    return status;
  }
  sluice_bind_defaults(created);
  *context = created;
  return sluice_succeed(error);
}

void sluice_context_destroy(sluice_context *context) {
  if (!context)
    return;
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  if (atomic_load(&context->call) != sluice_call_reads)
    abandon_call(context);
  sluice_thread_pool_destroy(context->own_pool);
  for (int32_t i = 0; context->inputs && i < descriptor->input_count; ++i)
    sluice_buffer_free(&context->inputs[i].buffer);
  for (int32_t i = 0; context->outputs && i < descriptor->output_count; ++i)
    sluice_buffer_free(&context->outputs[i].buffer);
  sluice_destroy_states(context);
  sluice_buffer_free(&context->workspace);
  sluice_recycler_destroy(&context->recycler);
  sluice_process_flags_destroy(&context->flags);
  free(context->inputs);
  free(context->outputs);
  free(context->frame_inputs);
  free(context->frame_outputs);
  free(context->sizes);
  free(context->symbol_sizes);
  sluice_model_release((sluice_model *)context->model);
  free(context);
}

const sluice_model *sluice_context_model(const sluice_context *context) {
  return context->model;
}

const char *sluice_context_message(const sluice_context *context) {
  return context->error.message;
}

int64_t sluice_context_workspace_size(const sluice_context *context) {
  return (int64_t)(context->bound_workspace ? context->bound_workspace_capacity
                                            : context->workspace.capacity);
}

/* Checks a tensor against the signature of an input. */
static sluice_status check_input(const sluice_model_descriptor *descriptor,
                                 int32_t index, const sluice_tensor *tensor,
                                 size_t *size, sluice_error *error) {
  if (index < 0 || index >= descriptor->input_count)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "there is no input %d, model '%s' has %d", index,
                       descriptor->name, descriptor->input_count);
  const sluice_tensor_signature *signature = &descriptor->inputs[index];
  if (!tensor)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "input '%s': the tensor is null", signature->name);
  if ((int32_t)tensor->dtype != signature->dtype)
    return sluice_fail(error, SLUICE_DTYPE_MISMATCH,
                       "input '%s' has element type %s, the model wants %s",
                       signature->name, sluice_dtype_name(tensor->dtype),
                       sluice_dtype_name((sluice_dtype)signature->dtype));
  if (tensor->memory_space != 0 || tensor->unused != 0)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "input '%s' is in memory space %d; this runtime has "
                       "the process's memory only, which is 0",
                       signature->name,
                       tensor->memory_space ? tensor->memory_space
                                            : tensor->unused);
  if (tensor->rank > 0 && !tensor->dims)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "input '%s': its sizes are null", signature->name);
  if (tensor->strides && sluice_dtype_size(tensor->dtype) == 0)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "input '%s' has strides, but %s is packed: several "
                       "elements share a byte",
                       signature->name, sluice_dtype_name(tensor->dtype));
  sluice_status status =
      sluice_check_sizes(signature, "input", tensor->rank, tensor->dims, error);
  if (status != SLUICE_OK)
    return status;
  if (!sluice_byte_size(tensor->dtype, tensor->rank, tensor->dims, size))
    return sluice_fail(error, SLUICE_SHAPE_MISMATCH,
                       "input '%s' has more bytes than can be counted",
                       signature->name);
  if (*size > 0 && !tensor->data)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "input '%s': its data is null", signature->name);
  return SLUICE_OK;
}

bool sluice_is_dense(const sluice_tensor *tensor) {
  int64_t expected = 1;
  for (int32_t i = tensor->rank - 1; tensor->strides && i >= 0; --i) {
    if (tensor->dims[i] != 1 && tensor->strides[i] != expected)
      return false;
    expected *= tensor->dims[i];
  }
  return true;
}

/* Stores a checked tensor in its slot. */
static void bind(struct sluice_input_slot *slot, const sluice_tensor *tensor,
                 size_t size) {
  bool aligned =
      (uintptr_t)tensor->data % sluice_dtype_alignment(tensor->dtype) == 0;
  bool dense = sluice_is_dense(tensor);
  slot->bound = true;
  slot->data = tensor->data;
  slot->gathered = size > 0 && !(dense && aligned);
  int64_t stride = 1;
  for (int32_t i = tensor->rank - 1; i >= 0; --i) {
    slot->dims[i] = tensor->dims[i];
    slot->strides[i] = dense ? stride : tensor->strides[i];
    if (size > 0)
      stride *= tensor->dims[i];
  }
}

/* Binds the default of an input; false if it has none. */
static bool bind_default(sluice_context *context, int32_t index) {
  sluice_tensor tensor;
  if (context->inputs[index].state >= 0 ||
      sluice_model_input_default(context->model, index, &tensor) != SLUICE_OK)
    return false;
  size_t size = 0;
  sluice_byte_size(tensor.dtype, tensor.rank, tensor.dims, &size);
  bind(&context->inputs[index], &tensor, size);
  return true;
}

void sluice_bind_defaults(sluice_context *context) {
  for (int32_t i = 0; i < context->model->descriptor->input_count; ++i)
    bind_default(context, i);
}

static sluice_status set_input(sluice_context *context, int32_t index,
                               const sluice_tensor *tensor) {
  if (!tensor && index >= 0 &&
      index < context->model->descriptor->input_count &&
      bind_default(context, index))
    return SLUICE_OK;
  size_t size;
  sluice_status status = check_input(context->model->descriptor, index, tensor,
                                     &size, &context->error);
  if (status == SLUICE_OK && context->inputs[index].state >= 0)
    return sluice_state_import(context, context->inputs[index].state, tensor);
  if (status == SLUICE_OK)
    bind(&context->inputs[index], tensor, size);
  return status;
}

static sluice_status copy_input(sluice_context *context, int32_t index,
                                const sluice_tensor *tensor) {
  size_t size;
  sluice_status status = check_input(context->model->descriptor, index, tensor,
                                     &size, &context->error);
  if (status != SLUICE_OK)
    return status;
  struct sluice_input_slot *slot = &context->inputs[index];
  if (slot->state >= 0)
    return sluice_state_import(context, slot->state, tensor);
  slot->bound = false;
  if (!sluice_buffer_reserve(&slot->buffer, size))
    return sluice_fail(&context->error, SLUICE_OUT_OF_MEMORY,
                       "no memory for a copy of input '%s': %zu bytes",
                       context->model->descriptor->inputs[index].name, size);
  bind(slot, tensor, size);
  if (size > 0 && sluice_dtype_size(tensor->dtype) == 0)
    memcpy(slot->buffer.data, slot->data, size);
  else if (size > 0)
    sluice_gather(slot->buffer.data, slot->data,
                  sluice_dtype_size(tensor->dtype), tensor->rank, slot->dims,
                  slot->strides);
  slot->data = slot->buffer.data;
  slot->gathered = false;
  return status;
}

sluice_status sluice_context_set_input(sluice_context *context, int32_t index,
                                       const sluice_tensor *tensor) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  return sluice_context_leave(context, set_input(context, index, tensor));
}

sluice_status sluice_context_copy_input(sluice_context *context, int32_t index,
                                        const sluice_tensor *tensor) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  return sluice_context_leave(context, copy_input(context, index, tensor));
}

/* The output with this index; null after writing an error. */
static struct sluice_output_slot *find_output(sluice_context *context,
                                              int32_t index) {
  const sluice_model_descriptor *descriptor = context->model->descriptor;
  if (index >= 0 && index < descriptor->output_count)
    return &context->outputs[index];
  sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
              "there is no output %d, model '%s' has %d", index,
              descriptor->name, descriptor->output_count);
  return NULL;
}

sluice_status sluice_context_bind_output(sluice_context *context, int32_t index,
                                         void *data, size_t capacity) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  struct sluice_output_slot *slot = find_output(context, index);
  if (!slot)
    return sluice_context_leave(context, SLUICE_INVALID_ARGUMENT);
  const sluice_tensor_signature *output =
      &context->model->descriptor->outputs[index];
  if (slot->state >= 0)
    return sluice_context_leave(
        context, sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                             "output '%s' is a state: "
                             "sluice_context_bind_state says where it is kept",
                             output->name));
  if ((uintptr_t)data % sluice_dtype_alignment((sluice_dtype)output->dtype) !=
      0)
    return sluice_context_leave(
        context, sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                             "the buffer for output '%s' is not aligned for %s",
                             output->name,
                             sluice_dtype_name((sluice_dtype)output->dtype)));
  slot->bound = data;
  slot->bound_capacity = data ? capacity : 0;
  slot->produced = false;
  return sluice_context_leave(context, SLUICE_OK);
}

sluice_status sluice_context_bind_workspace(sluice_context *context, void *data,
                                            size_t capacity) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_binds))
    return SLUICE_BUSY;
  if ((uintptr_t)data % SLUICE_ALIGNMENT != 0)
    return sluice_context_leave(
        context, sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                             "the workspace is not aligned to %d bytes",
                             SLUICE_ALIGNMENT));
  if (data)
    sluice_buffer_free(&context->workspace);
  context->bound_workspace = data;
  context->bound_workspace_capacity = data ? capacity : 0;
  return sluice_context_leave(context, SLUICE_OK);
}

sluice_status sluice_context_output(sluice_context *context, int32_t index,
                                    sluice_tensor *tensor) {
  if (!context)
    return SLUICE_INVALID_ARGUMENT;
  if (!sluice_context_enter(context, sluice_call_reads))
    return SLUICE_BUSY;
  struct sluice_output_slot *slot = find_output(context, index);
  if (!slot || !tensor) {
    if (slot)
      sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                  "output %d: the tensor is null", index);
    return sluice_context_leave(context, SLUICE_INVALID_ARGUMENT);
  }
  const sluice_tensor_signature *output =
      &context->model->descriptor->outputs[index];
  if (!slot->produced)
    return sluice_context_leave(
        context, sluice_fail(&context->error, SLUICE_INVALID_ARGUMENT,
                             "output '%s' is not there: the model did not run "
                             "successfully since it was bound",
                             output->name));
  *tensor = (sluice_tensor){.dtype = (sluice_dtype)output->dtype,
                            .rank = output->rank,
                            .dims = slot->dims,
                            .strides = context->frame_outputs[index].strides,
                            .data = slot->data};
  return sluice_context_leave(context, SLUICE_OK);
}
