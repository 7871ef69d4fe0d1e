/*===- verify.c - Are the weights those that were compiled? -------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "hash.h"
#include "model.h"
#include "status.h"

#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Hashes mapped memory. Its pages come in a large piece at a time, which takes
 * a small part of what a fault for every few of them would. */
static uint64_t hash_mapped(const uint8_t *data, size_t size) {
  const size_t window = (size_t)4 << 20;
  uintptr_t page_mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  struct sluice_hash hash;
  sluice_hash_begin(&hash);
  while (size > 0) {
    size_t length = size < window ? size : window;
    size_t before = (uintptr_t)data & page_mask;
    /* Older kernels refuse; then the pages come in as they are read. */
    madvise((void *)(data - before), before + length, MADV_POPULATE_READ);
    sluice_hash_add(&hash, data, length);
    data += length;
    size -= length;
  }
  return sluice_hash_end(&hash);
}

sluice_status sluice_model_verify(const sluice_model *model,
                                  sluice_error *error) {
  if (!model)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`model` is null");
  const sluice_model_descriptor *descriptor = model->descriptor;
  if (descriptor->weights_size == 0)
    return sluice_succeed(error);
  uint64_t checksum =
      hash_mapped(model->weights, (size_t)descriptor->weights_size);
  if (checksum != descriptor->weights_checksum)
    return sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                       "the weights of the model '%s' are damaged: their "
                       "checksum is %016llx, the model wants %016llx",
                       descriptor->name, (unsigned long long)checksum,
                       (unsigned long long)descriptor->weights_checksum);
  return sluice_succeed(error);
}
