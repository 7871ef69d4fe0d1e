//===- TestModels.cpp - Small ONNX models for tests -----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TestModels.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <google/protobuf/unknown_field_set.h>

using namespace sluice;

onnx::ModelProto test::makeModel() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  onnx::OperatorSetIdProto *opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(17);
  model.mutable_graph()->set_name("main");
  return model;
}

onnx::NodeProto *test::addNode(onnx::GraphProto *graph,
                               const std::string &opType, const Names &inputs,
                               const Names &outputs, const std::string &name) {
  onnx::NodeProto *node = graph->add_node();
  node->set_op_type(opType);
  node->set_name(name);
  for (const std::string &input : inputs)
    node->add_input(input);
  for (const std::string &output : outputs)
    node->add_output(output);
  return node;
}

void test::declare(onnx::ValueInfoProto *info, const std::string &name,
                   const Names &dims, int elementType) {
  info->set_name(name);
  onnx::TypeProto::Tensor *type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(elementType);
  onnx::TensorShapeProto *shape = type->mutable_shape();
  for (llvm::StringRef dim : dims) {
    int64_t size = 0;
    onnx::TensorShapeProto::Dimension *dimension = shape->add_dim();
    if (!dim.getAsInteger(10, size))
      dimension->set_dim_value(size);
    else if (dim != "?")
      dimension->set_dim_param(dim.str());
  }
}

onnx::AttributeProto *test::addInt(onnx::NodeProto *node,
                                   const std::string &name, int64_t value) {
  onnx::AttributeProto *attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
  return attribute;
}

onnx::TensorProto *test::addInitializer(onnx::GraphProto *graph,
                                        const std::string &name,
                                        int elementType,
                                        const std::vector<int64_t> &dims,
                                        const std::string &rawData) {
  onnx::TensorProto *tensor = graph->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(elementType);
  for (int64_t dim : dims)
    tensor->add_dims(dim);
  tensor->set_raw_data(rawData);
  return tensor;
}

onnx::ModelProto test::makeReluModel() {
  onnx::ModelProto model = makeModel();
  onnx::GraphProto *graph = model.mutable_graph();
  declare(graph->add_input(), "x", {"batch", "3"});
  declare(graph->add_output(), "y", {"batch", "3"});
  addNode(graph, "Relu", {"x"}, {"y"}, "relu");
  return model;
}

void test::addLaterField(google::protobuf::Message &message, int number,
                         const std::string &contents) {
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(
      number, contents);
}

llvm::Expected<OnnxModel> test::readBytes(std::string bytes,
                                          const OnnxReadOptions &options) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  llvm::MemoryBufferRef buffer(*owner, "test.onnx");
  return readOnnxModel(buffer, owner, /*folder=*/"", options);
}

llvm::Expected<OnnxModel> test::read(const onnx::ModelProto &model) {
  return readBytes(model.SerializeAsString());
}

OnnxModel test::readValid(const onnx::ModelProto &model) {
  return valueOf(read(model));
}

void test::expectError(llvm::Error error, const std::string &text) {
  bool failed = static_cast<bool>(error);
  EXPECT_TRUE(failed) << "expected an error with: " << text;
  std::string message = llvm::toString(std::move(error));
  EXPECT_NE(message.find(text), std::string::npos)
      << "the message is: " << message << "\nexpected in it: " << text;
}

void test::expectSuccess(llvm::Error error) {
  bool failed = static_cast<bool>(error);
  std::string message = llvm::toString(std::move(error));
  EXPECT_FALSE(failed) << message;
}

test::TemporaryFolder::TemporaryFolder() {
  llvm::SmallString<128> made;
  std::error_code code =
      llvm::sys::fs::createUniqueDirectory("sluice-onnx-test", made);
  EXPECT_FALSE(code) << code.message();
  folder = made.str().str();
}

test::TemporaryFolder::~TemporaryFolder() {
  llvm::sys::fs::remove_directories(folder);
}

std::string test::TemporaryFolder::path(const std::string &name) const {
  llvm::SmallString<128> result(folder);
  llvm::sys::path::append(result, name);
  return result.str().str();
}

std::string test::TemporaryFolder::write(const std::string &name,
                                         const std::string &contents) const {
  std::string file = path(name);
  llvm::sys::fs::create_directories(llvm::sys::path::parent_path(file));
  std::error_code code;
  llvm::raw_fd_ostream stream(file, code);
  EXPECT_FALSE(code) << code.message();
  stream << contents;
  return file;
}
