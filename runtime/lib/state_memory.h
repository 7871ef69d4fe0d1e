/*===- state_memory.h - The memory of a state
 * ------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_STATE_MEMORY_H
#define SLUICE_LIB_STATE_MEMORY_H

#include "context.h"

/* A state with what its model says of it. */
struct sluice_state_ref {
  const sluice_state_signature *signature;
  const sluice_tensor_signature *input;
  const sluice_tensor_signature *output;
  struct sluice_state_slot *slot;
  size_t element_size;
};

struct sluice_state_ref sluice_get_state(const sluice_context *context,
                                         int32_t index);

/* The bytes of memory for these sizes, the axis's being `capacity`; false where
 * they cannot be counted. */
bool sluice_state_count_bytes(const struct sluice_state_ref *state,
                              const int64_t *dims, int64_t capacity,
                              size_t *bytes);
/* Notes how memory lies, and that it is there. */
void sluice_state_set_sizes(const struct sluice_state_ref *state,
                            const int64_t *dims, int64_t length,
                            int64_t capacity);
void sluice_state_set_length(const struct sluice_state_ref *state,
                             int64_t length);
/* Gives a state memory of the context's, which holds nothing yet. */
sluice_status sluice_state_allocate(const struct sluice_state_ref *state,
                                    const int64_t *dims, int64_t capacity,
                                    sluice_error *error);
/* Writes a tensor, dense or not, to where the state begins. Its sizes are the
 * state's. */
void sluice_state_fill(const struct sluice_state_ref *state,
                       const sluice_tensor *tensor);
/* Empties a state that has memory: its input's default, or nothing along the
 * axis, or zeros. */
sluice_status sluice_state_clear(sluice_context *context, int32_t index);
/* Gives a state memory that has none, of the sizes that the model and the other
 * inputs tell. */
sluice_status sluice_state_make_ready(sluice_context *context, int32_t index);
/* A status for a state that grows, and nobody says how far. */
sluice_status sluice_state_no_capacity(const struct sluice_state_ref *state,
                                       sluice_error *error);

#endif
