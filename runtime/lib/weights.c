/*===- weights.c - Brings the weights of a model into memory ------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "weights.h"

#include "memory.h"
#include "status.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static bool is_copy(sluice_weights_memory memory) {
  return memory == SLUICE_WEIGHTS_RESIDENT ||
         memory == SLUICE_WEIGHTS_HUGE_PAGES;
}

/* Brings mapped bytes into memory. */
static void populate(const uint8_t *data, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t before = (uintptr_t)data & (page - 1);
  if (madvise((void *)(data - before), before + size, MADV_POPULATE_READ) ==
          0 ||
      errno != EINVAL)
    return;
  /* Before Linux 5.14. */
  for (size_t at = 0; at < size; at += page)
    (void)*(const volatile uint8_t *)&data[at];
}

static void adopt(sluice_model *model, void *mapping, size_t size,
                  size_t offset) {
  model->weights_mapping = mapping;
  model->weights_mapping_size = size;
  model->weights = (const uint8_t *)mapping + offset;
}

static sluice_status map_file(sluice_model *model,
                              const struct sluice_file_part *part,
                              sluice_error *error) {
  size_t before = part->offset & ((size_t)sysconf(_SC_PAGESIZE) - 1);
  size_t size = before + part->size;
  void *mapping = mmap(NULL, size, PROT_READ, MAP_PRIVATE, part->handle,
                       (off_t)(part->offset - before));
  if (mapping == MAP_FAILED)
    return sluice_fail(error, SLUICE_OUT_OF_MEMORY, "cannot map '%s': %s",
                       part->name, strerror(errno));
  adopt(model, mapping, size, before);
  return sluice_succeed(error);
}

/* Memory for a copy, which becomes the model's; null after an error. */
static uint8_t *reserve_copy(sluice_model *model, size_t size,
                             sluice_weights_memory memory,
                             sluice_error *error) {
  size_t rounded = sluice_round_to_pages(size);
  void *copy =
      rounded ? sluice_map_memory(rounded, memory == SLUICE_WEIGHTS_HUGE_PAGES)
              : NULL;
  if (!copy) {
    sluice_fail(error, SLUICE_OUT_OF_MEMORY,
                "no memory for the weights: %zu bytes", size);
    return NULL;
  }
  adopt(model, copy, rounded, 0);
  return copy;
}

/* Nothing writes to the weights from here on. */
static void protect_copy(const sluice_model *model) {
  mprotect(model->weights_mapping, model->weights_mapping_size, PROT_READ);
}

static sluice_status read_file(sluice_model *model,
                               const struct sluice_file_part *part,
                               sluice_weights_memory memory,
                               sluice_error *error) {
  uint8_t *copy = reserve_copy(model, part->size, memory, error);
  if (!copy)
    return SLUICE_OUT_OF_MEMORY;
  for (uint64_t done = 0; done < part->size;) {
    ssize_t got = pread(part->handle, copy + done, part->size - done,
                        (off_t)(part->offset + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return sluice_fail(error, SLUICE_CANNOT_OPEN,
                         "cannot read the weights in '%s': %s", part->name,
                         got < 0 ? strerror(errno) : "the file has shrunk");
    done += (uint64_t)got;
  }
  protect_copy(model);
  return sluice_succeed(error);
}

sluice_status sluice_take_file_weights(sluice_model *model,
                                       const struct sluice_file_part *part,
                                       sluice_weights_memory memory,
                                       sluice_error *error) {
  if (part->size == 0)
    return sluice_succeed(error);
  if (is_copy(memory))
    return read_file(model, part, memory, error);
  sluice_status status = map_file(model, part, error);
  if (status == SLUICE_OK && memory == SLUICE_WEIGHTS_POPULATED)
    populate(model->weights, part->size);
  return status;
}

sluice_status sluice_take_mapped_weights(sluice_model *model,
                                         sluice_weights_memory memory,
                                         sluice_error *error) {
  const uint8_t *weights = model->descriptor->weights;
  size_t size = (size_t)model->descriptor->weights_size;
  if (!weights || size == 0)
    return sluice_succeed(error);
  if (memory == SLUICE_WEIGHTS_POPULATED)
    populate(weights, size);
  if (!is_copy(memory))
    return sluice_succeed(error);
  uint8_t *copy = reserve_copy(model, size, memory, error);
  if (!copy)
    return SLUICE_OUT_OF_MEMORY;
  memcpy(copy, weights, size);
  protect_copy(model);
  return sluice_succeed(error);
}
