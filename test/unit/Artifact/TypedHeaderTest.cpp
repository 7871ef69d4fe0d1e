//===- TypedHeaderTest.cpp - Typed headers compile as C11 and C++17 ------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/Artifact/TypedHeader.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

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

  /// Compiles a source that includes the header of each model between `before`
  /// and `after`, in these versions of C and C++.
  void expectAllCompile(const std::vector<ModelSignature> &signatures,
                        const std::string &before, const std::string &after,
                        const std::vector<std::string> &standards) {
    std::string source = before;
    for (const ModelSignature &signature : signatures) {
      std::ofstream(folder / (signature.name + ".h"))
          << emitTypedHeader(signature);
      source += "#include \"" + signature.name + ".h\"\n";
    }
    source += after;
    std::ofstream(folder / "use.c") << source;
    std::ofstream(folder / "use.cpp") << source;
    for (const std::string &standard : standards) {
      bool isCxx = standard.find("++") != std::string::npos;
      std::string command =
          std::string(isCxx ? SLUICE_CXX_COMPILER : SLUICE_C_COMPILER) +
          " -std=" + standard +
          " -Wall -Wextra -Werror -pedantic -fsyntax-only "
          "-I" SLUICE_RUNTIME_HEADERS " " +
          (folder / (isCxx ? "use.cpp" : "use.c")).string();
      EXPECT_EQ(std::system(command.c_str()), 0) << standard;
    }
  }

  void expectCompiles(const ModelSignature &signature,
                      const std::string &code = "") {
    expectAllCompile({signature}, "", code, {"c11", "c++17"});
  }

  /// Every identifier and macro that a compiler sees in a source.
  std::set<std::string> identifiersIn(const std::string &source) {
    std::ofstream(folder / "words.c") << source;
    std::string words = (folder / "words").string();
    std::string run = SLUICE_C_COMPILER " -std=gnu11 -I" SLUICE_RUNTIME_HEADERS
                                        " -E " +
                      (folder / "words.c").string();
    EXPECT_EQ(
        std::system(
            (run + " > " + words + " && " + run + " -dM >> " + words).c_str()),
        0);
    std::set<std::string> identifiers;
    std::ifstream file(words);
    std::string word;
    for (char letter; file.get(letter);) {
      if (std::isalnum(static_cast<unsigned char>(letter)) || letter == '_') {
        word += letter;
        continue;
      }
      if (!word.empty() && !std::isdigit(static_cast<unsigned char>(word[0])))
        identifiers.insert(word);
      word.clear();
    }
    return identifiers;
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
                               "    const float in_input[1 * 3 * 224 * 224],\n"
                               "    float out_output[1 * 1000])"))
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
  EXPECT_TRUE(contains(header, "int64_t dim_batch,\n    int64_t dim_seq,\n"
                               "    const int64_t *in_ids /* dim_batch * "
                               "dim_seq */,\n"
                               "    const bool *in_mask /* dim_batch * dim_seq "
                               "*/,\n"
                               "    float *out_logits /* dim_batch * 2 */)"))
      << header;
  EXPECT_TRUE(contains(header, "sizeof(float) * (size_t)dim_batch * (size_t)2"))
      << header;
  expectCompiles(signature);
}

TEST_F(TypedHeaderTest, UnknownSizesAreViews) {
  ModelSignature signature;
  signature.name = "detector";
  signature.inputs = {tensor("image", {-1, 3}), tensor("image2", {-1, 3})};
  signature.outputs = {tensor("boxes", {-1, 4}, {"found", ""})};
  std::string header = emitTypedHeader(signature);
  EXPECT_TRUE(contains(header, "int64_t dim_image_0,\n"
                               "    int64_t dim_image2_0"))
      << header;
  EXPECT_TRUE(contains(header, "sluice_tensor *out_boxes)")) << header;
  expectCompiles(signature);
}

TEST_F(TypedHeaderTest, NamesThatAreNoIdentifiers) {
  ModelSignature signature;
  signature.name = "model_1";
  signature.inputs = {tensor("1", {2}),
                      tensor("", {2}),
                      tensor("/fc/Gemm_output_0", {2}),
                      tensor("a.b", {-1}, {"a b"}),
                      tensor("a_b", {-1}, {"a_b"}),
                      tensor("A_B", {-1}, {"A_b"}),
                      tensor("a__b_", {-1}),
                      tensor("\xc3\xa9", {2}),
                      tensor("*/ #error \\", {-1},
                             {"*/ #error ?"
                              "?/"}),
                      tensor("count", {2}),
                      tensor("model_1", {2})};
  signature.outputs = {tensor("1", {2}), tensor("\xc3\xa9", {2})};
  std::string header = emitTypedHeader(signature);
  for (const char *text :
       {"const float in_1[2]", "const float in_1_2[2]", "in_fc_Gemm_output_0[",
        // What needs no change keeps its name, whatever came before.
        "*in_a_b_2", "*in_a_b ", "*in_A_B_3", "*in_a_b_4", "int64_t dim_a_b_2,",
        "int64_t dim_a_b,", "int64_t dim_A_b,", "int64_t dim_a_b_4_0,",
        "const float in_7[2]", "in_count_2[", "float out_1[2]",
        "MODEL_1_INPUT_A_B_2 = 3", "MODEL_1_INPUT_A_B = 4",
        "MODEL_1_INPUT_COUNT_2 = 9", "MODEL_1_INPUT_COUNT = 11"})
    EXPECT_TRUE(contains(header, text)) << text << " in\n" << header;
  expectCompiles(signature);
}

TEST_F(TypedHeaderTest, LongNamesAndManyOfOneKind) {
  ModelSignature signature;
  signature.name = "wide";
  for (int i = 0; i < 2000; ++i)
    signature.inputs.push_back(tensor("?" + std::to_string(i % 2), {2}));
  for (const char *end : {"a", "b"})
    signature.outputs.push_back(tensor(std::string(10000, 'x') + end, {2}));
  std::string header = emitTypedHeader(signature);
  EXPECT_TRUE(contains(header, " in_1_1000[2]"));
  EXPECT_TRUE(contains(header, " out_" + std::string(120, 'x') + "_2[2]"));
  expectCompiles(signature);
}

// Every macro, type and function of the systems' headers, all keywords, and
// what other systems' headers define, as names of everything a header names.
TEST_F(TypedHeaderTest, NamesThatMeanSomethingElsewhere) {
  std::string includes;
  for (const char *name :
       {"assert",     "complex",  "ctype",  "errno",  "fcntl",    "fenv",
        "float",      "inttypes", "limits", "locale", "math",     "poll",
        "pthread",    "setjmp",   "signal", "stdarg", "stdbool",  "stddef",
        "stdint",     "stdio",    "stdlib", "string", "sys/mman", "sys/socket",
        "netinet/in", "sys/stat", "time",   "unistd", "wchar"})
    includes += "#include <" + std::string(name) + ".h>\n";
  includes += R"(
#define IN
#define OUT
#define far
#define near
#define small char
#define interface struct
#define ERROR 0
#define None 0L
#define Status int
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define linux 1
#define unix 1
#define i386 1
)";
  std::set<std::string> words = identifiersIn(
      includes + "#include \"" SLUICE_RUNTIME_HEADERS "/sluice/sluice.h\"\n");
  ASSERT_GT(words.size(), 3000u);
  for (const char *word : {"alignas",       "and",
                           "asm",           "catch",
                           "char8_t",       "class",
                           "co_await",      "concept",
                           "delete",        "export",
                           "friend",        "min",
                           "mutable",       "namespace",
                           "new",           "not_eq",
                           "nullptr",       "operator",
                           "private",       "requires",
                           "restrict",      "string",
                           "this",          "throw",
                           "typename",      "typeof",
                           "using",         "vector",
                           "virtual",       "xor",
                           "_Bool",         "_Atomic",
                           "_Generic",      "__func__",
                           "context",       "model",
                           "sluice_dims_0", "sluice_input_0",
                           "sluice_result", "t",
                           "addr_t"})
    words.insert(word);
  // Compilers take long for very long lists of parameters.
  std::vector<ModelSignature> signatures;
  for (const std::string &word : words) {
    if (signatures.empty() || signatures.back().inputs.size() == 250) {
      std::string name = "words_" + std::to_string(signatures.size());
      signatures.push_back({name, {}, {}, {}, {}});
    }
    signatures.back().inputs.push_back(tensor(word, {-1}, {word}));
    signatures.back().outputs.push_back(tensor(word, {-1}, {word}));
  }
  expectAllCompile(signatures, includes, "", {"c11", "gnu++20"});
}

TEST_F(TypedHeaderTest, ModelsThatAreCalledLikeSomethingElse) {
  std::vector<ModelSignature> signatures;
  for (const char *name :
       {"sluice", "sluice_context", "sluice_model", "Sluice_tensor",
        "sluicegate", "_net", "errno", "NULL", "int", "class", "linux", "std",
        "stdin", "INT64_MAX", "uint8", "net", "_1", "model"}) {
    signatures.push_back(resnet50());
    signatures.back().name = name;
  }
  EXPECT_TRUE(contains(emitTypedHeader(signatures[0]),
                       "sluice_status model_sluice_run("));
  EXPECT_TRUE(
      contains(emitTypedHeader(signatures[0]), "&sluice_descriptor_sluice,"));
  EXPECT_TRUE(contains(emitTypedHeader(signatures[4]),
                       "sluice_status sluicegate_run("));
  expectAllCompile(signatures, "#include <errno.h>\n#include <stdio.h>\n", "",
                   {"c99", "c11", "c++17", "c++20"});
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
  EXPECT_TRUE(contains(header, "const float *in_empty"));
  EXPECT_TRUE(contains(header, "const float in_scalar[1]"));
  EXPECT_TRUE(contains(header, "const float *in_huge"));
  expectCompiles(signature);
}

TEST_F(TypedHeaderTest, NoTensors) {
  ModelSignature signature;
  signature.name = "nothing";
  expectCompiles(signature);
}
