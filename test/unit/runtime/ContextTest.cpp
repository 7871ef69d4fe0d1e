//===- ContextTest.cpp - Binding, running and what can go wrong ----------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "FakeModel.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>

using namespace sluice::test;

namespace {

/// sum[batch, 3] = left[batch, 3] + right[batch, 3].
int32_t runSum(sluice_frame *frame) {
  const int64_t *dims = frame->inputs[0].dims;
  float *sum = static_cast<float *>(frame->output(frame, 0, 2, dims));
  const float *left = static_cast<const float *>(frame->inputs[0].data);
  const float *right = static_cast<const float *>(frame->inputs[1].data);
  for (int64_t i = 0; sum && i < dims[0] * dims[1]; ++i)
    sum[i] = left[i] + right[i];
  return frame->status;
}

FakeModel makeSum() {
  return FakeModel({{"left", SLUICE_DTYPE_F32, {-1, 3}, {"batch", nullptr}},
                    {"right", SLUICE_DTYPE_F32, {-1, 3}, {"batch", nullptr}}},
                   {{"sum", SLUICE_DTYPE_F32, {-1, 3}, {"batch", nullptr}}},
                   runSum);
}

const float ones[6] = {1, 1, 1, 1, 1, 1};
const float counting[6] = {0, 1, 2, 3, 4, 5};

} // namespace

TEST(Context, RunsAndRunsAgain) {
  FakeModel fake = makeSum();
  Session session(fake);
  ASSERT_EQ(session.setInput(0, ones, {2, 3}), SLUICE_OK);
  ASSERT_EQ(session.setInput(1, counting, {2, 3}), SLUICE_OK);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
    EXPECT_EQ(session.output(0), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(session.message(), "");
  }
  ASSERT_EQ(session.setInput(0, ones, {1, 3}), SLUICE_OK);
  ASSERT_EQ(session.setInput(1, ones, {1, 3}), SLUICE_OK);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(session.output(0), (std::vector<float>{2, 2, 2}));
}

TEST(Context, EmptyTensors) {
  FakeModel fake = makeSum();
  Session session(fake);
  ASSERT_EQ(session.setInput(0, nullptr, {0, 3}), SLUICE_OK);
  ASSERT_EQ(session.setInput(1, nullptr, {0, 3}), SLUICE_OK);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_TRUE(session.output(0).empty());
}

TEST(Context, InputsAreChecked) {
  FakeModel fake = makeSum();
  Session session(fake);
  EXPECT_EQ(session.setInput(2, ones, {2, 3}), SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.message(), "there is no input 2, model 'fake' has 2");
  EXPECT_EQ(session.setInput(-1, ones, {2, 3}), SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.setInput(0, ones, {2}), SLUICE_SHAPE_MISMATCH);
  EXPECT_EQ(session.message(), "input 'left' has 1 dimensions, the model's "
                               "signature is [batch,3]");
  EXPECT_EQ(session.setInput(0, ones, {2, 4}), SLUICE_SHAPE_MISMATCH);
  EXPECT_EQ(session.message(), "input 'left' has shape [2,4], which does not "
                               "fit [batch,3] in dimension 1");
  EXPECT_EQ(session.setInput(0, ones, {-2, 3}), SLUICE_SHAPE_MISMATCH);
  EXPECT_EQ(session.setInput(0, nullptr, {2, 3}), SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.message(), "input 'left': its data is null");
  EXPECT_EQ(session.setInput(0, ones, {INT64_MAX, 3}), SLUICE_SHAPE_MISMATCH);
  EXPECT_EQ(sluice_context_set_input(session.context, 0, nullptr),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_set_input(nullptr, 0, nullptr),
            SLUICE_INVALID_ARGUMENT);
  int64_t dims[] = {2, 3};
  sluice_tensor tensor = {SLUICE_DTYPE_I32, 2, dims, nullptr, ones, 0, 0};
  EXPECT_EQ(sluice_context_set_input(session.context, 0, &tensor),
            SLUICE_DTYPE_MISMATCH);
  EXPECT_EQ(session.message(),
            "input 'left' has element type i32, the model wants f32");
  tensor = {SLUICE_DTYPE_F32, 2, nullptr, nullptr, ones, 0, 0};
  EXPECT_EQ(sluice_context_set_input(session.context, 0, &tensor),
            SLUICE_INVALID_ARGUMENT);
}

TEST(Context, MissingInputsAreNamed) {
  FakeModel fake = makeSum();
  Session session(fake);
  ASSERT_EQ(session.setInput(0, ones, {2, 3}), SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_MISSING_INPUT);
  EXPECT_EQ(session.message(), "input 'right' is not bound");
}

TEST(Context, DefaultsAreUsedUntilAnInputIsSet) {
  alignas(64) static const float weights[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                0, 0, 0, 0, 0, 0, 7, 8, 9};
  const int64_t dims[] = {1, 3};
  const sluice_input_default value = {1, dims, 64};
  FakeModel fake = makeSum();
  fake.descriptor.weights = reinterpret_cast<const uint8_t *>(weights);
  fake.descriptor.weights_size = sizeof weights;
  fake.descriptor.default_count = 1;
  fake.descriptor.defaults = &value;
  Session session(fake);
  sluice_tensor tensor;
  EXPECT_EQ(sluice_model_input_default(session.model, 0, &tensor),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_model_input_default(session.model, 7, &tensor),
            SLUICE_INVALID_ARGUMENT);
  ASSERT_EQ(sluice_model_input_default(session.model, 1, &tensor), SLUICE_OK);
  EXPECT_EQ(tensor.rank, 2);
  EXPECT_EQ(tensor.dims[1], 3);
  EXPECT_EQ(static_cast<const float *>(tensor.data)[2], 9);

  ASSERT_EQ(session.setInput(0, ones, {1, 3}), SLUICE_OK);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(session.output(0), (std::vector<float>{8, 9, 10}));
  ASSERT_EQ(session.setInput(1, ones, {1, 3}), SLUICE_OK);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(session.output(0), (std::vector<float>{2, 2, 2}));
  // What is refused changes nothing.
  EXPECT_EQ(session.setInput(1, ones, {1, 4}), SLUICE_SHAPE_MISMATCH);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(session.output(0), (std::vector<float>{2, 2, 2}));
  ASSERT_EQ(sluice_context_set_input(session.context, 1, nullptr), SLUICE_OK);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(session.output(0), (std::vector<float>{8, 9, 10}));
  // The default has its sizes, as any other tensor.
  ASSERT_EQ(session.setInput(0, ones, {2, 3}), SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_SHAPE_MISMATCH);
}

TEST(Context, EqualNamesAreEqualSizes) {
  FakeModel fake = makeSum();
  Session session(fake);
  ASSERT_EQ(session.setInput(0, ones, {2, 3}), SLUICE_OK);
  ASSERT_EQ(session.setInput(1, ones, {1, 3}), SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_SHAPE_MISMATCH);
  EXPECT_EQ(session.message(),
            "dimension 'batch' is 2 in input 'left' (dimension 0) but 1 in "
            "input 'right' (dimension 0)");
}

TEST(Context, StridedInputsAreGathered) {
  FakeModel fake = makeSum();
  Session session(fake);
  // A transposed view, and one that repeats a row and reads backwards.
  const float columns[6] = {0, 10, 1, 11, 2, 12};
  int64_t dims[] = {2, 3}, transposed[] = {1, 2}, repeated[] = {0, -1};
  sluice_tensor left = {SLUICE_DTYPE_F32, 2, dims, transposed, columns, 0, 0};
  sluice_tensor right = {SLUICE_DTYPE_F32, 2, dims, repeated,
                         counting + 2,     0, 0};
  ASSERT_EQ(sluice_context_set_input(session.context, 0, &left), SLUICE_OK);
  ASSERT_EQ(sluice_context_set_input(session.context, 1, &right), SLUICE_OK);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(session.output(0), (std::vector<float>{2, 2, 2, 12, 12, 12}));
}

TEST(Context, MisalignedInputsAreCopied) {
  FakeModel fake = makeSum();
  Session session(fake);
  char bytes[6 * sizeof(float) + 1];
  std::memcpy(bytes + 1, counting, sizeof counting);
  int64_t dims[] = {2, 3};
  sluice_tensor tensor = {SLUICE_DTYPE_F32, 2, dims, nullptr, bytes + 1, 0, 0};
  ASSERT_EQ(sluice_context_set_input(session.context, 0, &tensor), SLUICE_OK);
  ASSERT_EQ(session.setInput(1, ones, {2, 3}), SLUICE_OK);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(session.output(0), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Context, BorrowedDataIsReadLateOwnedDataEarly) {
  FakeModel fake = makeSum();
  Session session(fake);
  float borrowed[3] = {1, 2, 3}, owned[3] = {10, 20, 30};
  int64_t dims[] = {1, 3};
  sluice_tensor tensor = {SLUICE_DTYPE_F32, 2, dims, nullptr, owned, 0, 0};
  ASSERT_EQ(session.setInput(0, borrowed, {1, 3}), SLUICE_OK);
  ASSERT_EQ(sluice_context_copy_input(session.context, 1, &tensor), SLUICE_OK);
  borrowed[0] = 5;
  owned[0] = 0;
  dims[0] = 7;
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(session.output(0), (std::vector<float>{15, 22, 33}));
}

TEST(Context, OutputsGoToTheCallersBuffer) {
  FakeModel fake = makeSum();
  Session session(fake);
  ASSERT_EQ(session.setInput(0, ones, {2, 3}), SLUICE_OK);
  ASSERT_EQ(session.setInput(1, ones, {2, 3}), SLUICE_OK);
  float buffer[7] = {0, 0, 0, 0, 0, 0, -1};
  ASSERT_EQ(sluice_context_bind_output(session.context, 0, buffer, 24),
            SLUICE_OK);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(buffer[5], 2);
  EXPECT_EQ(buffer[6], -1);

  ASSERT_EQ(sluice_context_bind_output(session.context, 0, buffer, 23),
            SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_BUFFER_TOO_SMALL);
  EXPECT_EQ(session.message(),
            "output 'sum' needs 24 bytes, the caller's buffer has 23");
  sluice_tensor tensor;
  EXPECT_EQ(sluice_context_output(session.context, 0, &tensor),
            SLUICE_INVALID_ARGUMENT);

  EXPECT_EQ(sluice_context_bind_output(
                session.context, 0, reinterpret_cast<char *>(buffer) + 1, 24),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_bind_output(session.context, 1, buffer, 24),
            SLUICE_INVALID_ARGUMENT);
  ASSERT_EQ(sluice_context_bind_output(session.context, 0, nullptr, 0),
            SLUICE_OK);
  ASSERT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(session.output(0)[0], 2);
}

TEST(Context, BuffersMustNotOverlap) {
  FakeModel fake = makeSum();
  Session session(fake);
  float buffer[12] = {};
  ASSERT_EQ(session.setInput(0, buffer, {2, 3}), SLUICE_OK);
  ASSERT_EQ(session.setInput(1, ones, {2, 3}), SLUICE_OK);
  ASSERT_EQ(sluice_context_bind_output(session.context, 0, buffer + 5, 24),
            SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.message(),
            "the buffer bound to output 'sum' overlaps 'left'");
  ASSERT_EQ(sluice_context_bind_output(session.context, 0, buffer + 6, 24),
            SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_OK);
}

TEST(Context, OutputsOnlyAfterASuccessfulRun) {
  FakeModel fake = makeSum();
  Session session(fake);
  sluice_tensor tensor;
  EXPECT_EQ(sluice_context_output(session.context, 0, &tensor),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_output(session.context, 3, &tensor),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_output(session.context, 0, nullptr),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_run(nullptr), SLUICE_INVALID_ARGUMENT);
}

TEST(Context, OldCallersOptionsAreShorter) {
  FakeModel fake = makeSum();
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.struct_size = offsetof(sluice_context_options, affinity_count);
  options.threads = 1;
  options.affinity_count = -7; // behind the caller's end: not looked at
  Session session(fake, &options);
  EXPECT_NE(session.context, nullptr);
}

TEST(Context, OptionsSayHowLongTheyAre) {
  FakeModel fake = makeSum();
  sluice_context_options options = {};
  options.threads = 1;
  Session session(fake, nullptr);
  sluice_context *context = nullptr;
  sluice_error error;
  EXPECT_EQ(sluice_context_create(session.model, &options, &context, &error),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error.message).find("struct_size"), std::string::npos);
  EXPECT_EQ(context, nullptr);
  sluice_thread_pool_options poolOptions = {};
  sluice_thread_pool *pool = nullptr;
  EXPECT_EQ(sluice_thread_pool_create(&poolOptions, &pool, &error),
            SLUICE_INVALID_ARGUMENT);
  sluice_load_options loadOptions = {};
  sluice_model *model = nullptr;
  EXPECT_EQ(sluice_model_load("none.so", &loadOptions, &model, &error),
            SLUICE_INVALID_ARGUMENT);
}

TEST(Context, ModelsAreSharedByThreads) {
  FakeModel fake = makeSum();
  Session session(fake);
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      sluice_context *context = nullptr;
      if (sluice_context_create(session.model, nullptr, &context, nullptr))
        return static_cast<void>(failures.fetch_add(1));
      float data[3] = {float(t), float(t), float(t)};
      int64_t dims[] = {1, 3};
      sluice_tensor tensor = {SLUICE_DTYPE_F32, 2, dims, nullptr, data, 0, 0};
      for (int i = 0; i < 200; ++i) {
        sluice_tensor out;
        if (sluice_context_set_input(context, 0, &tensor) ||
            sluice_context_set_input(context, 1, &tensor) ||
            sluice_context_run(context) ||
            sluice_context_output(context, 0, &out) ||
            static_cast<const float *>(out.data)[2] != 2.0f * float(t))
          failures.fetch_add(1);
      }
      sluice_context_destroy(context);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures.load(), 0);
}

static int32_t runNothing(sluice_frame *) { return 0; }

TEST(Context, ReservedFieldsAreRefused) {
  FakeModel fake({{"x", SLUICE_DTYPE_F32, {2}}}, {}, runNothing);
  Session session(fake);
  const int64_t dims[] = {2};
  const float data[] = {1, 2};
  sluice_tensor tensor = {SLUICE_DTYPE_F32, 1, dims, nullptr, data, 3, 0};
  EXPECT_EQ(sluice_context_set_input(session.context, 0, &tensor),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.message(),
            "input 'x' is in memory space 3; this runtime has the process's "
            "memory only, which is 0");
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  int queue = 0;
  options.stream = &queue;
  sluice_context *context = nullptr;
  sluice_error error;
  EXPECT_EQ(sluice_context_create(session.model, &options, &context, &error),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message,
               "`stream` of the options is reserved and must be null");
  options.stream = nullptr;
  options.collectives = &queue;
  EXPECT_EQ(sluice_context_create(session.model, &options, &context, &error),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(context, nullptr);
}

TEST(Context, PackedTensorsAreDense) {
  FakeModel fake({{"x", SLUICE_DTYPE_I4, {2, 3}}}, {}, runNothing);
  Session session(fake);
  const int64_t dims[] = {2, 3}, strides[] = {3, 1};
  const uint8_t data[] = {0, 0x21, 0x43, 0x65};
  sluice_tensor tensor = {SLUICE_DTYPE_I4, 2, dims, strides, data + 1, 0, 0};
  EXPECT_EQ(sluice_context_set_input(session.context, 0, &tensor),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(session.message(), "input 'x' has strides, but i4 is packed: "
                               "several elements share a byte");
  tensor.strides = nullptr;
  EXPECT_EQ(sluice_context_set_input(session.context, 0, &tensor), SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_OK);
  EXPECT_EQ(sluice_context_copy_input(session.context, 0, &tensor), SLUICE_OK);
  EXPECT_EQ(sluice_context_run(session.context), SLUICE_OK);
}
