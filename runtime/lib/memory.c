/*===- memory.c - Aligned buffers that only grow ------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

static const size_t page_size = 4096;
static const size_t huge_page_size = (size_t)2 << 20;
/* Below this size the C library's allocator is as good as a mapping. */
static const size_t mapping_threshold = (size_t)256 << 10;

static bool round_up(size_t size, size_t multiple, size_t *result) {
  if (__builtin_add_overflow(size, multiple - 1, result))
    return false;
  *result &= ~(multiple - 1);
  return true;
}

void *sluice_map_memory(size_t size, bool huge_pages) {
  bool fits = huge_pages && size >= huge_page_size;
  size_t slack = fits ? huge_page_size - page_size : 0;
  size_t length;
  if (__builtin_add_overflow(size, slack, &length))
    return NULL;
  uint8_t *base = mmap(NULL, length, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED)
    return NULL;
  if (slack == 0)
    return base;
  size_t skip = -(uintptr_t)base & (huge_page_size - 1);
  if (skip)
    munmap(base, skip);
  if (slack > skip)
    munmap(base + skip + size, slack - skip);
  /* Advice only: without huge pages everything still works. */
  madvise(base + skip, size, MADV_HUGEPAGE);
  return base + skip;
}

/* The rest of a huge page would be touched page by page, which takes longer
 * than one huge page. */
size_t sluice_round_to_pages(size_t size) {
  size_t result;
  if (size >= huge_page_size && round_up(size, huge_page_size, &result) &&
      result - size <= size / 4)
    return result;
  return round_up(size, page_size, &result) ? result : 0;
}

bool sluice_buffer_reserve(struct sluice_buffer *buffer, size_t size) {
  if (size <= buffer->capacity && buffer->data)
    return true;
  sluice_buffer_free(buffer);
  bool mapped = size >= mapping_threshold;
  size_t rounded;
  /* One element more than nothing, so that the pointer is never null. */
  if (mapped)
    rounded = sluice_round_to_pages(size);
  else if (!round_up(size ? size : 1, SLUICE_ALIGNMENT, &rounded))
    return false;
  if (rounded == 0)
    return false;
  void *data = mapped ? sluice_map_memory(rounded, true)
                      : aligned_alloc(SLUICE_ALIGNMENT, rounded);
  if (!data)
    return false;
  *buffer = (struct sluice_buffer){data, rounded, mapped};
  return true;
}

void sluice_buffer_free(struct sluice_buffer *buffer) {
  if (buffer->mapped)
    munmap(buffer->data, buffer->capacity);
  else
    free(buffer->data);
  *buffer = (struct sluice_buffer){NULL, 0, false};
}

struct sluice_recycled_block {
  struct sluice_recycled_block *next;
  struct sluice_buffer buffer;
  bool used;
};

void sluice_recycler_init(struct sluice_recycler *recycler) {
  pthread_mutex_init(&recycler->lock, NULL);
  recycler->blocks = NULL;
}

/* The smallest free block that is large enough. */
static struct sluice_recycled_block *
find_block(struct sluice_recycler *recycler, size_t size) {
  struct sluice_recycled_block *best = NULL;
  for (struct sluice_recycled_block *block = recycler->blocks; block;
       block = block->next)
    if (!block->used && block->buffer.capacity >= size &&
        (!best || block->buffer.capacity < best->buffer.capacity))
      best = block;
  return best;
}

void *sluice_recycler_allocate(struct sluice_recycler *recycler, size_t size) {
  pthread_mutex_lock(&recycler->lock);
  struct sluice_recycled_block *block = find_block(recycler, size);
  if (!block) {
    block = calloc(1, sizeof *block);
    if (block && !sluice_buffer_reserve(&block->buffer, size)) {
      free(block);
      block = NULL;
    }
    if (block) {
      block->next = recycler->blocks;
      recycler->blocks = block;
    }
  }
  if (block)
    block->used = true;
  pthread_mutex_unlock(&recycler->lock);
  return block ? block->buffer.data : NULL;
}

void sluice_recycler_reset(struct sluice_recycler *recycler) {
  struct sluice_recycled_block **link = &recycler->blocks;
  while (*link) {
    struct sluice_recycled_block *block = *link;
    if (block->used) {
      block->used = false;
      link = &block->next;
      continue;
    }
    *link = block->next;
    sluice_buffer_free(&block->buffer);
    free(block);
  }
}

void sluice_recycler_destroy(struct sluice_recycler *recycler) {
  for (int pass = 0; pass < 2; ++pass)
    sluice_recycler_reset(recycler);
  pthread_mutex_destroy(&recycler->lock);
}
