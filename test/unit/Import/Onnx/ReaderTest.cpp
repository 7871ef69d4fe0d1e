//===- ReaderTest.cpp - Tests of reading well-formed models ---------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TestModels.h"

using namespace sluice;
using namespace sluice::test;
using onnx::AttributeProto;
using onnx::TensorProto;

TEST(OnnxReader, ReadsGraphAndMetadata) {
  onnx::ModelProto proto = makeReluModel();
  proto.set_producer_name("exporter");
  proto.set_producer_version("1.2");
  proto.set_model_version(7);
  onnx::StringStringEntryProto *entry = proto.add_metadata_props();
  entry->set_key("author");
  entry->set_value("someone");
  OnnxModel model = readValid(proto);
  EXPECT_EQ(model.path, "test.onnx");
  EXPECT_EQ(model.irVersion, 8);
  EXPECT_EQ(model.producerName, "exporter");
  EXPECT_EQ(model.producerVersion, "1.2");
  EXPECT_EQ(model.modelVersion, 7);
  ASSERT_EQ(model.metadata.size(), 1u);
  EXPECT_EQ(model.metadata[0].first, "author");
  EXPECT_EQ(model.opsetVersion(""), 17);
  EXPECT_EQ(model.opsetVersion("com.example"), std::nullopt);
  EXPECT_EQ(model.graph.name, "main");
  ASSERT_EQ(model.graph.nodes.size(), 1u);
  const OnnxNode &node = model.graph.nodes[0];
  EXPECT_EQ(node.describe(), "node 'relu' (Relu)");
  EXPECT_EQ(node.opsetVersion, 17);
  EXPECT_EQ(node.inputs, Names{"x"});
  EXPECT_TRUE(node.hasOutput(0));
  EXPECT_FALSE(node.hasOutput(1));
  ASSERT_NE(model.graph.findInput("x"), nullptr);
  EXPECT_EQ(model.graph.findInput("x")->type.describe(), "FLOAT[batch,3]");
  EXPECT_EQ(model.graph.findInput("z"), nullptr);
}

TEST(OnnxReader, ReadsFromAFile) {
  TemporaryFolder folder;
  std::string path =
      folder.write("relu.onnx", makeReluModel().SerializeAsString());
  OnnxModel model = valueOf(readOnnxModel(path, {}));
  EXPECT_EQ(model.path, path);
  EXPECT_EQ(model.graph.nodes.size(), 1u);
}

TEST(OnnxReader, NormalisesTheStandardDomain) {
  onnx::ModelProto proto = makeReluModel();
  proto.mutable_opset_import(0)->set_domain("ai.onnx");
  proto.mutable_graph()->mutable_node(0)->set_domain("ai.onnx");
  OnnxModel model = readValid(proto);
  EXPECT_EQ(model.opsetVersion(""), 17);
  EXPECT_EQ(model.graph.nodes[0].domain, "");
}

TEST(OnnxReader, ReadsEveryKindOfType) {
  onnx::ModelProto proto = makeReluModel();
  onnx::GraphProto *graph = proto.mutable_graph();
  declare(graph->add_input(), "dims", {"4", "n", "?", "-1"},
          TensorProto::INT64);
  onnx::ValueInfoProto *unranked = graph->add_input();
  unranked->set_name("unranked");
  unranked->mutable_type()->mutable_tensor_type()->set_elem_type(
      TensorProto::BOOL);
  onnx::ValueInfoProto *sequence = graph->add_input();
  sequence->set_name("sequence");
  *sequence->mutable_type()->mutable_sequence_type()->mutable_elem_type() =
      graph->input(0).type();
  onnx::ValueInfoProto *optional = graph->add_input();
  optional->set_name("optional");
  *optional->mutable_type()->mutable_optional_type()->mutable_elem_type() =
      sequence->type();
  onnx::ValueInfoProto *map = graph->add_input();
  map->set_name("map");
  map->mutable_type()->mutable_map_type()->set_key_type(TensorProto::STRING);
  *map->mutable_type()->mutable_map_type()->mutable_value_type() =
      graph->input(0).type();
  onnx::ValueInfoProto *sparse = graph->add_input();
  sparse->set_name("sparse");
  sparse->mutable_type()->mutable_sparse_tensor_type()->set_elem_type(
      TensorProto::FLOAT);
  graph->add_input()->set_name("untyped");

  OnnxModel model = readValid(proto);
  Names described;
  for (const OnnxValueInfo &input : model.graph.inputs)
    described.push_back(input.type.describe());
  EXPECT_EQ(
      described,
      (Names{"FLOAT[batch,3]", "INT64[4,n,?,?]", "BOOL[...]",
             "sequence(FLOAT[batch,3])", "optional(sequence(FLOAT[batch,3]))",
             "map(STRING, FLOAT[batch,3])", "sparse(FLOAT[...])", "unknown"}));
}

TEST(OnnxReader, NamesUnnamedAndEquallyNamedNodes) {
  onnx::ModelProto proto = makeModel();
  onnx::GraphProto *graph = proto.mutable_graph();
  declare(graph->add_input(), "x", {"1"});
  addNode(graph, "Relu", {"x"}, {"a"});
  addNode(graph, "Relu", {"a"}, {"b"}, "same");
  addNode(graph, "Relu", {"b"}, {"c"}, "same");
  addNode(graph, "Relu", {"c"}, {"d"}, "Relu_0");
  OnnxModel model = readValid(proto);
  Names names;
  for (const OnnxNode &node : model.graph.nodes)
    names.push_back(node.name);
  EXPECT_EQ(names, (Names{"Relu_0_2", "same", "same_2", "Relu_0"}));
}

TEST(OnnxReader, DropsTrailingOmittedInputs) {
  onnx::ModelProto proto = makeReluModel();
  addNode(proto.mutable_graph(), "Clip", {"y", "", ""}, {"z"});
  addNode(proto.mutable_graph(), "Clip", {"y", "", "x"}, {"w"});
  OnnxModel model = readValid(proto);
  EXPECT_EQ(model.graph.nodes[1].inputs, Names{"y"});
  EXPECT_EQ(model.graph.nodes[2].inputs, (Names{"y", "", "x"}));
  EXPECT_FALSE(model.graph.nodes[2].hasInput(1));
  EXPECT_TRUE(model.graph.nodes[2].hasInput(2));
}

TEST(OnnxReader, TellsRequiredInputsFromDefaults) {
  onnx::ModelProto proto = makeReluModel();
  declare(proto.mutable_graph()->add_input(), "w", {"1"});
  addInitializer(proto.mutable_graph(), "w", TensorProto::INT8, {1}, "a");
  OnnxModel model = readValid(proto);
  ASSERT_EQ(model.graph.requiredInputs().size(), 1u);
  EXPECT_EQ(model.graph.requiredInputs()[0]->name, "x");
  EXPECT_NE(model.graph.findInitializer("w"), nullptr);
}

TEST(OnnxReader, ReadsOverloadsOfALaterSchema) {
  onnx::ModelProto proto = makeReluModel();
  addLaterField(*proto.mutable_graph()->mutable_node(0),
                onnx_detail::LaterField::nodeOverload, "fast");
  EXPECT_EQ(readValid(proto).graph.nodes[0].overload, "fast");
}

TEST(OnnxReader, ReadsLaterFieldsThatTheSchemaKnows) {
  // A newer schema than Debian's would know those fields; try it with others.
  onnx::ModelProto proto = makeReluModel();
  const onnx::GraphProto &graph = proto.graph();
  EXPECT_EQ(onnx_detail::laterString(graph.node(0), 4), "Relu");
  EXPECT_EQ(onnx_detail::laterString(graph, 2), "main");
  Names inputs;
  expectSuccess(
      onnx_detail::forEachLater(graph, 11, [&](llvm::StringRef contents) {
        onnx::ValueInfoProto info;
        EXPECT_TRUE(info.ParseFromString(contents.str()));
        inputs.push_back(info.name());
        return llvm::Error::success();
      }));
  EXPECT_EQ(inputs, Names{"x"});
}

static AttributeProto *addAttribute(onnx::NodeProto *node, const char *name,
                                    AttributeProto::AttributeType type) {
  AttributeProto *attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

TEST(OnnxAttributes, ReadsEveryKind) {
  onnx::ModelProto proto = makeReluModel();
  onnx::NodeProto *node = proto.mutable_graph()->mutable_node(0);
  addAttribute(node, "f", AttributeProto::FLOAT)->set_f(0.5f);
  addAttribute(node, "i", AttributeProto::INT)->set_i(-3);
  addAttribute(node, "s", AttributeProto::STRING)->set_s("text");
  AttributeProto *floats = addAttribute(node, "fs", AttributeProto::FLOATS);
  floats->add_floats(1);
  floats->add_floats(2);
  addAttribute(node, "is", AttributeProto::INTS)->add_ints(9);
  addAttribute(node, "ss", AttributeProto::STRINGS)->add_strings("one");
  TensorProto *tensor =
      addAttribute(node, "t", AttributeProto::TENSOR)->mutable_t();
  tensor->set_data_type(TensorProto::INT8);
  tensor->set_raw_data("a");
  addAttribute(node, "tp", AttributeProto::TYPE_PROTO)
      ->mutable_tp()
      ->mutable_tensor_type()
      ->set_elem_type(TensorProto::BOOL);
  onnx::GraphProto *body =
      addAttribute(node, "g", AttributeProto::GRAPH)->mutable_g();
  addNode(body, "Relu", {"x"}, {"inner"}, "inner_relu");
  body->add_output()->set_name("inner");

  OnnxModel model = readValid(proto);
  const OnnxNode &read = model.graph.nodes[0];
  EXPECT_EQ(valueOf(read.getFloat("f")), 0.5f);
  EXPECT_EQ(valueOf(read.getInt("i")), -3);
  EXPECT_EQ(valueOf(read.getString("s")), "text");
  EXPECT_EQ(valueOf(read.getFloats("fs")), (std::vector<float>{1, 2}));
  EXPECT_EQ(valueOf(read.getInts("is")), std::vector<int64_t>{9});
  EXPECT_EQ(valueOf(read.getStrings("ss")), Names{"one"});
  EXPECT_EQ(valueOf(valueOf(read.getTensor("t"))->asInts()),
            std::vector<int64_t>{'a'});
  EXPECT_EQ(valueOf(read.getType("tp"))->elementType, OnnxElementType::Bool);
  EXPECT_EQ(valueOf(read.getGraph("g"))->nodes[0].name, "inner_relu");
  EXPECT_EQ(valueOf(read.getGraph("g"))->nodes[0].opsetVersion, 17);
}

TEST(OnnxAttributes, GiveDefaultsAndNameWhatIsWrong) {
  onnx::ModelProto proto = makeReluModel();
  addAttribute(proto.mutable_graph()->mutable_node(0), "pads",
               AttributeProto::FLOAT)
      ->set_f(1);
  OnnxModel model = readValid(proto);
  const OnnxNode &node = model.graph.nodes[0];
  EXPECT_EQ(valueOf(node.getInt("axis", 5)), 5);
  EXPECT_EQ(valueOf(node.getFloat("alpha", 0.5f)), 0.5f);
  EXPECT_EQ(valueOf(node.getString("mode", "nearest")), "nearest");
  EXPECT_EQ(valueOf(node.getInts("axes", {1, 2})),
            (std::vector<int64_t>{1, 2}));
  EXPECT_TRUE(valueOf(node.getFloats("scales", {})).empty());
  expectError(node.getInts("pads"), "node 'relu' (Relu): attribute 'pads' is "
                                    "a float, expected ints");
  expectError(node.getInts("pads", {}), "is a float, expected ints");
  expectError(node.getInt("axis"),
              "node 'relu' (Relu): attribute 'axis' is missing");
  expectError(node.getTensor("value"), "attribute 'value' is missing");
}

TEST(OnnxAttributes, FailOnAHandMadeAttributeWithoutValue) {
  OnnxNode node;
  node.attributes.emplace_back();
  node.attributes.back().name = "axis";
  node.attributes.back().kind = OnnxAttribute::Kind::Int;
  expectError(node.getInt("axis"), "attribute 'axis' has no value");
}

TEST(OnnxAttributes, InferTheKindInOldFiles) {
  onnx::ModelProto proto = makeReluModel();
  addInt(proto.mutable_graph()->mutable_node(0), "axis", 3)->clear_type();
  EXPECT_EQ(valueOf(readValid(proto).graph.nodes[0].getInt("axis")), 3);
}

TEST(OnnxAttributes, FailWhenKindAndValueDisagree) {
  onnx::ModelProto proto = makeReluModel();
  onnx::NodeProto *node = proto.mutable_graph()->mutable_node(0);
  AttributeProto *attribute = addInt(node, "axis", 3);
  attribute->set_type(AttributeProto::FLOATS);
  expectError(read(proto), "node 'relu' (Relu): attribute 'axis' says that it "
                           "is floats, but carries an int");
  attribute->clear_i();
  attribute->set_type(AttributeProto::TENSOR);
  expectError(read(proto), "attribute 'axis': has no tensor");
  attribute->set_type(AttributeProto::GRAPH);
  expectError(read(proto), "attribute 'axis': has no graph");
  attribute->clear_type();
  expectError(read(proto), "has no value, or one of an unknown kind");
}
