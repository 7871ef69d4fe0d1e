//===- TestModels.h - Small ONNX models for tests ----------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TEST_UNIT_IMPORT_ONNX_TESTMODELS_H
#define SLUICE_TEST_UNIT_IMPORT_ONNX_TESTMODELS_H

#include "OnnxSchema.h"
#include "sluice/Import/Onnx/OnnxReader.h"
#include "sluice/Import/Onnx/OnnxTransforms.h"

#include "gtest/gtest.h"

namespace sluice::test {

using Names = std::vector<std::string>;

/// A model with one empty graph, IR version 8, opset 17.
onnx::ModelProto makeModel();
onnx::NodeProto *addNode(onnx::GraphProto *graph, const std::string &opType,
                         const Names &inputs, const Names &outputs,
                         const std::string &name = "");
/// Declares an input or output; a dimension is a number, a symbol, or "?".
void declare(onnx::ValueInfoProto *info, const std::string &name,
             const Names &dims, int elementType = onnx::TensorProto::FLOAT);
onnx::AttributeProto *addInt(onnx::NodeProto *node, const std::string &name,
                             int64_t value);
onnx::TensorProto *addInitializer(onnx::GraphProto *graph,
                                  const std::string &name, int elementType,
                                  const std::vector<int64_t> &dims,
                                  const std::string &rawData);
/// x -> Relu -> y.
onnx::ModelProto makeReluModel();
/// A length-delimited field of a number that the schema does not know.
void addLaterField(google::protobuf::Message &message, int number,
                   const std::string &contents);

llvm::Expected<OnnxModel> readBytes(std::string bytes,
                                    const OnnxReadOptions &options = {});
llvm::Expected<OnnxModel> read(const onnx::ModelProto &model);
/// Reads a model that is fine.
OnnxModel readValid(const onnx::ModelProto &model);

/// Checks that `error` is one and that its message contains `text`.
void expectError(llvm::Error error, const std::string &text);
template <typename Value>
void expectError(llvm::Expected<Value> value, const std::string &text) {
  expectError(value.takeError(), text);
}
void expectSuccess(llvm::Error error);
/// The value, or a test failure and a default.
template <typename Value> Value valueOf(llvm::Expected<Value> value) {
  if (value)
    return std::move(*value);
  expectSuccess(value.takeError());
  return Value();
}

/// A folder that is removed at the end.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string path(const std::string &name) const;
  /// Returns the path of the new file.
  std::string write(const std::string &name, const std::string &contents) const;

private:
  std::string folder;
};

} // namespace sluice::test

#endif // SLUICE_TEST_UNIT_IMPORT_ONNX_TESTMODELS_H
