/*===- hash.h - xxHash64 ------------------------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_HASH_H
#define SLUICE_LIB_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The 64-bit variant of the xxHash family with seed 0, fed piece by piece. */
struct sluice_hash {
  uint64_t lanes[4];
  uint64_t length;
  uint8_t pending[32];
  size_t pending_size;
};

void sluice_hash_begin(struct sluice_hash *hash);
void sluice_hash_add(struct sluice_hash *hash, const void *data, size_t size);
uint64_t sluice_hash_end(const struct sluice_hash *hash);

/* The hash of one piece of memory. */
uint64_t sluice_hash_bytes(const void *data, size_t size);

#endif
