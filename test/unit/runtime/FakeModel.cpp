//===- FakeModel.cpp - Hand-written models for the runtime's tests -------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "FakeModel.h"

#include <gtest/gtest.h>

using namespace sluice::test;

static std::vector<sluice_tensor_signature>
makeTable(const std::vector<Signature> &signatures) {
  std::vector<sluice_tensor_signature> table;
  for (const Signature &signature : signatures)
    table.push_back(
        {signature.name.c_str(), signature.dtype,
         static_cast<int32_t>(signature.dims.size()), signature.dims.data(),
         signature.dimNames.empty() ? nullptr : signature.dimNames.data()});
  return table;
}

FakeModel::FakeModel(std::vector<Signature> inputSignatures,
                     std::vector<Signature> outputSignatures,
                     int32_t (*run)(sluice_frame *))
    : inputs(std::move(inputSignatures)), outputs(std::move(outputSignatures)),
      inputTable(makeTable(inputs)), outputTable(makeTable(outputs)) {
  descriptor.magic = SLUICE_ABI_MAGIC;
  descriptor.abi_version = SLUICE_ABI_VERSION;
  descriptor.descriptor_size = sizeof descriptor;
  descriptor.name = "fake";
  descriptor.compiler = "hand";
  descriptor.target_triple = "none";
  descriptor.target_cpu = "imaginary";
  descriptor.isa_features = "";
  descriptor.input_count = static_cast<int32_t>(inputTable.size());
  descriptor.output_count = static_cast<int32_t>(outputTable.size());
  descriptor.inputs = inputTable.data();
  descriptor.outputs = outputTable.data();
  descriptor.run = run;
}

Session::Session(const FakeModel &fake, const sluice_context_options *options) {
  sluice_error error;
  EXPECT_EQ(
      sluice_model_from_descriptor(&fake.descriptor, nullptr, &model, &error),
      SLUICE_OK)
      << error.message;
  EXPECT_EQ(sluice_context_create(model, options, &context, &error), SLUICE_OK)
      << error.message;
}

Session::~Session() {
  sluice_context_destroy(context);
  sluice_model_release(model);
}

sluice_status Session::setInput(int32_t index, const float *data,
                                std::vector<int64_t> dims) {
  sluice_tensor tensor = {SLUICE_DTYPE_F32,
                          static_cast<int32_t>(dims.size()),
                          dims.data(),
                          nullptr,
                          data,
                          0,
                          0};
  return sluice_context_set_input(context, index, &tensor);
}

std::vector<float> Session::output(int32_t index) {
  sluice_tensor tensor;
  if (sluice_context_output(context, index, &tensor) != SLUICE_OK) {
    ADD_FAILURE() << message();
    return {};
  }
  int64_t count = 1;
  for (int32_t i = 0; i < tensor.rank; ++i)
    count *= tensor.dims[i];
  const float *data = static_cast<const float *>(tensor.data);
  return std::vector<float>(data, data + count);
}
