//===- StateTest.cpp - What a run leaves for the next one ----------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "FakeModel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace sluice::test;

namespace {

constexpr int64_t width = 3;
bool failsAtEnd = false;

/// present = past with `new` behind it along axis 1, next = hidden + 1. Writes
/// what is new only.
int32_t runAppend(sluice_frame *frame) {
  const sluice_frame_tensor &past = frame->inputs[0], &added = frame->inputs[1],
                            &hidden = frame->inputs[2];
  int64_t count = added.dims[1];
  int64_t dims[] = {past.dims[0], past.length + count, width};
  auto *data = static_cast<float *>(frame->output(frame, 0, 3, dims));
  if (!data)
    return frame->status;
  EXPECT_EQ(data, past.data);
  EXPECT_EQ(past.axis, 1);
  EXPECT_EQ(past.length, past.dims[1]);
  EXPECT_EQ(past.strides[0], past.capacity * width);
  EXPECT_EQ(frame->outputs[0].length, dims[1]);
  EXPECT_EQ(frame->outputs[0].data, data);
  auto *from = static_cast<const float *>(added.data);
  for (int64_t i = 0; i < dims[0]; ++i)
    std::memcpy(data + i * past.strides[0] + past.length * width,
                from + i * count * width, count * width * sizeof(float));
  auto *next = static_cast<float *>(frame->output(frame, 1, 1, hidden.dims));
  for (int64_t i = 0; next && i < hidden.dims[0]; ++i)
    next[i] = static_cast<const float *>(hidden.data)[i] + 1;
  if (failsAtEnd)
    frame->fail(frame, SLUICE_RUN_FAILED, "node", "on purpose");
  return frame->status;
}

const sluice_state_signature bothStates[] = {{0, 0, 1, 0, 4}, {1, 2, -1, 0, 0}};
const sluice_state_signature inPlace[] = {{0, 0, 1, 0, 4}, {1, 2, -1, 1, 0}};
const sluice_state_signature noCapacity[] = {{0, 0, 1, 0, 0}, {1, 2, -1, 0, 0}};

FakeModel makeModel(const sluice_state_signature *states = bothStates,
                    int64_t batch = 2) {
  std::vector<const char *> names = {batch < 0 ? "batch" : nullptr, "length",
                                     nullptr};
  std::vector<const char *> newNames = {names[0], nullptr, nullptr};
  FakeModel fake({{"past", SLUICE_DTYPE_F32, {batch, -1, width}, names},
                  {"new", SLUICE_DTYPE_F32, {batch, -1, width}, newNames},
                  {"hidden", SLUICE_DTYPE_F32, {2}}},
                 {{"present", SLUICE_DTYPE_F32, {batch, -1, width}, {}},
                  {"next", SLUICE_DTYPE_F32, {2}}},
                 runAppend);
  fake.descriptor.state_count = 2;
  fake.descriptor.states = states;
  return fake;
}

/// A row for each of two batches: `number`, and 100 more.
std::vector<float> rowsOf(float number, int64_t batch = 2) {
  std::vector<float> rows;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = 0; i < width; ++i)
      rows.push_back(number + float(100 * b));
  return rows;
}

sluice_status step(Session &session, float number, int64_t batch = 2) {
  std::vector<float> rows = rowsOf(number, batch);
  EXPECT_EQ(session.setInput(1, rows.data(), {batch, 1, width}), SLUICE_OK)
      << session.message();
  return sluice_context_run(session.context);
}

/// The first element of each row of a state or output that grows.
std::vector<float> firstOfRows(const sluice_tensor &tensor, int64_t batch) {
  std::vector<float> result;
  auto *data = static_cast<const float *>(tensor.data);
  for (int64_t i = 0; i < tensor.dims[1]; ++i)
    result.push_back(data[batch * tensor.strides[0] + i * tensor.strides[1]]);
  return result;
}

std::vector<float> contents(Session &session, int64_t batch = 0) {
  sluice_tensor tensor;
  EXPECT_EQ(sluice_context_state(session.context, 0, &tensor), SLUICE_OK)
      << session.message();
  return firstOfRows(tensor, batch);
}

int64_t lengthOf(Session &session) {
  int64_t length = -1;
  EXPECT_EQ(sluice_context_state_length(session.context, 0, &length),
            SLUICE_OK);
  return length;
}

} // namespace

TEST(State, GrowsToItsCapacityAndNoFurther) {
  FakeModel fake = makeModel();
  Session session(fake);
  EXPECT_EQ(sluice_model_state_count(session.model), 2);
  EXPECT_EQ(sluice_model_find_state(session.model, "present"), 0);
  EXPECT_EQ(sluice_model_find_state(session.model, "hidden"), 1);
  EXPECT_EQ(sluice_model_find_state(session.model, "new"), -1);
  EXPECT_EQ(sluice_model_state(session.model, 2), nullptr);
  EXPECT_EQ(lengthOf(session), 0);
  for (int64_t i = 0; i < 4; ++i) {
    ASSERT_EQ(step(session, float(i)), SLUICE_OK) << session.message();
    EXPECT_EQ(lengthOf(session), i + 1);
    sluice_tensor present;
    ASSERT_EQ(sluice_context_output(session.context, 0, &present), SLUICE_OK);
    EXPECT_EQ(present.dims[1], i + 1);
    EXPECT_EQ(firstOfRows(present, 1).back(), float(i + 100));
    EXPECT_EQ(session.output(1)[0], float(i + 1));
  }
  EXPECT_EQ(step(session, 4), SLUICE_BUFFER_TOO_SMALL);
  EXPECT_EQ(session.message(),
            "output 'present' would have length 5 along dimension 1, but input "
            "'past', whose state it is, has a capacity of 4; the state keeps "
            "its length of 4");
  // Nothing is lost, and the other state did not go on either.
  EXPECT_EQ(contents(session), (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(contents(session, 1), (std::vector<float>{100, 101, 102, 103}));
  sluice_tensor hidden;
  ASSERT_EQ(sluice_context_state(session.context, 1, &hidden), SLUICE_OK);
  EXPECT_EQ(static_cast<const float *>(hidden.data)[0], 4);
  EXPECT_EQ(hidden.strides, nullptr);
  // Back, and on from there.
  ASSERT_EQ(sluice_context_state_seek(session.context, 0, 2), SLUICE_OK);
  ASSERT_EQ(step(session, 9), SLUICE_OK) << session.message();
  EXPECT_EQ(contents(session), (std::vector<float>{0, 1, 9}));
  ASSERT_EQ(sluice_context_state_reset(session.context, SLUICE_ALL_STATES),
            SLUICE_OK);
  EXPECT_EQ(lengthOf(session), 0);
  ASSERT_EQ(step(session, 7), SLUICE_OK);
  EXPECT_EQ(contents(session), (std::vector<float>{7}));
  EXPECT_EQ(session.output(1)[0], 1);
}

TEST(State, FailedRunsDoNotCount) {
  FakeModel fake = makeModel();
  Session session(fake);
  ASSERT_EQ(step(session, 1), SLUICE_OK);
  failsAtEnd = true;
  EXPECT_EQ(step(session, 2), SLUICE_RUN_FAILED);
  failsAtEnd = false;
  EXPECT_EQ(contents(session), (std::vector<float>{1}));
  ASSERT_EQ(step(session, 3), SLUICE_OK);
  EXPECT_EQ(contents(session), (std::vector<float>{1, 3}));
  EXPECT_EQ(session.output(1)[0], 2);
}

TEST(State, SettingTheInputReplacesIt) {
  FakeModel fake = makeModel();
  Session session(fake);
  const float past[] = {1, 0, 0, 2, 0, 0, 101, 0, 0, 102, 0, 0};
  ASSERT_EQ(session.setInput(0, past, {2, 2, width}), SLUICE_OK)
      << session.message();
  EXPECT_EQ(lengthOf(session), 2);
  ASSERT_EQ(step(session, 3), SLUICE_OK);
  EXPECT_EQ(contents(session), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(contents(session, 1), (std::vector<float>{101, 102, 103}));
  // The output is the state already.
  sluice_tensor present;
  ASSERT_EQ(sluice_context_output(session.context, 0, &present), SLUICE_OK);
  EXPECT_EQ(sluice_context_set_input(session.context, 0, &present), SLUICE_OK)
      << session.message();
  EXPECT_EQ(lengthOf(session), 3);
  // Another part of its memory is not.
  int64_t dims[] = {2, 1, width};
  sluice_tensor part = present;
  part.dims = dims;
  part.data = static_cast<const float *>(present.data) + width;
  EXPECT_EQ(sluice_context_copy_input(session.context, 0, &part),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.message(), "input 'past' lies in the memory of its state");
  // Strides in front of the axis, along it, and backwards.
  const float turned[] = {5, 15, 0, 0, 0, 0, 6, 16, 0, 0, 0, 0};
  int64_t two[] = {2, 2, width}, strides[] = {1, 6, 2};
  sluice_tensor strided = {SLUICE_DTYPE_F32, 3, two, strides, turned, 0, 0};
  ASSERT_EQ(sluice_context_set_input(session.context, 0, &strided), SLUICE_OK);
  EXPECT_EQ(contents(session), (std::vector<float>{5, 6}));
  EXPECT_EQ(contents(session, 1), (std::vector<float>{15, 16}));
  const float longer[2 * 5 * width] = {};
  EXPECT_EQ(session.setInput(0, longer, {2, 5, width}),
            SLUICE_BUFFER_TOO_SMALL);
  EXPECT_EQ(session.message(), "input 'past' has length 5 along dimension 1, "
                               "its state has room for 4");
  EXPECT_EQ(contents(session), (std::vector<float>{5, 6}));
  EXPECT_EQ(session.setInput(0, past, {2, 2, 2}), SLUICE_SHAPE_MISMATCH);
  EXPECT_EQ(session.setInput(0, nullptr, {2, 0, width}), SLUICE_OK);
  EXPECT_EQ(lengthOf(session), 0);
  float bound[100];
  EXPECT_EQ(sluice_context_bind_output(session.context, 0, bound, sizeof bound),
            SLUICE_INVALID_ARGUMENT);
}

TEST(State, IsKeptInTheCallersMemory) {
  FakeModel fake = makeModel(noCapacity);
  Session session(fake);
  EXPECT_EQ(step(session, 1), SLUICE_MISSING_INPUT);
  EXPECT_EQ(session.message(),
            "state 'past' has no capacity: reserve or bind its memory, or "
            "compile the model with one");
  std::vector<float> memory(2 * 3 * width, -1), hidden = {5, 6};
  int64_t dims[] = {2, 3, width}, two[] = {2};
  sluice_tensor room = {SLUICE_DTYPE_F32, 3, dims, nullptr,
                        memory.data(),    0, 0};
  sluice_tensor vector = {SLUICE_DTYPE_F32, 1, two, nullptr,
                          hidden.data(),    0, 0};
  ASSERT_EQ(sluice_context_bind_state(session.context, 0, &room, 1), SLUICE_OK)
      << session.message();
  ASSERT_EQ(sluice_context_bind_state(session.context, 1, &vector, 0),
            SLUICE_OK)
      << session.message();
  ASSERT_EQ(step(session, 1), SLUICE_OK) << session.message();
  ASSERT_EQ(step(session, 2), SLUICE_OK) << session.message();
  EXPECT_EQ(step(session, 3), SLUICE_BUFFER_TOO_SMALL);
  EXPECT_EQ(memory, (std::vector<float>{-1, -1, -1, 1, 1, 1, 2, 2, 2, -1, -1,
                                        -1, 101, 101, 101, 102, 102, 102}));
  EXPECT_EQ(hidden, (std::vector<float>{7, 8}));
  // The pair may share memory; nothing else may.
  ASSERT_EQ(sluice_context_state_seek(session.context, SLUICE_ALL_STATES, 0),
            SLUICE_OK);
  ASSERT_EQ(session.setInput(1, memory.data(), {2, 1, width}), SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.message(),
            "the buffer bound to output 'present' overlaps 'new'");
  vector.data = memory.data() + 4;
  ASSERT_EQ(sluice_context_bind_state(session.context, 1, &vector, 0),
            SLUICE_OK);
  EXPECT_EQ(step(session, 1), SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.message(),
            "the buffer bound to output 'present' overlaps 'hidden'");
  // Back to the context's memory.
  ASSERT_EQ(sluice_context_bind_state(session.context, 1, nullptr, 0),
            SLUICE_OK);
  ASSERT_EQ(step(session, 1), SLUICE_OK) << session.message();
  EXPECT_EQ(session.output(1)[0], 1);
}

TEST(State, WithoutAnAxisTwoPiecesChangePlaces) {
  FakeModel fake = makeModel();
  Session session(fake);
  const void *places[3];
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(sluice_context_state_seek(session.context, 0, 0), SLUICE_OK);
    ASSERT_EQ(step(session, 0), SLUICE_OK);
    sluice_tensor next;
    ASSERT_EQ(sluice_context_output(session.context, 1, &next), SLUICE_OK);
    places[i] = next.data;
    EXPECT_EQ(static_cast<const float *>(next.data)[0], float(i + 1));
  }
  EXPECT_NE(places[0], places[1]);
  EXPECT_EQ(places[0], places[2]);

  FakeModel replaced = makeModel(inPlace);
  Session other(replaced);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(step(other, 0), SLUICE_OK);
    sluice_tensor next;
    ASSERT_EQ(sluice_context_output(other.context, 1, &next), SLUICE_OK);
    places[i] = next.data;
    EXPECT_EQ(static_cast<const float *>(next.data)[0], float(i + 1));
  }
  EXPECT_EQ(places[0], places[1]);
}

TEST(State, SizesComeFromOtherInputsOrTheCaller) {
  FakeModel fake = makeModel(bothStates, -1);
  Session session(fake);
  sluice_tensor tensor;
  EXPECT_EQ(sluice_context_state(session.context, 0, &tensor),
            SLUICE_MISSING_INPUT);
  EXPECT_EQ(session.message(),
            "the size of state 'past' in dimension 0 is not known: reserve or "
            "bind its memory, or set the input");
  EXPECT_EQ(lengthOf(session), 0);
  for (int64_t batch : {3, 1}) {
    ASSERT_EQ(step(session, 1, batch), SLUICE_OK) << session.message();
    ASSERT_EQ(step(session, 2, batch), SLUICE_OK) << session.message();
    EXPECT_EQ(contents(session), (std::vector<float>{1, 2}));
    ASSERT_EQ(sluice_context_state_reset(session.context, 0), SLUICE_OK);
  }
  const int64_t dims[] = {2, 9, width}, negative[] = {2, -1, width},
                huge[] = {int64_t(1) << 40, int64_t(1) << 40, width},
                large[] = {int64_t(1) << 28, int64_t(1) << 28, width};
  ASSERT_EQ(sluice_context_state_reserve(session.context, 0, dims), SLUICE_OK);
  for (int64_t i = 0; i < 9; ++i)
    ASSERT_EQ(step(session, float(i)), SLUICE_OK) << session.message();
  EXPECT_EQ(step(session, 9), SLUICE_BUFFER_TOO_SMALL);
  // What the caller has fixed stays.
  EXPECT_EQ(step(session, 9, 3), SLUICE_SHAPE_MISMATCH);
  const float past[width] = {};
  EXPECT_EQ(session.setInput(0, past, {1, 1, width}), SLUICE_SHAPE_MISMATCH);
  EXPECT_EQ(lengthOf(session), 9);
  EXPECT_EQ(sluice_context_state_reserve(session.context, 0, negative),
            SLUICE_SHAPE_MISMATCH);
  EXPECT_EQ(sluice_context_state_reserve(session.context, 0, huge),
            SLUICE_SHAPE_MISMATCH);
  EXPECT_EQ(sluice_context_state_reserve(session.context, 0, nullptr),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(lengthOf(session), 9);
  EXPECT_EQ(sluice_context_state_reserve(session.context, 0, large),
            SLUICE_OUT_OF_MEMORY);
  ASSERT_EQ(step(session, 1), SLUICE_OK) << session.message();
}

TEST(State, IsClonedBetweenContextsOfOneModel) {
  FakeModel fake = makeModel();
  Session first(fake), second(fake);
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(step(first, float(i)), SLUICE_OK);
  ASSERT_EQ(step(second, 9), SLUICE_OK);
  ASSERT_EQ(sluice_context_state_clone(second.context, first.context),
            SLUICE_OK)
      << second.message();
  EXPECT_EQ(contents(second, 1), (std::vector<float>{100, 101, 102}));
  ASSERT_EQ(step(second, 7), SLUICE_OK);
  EXPECT_EQ(second.output(1)[0], 4);
  EXPECT_EQ(contents(first), (std::vector<float>{0, 1, 2}));
  // Memory of the caller's has to be large enough.
  std::vector<float> memory(2 * 6 * width);
  int64_t dims[] = {2, 2, width};
  sluice_tensor room = {SLUICE_DTYPE_F32, 3, dims, nullptr,
                        memory.data(),    0, 0};
  ASSERT_EQ(sluice_context_bind_state(second.context, 0, &room, 0), SLUICE_OK);
  EXPECT_EQ(sluice_context_state_clone(second.context, first.context),
            SLUICE_SHAPE_MISMATCH);
  dims[1] = 6;
  ASSERT_EQ(sluice_context_bind_state(second.context, 0, &room, 0), SLUICE_OK);
  ASSERT_EQ(sluice_context_state_clone(second.context, first.context),
            SLUICE_OK);
  EXPECT_EQ(memory[6 * width], 100);
  EXPECT_EQ(memory[2 * width], 2);

  FakeModel unlike = makeModel();
  Session other(unlike);
  EXPECT_EQ(sluice_context_state_clone(other.context, first.context),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(other.message(),
            "the other context is one of another model, 'fake'");
  EXPECT_EQ(sluice_context_state_clone(first.context, first.context),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_state_clone(first.context, nullptr),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(first.message(), "there is no context to copy states of");
  EXPECT_EQ(sluice_context_state_clone(nullptr, first.context),
            SLUICE_INVALID_ARGUMENT);
}

TEST(State, WrongCallsAreRefused) {
  FakeModel fake = makeModel();
  Session session(fake);
  sluice_context *context = session.context;
  ASSERT_EQ(step(session, 1), SLUICE_OK);
  sluice_tensor tensor;
  int64_t length;
  const int64_t dims[] = {2, 4, width};
  alignas(64) static float memory[2 * 4 * width + 1];
  for (int32_t index : {-2, 2, INT32_MAX, INT32_MIN}) {
    EXPECT_EQ(sluice_context_state(context, index, &tensor),
              SLUICE_INVALID_ARGUMENT);
    EXPECT_EQ(sluice_context_state_length(context, index, &length),
              SLUICE_INVALID_ARGUMENT);
    EXPECT_EQ(sluice_context_state_reset(context, index),
              SLUICE_INVALID_ARGUMENT);
    EXPECT_EQ(sluice_context_state_seek(context, index, 0),
              SLUICE_INVALID_ARGUMENT);
    EXPECT_EQ(sluice_context_state_reserve(context, index, dims),
              SLUICE_INVALID_ARGUMENT);
    EXPECT_EQ(sluice_context_bind_state(context, index, nullptr, 0),
              SLUICE_INVALID_ARGUMENT);
  }
  EXPECT_EQ(session.message(), "there is no state -2147483648, model 'fake' "
                               "has 2");
  // Only some functions take all of them.
  EXPECT_EQ(sluice_context_state(context, SLUICE_ALL_STATES, &tensor),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_state(context, 0, nullptr), SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_state_length(context, 0, nullptr),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_state_length(context, 1, &length),
            SLUICE_INVALID_ARGUMENT);
  for (int64_t wrong : {int64_t(-1), int64_t(2), INT64_MAX, INT64_MIN})
    EXPECT_EQ(sluice_context_state_seek(context, 0, wrong),
              SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.message(),
            "state 'past' cannot go to length -9223372036854775808, it has 1");
  EXPECT_EQ(sluice_context_state_seek(context, 1, 0), SLUICE_INVALID_ARGUMENT);
  sluice_tensor good = {SLUICE_DTYPE_F32, 3, dims, nullptr, memory, 0, 0};
  auto refuses = [&](sluice_status status, sluice_tensor bad, int64_t length) {
    EXPECT_EQ(sluice_context_bind_state(context, 0, &bad, length), status);
    EXPECT_EQ(lengthOf(session), 1);
  };
  for (int64_t wrong : {int64_t(-1), int64_t(5), INT64_MAX})
    refuses(SLUICE_INVALID_ARGUMENT, good, wrong);
  sluice_tensor bad = good;
  bad.dtype = SLUICE_DTYPE_F16;
  refuses(SLUICE_DTYPE_MISMATCH, bad, 0);
  bad = good;
  bad.rank = 2;
  refuses(SLUICE_SHAPE_MISMATCH, bad, 0);
  bad = good;
  bad.dims = nullptr;
  refuses(SLUICE_INVALID_ARGUMENT, bad, 0);
  bad = good;
  bad.data = nullptr;
  refuses(SLUICE_INVALID_ARGUMENT, bad, 0);
  bad = good;
  bad.data = reinterpret_cast<const char *>(memory) + 1;
  refuses(SLUICE_INVALID_ARGUMENT, bad, 0);
  bad = good;
  bad.memory_space = 1;
  refuses(SLUICE_INVALID_ARGUMENT, bad, 0);
  bad = good;
  const int64_t strides[] = {1, 2, 8}, wide[] = {3, 4, width};
  bad.strides = strides;
  refuses(SLUICE_INVALID_ARGUMENT, bad, 0);
  bad = good;
  bad.dims = wide;
  refuses(SLUICE_SHAPE_MISMATCH, bad, 0);
  for (auto call : {+[](sluice_context *none) {
                      return sluice_context_state_reset(none, 0);
                    },
                    +[](sluice_context *none) {
                      return sluice_context_state_seek(none, 0, 0);
                    },
                    +[](sluice_context *none) {
                      return sluice_context_bind_state(none, 0, nullptr, 0);
                    },
                    +[](sluice_context *none) {
                      return sluice_context_state_reserve(none, 0, nullptr);
                    }})
    EXPECT_EQ(call(nullptr), SLUICE_INVALID_ARGUMENT);
}

namespace {
std::atomic<bool> isRunning, mayEnd;
int32_t runWaiting(sluice_frame *frame) {
  isRunning = true;
  while (!mayEnd)
    std::this_thread::yield();
  return runAppend(frame);
}
} // namespace

TEST(State, SecondThreadIsTurnedAway) {
  FakeModel fake = makeModel();
  fake.descriptor.run = runWaiting;
  Session session(fake), idle(fake);
  isRunning = mayEnd = false;
  std::thread runner([&] { EXPECT_EQ(step(session, 1), SLUICE_OK); });
  while (!isRunning)
    std::this_thread::yield();
  int64_t length;
  sluice_tensor tensor;
  EXPECT_EQ(sluice_context_state_reset(session.context, 0), SLUICE_BUSY);
  EXPECT_EQ(sluice_context_state_seek(session.context, 0, 0), SLUICE_BUSY);
  EXPECT_EQ(sluice_context_state(session.context, 0, &tensor), SLUICE_BUSY);
  EXPECT_EQ(sluice_context_state_length(session.context, 0, &length),
            SLUICE_BUSY);
  EXPECT_EQ(sluice_context_bind_state(session.context, 0, nullptr, 0),
            SLUICE_BUSY);
  EXPECT_EQ(sluice_context_state_clone(session.context, idle.context),
            SLUICE_BUSY);
  EXPECT_EQ(sluice_context_state_clone(idle.context, session.context),
            SLUICE_BUSY);
  EXPECT_EQ(idle.message(), "the other context is running on another thread");
  mayEnd = true;
  runner.join();
  EXPECT_EQ(lengthOf(session), 1);
}

TEST(State, AnyOrderOfCallsKeepsWhatIsThere) {
  FakeModel fake = makeModel();
  Session session(fake), copy(fake);
  std::vector<float> expected;
  int64_t capacity = 4;
  uint32_t seed = 1;
  auto random = [&](uint32_t below) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
  };
  auto lend = [&](std::vector<float> &memory, int64_t room) {
    memory.assign(size_t(2 * room * width), -1);
    const int64_t dims[] = {2, room, width};
    sluice_tensor tensor = {SLUICE_DTYPE_F32, 3, dims, nullptr,
                            memory.data(),    0, 0};
    ASSERT_EQ(sluice_context_bind_state(session.context, 0, &tensor, 0),
              SLUICE_OK)
        << session.message();
    capacity = room;
    expected.clear();
  };
  std::vector<float> memory;
  for (int i = 0; i < 4000; ++i) {
    auto length = int64_t(expected.size());
    switch (random(9)) {
    case 0: {
      int64_t wanted = random(8);
      bool fits = wanted <= length;
      EXPECT_EQ(sluice_context_state_seek(session.context, 0, wanted),
                fits ? SLUICE_OK : SLUICE_INVALID_ARGUMENT);
      if (fits)
        expected.resize(size_t(wanted));
      break;
    }
    case 1: {
      int64_t wanted = random(8);
      std::vector<float> past(size_t(2 * wanted * width));
      for (int64_t row = 0; row < 2 * wanted; ++row)
        past[size_t(row * width)] = float(row < wanted ? row : row + 50);
      bool fits = wanted <= capacity;
      EXPECT_EQ(session.setInput(0, past.data(), {2, wanted, width}),
                fits ? SLUICE_OK : SLUICE_BUFFER_TOO_SMALL);
      if (fits) {
        expected.resize(size_t(wanted));
        for (int64_t row = 0; row < wanted; ++row)
          expected[size_t(row)] = float(row);
      }
      break;
    }
    case 2:
      if (random(4) == 0) {
        ASSERT_EQ(sluice_context_state_reset(session.context, 0), SLUICE_OK);
        expected.clear();
      }
      break;
    case 3:
      if (random(4) == 0)
        lend(memory, random(7));
      break;
    case 4:
      if (random(4) == 0) {
        capacity = random(7);
        const int64_t dims[] = {2, capacity, width};
        ASSERT_EQ(sluice_context_state_reserve(session.context, 0, dims),
                  SLUICE_OK);
        expected.clear();
      }
      break;
    case 5: {
      ASSERT_EQ(sluice_context_state_clone(copy.context, session.context),
                SLUICE_OK)
          << copy.message();
      EXPECT_EQ(contents(copy), expected);
      EXPECT_EQ(contents(copy, 1), contents(session, 1));
      break;
    }
    default:
      EXPECT_EQ(step(session, float(i)),
                length < capacity ? SLUICE_OK : SLUICE_BUFFER_TOO_SMALL);
      if (length < capacity)
        expected.push_back(float(i));
    }
    ASSERT_EQ(contents(session), expected) << "after call " << i;
  }
}

TEST(State, ForkedChildGoesOnByItself) {
  FakeModel fake = makeModel();
  Session session(fake);
  ASSERT_EQ(step(session, 1), SLUICE_OK);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    bool isRight = step(session, 2) == SLUICE_OK &&
                   contents(session) == std::vector<float>{1, 2};
    _exit(isRight ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(step(session, 3), SLUICE_OK);
  EXPECT_EQ(contents(session), (std::vector<float>{1, 3}));
}
