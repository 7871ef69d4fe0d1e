//===- GeneratedModelsTest.cpp - Models written by today's ONNX -----------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TestModels.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Program.h"

using namespace sluice;
using namespace sluice::test;

namespace {

/// Runs generate_models.py once for all tests.
class OnnxGenerated : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<TemporaryFolder>();
    std::string destination = folder->path("");
    std::string message;
    int status = llvm::sys::ExecuteAndWait(
        SLUICE_TEST_PYTHON,
        {SLUICE_TEST_PYTHON, SLUICE_TEST_SCRIPT, destination},
        /*Env=*/std::nullopt, /*Redirects=*/{}, /*SecondsToWait=*/0,
        /*MemoryLimit=*/0, &message);
    ASSERT_EQ(status, 0) << SLUICE_TEST_SCRIPT << " failed; " << message;
  }
  static void TearDownTestSuite() { folder.reset(); }

  static OnnxModel readGenerated(const std::string &name) {
    return valueOf(readOnnxModel(folder->path(name), {}));
  }

  static std::unique_ptr<TemporaryFolder> folder;
};

std::unique_ptr<TemporaryFolder> OnnxGenerated::folder;

} // namespace

TEST_F(OnnxGenerated, EveryElementTypeIsReadAlike) {
  OnnxModel model = readGenerated("types.onnx");
  // The writer says in the metadata what the bytes of each tensor are.
  EXPECT_GE(model.metadata.size(), 2 * 23u);
  for (const auto &[name, hex] : model.metadata) {
    const OnnxTensor *tensor = model.graph.findInitializer(name);
    ASSERT_NE(tensor, nullptr) << name;
    llvm::StringRef bytes(tensor->bytes.data(), tensor->bytes.size());
    EXPECT_EQ(llvm::toHex(bytes, /*LowerCase=*/true), hex) << name;
  }
}

TEST_F(OnnxGenerated, FunctionsOfTodaysSchemaAreInlined) {
  OnnxModel model = readGenerated("functions.onnx");
  ASSERT_EQ(model.functions.size(), 1u);
  EXPECT_EQ(model.functions[0].describe(), "function 'local.Scale:float'");
  ASSERT_EQ(model.functions[0].valueInfos.size(), 1u);
  EXPECT_EQ(model.functions[0].valueInfos[0].type.describe(), "FLOAT[]");
  expectSuccess(inlineLocalFunctions(model));
  ASSERT_EQ(model.graph.nodes.size(), 4u);
  EXPECT_EQ(valueOf(model.graph.nodes[0].getFloat("value_float")), 2.0f);
  EXPECT_EQ(valueOf(model.graph.nodes[2].getFloat("value_float")), 3.0f);
  EXPECT_EQ(model.graph.nodes[2].opsetVersion, 21);
}

TEST_F(OnnxGenerated, ControlFlowSeesTheValuesAround) {
  OnnxModel model = readGenerated("control_flow.onnx");
  ASSERT_EQ(model.graph.nodes.size(), 1u);
  const OnnxGraph &body = *valueOf(model.graph.nodes[0].getGraph("body"));
  ASSERT_EQ(body.nodes.size(), 2u);
  EXPECT_EQ(body.nodes[0].name, "Identity_0");
  const OnnxGraph &branch = *valueOf(body.nodes[1].getGraph("then_branch"));
  EXPECT_EQ(branch.nodes[0].inputs, (Names{"carried", "step"}));
}

TEST_F(OnnxGenerated, ExternalDataIsRead) {
  OnnxModel model = readGenerated("external.onnx");
  ASSERT_EQ(model.graph.initializers.size(), 3u);
  for (const OnnxTensor &tensor : model.graph.initializers) {
    std::vector<double> values = valueOf(tensor.asDoubles());
    ASSERT_EQ(values.size(), 1000u);
    EXPECT_EQ(values[1] - values[0], 1.0);
    EXPECT_EQ("w" + std::to_string(static_cast<int>(values[0])), tensor.name);
  }
}
