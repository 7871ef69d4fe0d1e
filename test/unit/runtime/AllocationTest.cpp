//===- AllocationTest.cpp - Runs with static shapes allocate nothing -----===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

// Linked with --wrap for every function that gets memory, so that each call the
// runtime makes is counted.

#include "FakeModel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <sys/mman.h>

using namespace sluice::test;

namespace {
std::atomic<int> allocations{0};
} // namespace

extern "C" {
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *data, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_mmap(void *address, size_t length, int protection, int flags,
                  int file, off_t offset);

void *__wrap_malloc(size_t size) {
  allocations.fetch_add(1);
  return __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  allocations.fetch_add(1);
  return __real_calloc(count, size);
}
void *__wrap_realloc(void *data, size_t size) {
  allocations.fetch_add(1);
  return __real_realloc(data, size);
}
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  allocations.fetch_add(1);
  return __real_aligned_alloc(alignment, size);
}
void *__wrap_mmap(void *address, size_t length, int protection, int flags,
                  int file, off_t offset) {
  allocations.fetch_add(1);
  return __real_mmap(address, length, protection, flags, file, offset);
}
}

static int32_t runStatic(sluice_frame *frame) {
  int64_t dims[] = {1 << 20};
  float *y = static_cast<float *>(frame->output(frame, 0, 1, dims));
  frame->workspace[0] = 1;
  frame->workspace[(4 << 20) - 1] = 1;
  frame->parallel_for(
      frame,
      [](void *data, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          static_cast<float *>(data)[i] = float(i);
      },
      y, 1 << 20, 1);
  return frame->status;
}

TEST(Allocation, StaticRunsAllocateNothing) {
  FakeModel fake({{"x", SLUICE_DTYPE_F32, {4}}},
                 {{"y", SLUICE_DTYPE_F32, {1 << 20}}}, runStatic);
  fake.descriptor.static_workspace_size = 4 << 20;
  const float x[4] = {};

  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.threads = 1;
  Session serial(fake, &options);
  ASSERT_EQ(serial.setInput(0, x, {4}), SLUICE_OK);
  int before = allocations.load();
  EXPECT_GT(before, 0) << "the wrappers are not in effect";
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(sluice_context_run(serial.context), SLUICE_OK);
  EXPECT_EQ(allocations.load(), before);

  // With threads, the first loop worth sharing starts them.
  options.threads = 2;
  Session parallel(fake, &options);
  ASSERT_EQ(parallel.setInput(0, x, {4}), SLUICE_OK);
  ASSERT_EQ(sluice_context_run(parallel.context), SLUICE_OK);
  before = allocations.load();
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(sluice_context_run(parallel.context), SLUICE_OK);
  EXPECT_EQ(allocations.load(), before);
}
