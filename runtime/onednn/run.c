/*===- run.c - Keeps and executes oneDNN's primitives -------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "primitive.h"

#include "process_flags.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { max_operands = 4 + SLUICE_ONEDNN_MAX_POST_OPS };

/* What one execution needs beside the primitive. Data handles change from run
 * to run, so only one thread at a time may use it. */
struct execution {
  struct execution *next;
  dnnl_stream_t stream;
  int count;
  /* Operands in the order of `sluice_onednn_run`, then the scratchpad. */
  dnnl_exec_arg_t arguments[max_operands + 1];
};

/* A primitive for one number of threads: how it cuts up the work is decided
 * when it is created. */
struct variant {
  struct variant *next;
  int32_t threads;
  dnnl_primitive_desc_t description;
  dnnl_primitive_t primitive;
  size_t scratch_size;
  struct execution *idle;
};

/* Constant weights in the layout of a primitive, known by where the model has
 * them until `sluice_onednn_release_weights` says that they go. */
struct packed_weights {
  struct packed_weights *next;
  const void *source;
  dnnl_memory_desc_t layout;
  dnnl_memory_t memory;
};

/* What a kernel of a loaded model keeps. Identical kernels share one, so it
 * may serve many weights. */
struct kernel_state {
  struct kernel_state *next;
  int32_t generation;   /* of the process that made it */
  pthread_mutex_t lock; /* held only while looking things up or making them */
  struct variant *variants;
  struct packed_weights *weights;
};

/* The flags of an artifact. */
enum {
  artifact_entered, /* a thread of this process has begun to set up `all` */
  artifact_ready    /* and has done so */
};

/* All states of this artifact, to free them when it is unloaded. */
static struct {
  _Atomic(struct sluice_process_flags *) flags;
  int32_t generation; /* of this process: 1, and one more with every fork */
  pthread_mutex_t lock;
  dnnl_engine_t engine;
  struct kernel_state *states;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void destroy_execution(struct execution *execution) {
  for (int i = 0; i < execution->count; ++i)
    if (execution->arguments[i].memory)
      dnnl_memory_destroy(execution->arguments[i].memory);
  if (execution->stream)
    dnnl_stream_destroy(execution->stream);
  free(execution);
}

static void destroy_variant(struct variant *variant) {
  for (struct execution *each = variant->idle, *next; each; each = next) {
    next = each->next;
    destroy_execution(each);
  }
  if (variant->primitive)
    dnnl_primitive_destroy(variant->primitive);
  if (variant->description)
    dnnl_primitive_desc_destroy(variant->description);
  free(variant);
}

static struct sluice_process_flags *find_flags(void) {
  struct sluice_process_flags *flags = atomic_load(&all.flags);
  if (flags)
    return flags;
  struct sluice_process_flags *created = calloc(1, sizeof *created);
  if (created && sluice_process_flags_create(created) &&
      atomic_compare_exchange_strong(&all.flags, &flags, created))
    return created;
  if (created)
    sluice_process_flags_destroy(created);
  free(created);
  return flags;
}

/* Makes `all` that of this process. What the parent of a fork had is left as it
 * is: other threads may have held its locks and been in the middle of a change.
 * False when there is no memory. */
static bool enter_process(void) {
  const struct sluice_process_flags *flags = find_flags();
  if (!flags)
    return false;
  if (sluice_process_flag_is_raised(flags, artifact_ready))
    return true;
  if (sluice_process_flag_raise(flags, artifact_entered)) {
    pthread_mutex_init(&all.lock, NULL);
    all.engine = NULL;
    all.states = NULL;
    ++all.generation;
    sluice_process_flag_raise(flags, artifact_ready);
  }
  while (!sluice_process_flag_is_raised(flags, artifact_ready))
    sched_yield();
  return true;
}

static void destroy_weights(struct packed_weights *weights) {
  if (weights->memory)
    dnnl_memory_destroy(weights->memory);
  free(weights);
}

__attribute__((destructor)) static void destroy_all(void) {
  struct sluice_process_flags *flags = atomic_load(&all.flags);
  if (!flags)
    return;
  bool mine = sluice_process_flag_is_raised(flags, artifact_ready);
  sluice_process_flags_destroy(flags);
  free(flags);
  if (!mine)
    return;
  for (struct kernel_state *state = all.states, *following; state;
       state = following) {
    following = state->next;
    for (struct variant *each = state->variants, *next; each; each = next) {
      next = each->next;
      destroy_variant(each);
    }
    for (struct packed_weights *each = state->weights, *next; each;
         each = next) {
      next = each->next;
      destroy_weights(each);
    }
    pthread_mutex_destroy(&state->lock);
    free(state);
  }
  if (all.engine)
    dnnl_engine_destroy(all.engine);
}

/* Keeps oneDNN loaded when the artifact goes: the threads of its OpenMP library
 * wait for work in that library's code. */
static void pin_library(void) {
  Dl_info info;
  if (dladdr((void *)(uintptr_t)dnnl_engine_create, &info) && info.dli_fname)
    (void)dlopen(info.dli_fname, RTLD_LAZY | RTLD_NODELETE);
}

/* The state at this place, or null if there is none of this process. */
static struct kernel_state *load_state(_Atomic(void *) *place) {
  struct kernel_state *state =
      atomic_load_explicit(place, memory_order_acquire);
  return state && state->generation == all.generation ? state : NULL;
}

static dnnl_status_t find_state(void **place, struct kernel_state **state) {
  _Atomic(void *) *shared = (_Atomic(void *) *)place;
  *state = load_state(shared);
  if (*state)
    return dnnl_success;
  dnnl_status_t status = dnnl_success;
  pthread_mutex_lock(&all.lock);
  *state = load_state(shared);
  if (!*state && !all.engine) {
    pin_library();
    status = dnnl_engine_create(&all.engine, dnnl_cpu, 0);
  }
  if (!*state && status == dnnl_success) {
    *state = calloc(1, sizeof **state);
    if (!*state) {
      status = dnnl_out_of_memory;
    } else {
      pthread_mutex_init(&(*state)->lock, NULL);
      (*state)->generation = all.generation;
      (*state)->next = all.states;
      all.states = *state;
      atomic_store_explicit(shared, *state, memory_order_release);
    }
  }
  pthread_mutex_unlock(&all.lock);
  return status;
}

static dnnl_status_t find_variant(struct kernel_state *state,
                                  const sluice_onednn_kernel *kernel,
                                  int32_t threads, struct variant **found) {
  for (struct variant *each = state->variants; each; each = each->next)
    if (each->threads == threads) {
      *found = each;
      return dnnl_success;
    }
  struct variant *created = calloc(1, sizeof *created);
  if (!created)
    return dnnl_out_of_memory;
  created->threads = threads;
  dnnl_status_t status = sluice_onednn_create_primitive_desc(
      kernel, all.engine, &created->description);
  if (status == dnnl_success)
    status = dnnl_primitive_create(&created->primitive, created->description);
  if (status != dnnl_success) {
    destroy_variant(created);
    return status;
  }
  created->scratch_size =
      dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(
          created->description, dnnl_query_scratchpad_md, 0));
  created->next = state->variants;
  state->variants = created;
  *found = created;
  return dnnl_success;
}

/* Copies weights from one layout to another. */
static dnnl_status_t reorder(dnnl_memory_t source,
                             const dnnl_memory_desc_t *source_layout,
                             dnnl_memory_t target,
                             const dnnl_memory_desc_t *target_layout) {
  dnnl_primitive_desc_t description = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_stream_t stream = NULL;
  dnnl_status_t status = dnnl_reorder_primitive_desc_create(
      &description, source_layout, all.engine, target_layout, all.engine, NULL);
  if (status == dnnl_success)
    status = dnnl_primitive_create(&primitive, description);
  if (status == dnnl_success)
    status = dnnl_stream_create(&stream, all.engine, dnnl_stream_default_flags);
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source},
                                 {DNNL_ARG_TO, target}};
  if (status == dnnl_success)
    status = dnnl_primitive_execute(primitive, stream, 2, arguments);
  if (status == dnnl_success)
    status = dnnl_stream_wait(stream);
  if (stream)
    dnnl_stream_destroy(stream);
  if (primitive)
    dnnl_primitive_destroy(primitive);
  if (description)
    dnnl_primitive_desc_destroy(description);
  return status;
}

/* Makes `packed->memory`; weights that lie right already are not copied. */
static dnnl_status_t pack(const sluice_onednn_kernel *kernel, void *weights,
                          struct packed_weights *packed) {
  dnnl_memory_desc_t plain;
  dnnl_status_t status = sluice_onednn_plain_weights(kernel, &plain);
  if (status != dnnl_success)
    return status;
  if (dnnl_memory_desc_equal(&plain, &packed->layout))
    return dnnl_memory_create(&packed->memory, &plain, all.engine, weights);
  dnnl_memory_t source = NULL;
  status = dnnl_memory_create(&source, &plain, all.engine, weights);
  if (status == dnnl_success)
    status = dnnl_memory_create(&packed->memory, &packed->layout, all.engine,
                                DNNL_MEMORY_ALLOCATE);
  if (status == dnnl_success)
    status = reorder(source, &plain, packed->memory, &packed->layout);
  if (source)
    dnnl_memory_destroy(source);
  return status;
}

static dnnl_status_t find_weights(struct kernel_state *state,
                                  const sluice_onednn_kernel *kernel,
                                  const struct variant *variant, void *weights,
                                  dnnl_memory_t *found) {
  const dnnl_memory_desc_t *layout = dnnl_primitive_desc_query_md(
      variant->description, dnnl_query_weights_md, 0);
  for (struct packed_weights *each = state->weights; each; each = each->next)
    if (each->source == weights &&
        dnnl_memory_desc_equal(&each->layout, layout)) {
      *found = each->memory;
      return dnnl_success;
    }
  struct packed_weights *created = calloc(1, sizeof *created);
  if (!created)
    return dnnl_out_of_memory;
  created->source = weights;
  created->layout = *layout;
  dnnl_status_t status = pack(kernel, weights, created);
  if (status != dnnl_success) {
    destroy_weights(created);
    return status;
  }
  created->next = state->weights;
  state->weights = created;
  *found = created->memory;
  return dnnl_success;
}

static dnnl_status_t add_argument(struct execution *execution, int name,
                                  const dnnl_memory_desc_t *layout) {
  dnnl_exec_arg_t *argument = &execution->arguments[execution->count];
  argument->arg = name;
  dnnl_status_t status = dnnl_memory_create(&argument->memory, layout,
                                            all.engine, DNNL_MEMORY_NONE);
  execution->count += status == dnnl_success;
  return status;
}

static dnnl_status_t add_arguments(const sluice_onednn_kernel *kernel,
                                   const struct variant *variant,
                                   struct execution *execution) {
  static const struct {
    int name;
    dnnl_query_t query;
    int index;
  } tensors[] = {{DNNL_ARG_SRC, dnnl_query_src_md, 0},
                 {DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0},
                 {DNNL_ARG_DST, dnnl_query_dst_md, 0},
                 {DNNL_ARG_BIAS, dnnl_query_weights_md, 1}};
  dnnl_status_t status = dnnl_success;
  for (int i = 0; i < 3 + (kernel->has_bias != 0) && status == dnnl_success;
       ++i)
    status = add_argument(execution, tensors[i].name,
                          dnnl_primitive_desc_query_md(variant->description,
                                                       tensors[i].query,
                                                       tensors[i].index));
  for (int64_t i = 0; i < kernel->post_op_count && status == dnnl_success;
       ++i) {
    int64_t shape = kernel->post_ops[i].operand;
    dnnl_memory_desc_t layout;
    if (shape == SLUICE_ONEDNN_NONE)
      continue;
    status = sluice_onednn_post_op_operand(kernel, (sluice_onednn_operand)shape,
                                           &layout);
    if (status == dnnl_success)
      status = add_argument(
          execution, DNNL_ARG_ATTR_MULTIPLE_POST_OP((int)i) | DNNL_ARG_SRC_1,
          &layout);
  }
  if (status == dnnl_success && variant->scratch_size)
    status =
        add_argument(execution, DNNL_ARG_SCRATCHPAD,
                     dnnl_primitive_desc_query_md(variant->description,
                                                  dnnl_query_scratchpad_md, 0));
  return status;
}

static dnnl_status_t take_execution(const sluice_onednn_kernel *kernel,
                                    struct variant *variant,
                                    struct execution **taken) {
  *taken = variant->idle;
  if (*taken) {
    variant->idle = (*taken)->next;
    return dnnl_success;
  }
  struct execution *created = calloc(1, sizeof *created);
  if (!created)
    return dnnl_out_of_memory;
  dnnl_status_t status = dnnl_stream_create(&created->stream, all.engine,
                                            dnnl_stream_default_flags);
  if (status == dnnl_success)
    status = add_arguments(kernel, variant, created);
  if (status != dnnl_success) {
    destroy_execution(created);
    return status;
  }
  *taken = created;
  return dnnl_success;
}

static dnnl_status_t execute(const struct variant *variant,
                             struct execution *execution, void *const *operands,
                             void *scratch, dnnl_memory_t packed) {
  enum { weights_place = 1 };
  int operand_count = execution->count - (variant->scratch_size != 0);
  dnnl_status_t status = dnnl_success;
  for (int i = 0; i < execution->count && status == dnnl_success; ++i)
    if (i != weights_place || !packed)
      status = dnnl_memory_set_data_handle(execution->arguments[i].memory,
                                           i < operand_count ? operands[i]
                                                             : scratch);
  if (status != dnnl_success)
    return status;
  dnnl_memory_t own = execution->arguments[weights_place].memory;
  if (packed)
    execution->arguments[weights_place].memory = packed;
  status = dnnl_primitive_execute(variant->primitive, execution->stream,
                                  execution->count, execution->arguments);
  if (status == dnnl_success)
    status = dnnl_stream_wait(execution->stream);
  execution->arguments[weights_place].memory = own;
  return status;
}

static void fail(sluice_frame *frame, dnnl_status_t status, const char *node) {
  static const char *const reasons[] = {
      "oneDNN failed", "oneDNN has no memory",
      "oneDNN does not accept the kernel's arguments",
      "oneDNN has no implementation of the kernel on this machine"};
  size_t reason =
      (size_t)status < sizeof reasons / sizeof *reasons ? (size_t)status : 0;
  frame->fail(frame,
              status == dnnl_out_of_memory ? SLUICE_OUT_OF_MEMORY
                                           : SLUICE_RUN_FAILED,
              node, reasons[reason]);
}

void sluice_onednn_run(sluice_frame *frame, const sluice_onednn_kernel *kernel,
                       void **state, void *const *operands, void *scratch,
                       int64_t scratch_size, const char *node) {
  struct kernel_state *mine = NULL;
  struct variant *variant = NULL;
  struct execution *execution = NULL;
  dnnl_memory_t packed = NULL;
  if (!enter_process()) {
    fail(frame, dnnl_out_of_memory, node);
    return;
  }
  /* GNU's OpenMP waits forever for threads that it had before a fork, but works
   * on the calling thread. */
  int32_t threads = all.generation > 1 ? 1 : frame->threads;
  int32_t before = sluice_onednn_set_threads(threads);
  dnnl_status_t status = find_state(state, &mine);
  if (status == dnnl_success) {
    pthread_mutex_lock(&mine->lock);
    status = find_variant(mine, kernel, threads, &variant);
    if (status == dnnl_success && kernel->constant_weights)
      status = find_weights(mine, kernel, variant, operands[1], &packed);
    if (status == dnnl_success)
      status = take_execution(kernel, variant, &execution);
    pthread_mutex_unlock(&mine->lock);
  }
  if (status == dnnl_success) {
    bool fits = variant->scratch_size <= (size_t)scratch_size;
    void *memory =
        fits ? scratch : frame->allocate(frame, (int64_t)variant->scratch_size);
    /* Without memory the frame knows already. */
    if (fits || memory)
      status = execute(variant, execution, operands, memory, packed);
    pthread_mutex_lock(&mine->lock);
    execution->next = variant->idle;
    variant->idle = execution;
    pthread_mutex_unlock(&mine->lock);
  }
  sluice_onednn_set_threads(before);
  if (status != dnnl_success)
    fail(frame, status, node);
}

void sluice_onednn_release_weights(const uint8_t *weights, int64_t size) {
  uintptr_t begin = (uintptr_t)weights;
  if (!enter_process())
    return;
  pthread_mutex_lock(&all.lock);
  for (struct kernel_state *state = all.states; state; state = state->next) {
    pthread_mutex_lock(&state->lock);
    for (struct packed_weights **link = &state->weights; *link;) {
      struct packed_weights *each = *link;
      if ((uintptr_t)each->source - begin >= (uintptr_t)size) {
        link = &each->next;
        continue;
      }
      *link = each->next;
      destroy_weights(each);
    }
    pthread_mutex_unlock(&state->lock);
  }
  pthread_mutex_unlock(&all.lock);
}
