//===- ArtifactFileTest.cpp - Weights and checksums behind a link ---------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/Artifact/ArtifactFile.h"

#include "sluice/Artifact/Descriptor.h"
#include "sluice/Target/CPU/SharedLinker.h"
#include "sluice/artifact_abi.h"
#include "sluice/sluice.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

using namespace sluice;
namespace fs = std::filesystem;

namespace {

/// Works on a model in C whose weights, 1 to 16, are only reserved.
class ArtifactFileTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) /
             (std::string("sluice-artifact-") +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder);
    fs::create_directories(folder);
    path = folder / "net.so";
    object = folder / "net.o";
    fs::copy_file(SLUICE_RESERVED_OBJECT, object);
    std::vector<float> numbers;
    for (int i = 0; i < 16; ++i)
      numbers.push_back(float(i + 1));
    mlir::Builder builder(&context);
    layout.constants = {
        {mlir::DenseElementsAttr::get(
             mlir::RankedTensorType::get({16}, builder.getF32Type()),
             llvm::ArrayRef<float>(numbers)),
         kernel::PackingAttrInterface(), /*offset=*/0}};
    layout.bytes = 64;
  }
  void TearDown() override { fs::remove_all(folder); }

  /// Links an object or an archive.
  std::string link(const fs::path &input) {
    SharedLinkOptions options;
    options.triple = llvm::sys::getDefaultTargetTriple();
    options.output = path;
    options.exports = {SLUICE_DESCRIPTOR_SYMBOL};
    options.inputFiles = {input};
    options.lastSection = weightsSectionName.str();
    return llvm::toString(linkSharedLibrary(options));
  }

  std::string complete(const fs::path &file, bool withTrailer,
                       bool withWeights = true) {
    auto artifact = ArtifactFile::open(file.string(), "the artifact");
    if (!artifact)
      return llvm::toString(artifact.takeError());
    if (withWeights) {
      auto checksum = artifact->appendWeights(layout);
      if (!checksum)
        return llvm::toString(checksum.takeError());
      if (llvm::Error error = artifact->setWeightsChecksum(
              *checksum, {SLUICE_DESCRIPTOR_SYMBOL}))
        return llvm::toString(std::move(error));
    }
    return llvm::toString(artifact->finish(withTrailer));
  }

  sluice_artifact_trailer readTrailer() const {
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
    sluice_load_options options = SLUICE_LOAD_OPTIONS_INIT;
    options.verify_weights = 1;
    sluice_status status =
        sluice_model_load(path.c_str(), &options, &model, &error);
    sluice_model_release(model);
    return status;
  }

  /// Runs the model on 16 ones: the results are the weights.
  void expectWeights() {
    sluice_model *model = nullptr;
    ASSERT_EQ(sluice_model_load(path.c_str(), nullptr, &model, &error),
              SLUICE_OK)
        << error.message;
    sluice_context *context = nullptr;
    ASSERT_EQ(sluice_context_create(model, nullptr, &context, &error),
              SLUICE_OK);
    sluice_model_release(model);
    std::vector<float> ones(16, 1.0f);
    int64_t dims[] = {16};
    sluice_tensor input = {SLUICE_DTYPE_F32, 1, dims, nullptr,
                           ones.data(),      0, 0};
    sluice_tensor output;
    ASSERT_EQ(sluice_context_set_input(context, 0, &input), SLUICE_OK);
    ASSERT_EQ(sluice_context_run(context), SLUICE_OK);
    ASSERT_EQ(sluice_context_output(context, 0, &output), SLUICE_OK);
    for (int i = 0; i < 16; ++i)
      EXPECT_EQ(static_cast<const float *>(output.data)[i], float(i + 1));
    sluice_context_destroy(context);
  }

  mlir::MLIRContext context;
  WeightsLayout layout;
  fs::path folder, path, object;
  sluice_error error;
};

} // namespace

TEST_F(ArtifactFileTest, SharedLibrary) {
  ASSERT_EQ(link(object), "");
  ASSERT_EQ(complete(path, /*withTrailer=*/true), "");
  expectWeights();
  sluice_artifact_trailer trailer = readTrailer();
  EXPECT_EQ(trailer.magic, SLUICE_TRAILER_MAGIC);
  EXPECT_EQ(trailer.weights_size, 64u);
  EXPECT_EQ(trailer.weights_offset + 64, trailer.file_size);
  // Damage is noticed, and where it is.
  flip(trailer.weights_offset + 3);
  EXPECT_EQ(load(), SLUICE_INVALID_ARTIFACT);
  EXPECT_NE(std::string(error.message).find("weights"), std::string::npos)
      << error.message;
  flip(trailer.weights_offset + 3);
  EXPECT_EQ(load(), SLUICE_OK) << error.message;
  flip(200);
  EXPECT_EQ(load(), SLUICE_INVALID_ARTIFACT);
  EXPECT_EQ(std::string(error.message).find("weights"), std::string::npos);
}

TEST_F(ArtifactFileTest, ObjectFile) {
  ASSERT_EQ(complete(object, /*withTrailer=*/false), "");
  // Now an ordinary input of linkers.
  ASSERT_EQ(link(object), "");
  expectWeights();
}

TEST_F(ArtifactFileTest, Archive) {
  fs::path archive = folder / "net.a";
  auto member = llvm::NewArchiveMember::getFile(object.string(), true);
  ASSERT_TRUE(bool(member));
  std::vector<llvm::NewArchiveMember> members;
  members.push_back(std::move(*member));
  ASSERT_EQ(llvm::toString(
                llvm::writeArchive(archive.string(), members,
                                   llvm::SymtabWritingMode::NormalSymtab,
                                   llvm::object::Archive::K_GNU, true, false)),
            "");
  ASSERT_EQ(complete(archive, /*withTrailer=*/false), "");
  ASSERT_EQ(link(archive), "");
  expectWeights();
}

TEST_F(ArtifactFileTest, WithoutWeightsEverythingIsCode) {
  ASSERT_EQ(link(object), "");
  ASSERT_EQ(complete(path, /*withTrailer=*/true, /*withWeights=*/false), "");
  EXPECT_EQ(readTrailer().weights_size, 0u);
  // What was reserved is zero, and nobody has filled in its checksum.
  EXPECT_EQ(load(), SLUICE_INVALID_ARTIFACT);
  EXPECT_NE(std::string(error.message).find("weights"), std::string::npos)
      << error.message;
  flip(fs::file_size(path) / 2);
  EXPECT_EQ(load(), SLUICE_INVALID_ARTIFACT);
  EXPECT_EQ(std::string(error.message).find("weights"), std::string::npos);
}

TEST_F(ArtifactFileTest, WeightsNeedTheirRoom) {
  ASSERT_EQ(link(object), "");
  layout.bytes = 128;
  EXPECT_NE(complete(path, true).find("no section was reserved"),
            std::string::npos);
  layout.bytes = 64;
  ASSERT_EQ(complete(path, true), "");
  // There is none any more.
  EXPECT_NE(complete(path, true).find("no section was reserved"),
            std::string::npos);
}

TEST_F(ArtifactFileTest, FilesThatAreNoArtifacts) {
  std::ofstream(path) << "not an ELF file, but long enough to hold the header "
                         "of one: 64 bytes";
  EXPECT_NE(complete(path, true), "");
  std::ofstream(path, std::ios::trunc) << "!<arch>\nnot a member";
  EXPECT_NE(complete(path, true), "");
  std::ofstream(path, std::ios::trunc).flush();
  EXPECT_NE(complete(path, true), "");
  fs::remove(path);
  EXPECT_NE(complete(path, true).find("'the artifact'"), std::string::npos);
}
