/*===- memory.h - Aligned buffers that only grow ------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_MEMORY_H
#define SLUICE_LIB_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define SLUICE_ALIGNMENT 64

/* A 64-byte aligned piece of memory. Large ones are mapped and ask for huge
 * pages: touching fresh 4 KB pages costs more than most kernels that do. */
struct sluice_buffer {
  void *data;
  size_t capacity;
  bool mapped;
};

/* Makes room for `size` bytes; the contents are lost when it grows. False when
 * there is no memory: the buffer is empty then. */
bool sluice_buffer_reserve(struct sluice_buffer *buffer, size_t size);
void sluice_buffer_free(struct sluice_buffer *buffer);

/* Rounds up to whole pages; whole huge pages where that wastes little. 0 when
 * the size overflows. */
size_t sluice_round_to_pages(size_t size);
/* Maps `size` bytes, a multiple of the page size. On request they are on a huge
 * page's boundary, when at least one fits, and the system is asked for huge
 * pages. Null when there is no memory; given up with munmap. */
void *sluice_map_memory(size_t size, bool huge_pages);

/* Memory handed out during a run and recycled by the next one. */
struct sluice_recycler {
  pthread_mutex_t lock;
  struct sluice_recycled_block *blocks;
};

void sluice_recycler_init(struct sluice_recycler *recycler);
/* Thread-safe. Null when there is no memory. */
void *sluice_recycler_allocate(struct sluice_recycler *recycler, size_t size);
/* Ends a run: every block may be handed out again, and those that this run had
 * no use for are freed, so that changing sizes do not pile up memory. */
void sluice_recycler_reset(struct sluice_recycler *recycler);
void sluice_recycler_destroy(struct sluice_recycler *recycler);

#endif
