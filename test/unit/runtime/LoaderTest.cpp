//===- LoaderTest.cpp - Good, damaged and foreign artifacts --------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "FakeModel.h"

#include "sluice/artifact_abi.h"
#include "sluice/sluice.h"

extern "C" {
#include "elf_file.h"
#include "hash.h"
}

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<uint8_t>;

std::string fake(const std::string &name) {
  return std::string(SLUICE_FAKE_ARTIFACTS) + "/fake_" + name + ".so";
}

Bytes readBytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

/// Writes files into a folder of its own and loads them.
class LoaderTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) / ("sluice-loader-" + testName());
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  static std::string testName() {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }

  std::string write(const std::string &name, const Bytes &bytes) {
    std::string path = folder / name;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path;
  }

  sluice_status load(const std::string &path,
                     const sluice_load_options *options = nullptr) {
    sluice_model *model = nullptr;
    sluice_status status =
        sluice_model_load(path.c_str(), options, &model, &error);
    EXPECT_EQ(status, error.status);
    EXPECT_EQ(model != nullptr, status == SLUICE_OK) << error.message;
    sluice_model_release(model);
    return status;
  }

  bool says(const std::string &part) {
    return std::string(error.message).find(part) != std::string::npos;
  }

  fs::path folder;
  sluice_error error = {};
};

/// Appends the trailer that the compiler writes.
Bytes withTrailer(Bytes bytes, uint64_t weightsOffset = 0,
                  uint64_t weightsSize = 0) {
  uint64_t rest = weightsOffset + weightsSize;
  sluice_artifact_trailer trailer = {
      sluice_hash_bytes(bytes.data(), weightsOffset),
      sluice_hash_bytes(bytes.data() + rest, bytes.size() - rest),
      weightsOffset,
      weightsSize,
      bytes.size(),
      SLUICE_TRAILER_MAGIC};
  const uint8_t *raw = reinterpret_cast<const uint8_t *>(&trailer);
  bytes.insert(bytes.end(), raw, raw + sizeof trailer);
  return bytes;
}

/// Where the fake artifact's weights are: the floats 1, 2, ..., 16.
uint64_t findWeights(const Bytes &bytes) {
  float weights[16];
  for (int i = 0; i < 16; ++i)
    weights[i] = static_cast<float>(i + 1);
  const uint8_t *raw = reinterpret_cast<const uint8_t *>(weights);
  auto found = std::search(bytes.begin(), bytes.end(), raw, raw + 64);
  EXPECT_NE(found, bytes.end());
  return static_cast<uint64_t>(found - bytes.begin());
}

sluice_status check(const Bytes &bytes) {
  sluice_error error;
  return sluice_check_file({bytes.data(), bytes.size()}, "file", &error);
}

} // namespace

TEST_F(LoaderTest, GoodArtifactRuns) {
  sluice_model *model = nullptr;
  ASSERT_EQ(sluice_model_load(fake("good").c_str(), nullptr, &model, &error),
            SLUICE_OK)
      << error.message;
  EXPECT_STREQ(sluice_model_name(model), "fake");
  EXPECT_STREQ(sluice_model_metadata_key(model, 0), "author");
  EXPECT_STREQ(sluice_model_metadata_value(model, 0), "the tests");
  EXPECT_EQ(sluice_model_metadata_key(model, 1), nullptr);
  sluice_context *context = nullptr;
  ASSERT_EQ(sluice_context_create(model, nullptr, &context, &error), SLUICE_OK);
  sluice_model_release(model); // The context keeps it alive.
  float x[] = {1, 1, 0.5f};
  int64_t dims[] = {3};
  sluice_tensor input = {SLUICE_DTYPE_F32, 1, dims, nullptr, x, 0, 0};
  ASSERT_EQ(sluice_context_set_input(context, 0, &input), SLUICE_OK);
  ASSERT_EQ(sluice_context_run(context), SLUICE_OK)
      << sluice_context_message(context);
  sluice_tensor output;
  ASSERT_EQ(sluice_context_output(context, 0, &output), SLUICE_OK);
  const float *y = static_cast<const float *>(output.data);
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], 2);
  EXPECT_EQ(y[2], 1.5f);
  sluice_context_destroy(context);
}

TEST_F(LoaderTest, FilesThatAreNoArtifacts) {
  EXPECT_EQ(load((folder / "missing.so").string()), SLUICE_CANNOT_OPEN);
  EXPECT_TRUE(says("No such file")) << error.message;
  EXPECT_EQ(load(folder.string()), SLUICE_CANNOT_OPEN);
  EXPECT_TRUE(says("not a regular file")) << error.message;
  EXPECT_EQ(load(write("empty.so", {})), SLUICE_INVALID_ARTIFACT);
  EXPECT_TRUE(says("it is empty")) << error.message;
  EXPECT_EQ(load(write("text.so", {'h', 'e', 'l', 'l', 'o'})),
            SLUICE_INVALID_ARTIFACT);
  EXPECT_TRUE(says("not a compiled model")) << error.message;
  EXPECT_EQ(load(fake("nosymbol")), SLUICE_INVALID_ARTIFACT);
  EXPECT_TRUE(says("not a compiled model")) << error.message;
}

TEST_F(LoaderTest, NullArguments) {
  sluice_model *model = nullptr;
  EXPECT_EQ(sluice_model_load(nullptr, nullptr, &model, &error),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_model_load("x", nullptr, nullptr, nullptr),
            SLUICE_INVALID_ARGUMENT);
  EXPECT_EQ(sluice_model_from_descriptor(nullptr, nullptr, &model, &error),
            SLUICE_INVALID_ARGUMENT);
  sluice_model_release(nullptr);
}

TEST_F(LoaderTest, WrongMagicVersionAndInstructions) {
  EXPECT_EQ(load(fake("magic")), SLUICE_INVALID_ARTIFACT);
  EXPECT_TRUE(says("descriptor is damaged")) << error.message;
  EXPECT_EQ(load(fake("version")), SLUICE_VERSION_MISMATCH);
  EXPECT_TRUE(says("version 77")) << error.message;
  EXPECT_EQ(load(fake("isa")), SLUICE_UNSUPPORTED_ISA);
  EXPECT_TRUE(says("'imaginary' and needs warp-drive")) << error.message;
}

TEST_F(LoaderTest, OtherArchitecture) {
  Bytes bytes = readBytes(fake("good"));
  bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_RISCV;
  bytes[offsetof(Elf64_Ehdr, e_machine) + 1] = 0;
  EXPECT_EQ(load(write("riscv.so", bytes)), SLUICE_UNSUPPORTED_ISA);
  EXPECT_TRUE(says("built for RISC-V")) << error.message;
}

TEST_F(LoaderTest, TruncatedAnywhere) {
  for (Bytes bytes :
       {readBytes(fake("good")), withTrailer(readBytes(fake("good")))}) {
    size_t whole = bytes.size();
    for (size_t size = 0; size < whole; size += size < 512 ? 1 : 97) {
      bytes.resize(size);
      ASSERT_EQ(check(bytes), SLUICE_INVALID_ARTIFACT) << size;
      bytes.resize(whole);
    }
  }
  Bytes bytes = readBytes(fake("good"));
  bytes.resize(bytes.size() / 2);
  EXPECT_EQ(load(write("half.so", bytes)), SLUICE_INVALID_ARTIFACT);
  EXPECT_TRUE(says("truncated or damaged")) << error.message;
}

TEST_F(LoaderTest, LostTrailer) {
  Bytes whole = withTrailer(readBytes(fake("flagged")));
  EXPECT_EQ(load(write("whole.so", whole)), SLUICE_OK) << error.message;
  for (size_t lost : {size_t(1), sizeof(sluice_artifact_trailer)}) {
    Bytes bytes(whole.begin(), whole.end() - lost);
    EXPECT_EQ(load(write("cut.so", bytes)), SLUICE_INVALID_ARTIFACT) << lost;
    EXPECT_TRUE(says("the trailer that the compiler wrote at its end is "
                     "missing"))
        << error.message;
  }
  whole.push_back(0);
  EXPECT_EQ(load(write("longer.so", whole)), SLUICE_INVALID_ARTIFACT);
  EXPECT_EQ(load(fake("older")), SLUICE_OK) << error.message;
}

TEST_F(LoaderTest, EveryFlippedBitIsNoticed) {
  Bytes bytes = withTrailer(readBytes(fake("good")));
  ASSERT_EQ(check(bytes), SLUICE_OK);
  // A flip in the trailer's magic only hides the trailer of a whole file.
  for (size_t at = 0; at + 8 < bytes.size(); at += at < 4096 ? 1 : 31) {
    bytes[at] ^= 1 << at % 8;
    ASSERT_NE(check(bytes), SLUICE_OK) << at;
    bytes[at] ^= 1 << at % 8;
  }
}

TEST_F(LoaderTest, FlippedTablesWithoutTrailerAreSafe) {
  // Nothing promises that these are found; reading them must not crash.
  Bytes bytes = readBytes(fake("good"));
  for (size_t at = 0; at < bytes.size(); ++at)
    for (uint8_t mask : {0x01, 0x80, 0xff}) {
      bytes[at] ^= mask;
      check(bytes);
      bytes[at] ^= mask;
    }
}

TEST_F(LoaderTest, EmbeddedWeightsAreCheckedOnRequest) {
  Bytes plain = readBytes(fake("good"));
  uint64_t weights = findWeights(plain);
  Bytes bytes = withTrailer(plain, weights, 64);
  sluice_load_options verify = SLUICE_LOAD_OPTIONS_INIT;
  verify.verify_weights = 1;
  EXPECT_EQ(load(write("good.so", bytes), &verify), SLUICE_OK) << error.message;
  bytes[weights + 5] ^= 4;
  std::string path = write("bad.so", bytes);
  EXPECT_EQ(load(path, &verify), SLUICE_INVALID_ARTIFACT);
  EXPECT_TRUE(says("the weights of the model 'fake' are damaged"))
      << error.message;
  // Or later, on a model that is in use.
  sluice_model *model = nullptr;
  ASSERT_EQ(sluice_model_load(path.c_str(), nullptr, &model, &error), SLUICE_OK)
      << error.message;
  EXPECT_EQ(sluice_model_verify(model, &error), SLUICE_INVALID_ARTIFACT);
  EXPECT_EQ(error.status, SLUICE_INVALID_ARTIFACT);
  sluice_model_release(model);
  EXPECT_EQ(sluice_model_verify(nullptr, &error), SLUICE_INVALID_ARGUMENT);
  // A trailer that disagrees with the descriptor.
  EXPECT_EQ(load(write("size.so", withTrailer(plain, weights, 32))),
            SLUICE_INVALID_ARTIFACT);
}

TEST_F(LoaderTest, WeightsSideFile) {
  Bytes artifact = readBytes(fake("sidefile"));
  std::string path = write("net.so", artifact);
  EXPECT_EQ(load(path), SLUICE_CANNOT_OPEN);
  EXPECT_TRUE(says("fake.weights")) << error.message;

  Bytes good = readBytes(fake("good"));
  uint64_t offset = findWeights(good);
  Bytes weights(good.begin() + offset, good.begin() + offset + 64);
  std::string side = write("fake.weights", weights);
  EXPECT_EQ(load(path), SLUICE_OK) << error.message;

  weights.push_back(0);
  write("fake.weights", weights);
  EXPECT_EQ(load(path), SLUICE_INVALID_ARTIFACT);
  EXPECT_TRUE(says("has 65 bytes, the model's weights have 64"))
      << error.message;

  weights.pop_back();
  weights[0] ^= 1;
  write("fake.weights", weights);
  sluice_load_options verify = SLUICE_LOAD_OPTIONS_INIT;
  verify.verify_weights = 1;
  EXPECT_EQ(load(path, &verify), SLUICE_INVALID_ARTIFACT);
  EXPECT_TRUE(says("checksum")) << error.message;

  weights[0] ^= 1;
  fs::remove(side);
  std::string elsewhere = write("elsewhere.bin", weights);
  sluice_load_options options = SLUICE_LOAD_OPTIONS_INIT;
  options.weights_path = elsewhere.c_str();
  options.verify_weights = 1;
  EXPECT_EQ(load(path, &options), SLUICE_OK) << error.message;
}

/// What was released last, and how often anything was.
static std::pair<const uint8_t *, int64_t> released;
static int releases = 0;

TEST_F(LoaderTest, WeightsThatGoAreReleased) {
  sluice::test::FakeModel fake({}, {}, [](sluice_frame *) { return 0; });
  fake.descriptor.weights_file = "net.weights";
  fake.descriptor.weights_size = 64;
  fake.descriptor.release_weights = [](const uint8_t *weights, int64_t size) {
    released = {weights, size};
    releases += weights[0] == 7; // Still there.
  };
  std::string path = write("net.weights", Bytes(64, 7));
  sluice_load_options options = SLUICE_LOAD_OPTIONS_INIT;
  options.weights_path = path.c_str();
  auto loadAndRelease = [&] {
    sluice_model *model = nullptr;
    EXPECT_EQ(sluice_model_from_descriptor(&fake.descriptor, &options, &model,
                                           &error),
              SLUICE_OK)
        << error.message;
    sluice_context *context = nullptr;
    EXPECT_EQ(sluice_context_create(model, nullptr, &context, &error),
              SLUICE_OK);
    int before = releases;
    sluice_model_release(model);
    EXPECT_EQ(releases, before); // The context still needs them.
    sluice_context_destroy(context);
  };
  releases = 0;
  loadAndRelease();
  loadAndRelease();
  EXPECT_EQ(releases, 2);
  EXPECT_NE(released.first, nullptr);
  EXPECT_EQ(released.second, 64);
  // Descriptors without the field.
  fake.descriptor.descriptor_size =
      offsetof(sluice_model_descriptor, release_weights);
  loadAndRelease();
  fake.descriptor.descriptor_size = sizeof fake.descriptor;
  fake.descriptor.release_weights = nullptr;
  loadAndRelease();
  // Weights that are part of the program stay.
  alignas(64) static const uint8_t own[64] = {7};
  fake.descriptor.weights = own;
  fake.descriptor.release_weights = [](const uint8_t *, int64_t) {
    ++releases;
  };
  sluice_model *model = nullptr;
  EXPECT_EQ(
      sluice_model_from_descriptor(&fake.descriptor, &options, &model, &error),
      SLUICE_INVALID_ARGUMENT);
  EXPECT_TRUE(says("which has none")) << error.message;
  options.weights_path = nullptr;
  loadAndRelease();
  EXPECT_EQ(releases, 2);
}

TEST_F(LoaderTest, WeightsStayInTheFolder) {
  EXPECT_EQ(load(fake("escape")), SLUICE_INVALID_ARTIFACT);
  EXPECT_TRUE(says("not a plain file name")) << error.message;
}

TEST_F(LoaderTest, SymbolicLinksAreFollowed) {
  write("net.so", readBytes(fake("good")));
  fs::create_symlink(folder / "net.so", folder / "link.so");
  EXPECT_EQ(load((folder / "link.so").string()), SLUICE_OK) << error.message;
}
