/*===- hash.c - xxHash64 ------------------------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * Written from the published description of the algorithm: four lanes eat 32
 * bytes per step, then the tail is folded in by words of 8, 4 and 1 bytes.
 *
 *===----------------------------------------------------------------------===*/
#include "hash.h"

#include <string.h>

static const uint64_t prime1 = 0x9e3779b185ebca87u;
static const uint64_t prime2 = 0xc2b2ae3d27d4eb4fu;
static const uint64_t prime3 = 0x165667b19e3779f9u;
static const uint64_t prime4 = 0x85ebca77c2b2ae63u;
static const uint64_t prime5 = 0x27d4eb2f165667c5u;

static uint64_t rotate_left(uint64_t value, int count) {
  return value << count | value >> (64 - count);
}

static uint64_t read64(const uint8_t *data) {
  uint64_t value;
  memcpy(&value, data, sizeof value);
  return value;
}

static uint32_t read32(const uint8_t *data) {
  uint32_t value;
  memcpy(&value, data, sizeof value);
  return value;
}

static uint64_t mix_lane(uint64_t lane, uint64_t word) {
  return rotate_left(lane + word * prime2, 31) * prime1;
}

static uint64_t merge_lane(uint64_t hash, uint64_t lane) {
  return (hash ^ mix_lane(0, lane)) * prime1 + prime4;
}

void sluice_hash_begin(struct sluice_hash *hash) {
  hash->lanes[0] = prime1 + prime2;
  hash->lanes[1] = prime2;
  hash->lanes[2] = 0;
  hash->lanes[3] = 0 - prime1;
  hash->length = 0;
  hash->pending_size = 0;
}

/* Feeds whole 32-byte steps and returns how many bytes that were. */
static size_t add_steps(struct sluice_hash *hash, const uint8_t *data,
                        size_t size) {
  uint64_t lane0 = hash->lanes[0], lane1 = hash->lanes[1];
  uint64_t lane2 = hash->lanes[2], lane3 = hash->lanes[3];
  size_t done = 0;
  for (; size - done >= 32; done += 32) {
    lane0 = mix_lane(lane0, read64(data + done));
    lane1 = mix_lane(lane1, read64(data + done + 8));
    lane2 = mix_lane(lane2, read64(data + done + 16));
    lane3 = mix_lane(lane3, read64(data + done + 24));
  }
  hash->lanes[0] = lane0;
  hash->lanes[1] = lane1;
  hash->lanes[2] = lane2;
  hash->lanes[3] = lane3;
  return done;
}

void sluice_hash_add(struct sluice_hash *hash, const void *data, size_t size) {
  if (size == 0)
    return;
  const uint8_t *bytes = data;
  hash->length += size;
  if (hash->pending_size) {
    size_t room = sizeof hash->pending - hash->pending_size;
    size_t taken = size < room ? size : room;
    memcpy(hash->pending + hash->pending_size, bytes, taken);
    hash->pending_size += taken;
    bytes += taken;
    size -= taken;
    if (hash->pending_size < sizeof hash->pending)
      return;
    add_steps(hash, hash->pending, sizeof hash->pending);
    hash->pending_size = 0;
  }
  size_t done = add_steps(hash, bytes, size);
  hash->pending_size = size - done;
  memcpy(hash->pending, bytes + done, hash->pending_size);
}

uint64_t sluice_hash_end(const struct sluice_hash *hash) {
  uint64_t result;
  if (hash->length >= 32) {
    const uint64_t *lanes = hash->lanes;
    result = rotate_left(lanes[0], 1) + rotate_left(lanes[1], 7) +
             rotate_left(lanes[2], 12) + rotate_left(lanes[3], 18);
    for (int i = 0; i < 4; ++i)
      result = merge_lane(result, lanes[i]);
  } else {
    result = prime5;
  }
  result += hash->length;

  const uint8_t *data = hash->pending;
  size_t size = hash->pending_size;
  for (; size >= 8; data += 8, size -= 8)
    result =
        rotate_left(result ^ mix_lane(0, read64(data)), 27) * prime1 + prime4;
  if (size >= 4) {
    result = rotate_left(result ^ read32(data) * prime1, 23) * prime2 + prime3;
    data += 4;
    size -= 4;
  }
  for (; size; ++data, --size)
    result = rotate_left(result ^ *data * prime5, 11) * prime1;

  result = (result ^ result >> 33) * prime2;
  result = (result ^ result >> 29) * prime3;
  return result ^ result >> 32;
}

uint64_t sluice_hash_bytes(const void *data, size_t size) {
  struct sluice_hash hash;
  sluice_hash_begin(&hash);
  sluice_hash_add(&hash, data, size);
  return sluice_hash_end(&hash);
}
