//===- GuardedBuffer.h - Memory that ends at a page fault -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TEST_UNIT_CODEGEN_GUARDEDBUFFER_H
#define SLUICE_TEST_UNIT_CODEGEN_GUARDEDBUFFER_H

#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace sluice::testing {

/// An array whose last element ends right before an inaccessible page, with
/// another one before its first page: a read or write outside of it crashes
/// the test (at once past the end, within a page before the start).
template <typename T> class GuardedBuffer {
public:
  explicit GuardedBuffer(int64_t elements) : elements(elements) {
    int64_t page = sysconf(_SC_PAGESIZE);
    int64_t bytes = elements * static_cast<int64_t>(sizeof(T));
    int64_t used = (bytes + page - 1) / page * page;
    mapped = used + 2 * page;
    base = static_cast<char *>(
        mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (used > 0)
      mprotect(base + page, used, PROT_READ | PROT_WRITE);
    start = reinterpret_cast<T *>(base + page + used - bytes);
  }
  GuardedBuffer(const GuardedBuffer &) = delete;
  GuardedBuffer &operator=(const GuardedBuffer &) = delete;
  ~GuardedBuffer() { munmap(base, mapped); }

  T *data() { return start; }
  int64_t size() const { return elements; }
  T &operator[](int64_t i) { return start[i]; }

private:
  int64_t elements;
  int64_t mapped;
  char *base;
  T *start;
};

} // namespace sluice::testing

#endif // SLUICE_TEST_UNIT_CODEGEN_GUARDEDBUFFER_H
