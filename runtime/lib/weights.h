/*===- weights.h - Brings the weights of a model into memory ------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_WEIGHTS_H
#define SLUICE_LIB_WEIGHTS_H

#include "model.h"

/* Bytes of an open file. */
struct sluice_file_part {
  int handle;
  uint64_t offset;
  uint64_t size;
  const char *name; /* of the file, for messages */
};

/* Gives a model the weights that are in a file, which may be closed then. */
sluice_status sluice_take_file_weights(sluice_model *model,
                                       const struct sluice_file_part *part,
                                       sluice_weights_memory memory,
                                       sluice_error *error);

/* For a model whose weights are mapped with its code: leaves them there unless
 * a copy is wanted. */
sluice_status sluice_take_mapped_weights(sluice_model *model,
                                         sluice_weights_memory memory,
                                         sluice_error *error);

#endif
