/*===- state.h - What a run leaves for the next one ---------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * A state with an axis is one piece of memory with room for `capacity` along
 * it: runs read the first `length` and write behind them. One without is two
 * pieces that change places, or one that runs write over where that is safe.
 * What a run makes of a state counts once the run has succeeded.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_STATE_H
#define SLUICE_LIB_STATE_H

#include "memory.h"

#include "sluice/artifact_abi.h"
#include "sluice/sluice.h"

#include <stdbool.h>

struct sluice_state_slot {
  /* There is memory of these sizes. */
  bool ready;
  /* The caller gave memory or sizes, which a run must not replace. */
  bool fixed;
  int64_t *dims;    /* of what is there; `length` along the axis */
  int64_t *strides; /* of the memory, in elements */
  int64_t length;
  int64_t capacity;
  void *bound; /* the caller's memory, or null */
  struct sluice_buffer buffers[2];
  int current; /* which of the two the next run reads; 0 with an axis */
  /* What the run under way makes of it. */
  int64_t next_length;
};

/* Allocates the slots of a context that has those of inputs and outputs, and
 * the memory of states whose sizes are known already. */
bool sluice_create_states(sluice_context *context);
void sluice_destroy_states(sluice_context *context);
/* In the child of a fork during a call that bound something or ran: forgets
 * memory that may be half written. */
void sluice_abandon_states(sluice_context *context, bool binding);

/* Makes the state what a checked tensor of its input holds, by a copy. */
sluice_status sluice_state_import(sluice_context *context, int32_t index,
                                  const sluice_tensor *tensor);

/* Before a run: gives states memory, and their inputs in the frame what is
 * there. Sizes of inputs must be known but for those of states. */
sluice_status sluice_prepare_states(sluice_context *context);
/* The memory that a run writes a state's output to, or null after writing the
 * context's error. `dims` fit the output's signature. */
void *sluice_state_output(sluice_context *context, int32_t index,
                          const int64_t *dims);
/* After a run that succeeded: states are what it made of them. */
void sluice_commit_states(sluice_context *context);

/* The bytes of a state's memory. */
size_t sluice_state_bytes(const sluice_context *context, int32_t index);
/* Where what is there begins. */
void *sluice_state_data(const struct sluice_state_slot *slot);

#endif
