//===- TypedHeaderTest.cpp - Typed headers compile as C11 and C++17 ------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/Artifact/TypedHeader.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace sluice;
namespace fs = std::filesystem;

namespace {

TensorSignature tensor(std::string name, std::vector<int64_t> dims,
                       std::vector<std::string> dimNames = {},
                       sluice_dtype dtype = SLUICE_DTYPE_F32) {
  TensorSignature signature;
  signature.name = std::move(name);
  signature.dtype = dtype;
  dimNames.resize(dims.size());
  signature.dims = std::move(dims);
  signature.dimNames = std::move(dimNames);
  return signature;
}

ModelSignature resnet50() {
  ModelSignature signature;
  signature.name = "resnet50";
  signature.inputs = {tensor("input", {1, 3, 224, 224})};
  signature.outputs = {tensor("output", {1, 1000})};
  return signature;
}

/// Every header in a folder of its own, with sources that include it.
class TypedHeaderTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) /
             (std::string("sluice-header-") +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  /// Compiles a source that includes the header, in both languages.
  void expectCompiles(const ModelSignature &signature,
                      const std::string &code = "") {
    std::string header = emitTypedHeader(signature);
    std::ofstream(folder / (signature.name + ".h")) << header;
    std::string source = "#include \"" + signature.name + ".h\"\n" + code;
    std::ofstream(folder / "use.c") << source;
    std::ofstream(folder / "use.cpp") << source;
    std::string flags = " -Wall -Wextra -Werror -pedantic -fsyntax-only "
                        "-I" SLUICE_RUNTIME_HEADERS " ";
    EXPECT_EQ(std::system((SLUICE_C_COMPILER " -std=c11" + flags +
                           (folder / "use.c").string())
                              .c_str()),
              0)
        << header;
    EXPECT_EQ(std::system((SLUICE_CXX_COMPILER " -std=c++17" + flags +
                           (folder / "use.cpp").string())
                              .c_str()),
              0)
        << header;
  }

  fs::path folder;
};

bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_F(TypedHeaderTest, FixedSizes) {
  std::string header = emitTypedHeader(resnet50());
  EXPECT_TRUE(contains(header, "resnet50_run(sluice_context *context,\n"
                               "    const float input[1 * 3 * 224 * 224],\n"
                               "    float output[1 * 1000])"))
      << header;
  EXPECT_TRUE(contains(header, "RESNET50_INPUT_INPUT = 0"));
  expectCompiles(resnet50(), R"(
static float input[1 * 3 * 224 * 224], output[1000];
sluice_status run(sluice_error *error);
sluice_status run(sluice_error *error) {
  sluice_context *context = NULL;
  sluice_status status = resnet50_context(&context, NULL, error);
  if (status == SLUICE_OK)
    status = resnet50_run(context, input, output);
  sluice_context_destroy(context);
  return status;
}
)");
}

TEST_F(TypedHeaderTest, NamedSizesAreParameters) {
  ModelSignature signature;
  signature.name = "bert";
  signature.inputs = {
      tensor("ids", {-1, -1}, {"batch", "seq"}, SLUICE_DTYPE_I64),
      tensor("mask", {-1, -1}, {"batch", "seq"}, SLUICE_DTYPE_BOOL)};
  signature.outputs = {tensor("logits", {-1, 2}, {"batch", ""})};
  std::string header = emitTypedHeader(signature);
  EXPECT_TRUE(contains(header, "int64_t batch,\n    int64_t seq,\n"
                               "    const int64_t *ids,\n"
                               "    const bool *mask,\n    float *logits)"))
      << header;
  EXPECT_TRUE(contains(header, "sizeof(float) * (size_t)batch * (size_t)2"))
      << header;
  expectCompiles(signature);
}

TEST_F(TypedHeaderTest, UnknownSizesAreViews) {
  ModelSignature signature;
  signature.name = "detector";
  signature.inputs = {tensor("image", {-1, 3}), tensor("image2", {-1, 3})};
  signature.outputs = {tensor("boxes", {-1, 4}, {"found", ""})};
  std::string header = emitTypedHeader(signature);
  EXPECT_TRUE(contains(header, "int64_t image_dim0,\n    int64_t image2_dim0"))
      << header;
  EXPECT_TRUE(contains(header, "sluice_tensor *boxes)")) << header;
  expectCompiles(signature);
}

TEST_F(TypedHeaderTest, StrangeNames) {
  ModelSignature signature;
  signature.name = "model_1";
  signature.inputs = {tensor("int", {2}),
                      tensor("1", {2}),
                      tensor("", {2}),
                      tensor("/fc/Gemm_output_0", {2}),
                      tensor("context", {2}),
                      tensor("a.b", {2}),
                      tensor("a-b", {2}),
                      tensor("sluice_result", {2}),
                      tensor("class", {-1}, {"a b"}),
                      tensor("*/ #error \\", {-1}, {"for"}),
                      tensor("NULL", {2}),
                      tensor("count", {2}),
                      tensor("A_B", {2}),
                      tensor("model_1", {2})};
  signature.outputs = {tensor("int", {2}), tensor("\xc3\xa9", {2})};
  expectCompiles(signature);
}

TEST_F(TypedHeaderTest, EveryType) {
  ModelSignature signature;
  signature.name = "types";
  for (sluice_dtype dtype :
       {SLUICE_DTYPE_F32, SLUICE_DTYPE_U8, SLUICE_DTYPE_I8, SLUICE_DTYPE_U16,
        SLUICE_DTYPE_I16, SLUICE_DTYPE_I32, SLUICE_DTYPE_I64, SLUICE_DTYPE_BOOL,
        SLUICE_DTYPE_F16, SLUICE_DTYPE_F64, SLUICE_DTYPE_U32, SLUICE_DTYPE_U64,
        SLUICE_DTYPE_BF16}) {
    std::string number = std::to_string(dtype);
    signature.inputs.push_back(tensor("in" + number, {3}, {}, dtype));
    signature.outputs.push_back(tensor("out" + number, {}, {}, dtype));
  }
  expectCompiles(signature);
}

TEST_F(TypedHeaderTest, OddSizes) {
  ModelSignature signature;
  signature.name = "odd";
  signature.inputs = {tensor("empty", {0, 4}), tensor("scalar", {}),
                      tensor("huge", {int64_t(1) << 40, 8})};
  signature.outputs = {tensor("none", {0})};
  std::string header = emitTypedHeader(signature);
  EXPECT_TRUE(contains(header, "const float *empty"));
  EXPECT_TRUE(contains(header, "const float scalar[1]"));
  EXPECT_TRUE(contains(header, "const float *huge"));
  expectCompiles(signature);
}

TEST_F(TypedHeaderTest, NoTensors) {
  ModelSignature signature;
  signature.name = "nothing";
  expectCompiles(signature);
}
