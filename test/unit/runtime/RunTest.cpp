//===- RunTest.cpp - The hooks of a run ----------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "FakeModel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

using namespace sluice::test;

namespace {

const Signature outputY = {"y", SLUICE_DTYPE_F32, {-1}};

/// y[i] = i, computed in a parallel loop with a nested one inside.
int32_t runCount(sluice_frame *frame) {
  int64_t dims[] = {1000};
  struct Closure {
    sluice_frame *frame;
    float *y;
  } closure = {frame, static_cast<float *>(frame->output(frame, 0, 1, dims))};
  auto body = [](void *data, int64_t begin, int64_t end) {
    Closure *closure = static_cast<Closure *>(data);
    struct Inner {
      float *y;
      int64_t base;
    } inner = {closure->y, 0};
    for (int64_t i = begin; i < end; ++i) {
      inner.base = i * 100;
      closure->frame->parallel_for(
          closure->frame,
          [](void *data, int64_t begin, int64_t end) {
            Inner *inner = static_cast<Inner *>(data);
            for (int64_t j = begin; j < end; ++j)
              inner->y[inner->base + j] = float(inner->base + j);
          },
          &inner, 100, 1e6);
    }
  };
  frame->parallel_for(frame, body, &closure, 10, 1e6);
  frame->parallel_for(frame, body, &closure, 0, 1e6);
  frame->parallel_for(frame, body, &closure, -1, 1e6);
  return 0;
}

bool isCounting(const std::vector<float> &values) {
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] != float(i))
      return false;
  return values.size() == 1000;
}

/// Every iteration fails.
int32_t runFailing(sluice_frame *frame) {
  frame->parallel_for(
      frame,
      [](void *data, int64_t begin, int64_t end) {
        sluice_frame *frame = static_cast<sluice_frame *>(data);
        frame->fail(frame, SLUICE_RUN_FAILED, "/layer/Gather",
                    "index 12 is outside [0, 10)");
      },
      frame, 64, 1e6);
  return frame->status;
}

int32_t runSilentFailure(sluice_frame *) { return 99; }
int32_t runNothing(sluice_frame *) { return 0; }

int32_t runWrongRank(sluice_frame *frame) {
  int64_t dims[] = {1, 1};
  return frame->output(frame, 0, 2, dims) ? 0 : frame->status;
}

int32_t runNegativeSize(sluice_frame *frame) {
  int64_t dims[] = {-5};
  return frame->output(frame, 0, 1, dims) ? 0 : frame->status;
}

/// Scratch from three allocations that are all needed at once.
int32_t runAllocating(sluice_frame *frame) {
  int64_t dims[] = {1};
  char *blocks[3];
  for (int i = 0; i < 3; ++i) {
    blocks[i] = static_cast<char *>(frame->allocate(frame, 1000 + i));
    if (!blocks[i])
      return frame->status;
    std::memset(blocks[i], i, 1000);
  }
  float *y = static_cast<float *>(frame->output(frame, 0, 1, dims));
  y[0] = float(blocks[0][999] + blocks[1][999] + blocks[2][999]);
  return 0;
}

int32_t runHugeAllocation(sluice_frame *frame) {
  return frame->allocate(frame, INT64_MAX) ? 0 : frame->status;
}

} // namespace

TEST(Run, ThreadsAndExecutorsAgree) {
  FakeModel fake({}, {outputY}, runCount);
  for (int32_t threads : {0, 1, 2, 5}) {
    sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
    options.threads = threads;
    Session session(fake, &options);
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
      EXPECT_TRUE(isCounting(session.output(0))) << threads;
    }
  }
}

TEST(Run, CallersExecutorIsUsed) {
  FakeModel fake({}, {outputY}, runCount);
  int calls = 0;
  sluice_executor executor = {
      &calls, 4,
      [](void *user, sluice_loop_body body, void *closure, int64_t count,
         int64_t chunk) {
        ++*static_cast<int *>(user);
        std::vector<std::thread> threads;
        for (int64_t at = 0; at < count; at += chunk)
          threads.emplace_back(body, closure, at, std::min(count, at + chunk));
        for (std::thread &thread : threads)
          thread.join();
      }};
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.executor = &executor;
  Session session(fake, &options);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_TRUE(isCounting(session.output(0)));
  EXPECT_EQ(calls, 1); // The nested loops are serial, the others empty.

  executor.parallel_for = nullptr;
  sluice_context *context = nullptr;
  EXPECT_EQ(sluice_context_create(session.model, &options, &context, nullptr),
            SLUICE_INVALID_ARGUMENT);
}

TEST(Run, ContextsShareAPool) {
  FakeModel fake({}, {outputY}, runCount);
  sluice_thread_pool_options poolOptions = SLUICE_THREAD_POOL_OPTIONS_INIT;
  poolOptions.threads = 3;
  sluice_thread_pool *pool = nullptr;
  ASSERT_EQ(sluice_thread_pool_create(&poolOptions, &pool, nullptr), SLUICE_OK);
  {
    sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
    options.pool = pool;
    Session first(fake, &options), second(fake, &options);
    auto work = [](Session &session) {
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(sluice_context_run(session.context), SLUICE_OK);
        EXPECT_TRUE(isCounting(session.output(0)));
      }
    };
    std::thread other(work, std::ref(second));
    work(first);
    other.join();
  }
  sluice_thread_pool_destroy(pool);
}

/// Gives out the seed, and the number of a sequence that it draws.
int32_t runDrawing(sluice_frame *frame) {
  const int64_t count = 2;
  auto *y = static_cast<float *>(frame->output(frame, 0, 1, &count));
  y[0] = static_cast<float>(frame->random_seed);
  y[1] = static_cast<float>(frame->random_draws++);
  return 0;
}

TEST(Run, SequencesOfRandomNumbersAreCounted) {
  FakeModel fake({}, {outputY}, runDrawing);
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.seed = 5;
  Session seeded(fake, &options), other(fake);
  for (float run : {0.0f, 1.0f, 2.0f}) {
    ASSERT_EQ(sluice_context_run(seeded.context), SLUICE_OK);
    EXPECT_EQ(seeded.output(0)[0], 5);
    EXPECT_EQ(seeded.output(0)[1], run);
  }
  ASSERT_EQ(sluice_context_run(other.context), SLUICE_OK);
  EXPECT_EQ(other.output(0)[0], 0);
  EXPECT_EQ(other.output(0)[1], 0);
}

TEST(Run, FirstFailureIsReported) {
  FakeModel fake({}, {outputY}, runFailing);
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.threads = 4;
  Session session(fake, &options);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(sluice_context_run(session.context), SLUICE_RUN_FAILED);
    EXPECT_EQ(session.message(),
              "node '/layer/Gather': index 12 is outside [0, 10)");
  }
}

TEST(Run, BrokenModelsAreErrors) {
  struct Case {
    int32_t (*run)(sluice_frame *);
    sluice_status status;
    const char *message;
  };
  for (Case broken : {
           Case{runSilentFailure, SLUICE_RUN_FAILED,
                "model 'fake' failed with status 99 and did not say why"},
           Case{runNothing, SLUICE_INTERNAL,
                "model 'fake' did not produce output 'y'"},
           Case{runWrongRank, SLUICE_INTERNAL,
                "output 'y' has another rank than its signature"},
           Case{runNegativeSize, SLUICE_INTERNAL,
                "output 'y' has a senseless size"},
           Case{runHugeAllocation, SLUICE_OUT_OF_MEMORY,
                "no memory for 9223372036854775807 bytes of intermediate "
                "results"},
       }) {
    FakeModel fake({}, {outputY}, broken.run);
    Session session(fake);
    EXPECT_EQ(sluice_context_run(session.context), broken.status);
    EXPECT_EQ(session.message(), broken.message);
  }
}

TEST(Run, AllocationsAreRecycled) {
  FakeModel fake({}, {outputY}, runAllocating);
  Session session(fake);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
    EXPECT_EQ(session.output(0), std::vector<float>{3});
  }
}

namespace {

/// y[0] = the workspace's alignment and size are as planned.
int32_t runWorkspace(sluice_frame *frame) {
  int64_t dims[] = {1};
  float *y = static_cast<float *>(frame->output(frame, 0, 1, dims));
  std::memset(frame->workspace, 1, size_t(frame->inputs[0].dims[0]) * 1000);
  y[0] = reinterpret_cast<uintptr_t>(frame->workspace) % 64 == 0;
  return 0;
}

int64_t workspaceFormula(const sluice_frame_tensor *inputs) {
  int64_t size;
  return __builtin_mul_overflow(inputs[0].dims[0], int64_t(1000), &size) ? -1
                                                                         : size;
}

FakeModel makeWorkspaceUser() {
  FakeModel fake({{"n", SLUICE_DTYPE_F32, {-1, 0}}}, {outputY}, runWorkspace);
  fake.descriptor.static_workspace_size = -1;
  fake.descriptor.liveness_lower_bound = -1;
  fake.descriptor.workspace_size = workspaceFormula;
  return fake;
}

} // namespace

TEST(Run, WorkspaceFollowsTheFormula) {
  FakeModel fake = makeWorkspaceUser();
  Session session(fake);
  for (int64_t n : {1, 5000, 3, 100000}) {
    ASSERT_EQ(session.setInput(0, nullptr, {n, 0}), SLUICE_OK);
    ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK)
        << session.message();
    EXPECT_EQ(session.output(0)[0], 1);
    EXPECT_GE(sluice_context_workspace_size(session.context), n * 1000);
  }
  ASSERT_EQ(session.setInput(0, nullptr, {INT64_MAX, 0}), SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_OUT_OF_MEMORY);
  ASSERT_EQ(session.setInput(0, nullptr, {INT64_MAX / 2000, 0}), SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_OUT_OF_MEMORY);

  sluice_memory_plan plan = sluice_model_memory_plan(session.model);
  EXPECT_EQ(plan.workspace_size, -1);
  int64_t good[] = {7, 0}, bad[] = {7, 1};
  const int64_t *dims = good;
  EXPECT_EQ(sluice_model_workspace_size(session.model, &dims), 7000);
  dims = bad;
  EXPECT_EQ(sluice_model_workspace_size(session.model, &dims), -1);
  EXPECT_EQ(sluice_model_workspace_size(session.model, nullptr), -1);
}

TEST(Run, CallersWorkspaceIsUsed) {
  FakeModel fake = makeWorkspaceUser();
  Session session(fake);
  alignas(64) static char workspace[2000];
  ASSERT_EQ(session.setInput(0, nullptr, {2, 0}), SLUICE_OK);
  EXPECT_EQ(sluice_context_bind_workspace(session.context, workspace + 8, 100),
            SLUICE_INVALID_ARGUMENT);
  ASSERT_EQ(sluice_context_bind_workspace(session.context, workspace, 1999),
            SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_BUFFER_TOO_SMALL);
  EXPECT_EQ(session.message(), "the run needs a workspace of 2000 bytes, the "
                               "caller's has 1999");
  ASSERT_EQ(sluice_context_bind_workspace(session.context, workspace, 2000),
            SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(workspace[1999], 1);
}

namespace {

int32_t runProfiled(sluice_frame *frame) {
  int64_t dims[] = {0};
  for (int32_t kernel : {0, 1, 1}) {
    if (frame->profile)
      frame->profile(frame, kernel, 0);
    if (frame->profile)
      frame->profile(frame, kernel, 1);
  }
  return frame->output(frame, 0, 1, dims) ? 0 : frame->status;
}

struct Waiting {
  std::atomic<bool> started{false};
  std::atomic<bool> released{false};
};

/// Runs until the test lets go; its input carries the address.
int32_t runWaiting(sluice_frame *frame) {
  int64_t dims[] = {0};
  Waiting *waiting;
  std::memcpy(&waiting, frame->inputs[0].data, sizeof waiting);
  waiting->started.store(true);
  while (!waiting->released.load())
    std::this_thread::yield();
  return frame->output(frame, 0, 1, dims) ? 0 : frame->status;
}

} // namespace

TEST(Run, KernelsAreTimed) {
  FakeModel fake({}, {outputY}, runProfiled);
  std::vector<int32_t> kernels;
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.on_kernel_user = &kernels;
  options.on_kernel = [](void *user, int32_t kernel, int64_t begin,
                         int64_t end) {
    EXPECT_LE(begin, end);
    static_cast<std::vector<int32_t> *>(user)->push_back(kernel);
  };
  Session session(fake, &options);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(kernels, (std::vector<int32_t>{0, 1, 1}));
  Session quiet(fake);
  ASSERT_EQ(sluice_context_run(quiet.context), SLUICE_OK);
}

TEST(Run, SecondThreadIsTurnedAway) {
  FakeModel fake({{"address", SLUICE_DTYPE_I64, {}}}, {outputY}, runWaiting);
  Session session(fake);
  Waiting waiting;
  Waiting *address = &waiting;
  sluice_tensor tensor = {SLUICE_DTYPE_I64, 0, nullptr, nullptr,
                          &address,         0, 0};
  ASSERT_EQ(sluice_context_set_input(session.context, 0, &tensor), SLUICE_OK);
  std::thread runner(
      [&] { EXPECT_EQ(sluice_context_run(session.context), SLUICE_OK); });
  while (!waiting.started.load())
    std::this_thread::yield();
  sluice_tensor output;
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_BUSY);
  EXPECT_EQ(sluice_context_set_input(session.context, 0, &tensor), SLUICE_BUSY);
  EXPECT_EQ(sluice_context_output(session.context, 0, &output), SLUICE_BUSY);
  waiting.released.store(true);
  runner.join();
}
