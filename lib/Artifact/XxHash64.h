//===- XxHash64.h - A checksum over a stream --------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The 64-bit xxHash with seed 0 (Yann Collet's specification, version 0.1.1),
// fed piece by piece: LLVM's own takes one buffer, and weights are streamed.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_ARTIFACT_XXHASH64_H
#define SLUICE_LIB_ARTIFACT_XXHASH64_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>

namespace sluice {

class XxHash64 {
public:
  void update(llvm::ArrayRef<char> bytes);
  uint64_t finish() const;

private:
  static constexpr uint64_t prime1 = 0x9E3779B185EBCA87ull;
  static constexpr uint64_t prime2 = 0xC2B2AE3D27D4EB4Full;
  static constexpr uint64_t prime3 = 0x165667B19E3779F9ull;
  static constexpr uint64_t prime4 = 0x85EBCA77C2B2AE63ull;
  static constexpr uint64_t prime5 = 0x27D4EB2F165667C5ull;

  void stripe(const char *bytes);

  uint64_t lanes[4] = {prime1 + prime2, prime2, 0, 0 - prime1};
  char pending[32] = {};
  unsigned pendingSize = 0;
  uint64_t total = 0;
};

} // namespace sluice

#endif // SLUICE_LIB_ARTIFACT_XXHASH64_H
