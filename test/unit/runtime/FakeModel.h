//===- FakeModel.h - Hand-written models for the runtime's tests ---------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TEST_UNIT_RUNTIME_FAKEMODEL_H
#define SLUICE_TEST_UNIT_RUNTIME_FAKEMODEL_H

#include "sluice/artifact_abi.h"
#include "sluice/sluice.h"

#include <string>
#include <vector>

namespace sluice::test {

/// What an input or output looks like.
struct Signature {
  std::string name;
  sluice_dtype dtype = SLUICE_DTYPE_F32;
  std::vector<int64_t> dims;
  std::vector<const char *> dimNames = {};
};

/// A descriptor whose parts live as long as it does.
class FakeModel {
public:
  FakeModel(std::vector<Signature> inputs, std::vector<Signature> outputs,
            int32_t (*run)(sluice_frame *));

  sluice_model_descriptor descriptor = {};

private:
  std::vector<Signature> inputs, outputs;
  std::vector<sluice_tensor_signature> inputTable, outputTable;
};

/// A model from a descriptor with a context, both released at the end.
class Session {
public:
  explicit Session(const FakeModel &fake,
                   const sluice_context_options *options = nullptr);
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  sluice_status setInput(int32_t index, const float *data,
                         std::vector<int64_t> dims);
  std::vector<float> output(int32_t index);
  std::string message() const { return sluice_context_message(context); }

  sluice_model *model = nullptr;
  sluice_context *context = nullptr;
};

} // namespace sluice::test
#endif // SLUICE_TEST_UNIT_RUNTIME_FAKEMODEL_H
