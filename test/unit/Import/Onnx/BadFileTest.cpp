//===- BadFileTest.cpp - Tests of damaged and hostile files ---------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "StructureExtractor.h"
#include "TestModels.h"
#include "WireCursor.h"

#include <random>

using namespace sluice;
using namespace sluice::test;
using onnx_detail::appendLengthDelimited;
using onnx_detail::appendVarint;
using onnx_detail::appendVarintField;

/// A model with every part that a file can have in it.
static onnx::ModelProto makeRichModel() {
  onnx::ModelProto proto = makeReluModel();
  onnx::GraphProto *graph = proto.mutable_graph();
  addInitializer(graph, "w", onnx::TensorProto::FLOAT, {2}, "12345678");
  onnx::TensorProto *shape =
      addInitializer(graph, "shape", onnx::TensorProto::INT64, {1}, "");
  shape->clear_raw_data();
  shape->add_int64_data(3);
  onnx::NodeProto *branch = addNode(graph, "If", {"x"}, {"z"}, "if");
  for (const char *name : {"then_branch", "else_branch"}) {
    onnx::AttributeProto *attribute = branch->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    addNode(attribute->mutable_g(), "Add", {"x", "w"}, {"sum"});
    attribute->mutable_g()->add_output()->set_name("sum");
  }
  onnx::FunctionProto *function = proto.add_functions();
  function->set_name("Twice");
  function->set_domain("local");
  function->add_input("a");
  function->add_output("b");
  function->add_opset_import()->set_version(17);
  onnx::NodeProto *node = function->add_node();
  node->set_op_type("Add");
  node->add_input("a");
  node->add_input("a");
  node->add_output("b");
  addNode(graph, "Twice", {"z"}, {"w2"}, "call")->set_domain("local");
  return proto;
}

/// Reads `bytes` and inlines; only that it comes back matters.
static bool survives(std::string bytes) {
  llvm::Expected<OnnxModel> model = readBytes(std::move(bytes));
  if (!model) {
    EXPECT_FALSE(llvm::toString(model.takeError()).empty());
    return false;
  }
  llvm::consumeError(inlineLocalFunctions(*model));
  return true;
}

TEST(OnnxBadFile, MissingEmptyOrNoFile) {
  TemporaryFolder folder;
  expectError(readOnnxModel(folder.path("none.onnx"), {}),
              "none.onnx: No such file or directory");
  expectError(readOnnxModel(folder.write("empty.onnx", ""), {}),
              "empty.onnx: the file is empty");
  expectError(readOnnxModel(folder.path(""), {}), "not a regular file");
  expectError(readOnnxModel("/dev/zero", {}), "not a regular file");
  expectError(readOnnxModel(llvm::StringRef("a\0b", 3), {}), "zero byte");
}

TEST(OnnxBadFile, OtherFileFormats) {
  expectError(readBytes("#!/bin/sh\necho hello\n"),
              "test.onnx: damaged, or not an ONNX file: at byte 0, in the "
              "model: ");
  expectError(readBytes(std::string("\x7f"
                                    "ELF\2\1\1\0\0\0",
                                    10)),
              "not an ONNX file");
  onnx::ModelProto proto = makeReluModel();
  proto.clear_graph();
  expectError(read(proto), "has no graph; is this an ONNX model?");
}

TEST(OnnxBadFile, TruncatedAnywhere) {
  std::string bytes = makeRichModel().SerializeAsString();
  ASSERT_TRUE(survives(bytes));
  for (size_t length = 0; length < bytes.size(); ++length)
    survives(bytes.substr(0, length));
  expectError(readBytes(bytes.substr(0, bytes.size() / 2)), "are left");
}

TEST(OnnxBadFile, BitsFlippedAnywhere) {
  std::string bytes = makeRichModel().SerializeAsString();
  for (size_t position = 0; position < bytes.size(); ++position)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[position] = static_cast<char>(flipped[position] ^ (1 << bit));
      survives(flipped);
    }
}

TEST(OnnxBadFile, BytesReplacedAtRandom) {
  const std::string bytes = makeRichModel().SerializeAsString();
  std::minstd_rand random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = bytes;
    for (int change = 0; change < 4; ++change)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    survives(damaged);
  }
}

TEST(OnnxBadFile, NestedSubgraphsWithoutEnd) {
  std::string graph;
  for (int level = 0; level < 2000; ++level) {
    std::string attribute, node, outer;
    appendLengthDelimited(attribute, 6, graph);
    appendLengthDelimited(node, 5, attribute);
    appendLengthDelimited(outer, 1, node);
    graph = outer;
  }
  std::string model;
  appendLengthDelimited(model, 7, graph);
  expectError(readBytes(model), "messages are nested more than 96 deep");
}

TEST(OnnxBadFile, NestedTypesWithoutEnd) {
  std::string type;
  for (int level = 0; level < 5000; ++level) {
    std::string sequence, outer;
    appendLengthDelimited(sequence, 1, type);
    appendLengthDelimited(outer, 4, sequence);
    type = outer;
  }
  std::string info, graph, model;
  appendLengthDelimited(info, 2, type);
  appendLengthDelimited(graph, 11, info);
  appendLengthDelimited(model, 7, graph);
  expectError(readBytes(model), "in a type: messages are nested");
}

TEST(OnnxBadFile, NestedUnknownFieldsWithoutEnd) {
  // Groups are the one part of the wire format that ONNX has no use for.
  std::string model(100000, char(1 << 3 | 3));
  expectError(readBytes(model), "wire type 3");
  // Inside of a part that is copied as it is, protobuf has to say no.
  std::string entry(100000, char(3 << 3 | 3)), opset;
  appendLengthDelimited(opset, 8, entry);
  expectError(readBytes(opset), "wire type 3");
}

TEST(OnnxBadFile, WireFormatErrors) {
  expectError(readBytes("\x3a"), "the length of field 7 is cut off");
  expectError(readBytes("\x08"), "the number in field 1 is cut off");
  expectError(readBytes(std::string(11, '\xff')), "a field tag is cut off");
  expectError(readBytes(std::string("\x02\x00", 2)),
              "field number 0 is not allowed");
  expectError(readBytes("\x0d\x01"), "field 1 takes 4 bytes, but only 1");
  std::string huge;
  appendVarint(huge, 7 << 3 | 2);
  appendVarint(huge, UINT64_MAX);
  expectError(readBytes(huge),
              "field 7 takes 18446744073709551615 bytes, but only 0 are left");
}

TEST(OnnxBadFile, LimitsOfSize) {
  OnnxReadOptions options;
  std::string bytes = makeRichModel().SerializeAsString();
  options.messageLimit = 10;
  expectError(readBytes(bytes, options), "the model has more than 10 parts");
  options = OnnxReadOptions();
  options.structureLimit = 100;
  expectError(readBytes(bytes, options),
              "the model has more than 100 bytes besides its tensor data");
}

TEST(OnnxBadFile, ForgedReferencesToTensorData) {
  onnx::ModelProto proto = makeReluModel();
  std::string tensor, graph;
  appendVarintField(tensor, 1, 4);
  appendVarintField(tensor, 2, onnx::TensorProto::UINT8);
  appendLengthDelimited(tensor, 8, "forged");
  for (uint64_t reference : {0, 1, 1000000})
    appendVarintField(tensor, onnx_detail::dataReferenceField, reference);
  appendLengthDelimited(graph, 5, tensor);
  std::string bytes = proto.SerializeAsString();
  appendLengthDelimited(bytes, 7, graph);
  expectError(readBytes(bytes), "initializer 'forged': has no data");
}

TEST(OnnxBadFile, NamesAreMadePrintable) {
  onnx::ModelProto proto = makeReluModel();
  proto.mutable_graph()->mutable_node(0)->set_input(0, "a\x1b[31m\n");
  expectError(read(proto), "'a\\x1b[31m\\x0a'");
  proto.mutable_graph()->mutable_node(0)->set_input(0,
                                                    std::string(100000, 'n'));
  std::string message = llvm::toString(read(proto).takeError());
  EXPECT_LT(message.size(), 1000u);
}
