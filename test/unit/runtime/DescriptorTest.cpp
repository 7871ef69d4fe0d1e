//===- DescriptorTest.cpp - Descriptors with something wrong -------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "FakeModel.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>

using namespace sluice::test;

static int32_t runNothing(sluice_frame *) { return 0; }

static sluice_status adopt(const FakeModel &fake, sluice_error *error) {
  sluice_model *model = nullptr;
  sluice_status status =
      sluice_model_from_descriptor(&fake.descriptor, nullptr, &model, error);
  EXPECT_EQ(model != nullptr, status == SLUICE_OK);
  sluice_model_release(model);
  return status;
}

TEST(Descriptor, SignatureCanBeQueried) {
  FakeModel fake({{"x", SLUICE_DTYPE_F32, {-1, 3}, {"batch", nullptr}}},
                 {{"y", SLUICE_DTYPE_I64, {}}}, runNothing);
  sluice_kernel_info kernel = {"k", "map", "n", 10, 20};
  fake.descriptor.kernels = &kernel;
  fake.descriptor.kernel_count = 1;
  fake.descriptor.static_workspace_size = 640;
  fake.descriptor.liveness_lower_bound = 600;
  Session session(fake);
  const sluice_model *model = session.model;
  EXPECT_EQ(sluice_model_input_count(model), 1);
  EXPECT_EQ(sluice_model_output_count(model), 1);
  EXPECT_STREQ(sluice_model_input(model, 0)->name, "x");
  EXPECT_STREQ(sluice_model_input(model, 0)->dim_names[0], "batch");
  EXPECT_EQ(sluice_model_input(model, 1), nullptr);
  EXPECT_EQ(sluice_model_input(model, -1), nullptr);
  EXPECT_EQ(sluice_model_output(model, 0)->dtype, SLUICE_DTYPE_I64);
  EXPECT_EQ(sluice_model_output(model, 1), nullptr);
  EXPECT_EQ(sluice_model_find_input(model, "x"), 0);
  EXPECT_EQ(sluice_model_find_input(model, "y"), -1);
  EXPECT_EQ(sluice_model_find_input(model, nullptr), -1);
  EXPECT_EQ(sluice_model_find_output(model, "y"), 0);
  EXPECT_EQ(sluice_model_kernel_count(model), 1);
  EXPECT_STREQ(sluice_model_kernel(model, 0)->kind, "map");
  EXPECT_EQ(sluice_model_kernel(model, 1), nullptr);
  EXPECT_STREQ(sluice_model_target_cpu(model), "imaginary");
  EXPECT_EQ(sluice_model_memory_plan(model).workspace_size, 640);
  EXPECT_EQ(sluice_model_memory_plan(model).liveness_lower_bound, 600);
  EXPECT_EQ(sluice_model_workspace_size(model, nullptr), 640);
  EXPECT_EQ(sluice_context_model(session.context), model);
}

TEST(Descriptor, DamageIsFound) {
  using Damage = std::function<void(sluice_model_descriptor &)>;
  static const int64_t badDims[] = {-3};
  static const sluice_tensor_signature badTensors[] = {
      {nullptr, SLUICE_DTYPE_F32, 0, nullptr, nullptr},
      {"x", 99, 0, nullptr, nullptr},
      {"x", SLUICE_DTYPE_F32, 1, nullptr, nullptr},
      {"x", SLUICE_DTYPE_F32, -1, nullptr, nullptr},
      {"x", SLUICE_DTYPE_F32, 1000, badDims, nullptr},
      {"x", SLUICE_DTYPE_F32, 1, badDims, nullptr}};
  static const char *const noStrings[] = {"key", nullptr};
  static const sluice_kernel_info noKernel = {};
  alignas(64) static const uint8_t weights[64] = {};
  std::vector<std::pair<sluice_status, Damage>> damages = {
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.magic = 1; }},
      {SLUICE_VERSION_MISMATCH,
       [](auto &d) { d.abi_version = SLUICE_ABI_VERSION + 1; }},
      {SLUICE_VERSION_MISMATCH, [](auto &d) { d.descriptor_size = 8; }},
      {SLUICE_VERSION_MISMATCH,
       [](auto &d) {
         d.descriptor_size = offsetof(sluice_model_descriptor, flags) - 8;
       }},
      {SLUICE_OK,
       [](auto &d) {
         d.descriptor_size = offsetof(sluice_model_descriptor, flags);
       }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.name = nullptr; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.isa_features = nullptr; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.input_count = -1; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.output_count = 1 << 30; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.inputs = nullptr; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.kernel_count = 3; }},
      {SLUICE_INVALID_ARTIFACT,
       [](auto &d) {
         d.kernel_count = 1;
         d.kernels = &noKernel;
       }},
      {SLUICE_INVALID_ARTIFACT,
       [](auto &d) {
         d.metadata_count = 1;
         d.metadata = noStrings;
       }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.weights_size = -1; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.weights_size = 10; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.weights = weights + 1; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.run = nullptr; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.static_workspace_size = -1; }},
      {SLUICE_OK, [](auto &d) { d.descriptor_size += 64; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.default_count = -1; }},
      {SLUICE_INVALID_ARTIFACT, [](auto &d) { d.default_count = 1; }},
      // Fields that an older descriptor does not have are not looked at.
      {SLUICE_OK,
       [](auto &d) {
         d.default_count = 1;
         d.descriptor_size = offsetof(sluice_model_descriptor, defaults);
       }},
      {SLUICE_OK, [](auto &d) { d.weights = weights; }}};
  static const int64_t two[] = {2}, three[] = {3}, negative[] = {-2};
  static const std::pair<sluice_status, sluice_input_default> defaults[] = {
      {SLUICE_OK, {0, two, 0}},
      {SLUICE_INVALID_ARTIFACT, {1, two, 0}},
      {SLUICE_INVALID_ARTIFACT, {-1, two, 0}},
      {SLUICE_INVALID_ARTIFACT, {0, nullptr, 0}},
      {SLUICE_INVALID_ARTIFACT, {0, three, 0}},
      {SLUICE_INVALID_ARTIFACT, {0, negative, 0}},
      {SLUICE_INVALID_ARTIFACT, {0, two, 64}},
      {SLUICE_INVALID_ARTIFACT, {0, two, 4}},
      {SLUICE_INVALID_ARTIFACT, {0, two, -64}}};
  for (const auto &[status, value] : defaults)
    damages.emplace_back(status, [&value = value](auto &d) {
      d.weights = weights;
      d.weights_size = sizeof weights;
      d.default_count = 1;
      d.defaults = &value;
    });
  // An artifact of the interface before this one.
  damages.emplace_back(SLUICE_VERSION_MISMATCH,
                       [](auto &d) { d.abi_version = 2; });
  damages.emplace_back(SLUICE_VERSION_MISMATCH, [](auto &d) {
    d.frame_size = sizeof(sluice_frame) + 8;
  });
  damages.emplace_back(SLUICE_OK,
                       [](auto &d) { d.frame_size = sizeof(sluice_frame); });
  for (const sluice_tensor_signature &bad : badTensors) {
    damages.emplace_back(SLUICE_INVALID_ARTIFACT,
                         [&](auto &d) { d.inputs = &bad; });
    damages.emplace_back(SLUICE_INVALID_ARTIFACT,
                         [&](auto &d) { d.outputs = &bad; });
  }
  for (size_t i = 0; i < damages.size(); ++i) {
    FakeModel fake({{"x", SLUICE_DTYPE_F32, {2}}},
                   {{"y", SLUICE_DTYPE_F32, {2}}}, runNothing);
    damages[i].second(fake.descriptor);
    sluice_error error;
    EXPECT_EQ(adopt(fake, &error), damages[i].first)
        << i << ": " << error.message;
  }
}

TEST(Descriptor, ImpossibleWorkspaceFailsAtCreation) {
  FakeModel fake({}, {}, runNothing);
  fake.descriptor.static_workspace_size = int64_t(1) << 60;
  sluice_model *model = nullptr;
  sluice_context *context = nullptr;
  sluice_error error;
  ASSERT_EQ(
      sluice_model_from_descriptor(&fake.descriptor, nullptr, &model, &error),
      SLUICE_OK);
  EXPECT_EQ(sluice_context_create(model, nullptr, &context, &error),
            SLUICE_OUT_OF_MEMORY);
  EXPECT_EQ(context, nullptr);
  EXPECT_EQ(sluice_context_create(nullptr, nullptr, &context, &error),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_context_create(model, nullptr, nullptr, &error),
            SLUICE_INVALID_ARGUMENT);
  sluice_context_destroy(nullptr);
  sluice_model_release(model);
}

TEST(Descriptor, OldInterfaceIsRefusedWithAMessage) {
  FakeModel fake({}, {}, runNothing);
  fake.descriptor.abi_version = 2;
  sluice_error error;
  EXPECT_EQ(adopt(fake, &error), SLUICE_VERSION_MISMATCH);
  EXPECT_STREQ(error.message,
               "the model was compiled for version 2 of the artifact "
               "interface, this runtime implements version 3; compile it "
               "again");
}

TEST(Descriptor, StatesMustFitTheirTensors) {
  static const std::pair<sluice_status, sluice_state_signature> states[] = {
      {SLUICE_OK, {0, 0, 1, 0, 0}},
      {SLUICE_OK, {0, 0, 1, 0, 64}},
      {SLUICE_OK, {0, 0, -1, 1, 0}},
      {SLUICE_OK, {1, 1, -1, 0, 0}},
      {SLUICE_INVALID_ARTIFACT, {2, 0, 1, 0, 0}},
      {SLUICE_INVALID_ARTIFACT, {0, 2, 1, 0, 0}},
      {SLUICE_INVALID_ARTIFACT, {-1, 0, 1, 0, 0}},
      {SLUICE_INVALID_ARTIFACT, {0, -1, 1, 0, 0}},
      // The axis has a fixed size, or is none.
      {SLUICE_INVALID_ARTIFACT, {0, 0, 0, 0, 0}},
      {SLUICE_INVALID_ARTIFACT, {0, 0, 2, 0, 0}},
      {SLUICE_INVALID_ARTIFACT, {0, 0, -2, 0, 0}},
      {SLUICE_INVALID_ARTIFACT, {0, 0, 1, 0, -1}},
      // Another type, another rank.
      {SLUICE_INVALID_ARTIFACT, {0, 1, -1, 0, 0}},
      {SLUICE_INVALID_ARTIFACT, {1, 0, -1, 0, 0}}};
  for (const auto &[status, state] : states) {
    FakeModel fake(
        {{"past", SLUICE_DTYPE_F32, {2, -1}}, {"h", SLUICE_DTYPE_F16, {2}}},
        {{"present", SLUICE_DTYPE_F32, {2, -1}}, {"h2", SLUICE_DTYPE_F16, {2}}},
        runNothing);
    fake.descriptor.state_count = 1;
    fake.descriptor.states = &state;
    sluice_error error;
    EXPECT_EQ(adopt(fake, &error), status)
        << state.output << ":" << state.input << "@" << state.axis << ": "
        << error.message;
  }
  // No tensor is in two states, and tables have to be there.
  FakeModel fake({{"past", SLUICE_DTYPE_F32, {2, -1}}},
                 {{"present", SLUICE_DTYPE_F32, {2, -1}}}, runNothing);
  static const sluice_state_signature twice[] = {{0, 0, 1, 0, 0},
                                                 {0, 0, 1, 0, 0}};
  fake.descriptor.states = twice;
  sluice_error error;
  for (int64_t count : {int64_t(2), int64_t(-1), INT64_MAX}) {
    fake.descriptor.state_count = count;
    EXPECT_EQ(adopt(fake, &error), SLUICE_INVALID_ARTIFACT);
  }
  fake.descriptor.state_count = 1;
  fake.descriptor.states = nullptr;
  EXPECT_EQ(adopt(fake, &error), SLUICE_INVALID_ARTIFACT);
}
