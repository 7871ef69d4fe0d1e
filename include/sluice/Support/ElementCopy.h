//===- ElementCopy.h - Copies of elements of any width ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_SUPPORT_ELEMENTCOPY_H
#define SLUICE_SUPPORT_ELEMENTCOPY_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sluice {

/// Copies element `from` of `source` to element `to` of `target`, which may lie
/// at any address.
template <size_t Bytes>
void copyElement(const char *source, int64_t from, char *target, int64_t to) {
  std::memcpy(target + to * static_cast<int64_t>(Bytes),
              source + from * static_cast<int64_t>(Bytes), Bytes);
}

/// Calls `body` with the number of bytes of an element, which is 1, 2, 4 or 8,
/// as a type.
template <typename BodyFn>
void dispatchElementBytes(int64_t elementBytes, BodyFn body) {
  switch (elementBytes) {
  case 1:
    return body(std::integral_constant<size_t, 1>());
  case 2:
    return body(std::integral_constant<size_t, 2>());
  case 4:
    return body(std::integral_constant<size_t, 4>());
  case 8:
    return body(std::integral_constant<size_t, 8>());
  }
}

} // namespace sluice

#endif // SLUICE_SUPPORT_ELEMENTCOPY_H
