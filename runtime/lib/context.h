/*===- context.h - What one run of a model needs ------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_CONTEXT_H
#define SLUICE_LIB_CONTEXT_H

#include "memory.h"
#include "model.h"
#include "process_flags.h"
#include "state.h"

#include <stdatomic.h>

struct sluice_input_slot {
  bool bound;
  /* The data is strided or misaligned: every run makes a dense copy. */
  bool gathered;
  const void *data;
  int64_t *dims;
  int64_t *strides;
  struct sluice_buffer buffer;
  int32_t state; /* whose input it is, which is never bound; or -1 */
};

struct sluice_output_slot {
  void *bound; /* the caller's memory, or null */
  size_t bound_capacity;
  bool produced; /* by the last run */
  void *data;
  int64_t *dims;
  struct sluice_buffer buffer;
  int32_t state; /* whose output it is, or -1 */
};

/* The flag of a context: a call works on it. */
enum { sluice_context_busy };

enum sluice_context_call {
  sluice_call_reads, /* changes nothing that another call needs */
  sluice_call_binds,
  sluice_call_runs
};

struct sluice_context {
  const sluice_model *model;
  struct sluice_process_flags flags;
  /* What a call is about to change. Still set in the child of a fork during the
   * call, where nothing will come of it. */
  _Atomic enum sluice_context_call call;
  sluice_error error;

  struct sluice_input_slot *inputs;
  struct sluice_output_slot *outputs;
  struct sluice_state_slot *states;
  int64_t *state_sizes;  /* what their dims and strides point into */
  int64_t *symbol_sizes; /* per symbol, during a run */
  int64_t *sizes;        /* what the slots' dims and strides point into */
  /* What the frame says of inputs and outputs. */
  sluice_frame_tensor *frame_inputs;
  sluice_frame_tensor *frame_outputs;

  struct sluice_buffer workspace;
  void *bound_workspace;
  size_t bound_workspace_capacity;
  struct sluice_recycler recycler;

  sluice_thread_pool *pool;
  sluice_thread_pool *own_pool;
  bool has_executor;
  sluice_executor executor;

  /* State of the current run. */
  _Atomic bool failed;
  _Atomic bool in_loop;
  bool owns_pool_now; /* this run may use the pool */
  int64_t kernel_begin;

  sluice_kernel_callback on_kernel;
  void *on_kernel_user;

  uint64_t seed;
  uint64_t random_draws; /* sequences of random numbers that runs have drawn */
};

/* Claims the context for a call and clears its message; false when another
 * thread has it. */
bool sluice_context_enter(sluice_context *context,
                          enum sluice_context_call call);
/* Gives the context back; returns `status`. */
sluice_status sluice_context_leave(sluice_context *context,
                                   sluice_status status);

/* Binds every input that has a default to that. */
void sluice_bind_defaults(sluice_context *context);

/* Fills in the hooks of a frame for `context`. */
void sluice_fill_hooks(sluice_context *context, sluice_frame *frame);

/* Is a tensor dense? Strides of sizes 1 say nothing. */
bool sluice_is_dense(const sluice_tensor *tensor);

/* Copies a strided tensor to dense memory. No size may be zero. */
void sluice_gather(void *dense, const void *data, size_t element_size,
                   int32_t rank, const int64_t *dims, const int64_t *strides);

#endif
