/*===- process_flags.c - Flags that a fork does not hand down -----------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "process_flags.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

static const size_t page_size = 4096;

bool sluice_process_flags_create(struct sluice_process_flags *flags) {
  void *page = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    return false;
  flags->words = page;
  /* Emulators that ignore advice accept advice that does not exist, too. */
  flags->wiped = madvise(page, page_size, -1) != 0 &&
                 madvise(page, page_size, MADV_WIPEONFORK) == 0;
  return true;
}

void sluice_process_flags_destroy(struct sluice_process_flags *flags) {
  if (flags->words)
    munmap(flags->words, page_size);
  flags->words = NULL;
}

static _Atomic uint32_t *word_of(const struct sluice_process_flags *flags,
                                 int flag) {
  return (_Atomic uint32_t *)&flags->words[flag];
}

/* What a flag is when this process has raised it. */
static uint32_t raised_value(const struct sluice_process_flags *flags) {
  return flags->wiped ? 1 : (uint32_t)getpid();
}

bool sluice_process_flag_raise(const struct sluice_process_flags *flags,
                               int flag) {
  uint32_t raised = raised_value(flags);
  uint32_t before =
      atomic_load_explicit(word_of(flags, flag), memory_order_relaxed);
  return before != raised && atomic_compare_exchange_strong_explicit(
                                 word_of(flags, flag), &before, raised,
                                 memory_order_acq_rel, memory_order_relaxed);
}

void sluice_process_flag_lower(const struct sluice_process_flags *flags,
                               int flag) {
  atomic_store_explicit(word_of(flags, flag), 0, memory_order_release);
}

bool sluice_process_flag_is_raised(const struct sluice_process_flags *flags,
                                   int flag) {
  return atomic_load_explicit(word_of(flags, flag), memory_order_acquire) ==
         raised_value(flags);
}
