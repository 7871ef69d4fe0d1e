/*===- model.h - A loaded model -----------------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_MODEL_H
#define SLUICE_LIB_MODEL_H

#include "sluice/artifact_abi.h"
#include "sluice/sluice.h"

#include <stdbool.h>
#include <stddef.h>

enum {
  sluice_max_rank = 64,
  sluice_max_table = 1 << 20,
  sluice_max_states = 1 << 12
};

/* Whether a descriptor is long enough for a field that was added later. */
#define SLUICE_DESCRIPTOR_HAS(descriptor, field)                               \
  ((descriptor)->descriptor_size >=                                            \
   offsetof(sluice_model_descriptor, field) + sizeof(descriptor)->field)

/* Where a symbolic dimension occurs first. */
struct sluice_symbol {
  int32_t input;
  int32_t dim;
};

struct sluice_model {
  _Atomic int32_t references;
  const sluice_model_descriptor *descriptor;
  void *library; /* of dlopen, or null */
  const uint8_t *weights;
  void *weights_mapping; /* of the side file, or null */
  size_t weights_mapping_size;
  /* For every dimension of every input, one after the other: its symbol, or -1
   * where it is static or anonymous. */
  int32_t *dim_symbols;
  struct sluice_symbol *symbols;
  int32_t symbol_count;
};

/* Checks everything about a descriptor that the runtime relies on. Reads only
 * the fields every version has until magic and version are right. */
sluice_status sluice_check_descriptor(const sluice_model_descriptor *descriptor,
                                      sluice_error *error);

/* Whether a checked descriptor says that its file ends with a trailer. */
bool sluice_expects_trailer(const sluice_model_descriptor *descriptor);

/* The default of an input of a checked descriptor; null if it has none. */
const sluice_input_default *
sluice_find_default(const sluice_model_descriptor *descriptor, int32_t input);

/* How many states a checked descriptor has: none where it is older. */
int32_t sluice_state_count(const sluice_model_descriptor *descriptor);

/* Builds a model around a checked descriptor. Takes nothing over on failure. */
sluice_status sluice_model_create(const sluice_model_descriptor *descriptor,
                                  sluice_model **model, sluice_error *error);

/* Adds a reference. Contexts hold one on their model. */
void sluice_model_retain(const sluice_model *model);

/* Checks the type-independent part of an input: rank and sizes. */
sluice_status sluice_check_sizes(const sluice_tensor_signature *signature,
                                 const char *what, int32_t rank,
                                 const int64_t *dims, sluice_error *error);

#endif
