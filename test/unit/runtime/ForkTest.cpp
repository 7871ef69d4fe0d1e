//===- ForkTest.cpp - Models, contexts and pools in the child of a fork --===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "FakeModel.h"

extern "C" {
#include "process_flags.h"
#include "thread_pool.h"
}

#include <gtest/gtest.h>

#include <atomic>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace sluice::test;

namespace {

#if defined(__SANITIZE_THREAD__)
#define SLUICE_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_THREAD_SANITIZER 1
#endif
#endif

class ForkTest : public testing::Test {
  void SetUp() override {
#ifdef SLUICE_THREAD_SANITIZER
    GTEST_SKIP() << "its children cannot start threads";
#endif
  }
};

/// Runs `body` in the child of a fork; true if it returns true in time.
template <typename Body> bool holdsInChild(Body body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body() ? 0 : 1);
  }
  int state = -1;
  return waitpid(child, &state, 0) == child && WIFEXITED(state) &&
         WEXITSTATUS(state) == 0;
}

constexpr int64_t pieces = 64, pieceSize = 16;

/// y[i] = x[i] + 1 in parallel, by way of memory that each piece asks for.
int32_t runPieces(sluice_frame *frame) {
  int64_t dims[] = {pieces * pieceSize};
  struct Closure {
    sluice_frame *frame;
    const float *x;
    float *y;
  } closure = {frame, static_cast<const float *>(frame->inputs[0].data),
               static_cast<float *>(frame->output(frame, 0, 1, dims))};
  if (!closure.y)
    return frame->status;
  auto body = [](void *data, int64_t begin, int64_t end) {
    Closure *closure = static_cast<Closure *>(data);
    for (int64_t piece = begin; piece < end; ++piece) {
      void *memory = closure->frame->allocate(closure->frame, pieceSize * 4);
      if (!memory)
        return;
      float *values = static_cast<float *>(memory);
      int64_t first = piece * pieceSize;
      for (int64_t i = 0; i < pieceSize; ++i)
        values[i] = closure->x[first + i] + 1;
      std::copy(values, values + pieceSize, closure->y + first);
    }
  };
  frame->parallel_for(frame, body, &closure, pieces, 1e6);
  return frame->status;
}

const FakeModel &pieceModel() {
  static const FakeModel model({{"x", SLUICE_DTYPE_F32, {-1}}},
                               {{"y", SLUICE_DTYPE_F32, {-1}}}, runPieces);
  return model;
}

const std::vector<float> &numbers() {
  static const std::vector<float> values = [] {
    std::vector<float> made(pieces * pieceSize);
    for (size_t i = 0; i < made.size(); ++i)
      made[i] = float(i);
    return made;
  }();
  return values;
}

bool bindNumbers(sluice_context *context, bool copy = false) {
  int64_t dims[] = {pieces * pieceSize};
  sluice_tensor tensor = {SLUICE_DTYPE_F32, 1, dims, nullptr,
                          numbers().data(), 0, 0};
  return (copy ? sluice_context_copy_input(context, 0, &tensor)
               : sluice_context_set_input(context, 0, &tensor)) == SLUICE_OK;
}

bool runsRight(sluice_context *context) {
  sluice_tensor output;
  if (sluice_context_run(context) != SLUICE_OK ||
      sluice_context_output(context, 0, &output) != SLUICE_OK)
    return false;
  const float *y = static_cast<const float *>(output.data);
  for (size_t i = 0; i < numbers().size(); ++i)
    if (y[i] != numbers()[i] + 1)
      return false;
  return true;
}

/// Owns a pool of three threads.
struct Pool {
  Pool() {
    sluice_thread_pool_options options = SLUICE_THREAD_POOL_OPTIONS_INIT;
    options.threads = 3;
    EXPECT_EQ(sluice_thread_pool_create(&options, &pool, nullptr), SLUICE_OK);
  }
  ~Pool() { sluice_thread_pool_destroy(pool); }

  sluice_context_options use() {
    sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
    options.pool = pool;
    return options;
  }
  sluice_thread_pool *pool = nullptr;
};

sluice_context_options threeThreads() {
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.threads = 3;
  return options;
}

/// Whether a loop on the pool gets a second thread.
bool isShared(sluice_thread_pool *pool) {
  struct Meeting {
    std::atomic<int> arrived{0};
    std::atomic<bool> met{false};
  } meeting;
  auto body = [](void *closure, int64_t, int64_t) {
    Meeting *meeting = static_cast<Meeting *>(closure);
    meeting->arrived.fetch_add(1);
    for (int i = 0; i < 20000 && !meeting->met; ++i) {
      if (meeting->arrived.load() > 1)
        meeting->met = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  if (!sluice_thread_pool_enter(pool))
    return false;
  sluice_thread_pool_run(pool, body, &meeting, 2, 1e9);
  sluice_thread_pool_leave(pool);
  return meeting.met;
}

/// A model whose run stays in a loop until the gate opens.
struct Gate {
  std::atomic<bool> entered{false};
  std::atomic<bool> open{false};
} gate;

int32_t runThroughGate(sluice_frame *frame) {
  gate.entered = true;
  auto body = [](void *, int64_t, int64_t) {
    while (!gate.open)
      std::this_thread::yield();
  };
  frame->parallel_for(frame, body, nullptr, 8, 1e9);
  return runPieces(frame);
}

} // namespace

TEST_F(ForkTest, ContextThatRan) {
  sluice_context_options options = threeThreads();
  Session session(pieceModel(), &options);
  ASSERT_TRUE(bindNumbers(session.context));
  ASSERT_TRUE(runsRight(session.context));
  EXPECT_TRUE(holdsInChild([&] {
    bool right = runsRight(session.context) && runsRight(session.context);
    // A child of the child, and a context of its own.
    right = right && holdsInChild([&] { return runsRight(session.context); });
    sluice_context_destroy(session.context);
    sluice_context *own = nullptr;
    right = right && sluice_context_create(session.model, &options, &own,
                                           nullptr) == SLUICE_OK;
    right = right && bindNumbers(own) && runsRight(own);
    sluice_context_destroy(own);
    sluice_model_release(session.model);
    return right;
  }));
  EXPECT_TRUE(holdsInChild([&] {
    sluice_context_destroy(session.context);
    sluice_model_release(session.model);
    return true;
  }));
  EXPECT_TRUE(runsRight(session.context));
}

TEST_F(ForkTest, PoolThatRan) {
  Pool pool;
  sluice_context_options options = pool.use();
  Session session(pieceModel(), &options);
  ASSERT_TRUE(bindNumbers(session.context));
  ASSERT_TRUE(runsRight(session.context));
  EXPECT_TRUE(holdsInChild([&] {
    bool right = runsRight(session.context) && isShared(pool.pool);
    sluice_context_destroy(session.context);
    sluice_thread_pool_destroy(pool.pool);
    return right;
  }));
  EXPECT_TRUE(holdsInChild([&] {
    sluice_context_destroy(session.context);
    sluice_thread_pool_destroy(pool.pool);
    return true;
  }));
  EXPECT_TRUE(isShared(pool.pool));
}

TEST_F(ForkTest, DuringARunOfAnotherThread) {
  const FakeModel model({{"x", SLUICE_DTYPE_F32, {-1}}},
                        {{"y", SLUICE_DTYPE_F32, {-1}}}, runThroughGate);
  for (bool shared : {false, true}) {
    Pool pool;
    sluice_context_options options = shared ? pool.use() : threeThreads();
    Session session(model, &options);
    ASSERT_TRUE(bindNumbers(session.context));
    gate.entered = gate.open = false;
    std::thread runner([&] { EXPECT_TRUE(runsRight(session.context)); });
    while (!gate.entered)
      std::this_thread::yield();
    // What the caller bound is still there.
    EXPECT_TRUE(holdsInChild([&] {
      gate.open = true;
      bool right = runsRight(session.context) && runsRight(session.context);
      right = right && (!shared || isShared(pool.pool));
      sluice_context_destroy(session.context);
      return right;
    }));
    EXPECT_TRUE(holdsInChild([&] {
      sluice_context_destroy(session.context);
      sluice_thread_pool_destroy(pool.pool);
      sluice_model_release(session.model);
      return true;
    }));
    EXPECT_EQ(sluice_context_run(session.context), SLUICE_BUSY);
    gate.open = true;
    runner.join();
    EXPECT_TRUE(runsRight(session.context));
  }
}

TEST_F(ForkTest, AtAnyMoment) {
  Pool pool;
  sluice_context_options options = pool.use();
  Session session(pieceModel(), &options);
  // Made here: a child would wait for the thread that is making it.
  ASSERT_FALSE(numbers().empty());
  std::atomic<bool> stop{false};
  std::thread runner([&] {
    while (!stop)
      EXPECT_TRUE(bindNumbers(session.context, true) &&
                  runsRight(session.context));
  });
  for (int i = 0; i < 60; ++i)
    EXPECT_TRUE(holdsInChild([&] {
      // A fork in the middle of binding leaves nothing bound.
      sluice_status status = sluice_context_run(session.context);
      bool right = status == SLUICE_OK || status == SLUICE_MISSING_INPUT;
      right = right && bindNumbers(session.context, true) &&
              runsRight(session.context);
      sluice_context_destroy(session.context);
      sluice_thread_pool_destroy(pool.pool);
      return right;
    }));
  stop = true;
  runner.join();
}

TEST_F(ForkTest, ChildrenKeepOneThreadPerCall) {
  // Two threads of the child still cannot use one context at once.
  const FakeModel model({{"x", SLUICE_DTYPE_F32, {-1}}},
                        {{"y", SLUICE_DTYPE_F32, {-1}}}, runThroughGate);
  sluice_context_options options = threeThreads();
  Session session(model, &options);
  ASSERT_TRUE(bindNumbers(session.context));
  gate.open = true;
  ASSERT_TRUE(runsRight(session.context));
  gate.entered = gate.open = false;
  EXPECT_TRUE(holdsInChild([&] {
    bool right = false;
    std::thread runner([&] { right = runsRight(session.context); });
    while (!gate.entered)
      std::this_thread::yield();
    bool busy = sluice_context_run(session.context) == SLUICE_BUSY;
    gate.open = true;
    runner.join();
    return right && busy;
  }));
}

TEST_F(ForkTest, FlagsAreDownInTheChild) {
  for (bool wiped : {true, false}) {
    struct sluice_process_flags flags;
    ASSERT_TRUE(sluice_process_flags_create(&flags));
    flags.wiped &= wiped;
    EXPECT_TRUE(sluice_process_flag_raise(&flags, 1));
    EXPECT_FALSE(sluice_process_flag_raise(&flags, 1));
    EXPECT_FALSE(sluice_process_flag_is_raised(&flags, 0));
    EXPECT_TRUE(holdsInChild([&] {
      return !sluice_process_flag_is_raised(&flags, 1) &&
             sluice_process_flag_raise(&flags, 1) &&
             !sluice_process_flag_raise(&flags, 1) &&
             sluice_process_flag_is_raised(&flags, 1);
    }));
    EXPECT_TRUE(sluice_process_flag_is_raised(&flags, 1));
    sluice_process_flag_lower(&flags, 1);
    EXPECT_TRUE(sluice_process_flag_raise(&flags, 1));
    sluice_process_flags_destroy(&flags);
  }
}
