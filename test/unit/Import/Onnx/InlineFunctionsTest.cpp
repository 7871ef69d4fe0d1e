//===- InlineFunctionsTest.cpp - Tests of model-local functions -----------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TestModels.h"

using namespace sluice;
using namespace sluice::test;
using onnx::AttributeProto;

namespace {

class OnnxFunctions : public ::testing::Test {
protected:
  OnnxFunctions() : proto(makeReluModel()), graph(proto.mutable_graph()) {}

  onnx::FunctionProto *addFunction(const std::string &name, const Names &inputs,
                                   const Names &outputs, int64_t opset = 17) {
    onnx::FunctionProto *function = proto.add_functions();
    function->set_domain("local");
    function->set_name(name);
    for (const std::string &input : inputs)
      function->add_input(input);
    for (const std::string &output : outputs)
      function->add_output(output);
    function->add_opset_import()->set_version(opset);
    return function;
  }
  onnx::NodeProto *addBodyNode(onnx::FunctionProto *function,
                               const std::string &opType, const Names &inputs,
                               const Names &outputs,
                               const std::string &name = "") {
    onnx::GraphProto scratch;
    *function->add_node() = *addNode(&scratch, opType, inputs, outputs, name);
    return function->mutable_node(function->node_size() - 1);
  }
  onnx::NodeProto *addCall(const std::string &function, const Names &inputs,
                           const Names &outputs,
                           const std::string &name = "call") {
    onnx::NodeProto *node = addNode(graph, function, inputs, outputs, name);
    node->set_domain("local");
    return node;
  }
  void addReference(onnx::NodeProto *node, const std::string &name,
                    const std::string &referenced,
                    AttributeProto::AttributeType type) {
    AttributeProto *attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_ref_attr_name(referenced);
    attribute->set_type(type);
  }
  OnnxModel inlined() {
    OnnxModel model = readValid(proto);
    expectSuccess(inlineLocalFunctions(model));
    EXPECT_TRUE(model.functions.empty());
    // What comes out is a model like any other.
    expectSuccess(verifyOnnxModel(model));
    return model;
  }
  llvm::Error inlineError() {
    OnnxModel model = readValid(proto);
    return inlineLocalFunctions(model);
  }
  /// "name: Op(inputs) -> outputs" of each node, without the first one.
  static Names describe(const OnnxModel &model) {
    Names lines;
    for (const OnnxNode &node :
         llvm::ArrayRef<OnnxNode>(model.graph.nodes).drop_front())
      lines.push_back(node.name + ": " + node.opType + "(" +
                      llvm::join(node.inputs, ",") + ") -> " +
                      llvm::join(node.outputs, ","));
    return lines;
  }

  onnx::ModelProto proto;
  onnx::GraphProto *graph;
};

} // namespace

TEST_F(OnnxFunctions, AreInlinedWithUniqueNames) {
  onnx::FunctionProto *twice = addFunction("Twice", {"a"}, {"c"}, 13);
  addBodyNode(twice, "Neg", {"a"}, {"b"}, "negate");
  addBodyNode(twice, "Sub", {"a", "b"}, {"c"});
  addCall("Twice", {"y"}, {"z"}, "first");
  addCall("Twice", {"z"}, {"b"}, "second");
  OnnxModel model = inlined();
  EXPECT_EQ(describe(model), (Names{"first/negate: Neg(y) -> first/b",
                                    "first/Sub_1: Sub(y,first/b) -> z",
                                    "second/negate: Neg(z) -> second/b",
                                    "second/Sub_1: Sub(z,second/b) -> b"}));
  EXPECT_EQ(model.graph.nodes[0].opsetVersion, 17);
  EXPECT_EQ(model.graph.nodes[1].opsetVersion, 13);
}

TEST_F(OnnxFunctions, DoNotCollideWithNamesOfTheModel) {
  onnx::FunctionProto *function = addFunction("F", {"a"}, {"c"});
  addBodyNode(function, "Neg", {"a"}, {"b"}, "n");
  addBodyNode(function, "Neg", {"b"}, {"c"});
  addCall("F", {"x"}, {"z"}, "call");
  addNode(graph, "Neg", {"z"}, {"call/b"}, "call/n");
  EXPECT_EQ(describe(inlined()), (Names{"call/n: Neg(x) -> call/b_2",
                                        "call/Neg_1: Neg(call/b_2) -> z",
                                        "call/n_2: Neg(z) -> call/b"}));
}

TEST_F(OnnxFunctions, MayCallEachOther) {
  onnx::FunctionProto *inner = addFunction("Inner", {"a"}, {"b"});
  addBodyNode(inner, "Neg", {"a"}, {"b"}, "n");
  onnx::FunctionProto *outer = addFunction("Outer", {"a"}, {"b"});
  addBodyNode(outer, "Inner", {"a"}, {"m"}, "i")->set_domain("local");
  addBodyNode(outer, "Inner", {"m"}, {"b"}, "j")->set_domain("local");
  addCall("Outer", {"x"}, {"z"}, "o");
  EXPECT_EQ(describe(inlined()),
            (Names{"o/i/n: Neg(x) -> o/m", "o/j/n: Neg(o/m) -> z"}));
}

TEST_F(OnnxFunctions, MayBeSortedBadly) {
  onnx::FunctionProto *function = addFunction("F", {"a"}, {"c"});
  addBodyNode(function, "Neg", {"b"}, {"c"}, "later");
  addBodyNode(function, "Neg", {"a"}, {"b"}, "sooner");
  addCall("F", {"x"}, {"z"}, "o");
  EXPECT_EQ(describe(inlined()),
            (Names{"o/sooner: Neg(x) -> o/b", "o/later: Neg(o/b) -> z"}));
}

TEST_F(OnnxFunctions, TakeAttributesFromTheCall) {
  onnx::FunctionProto *function = addFunction("F", {"a"}, {"b"});
  function->add_attribute("alpha");
  function->add_attribute("unused");
  onnx::NodeProto *node = addBodyNode(function, "LeakyRelu", {"a"}, {"b"});
  addReference(node, "slope", "alpha", AttributeProto::INT);
  addReference(node, "other", "unused", AttributeProto::INT);
  addInt(node, "own", 5);
  addInt(addCall("F", {"x"}, {"z"}), "alpha", 3);
  OnnxModel model = inlined();
  const OnnxNode &result = model.graph.nodes[1];
  EXPECT_EQ(valueOf(result.getInt("slope")), 3);
  EXPECT_EQ(valueOf(result.getInt("own")), 5);
  EXPECT_FALSE(result.hasAttribute("other"));
}

TEST_F(OnnxFunctions, HaveDefaultAttributes) {
  onnx::FunctionProto *function = addFunction("F", {"a"}, {"b"});
  AttributeProto fallback;
  fallback.set_name("alpha");
  fallback.set_type(AttributeProto::INT);
  fallback.set_i(7);
  addLaterField(*function, onnx_detail::LaterField::functionAttributeProto,
                fallback.SerializeAsString());
  addReference(addBodyNode(function, "Neg", {"a"}, {"b"}), "slope", "alpha",
               AttributeProto::INT);
  addCall("F", {"x"}, {"z"}, "usual");
  addInt(addCall("F", {"x"}, {"w"}, "given"), "alpha", 3);
  OnnxModel model = inlined();
  EXPECT_EQ(valueOf(model.graph.nodes[1].getInt("slope")), 7);
  EXPECT_EQ(valueOf(model.graph.nodes[2].getInt("slope")), 3);
}

TEST_F(OnnxFunctions, AreChosenByOverload) {
  onnx::FunctionProto *plain = addFunction("F", {"a"}, {"b"});
  addBodyNode(plain, "Neg", {"a"}, {"b"});
  onnx::FunctionProto *other = addFunction("F", {"a"}, {"b"});
  addBodyNode(other, "Abs", {"a"}, {"b"});
  addLaterField(*other, onnx_detail::LaterField::functionOverload, "abs");
  addCall("F", {"x"}, {"z"}, "one");
  addLaterField(*addCall("F", {"x"}, {"w"}, "two"),
                onnx_detail::LaterField::nodeOverload, "abs");
  EXPECT_EQ(describe(inlined()),
            (Names{"one/Neg_0: Neg(x) -> z", "two/Abs_0: Abs(x) -> w"}));
}

TEST_F(OnnxFunctions, HaveSubgraphsOfTheirOwn) {
  onnx::FunctionProto *function = addFunction("F", {"a", "k"}, {"b"});
  function->add_attribute("axis");
  onnx::NodeProto *branch = addBodyNode(function, "If", {"k"}, {"b"}, "if");
  AttributeProto *attribute = branch->add_attribute();
  attribute->set_name("then_branch");
  attribute->set_type(AttributeProto::GRAPH);
  onnx::GraphProto *body = attribute->mutable_g();
  onnx::NodeProto *inner = addNode(body, "Neg", {"a"}, {"r"}, "neg");
  addReference(inner, "axis", "axis", AttributeProto::INT);
  addNode(body, "Neg", {"r"}, {"s"});
  body->add_output()->set_name("s");
  addInt(addCall("F", {"x", "y"}, {"z"}), "axis", 4);
  OnnxModel model = inlined();
  const OnnxGraph &result =
      *valueOf(model.graph.nodes[1].getGraph("then_branch"));
  EXPECT_EQ(result.nodes[0].name, "call/neg");
  EXPECT_EQ(result.nodes[0].inputs, Names{"x"});
  EXPECT_EQ(result.nodes[0].outputs, Names{"call/r"});
  EXPECT_EQ(result.outputs[0].name, "call/s");
  EXPECT_EQ(valueOf(result.nodes[0].getInt("axis")), 4);
}

TEST_F(OnnxFunctions, AreInlinedInSubgraphs) {
  onnx::FunctionProto *function = addFunction("F", {"a"}, {"b"});
  addBodyNode(function, "Neg", {"a"}, {"b"}, "n");
  AttributeProto *attribute =
      addNode(graph, "If", {"x"}, {"z"}, "if")->add_attribute();
  attribute->set_name("then_branch");
  attribute->set_type(AttributeProto::GRAPH);
  addNode(attribute->mutable_g(), "F", {"y"}, {"r"}, "call")
      ->set_domain("local");
  OnnxModel model = inlined();
  const OnnxGraph &body =
      *valueOf(model.graph.nodes[1].getGraph("then_branch"));
  ASSERT_EQ(body.nodes.size(), 1u);
  EXPECT_EQ(body.nodes[0].describe(), "node 'call/n' (Neg)");
}

TEST_F(OnnxFunctions, MayForwardInputsAndOmitValues) {
  onnx::FunctionProto *function =
      addFunction("F", {"a", "optional"}, {"a", "b", "b", "c"});
  addBodyNode(function, "Clip", {"a", "", "optional"}, {"b"}, "clip");
  addBodyNode(function, "Neg", {"b"}, {"c"}, "neg");
  addCall("F", {"x"}, {"p", "q", "r"});
  EXPECT_EQ(describe(inlined()),
            (Names{"call/clip: Clip(x) -> q", "call/neg: Neg(q) -> call/c",
                   "call/a: Identity(x) -> p", "call/b: Identity(q) -> r"}));
}

TEST_F(OnnxFunctions, MustNotRecurse) {
  onnx::FunctionProto *ping = addFunction("Ping", {"a"}, {"b"});
  addBodyNode(ping, "Pong", {"a"}, {"b"})->set_domain("local");
  onnx::FunctionProto *pong = addFunction("Pong", {"a"}, {"b"});
  addBodyNode(pong, "Ping", {"a"}, {"b"})->set_domain("local");
  expectError(read(proto), "function 'local.Ping' calls itself");
}

TEST_F(OnnxFunctions, MustNotNestWithoutEnd) {
  for (int index = 0; index < 100; ++index)
    addBodyNode(addFunction("F" + std::to_string(index), {"a"}, {"b"}),
                "F" + std::to_string(index + 1), {"a"}, {"b"})
        ->set_domain("local");
  addBodyNode(addFunction("F100", {"a"}, {"b"}), "Neg", {"a"}, {"b"});
  expectError(read(proto), "functions call each other more than 64 deep");
}

TEST_F(OnnxFunctions, MustNotExplode) {
  constexpr int levels = 40;
  for (int index = 0; index < levels; ++index) {
    onnx::FunctionProto *function =
        addFunction("F" + std::to_string(index), {"a"}, {"c"});
    std::string next = "F" + std::to_string(index + 1);
    addBodyNode(function, next, {"a"}, {"b"})->set_domain("local");
    addBodyNode(function, next, {"b"}, {"c"})->set_domain("local");
  }
  addBodyNode(addFunction("F40", {"a"}, {"b"}), "Neg", {"a"}, {"b"});
  addCall("F0", {"x"}, {"z"});
  OnnxModel model = readValid(proto);
  expectError(inlineLocalFunctions(model, /*nodeLimit=*/10000),
              "inlining functions makes the model too large");
}

TEST_F(OnnxFunctions, MustBeCalledRightly) {
  onnx::FunctionProto *function = addFunction("F", {"a"}, {"b"});
  addBodyNode(function, "Neg", {"a"}, {"b"});
  addCall("F", {"x", "x"}, {"z"});
  expectError(inlineError(), "node 'call' (local.F): has 2 inputs and 1 "
                             "outputs, but function 'local.F' has 1 and 1");
}

TEST_F(OnnxFunctions, MustGetAttributesOfTheRightKind) {
  onnx::FunctionProto *function = addFunction("F", {"a"}, {"b"});
  function->add_attribute("alpha");
  addReference(addBodyNode(function, "Neg", {"a"}, {"b"}), "slope", "alpha",
               AttributeProto::FLOAT);
  addInt(addCall("F", {"x"}, {"z"}), "alpha", 3);
  expectError(inlineError(), "node 'call' (local.F): attribute 'alpha' is an "
                             "int, but function 'local.F' uses it as a float");
}

TEST_F(OnnxFunctions, MustBeWellFormed) {
  onnx::FunctionProto *function = addFunction("F", {"a"}, {"b"});
  expectError(read(proto), "function 'local.F': output 'b' is not defined");
  onnx::NodeProto *node = addBodyNode(function, "Neg", {"nowhere"}, {"b"});
  expectError(read(proto), "function 'local.F': node 'Neg_0' (Neg): its input "
                           "'nowhere' is not defined");
  node->set_input(0, "a");
  addReference(node, "slope", "alpha", AttributeProto::FLOAT);
  expectError(read(proto), "attribute 'slope' refers to 'alpha', which the "
                           "function does not have");
  node->clear_attribute();
  function->clear_opset_import();
  expectError(read(proto), "its domain 'ai.onnx' is not among");
  function->add_opset_import()->set_version(17);
  function->add_input("a");
  expectError(read(proto), "input 'a' is there twice");
  function->mutable_input()->RemoveLast();
  *proto.add_functions() = *function;
  expectError(read(proto), "function 'local.F' is defined twice");
}
