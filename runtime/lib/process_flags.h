/*===- process_flags.h - Flags that a fork does not hand down -----------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * A fork copies the memory of a process but only one of its threads. So what
 * says "a thread works on this" or "these threads are there" must not be true
 * in the child. These flags are down there, whatever they were in the parent.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_PROCESS_FLAGS_H
#define SLUICE_LIB_PROCESS_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

enum { sluice_process_flag_count = 4 };

struct sluice_process_flags {
  uint32_t *words; /* atomic, on a page of their own */
  /* The kernel clears the page in a child. Otherwise (before Linux 4.14) a
   * raised flag is the number of the process that raised it. */
  bool wiped;
};

/* All flags are down. False when there is no memory. */
bool sluice_process_flags_create(struct sluice_process_flags *flags);
/* Flags that were never created are ignored. */
void sluice_process_flags_destroy(struct sluice_process_flags *flags);

/* Raises a flag; false when it was raised already. */
bool sluice_process_flag_raise(const struct sluice_process_flags *flags,
                               int flag);
void sluice_process_flag_lower(const struct sluice_process_flags *flags,
                               int flag);
bool sluice_process_flag_is_raised(const struct sluice_process_flags *flags,
                                   int flag);

#endif
