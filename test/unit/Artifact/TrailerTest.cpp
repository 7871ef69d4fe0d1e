//===- TrailerTest.cpp - Trailers that the loader accepts ----------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/Artifact/Trailer.h"

#include "sluice/artifact_abi.h"
#include "sluice/sluice.h"

#include "llvm/Support/xxhash.h"
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

namespace {

class TrailerTest : public testing::Test {
protected:
  void SetUp() override {
    path = fs::path(testing::TempDir()) / "sluice-trailer.so";
    fs::copy_file(SLUICE_FAKE_ARTIFACTS "/fake_good.so", path,
                  fs::copy_options::overwrite_existing);
    for (int i = 0; i < 16; ++i)
      weights[i] = float(i + 1);
  }
  void TearDown() override { fs::remove(path); }

  uint64_t checksum() const {
    return llvm::xxHash64(llvm::ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(weights), sizeof weights));
  }

  std::string append(uint64_t size, uint64_t checksum) {
    return llvm::toString(sluice::appendTrailer(path.string(), size, checksum));
  }

  sluice_artifact_trailer read() const {
    sluice_artifact_trailer trailer = {};
    std::ifstream file(path, std::ios::binary);
    file.seekg(-std::streamoff(sizeof trailer), std::ios::end);
    file.read(reinterpret_cast<char *>(&trailer), sizeof trailer);
    return trailer;
  }

  void flip(uint64_t offset) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(std::streamoff(offset));
    char byte = char(file.get() ^ 1);
    file.seekp(std::streamoff(offset));
    file.put(byte);
  }

  sluice_status load() {
    sluice_model *model = nullptr;
    sluice_status status =
        sluice_model_load(path.c_str(), nullptr, &model, &error);
    sluice_model_release(model);
    return status;
  }

  fs::path path;
  float weights[16];
  sluice_error error;
};

} // namespace

TEST_F(TrailerTest, WeightsAreApart) {
  ASSERT_EQ(append(sizeof weights, checksum()), "");
  sluice_artifact_trailer trailer = read();
  EXPECT_EQ(trailer.magic, SLUICE_TRAILER_MAGIC);
  EXPECT_EQ(trailer.weights_size, sizeof weights);
  EXPECT_GT(trailer.weights_offset, 0u);
  EXPECT_EQ(load(), SLUICE_OK) << error.message;
  flip(trailer.weights_offset + 3);
  EXPECT_EQ(load(), SLUICE_INVALID_ARTIFACT);
  EXPECT_NE(std::string(error.message).find("weights"), std::string::npos)
      << error.message;
}

TEST_F(TrailerTest, WithoutWeightsEverythingIsCode) {
  ASSERT_EQ(append(0, 0), "");
  EXPECT_EQ(read().weights_size, 0u);
  EXPECT_EQ(load(), SLUICE_OK) << error.message;
  flip(200);
  EXPECT_EQ(load(), SLUICE_INVALID_ARTIFACT);
}

TEST_F(TrailerTest, UnknownWeightsAreCode) {
  ASSERT_EQ(append(sizeof weights, 12345), "");
  EXPECT_EQ(read().weights_size, 0u);
  EXPECT_EQ(load(), SLUICE_OK) << error.message;
}

TEST_F(TrailerTest, FilesThatAreNoArtifacts) {
  std::ofstream(path, std::ios::trunc) << "not an ELF file, but long enough to "
                                          "hold the header of one: 64 bytes";
  EXPECT_NE(append(8, 1), "");
  fs::remove(path);
  EXPECT_NE(append(0, 0), "");
}
