//===- ShapeOverridesTest.cpp - Tests of fixing input shapes --------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TestModels.h"

using namespace sluice;
using namespace sluice::test;

namespace {

class OnnxShapes : public ::testing::Test {
protected:
  OnnxShapes() {
    onnx::ModelProto proto = makeReluModel();
    onnx::GraphProto *graph = proto.mutable_graph();
    declare(graph->add_input(), "mask", {"batch", "length", "?"});
    graph->add_input()->set_name("untyped");
    onnx::ValueInfoProto *unranked = graph->add_input();
    unranked->set_name("unranked");
    unranked->mutable_type()->mutable_tensor_type()->set_elem_type(1);
    onnx::ValueInfoProto *sequence = graph->add_input();
    sequence->set_name("sequence");
    *sequence->mutable_type()->mutable_sequence_type()->mutable_elem_type() =
        graph->input(0).type();
    onnx::AttributeProto *body = graph->mutable_node(0)->add_attribute();
    body->set_name("body");
    body->set_type(onnx::AttributeProto::GRAPH);
    declare(body->mutable_g()->add_input(), "inner", {"batch"});
    model = readValid(proto);
  }

  llvm::Error apply(std::initializer_list<const char *> shapes,
                    std::initializer_list<const char *> dims) {
    OnnxShapeOverrides overrides;
    for (const char *text : shapes)
      if (llvm::Error error = addShapeOverride(overrides, text))
        return error;
    for (const char *text : dims)
      if (llvm::Error error = addDimOverride(overrides, text))
        return error;
    return applyShapeOverrides(model, overrides);
  }
  std::string typeOf(const char *input) {
    return model.graph.findInput(input)->type.describe();
  }

  OnnxModel model;
};

} // namespace

TEST_F(OnnxShapes, AreFixedByInput) {
  expectSuccess(apply({"x=4x3", "mask=?x5x6", "unranked=2x2"}, {}));
  EXPECT_EQ(typeOf("x"), "FLOAT[4,3]");
  EXPECT_EQ(typeOf("mask"), "FLOAT[4,5,6]");
  EXPECT_EQ(typeOf("unranked"), "FLOAT[2,2]");
}

TEST_F(OnnxShapes, SymbolsAreFixedEverywhere) {
  expectSuccess(apply({}, {"batch=8"}));
  EXPECT_EQ(typeOf("x"), "FLOAT[8,3]");
  EXPECT_EQ(typeOf("mask"), "FLOAT[8,length,?]");
  EXPECT_EQ(typeOf("sequence"), "sequence(FLOAT[8,3])");
  EXPECT_EQ(model.graph.outputs[0].type.describe(), "FLOAT[8,3]");
  const OnnxGraph *body = valueOf(model.graph.nodes[0].getGraph("body"));
  EXPECT_EQ(body->inputs[0].type.describe(), "FLOAT[8]");
}

TEST_F(OnnxShapes, DimensionsCanBeNamedByTheirPlace) {
  expectSuccess(apply({}, {"mask[2]=7", "mask[0]=8", "x[1]=3"}));
  EXPECT_EQ(typeOf("mask"), "FLOAT[8,length,7]");
  // What has a name is fixed wherever that is.
  EXPECT_EQ(typeOf("x"), "FLOAT[8,3]");
}

TEST_F(OnnxShapes, PlacesAreChecked) {
  expectError(apply({}, {"x[2]=4"}), "input 'x' (FLOAT[batch,3]) has no "
                                     "dimension 2");
  expectError(apply({}, {"x[1]=4"}), "dimension 1: the model fixes it to 3");
  expectError(apply({}, {"x[0]=4", "mask[0]=5"}), "cannot be 4 and 5");
  expectError(apply({}, {"unranked[0]=4"}), "has no declared rank; give all");
  expectError(apply({}, {"sequence[0]=4"}), "is no tensor");
  for (const char *text : {"z[0]=4", "x[]=4", "x[-1]=4", "x0]=4", "[0]=4",
                           "x[99999999999999999999]=4"})
    expectError(apply({}, {text}), "no input has a dimension");
}

TEST_F(OnnxShapes, NamesComeBeforePlaces) {
  model.graph.inputs[1].type.shape->at(2) = OnnxDim::symbolic("x[1]");
  expectSuccess(apply({}, {"x[1]=9"}));
  EXPECT_EQ(typeOf("mask"), "FLOAT[batch,length,9]");
}

TEST_F(OnnxShapes, OfScalarsAndEmptyTensors) {
  expectSuccess(apply({"unranked="}, {"batch=0"}));
  EXPECT_EQ(typeOf("unranked"), "FLOAT[]");
  EXPECT_EQ(typeOf("x"), "FLOAT[0,3]");
}

TEST_F(OnnxShapes, MayAgree) {
  expectSuccess(apply({"x=4x3", "mask=4x1x1"}, {"batch=4"}));
  EXPECT_EQ(typeOf("mask"), "FLOAT[4,1,1]");
}

TEST_F(OnnxShapes, MustNotContradict) {
  expectError(apply({"x=4x3"}, {"batch=2"}),
              "input 'x' (FLOAT[batch,3]), dimension 0: dimension 'batch' "
              "cannot be 2 and 4");
  expectError(apply({"x=4x3", "mask=5x1x1"}, {}), "cannot be 4 and 5");
  expectError(apply({"x=4x7"}, {}), "input 'x' (FLOAT[batch,3]), dimension 1: "
                                    "the model fixes it to 3, so it cannot "
                                    "be 7");
}

TEST_F(OnnxShapes, NeedAKnownName) {
  expectError(apply({"z=4"}, {}),
              "the model has no input 'z'; its inputs: 'x', 'mask', "
              "'untyped', 'unranked', 'sequence'");
  expectError(apply({}, {"time=4"}),
              "no input has a dimension 'time'; there are: "
              "'batch' (x[0], mask[0], sequence[0]), "
              "'length' (mask[1]), 'mask[2]' (write "
              "NAME=4 or INPUT[AXIS]=4)");
}

TEST_F(OnnxShapes, NeedTheRightRank) {
  expectError(apply({"x=1x3x5"}, {}),
              "input 'x' (FLOAT[batch,3]) has rank 2, but the shape given has "
              "3 dimensions");
  expectError(apply({"sequence=1"}, {}), "is no tensor");
  expectError(apply({"untyped=1"}, {}), "is no tensor");
}

TEST(OnnxShapeText, IsChecked) {
  OnnxShapeOverrides overrides;
  for (const char *text : {"x", "=3", "x=a", "x=1xx2", "x=1x", "x=-1x2",
                           "x=1x99999999999999999999"})
    expectError(addShapeOverride(overrides, text),
                "does not look like NAME=1x3x224x224");
  for (const char *text : {"batch", "=1", "batch=", "batch=x", "batch=-1"})
    expectError(addDimOverride(overrides, text),
                "does not look like NAME=4 or INPUT[0]=4");
  expectSuccess(addShapeOverride(overrides, "odd=name:0=1x?"));
  ASSERT_EQ(overrides.shapes.size(), 1u);
  EXPECT_EQ(overrides.shapes[0].first, "odd=name:0");
  EXPECT_EQ(overrides.shapes[0].second, (std::vector<int64_t>{1, -1}));
}
