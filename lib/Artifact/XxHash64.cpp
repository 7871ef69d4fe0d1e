//===- XxHash64.cpp - A checksum over a stream ----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "XxHash64.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"
#include <algorithm>
#include <cstring>

using namespace sluice;
using llvm::rotl;
using llvm::support::endian::read32le;
using llvm::support::endian::read64le;

static uint64_t mix(uint64_t lane, uint64_t input, uint64_t multiplyInput,
                    uint64_t multiplyLane) {
  return rotl(lane + input * multiplyInput, 31) * multiplyLane;
}

void XxHash64::stripe(const char *bytes) {
  for (int i = 0; i < 4; ++i)
    lanes[i] = mix(lanes[i], read64le(bytes + 8 * i), prime2, prime1);
}

void XxHash64::update(llvm::ArrayRef<char> bytes) {
  total += bytes.size();
  if (pendingSize) {
    size_t taken =
        std::min<size_t>(bytes.size(), sizeof(pending) - pendingSize);
    std::memcpy(pending + pendingSize, bytes.data(), taken);
    pendingSize += taken;
    bytes = bytes.drop_front(taken);
    if (pendingSize < sizeof(pending))
      return;
    stripe(pending);
    pendingSize = 0;
  }
  while (bytes.size() >= sizeof(pending)) {
    stripe(bytes.data());
    bytes = bytes.drop_front(sizeof(pending));
  }
  if (!bytes.empty())
    std::memcpy(pending, bytes.data(), bytes.size());
  pendingSize = bytes.size();
}

uint64_t XxHash64::finish() const {
  uint64_t hash = prime5;
  if (total >= sizeof(pending)) {
    hash = rotl(lanes[0], 1) + rotl(lanes[1], 7) + rotl(lanes[2], 12) +
           rotl(lanes[3], 18);
    for (uint64_t lane : lanes)
      hash = (hash ^ mix(0, lane, prime2, prime1)) * prime1 + prime4;
  }
  hash += total;
  const char *at = pending, *end = pending + pendingSize;
  for (; end - at >= 8; at += 8)
    hash =
        rotl(hash ^ mix(0, read64le(at), prime2, prime1), 27) * prime1 + prime4;
  for (; end - at >= 4; at += 4)
    hash = rotl(hash ^ read32le(at) * prime1, 23) * prime2 + prime3;
  for (; at != end; ++at)
    hash = rotl(hash ^ static_cast<unsigned char>(*at) * prime5, 11) * prime1;
  hash = (hash ^ (hash >> 33)) * prime2;
  hash = (hash ^ (hash >> 29)) * prime3;
  return hash ^ (hash >> 32);
}
