//===- VerifyTest.cpp - Tests of the checks of models ---------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TestModels.h"

using namespace sluice;
using namespace sluice::test;

namespace {

class OnnxVerify : public ::testing::Test {
protected:
  OnnxVerify() : proto(makeReluModel()), graph(proto.mutable_graph()) {}

  onnx::GraphProto *addSubgraph(onnx::NodeProto *node, const char *name) {
    onnx::AttributeProto *attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    return attribute->mutable_g();
  }
  Names nodeOrder() {
    Names names;
    for (const OnnxNode &node : readValid(proto).graph.nodes)
      names.push_back(node.name);
    return names;
  }

  onnx::ModelProto proto;
  onnx::GraphProto *graph;
};

} // namespace

TEST_F(OnnxVerify, SortsNodes) {
  addNode(graph, "Add", {"b", "a"}, {"c"}, "third");
  addNode(graph, "Neg", {"a"}, {"b"}, "second");
  addNode(graph, "Neg", {"y"}, {"a"}, "first");
  EXPECT_EQ(nodeOrder(), (Names{"relu", "first", "second", "third"}));
}

TEST_F(OnnxVerify, KeepsTheOrderOfSortedNodes) {
  addNode(graph, "Neg", {"x"}, {"b"}, "second");
  addNode(graph, "Neg", {"y"}, {"a"}, "first");
  EXPECT_EQ(nodeOrder(), (Names{"relu", "second", "first"}));
}

TEST_F(OnnxVerify, SortsAfterValuesUsedInSubgraphs) {
  onnx::NodeProto *branch = addNode(graph, "If", {"x"}, {"z"}, "if");
  onnx::GraphProto *body = addSubgraph(branch, "then_branch");
  addNode(body, "Neg", {"late"}, {"inner"}, "user");
  body->add_output()->set_name("inner");
  addNode(graph, "Neg", {"y"}, {"late"}, "producer");
  EXPECT_EQ(nodeOrder(), (Names{"relu", "producer", "if"}));
}

TEST_F(OnnxVerify, NamesTheNodesOfACycle) {
  addNode(graph, "Add", {"y", "c"}, {"a"}, "first");
  addNode(graph, "Neg", {"a"}, {"b"}, "second");
  addNode(graph, "Neg", {"b"}, {"c"}, "third");
  addNode(graph, "Neg", {"c"}, {"d"}, "outside");
  expectError(read(proto),
              "nodes form a cycle: node 'first' (Add) needs node 'third' (Neg) "
              "needs node 'second' (Neg) needs node 'first' (Add)");
}

TEST_F(OnnxVerify, FindsANodeThatNeedsItself) {
  addNode(graph, "Neg", {"a"}, {"a"}, "self");
  expectError(read(proto), "nodes form a cycle: node 'self' (Neg) needs node "
                           "'self' (Neg)");
}

TEST_F(OnnxVerify, FindsACycleThroughASubgraph) {
  onnx::NodeProto *branch = addNode(graph, "If", {"x"}, {"z"}, "if");
  onnx::GraphProto *body = addSubgraph(branch, "then_branch");
  addNode(body, "Neg", {"z"}, {"inner"});
  expectError(read(proto), "node 'if' (If) needs node 'if' (If)");
}

TEST_F(OnnxVerify, ShortensLongCycles) {
  constexpr int count = 1000;
  for (int index = 0; index < count; ++index)
    addNode(graph, "Neg", {"v" + std::to_string((index + 1) % count)},
            {"v" + std::to_string(index)});
  expectError(read(proto), "needs ... (990 more) needs node");
}

TEST_F(OnnxVerify, FindsMissingInputs) {
  addNode(graph, "Neg", {"nowhere"}, {"a"}, "neg");
  expectError(read(proto),
              "node 'neg' (Neg): its input 'nowhere' is not defined anywhere");
}

TEST_F(OnnxVerify, FindsMissingInputsInSubgraphs) {
  onnx::NodeProto *branch = addNode(graph, "If", {"x"}, {"z"}, "if");
  addNode(addSubgraph(branch, "then_branch"), "Neg", {"nowhere"}, {"inner"},
          "neg");
  expectError(read(proto), "node 'if' (If): attribute 'then_branch': node "
                           "'neg' (Neg): its input 'nowhere' is not defined");
}

TEST_F(OnnxVerify, SubgraphsDoNotDefineOuterValues) {
  onnx::NodeProto *branch = addNode(graph, "If", {"x"}, {"z"}, "if");
  addNode(addSubgraph(branch, "then_branch"), "Neg", {"x"}, {"inner"});
  addNode(graph, "Neg", {"inner"}, {"a"}, "neg");
  expectError(read(proto), "its input 'inner' is not defined anywhere");
}

TEST_F(OnnxVerify, SubgraphNamesHideOuterOnes) {
  onnx::NodeProto *branch = addNode(graph, "If", {"x"}, {"z"}, "if");
  for (const char *name : {"then_branch", "else_branch"})
    addNode(addSubgraph(branch, name), "Neg", {"x"}, {"y"});
  EXPECT_EQ(readValid(proto).graph.nodes.size(), 2u);
}

TEST_F(OnnxVerify, FindsValuesDefinedTwice) {
  onnx::ModelProto original = proto;
  addNode(graph, "Neg", {"x"}, {"y"}, "again");
  expectError(read(proto), "node 'again' (Neg): its output 'y' is already "
                           "defined");
  proto = original;
  addNode(graph, "Neg", {"x"}, {"x"}, "input");
  expectError(read(proto), "its output 'x' is already defined");
  proto = original;
  addNode(graph, "Split", {"x"}, {"a", "a"}, "split");
  expectError(read(proto), "its output 'a' is already defined");
  proto = original;
  addInitializer(graph, "y", onnx::TensorProto::INT8, {1}, "a");
  expectError(read(proto), "its output 'y' is already defined");
  proto = original;
  addInitializer(graph, "w", onnx::TensorProto::INT8, {1}, "a");
  addInitializer(graph, "w", onnx::TensorProto::INT8, {1}, "a");
  expectError(read(proto), "initializer 'w' is there twice");
  proto = original;
  *graph->add_input() = graph->input(0);
  expectError(read(proto), "graph input 'x' is there twice");
  proto = original;
  *graph->add_output() = graph->output(0);
  expectError(read(proto), "graph output 'y' is there twice");
}

TEST_F(OnnxVerify, FindsMissingNames) {
  onnx::ModelProto original = proto;
  graph->add_input();
  expectError(read(proto), "a graph input has no name");
  proto = original;
  addInitializer(graph, "", onnx::TensorProto::INT8, {1}, "a");
  expectError(read(proto), "an initializer has no name");
  proto = original;
  addNode(graph, "", {}, {}, "nothing");
  expectError(read(proto), "node 'nothing' (): has no operator");
  proto = original;
  graph->add_output()->set_name("nowhere");
  expectError(read(proto), "graph output 'nowhere' is not defined anywhere");
}

TEST_F(OnnxVerify, FindsAttributesTwice) {
  addInt(graph->mutable_node(0), "axis", 1);
  addInt(graph->mutable_node(0), "axis", 2);
  expectError(read(proto),
              "node 'relu' (Relu): attribute 'axis' is there twice");
}

TEST_F(OnnxVerify, FindsMissingOpsetImports) {
  graph->mutable_node(0)->set_domain("com.example");
  expectError(read(proto), "node 'relu' (com.example.Relu): its domain "
                           "'com.example' is not among the opset imports");
  graph->mutable_node(0)->clear_domain();
  proto.clear_opset_import();
  expectError(read(proto), "its domain 'ai.onnx' is not among");
}

TEST_F(OnnxVerify, FindsBadOpsetImports) {
  onnx::OperatorSetIdProto *opset = proto.add_opset_import();
  opset->set_domain("ai.onnx");
  opset->set_version(11);
  expectError(read(proto), "domain '' is imported in versions 17 and 11");
  opset->set_version(17);
  EXPECT_EQ(readValid(proto).graph.nodes[0].opsetVersion, 17);
  opset->set_domain("other");
  opset->set_version(-1);
  expectError(read(proto), "opset import of domain 'other' has version -1");
}

TEST_F(OnnxVerify, FindsReferencesOutsideOfFunctions) {
  onnx::AttributeProto *attribute = graph->mutable_node(0)->add_attribute();
  attribute->set_name("axis");
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_ref_attr_name("outer");
  expectError(read(proto), "node 'relu' (Relu): attribute 'axis' refers to "
                           "'outer', but stands in no function");
}

TEST_F(OnnxVerify, ChecksModelsMadeByHand) {
  OnnxModel model;
  model.opsets = {{"", 17}};
  OnnxNode node;
  node.opType = "Relu";
  node.inputs = {"x"};
  node.outputs = {"y"};
  model.graph.nodes = {node};
  model.graph.outputs = {{"y", OnnxType()}};
  expectError(verifyOnnxModel(model), "'x' is not defined");
  model.graph.inputs = {
      {"x", OnnxType::tensor(OnnxElementType::Float, std::nullopt)}};
  expectSuccess(verifyOnnxModel(model));
  EXPECT_EQ(model.graph.nodes[0].name, "Relu_0");
}
