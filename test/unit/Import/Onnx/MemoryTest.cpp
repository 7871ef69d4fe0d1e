//===- MemoryTest.cpp - Reading large models takes little memory ----------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TestModels.h"
#include "WireCursor.h"
#include "sluice/Support/FilePages.h"

#include "llvm/Support/FileSystem.h"

#include <fstream>

using namespace sluice;
using namespace sluice::test;
using onnx_detail::appendLengthDelimited;
using onnx_detail::appendVarint;

namespace {

constexpr uint64_t megabyte = 1 << 20;
constexpr uint64_t largestGrowth = 60 * megabyte;

/// The highest resident size since the last reset, mapped pages included.
class PeakMemory {
public:
  PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << 5;
    start = read();
  }
  uint64_t growth() const { return read() - start; }

  /// A line of the process's status, in bytes.
  static uint64_t read(const std::string &line = "VmHWM:") {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word)
      if (word == line) {
        uint64_t kilobytes = 0;
        status >> kilobytes;
        return kilobytes * 1024;
      }
    return 0;
  }

private:
  uint64_t start;
};

/// Appends to `file` that many bytes without taking disk space.
void appendHole(const std::string &path, uint64_t size) {
  uint64_t oldSize = 0;
  ASSERT_FALSE(llvm::sys::fs::file_size(path, oldSize));
  int file = 0;
  ASSERT_FALSE(llvm::sys::fs::openFileForWrite(path, file,
                                               llvm::sys::fs::CD_OpenExisting));
  EXPECT_FALSE(llvm::sys::fs::resize_file(file, oldSize + size));
  llvm::sys::fs::file_t handle = llvm::sys::fs::convertFDToNativeFile(file);
  EXPECT_FALSE(llvm::sys::fs::closeFile(handle));
}

/// Tag and length of a field whose contents come later.
std::string fieldStart(uint32_t number, uint64_t size) {
  std::string start;
  appendVarint(start, number << 3 | 2);
  appendVarint(start, size);
  return start;
}

void checkWeights(const OnnxModel &model, uint64_t size) {
  ASSERT_EQ(model.graph.initializers.size(), 1u);
  llvm::ArrayRef<char> bytes = model.graph.initializers[0].bytes;
  ASSERT_EQ(bytes.size(), size);
  EXPECT_EQ(bytes.front(), 0);
  EXPECT_EQ(bytes.back(), 0);
}

/// Whether `peak` would have seen the weights, had they been read.
void checkMeasurement(const OnnxModel &model, const PeakMemory &peak) {
  llvm::ArrayRef<char> bytes = model.graph.initializers.front().bytes;
  EXPECT_TRUE(llvm::all_of(bytes.take_front(2 * largestGrowth),
                           [](char byte) { return byte == 0; }));
  EXPECT_GT(peak.growth(), largestGrowth);
}

/// What has been read can leave memory and be read again.
void checkDropping(const OnnxModel &model) {
  uint64_t before = PeakMemory::read("VmRSS:");
  for (const auto &file : model.files)
    dropPages(*file);
  EXPECT_LT(PeakMemory::read("VmRSS:") + largestGrowth, before);
  EXPECT_EQ(model.graph.initializers.front().bytes.front(), 0);
}

/// Reads a model whose only initializer has so many bytes.
void expectNoCopies(const std::string &path, uint64_t weightBytes) {
  PeakMemory peak;
  OnnxModel model = valueOf(readOnnxModel(path, {}));
  checkWeights(model, weightBytes);
  EXPECT_LT(peak.growth(), largestGrowth);
  testing::Test::RecordProperty("growth", std::to_string(peak.growth()));
  checkMeasurement(model, peak);
  checkDropping(model);
}

} // namespace

TEST(OnnxMemory, RawDataIsNotCopied) {
  constexpr uint64_t weightBytes = 800 * megabyte;
  TemporaryFolder folder;
  onnx::TensorProto tensor;
  tensor.set_name("w");
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_dims(weightBytes / 4);
  std::string tensorStart =
      tensor.SerializeAsString() + fieldStart(9, weightBytes);
  std::string graphStart =
      fieldStart(5, tensorStart.size() + weightBytes) + tensorStart;
  std::string path = folder.write(
      "large.onnx", makeReluModel().SerializeAsString() +
                        fieldStart(7, graphStart.size() + weightBytes) +
                        graphStart);
  appendHole(path, weightBytes);
  expectNoCopies(path, weightBytes);
}

TEST(OnnxMemory, ExternalDataIsNotCopied) {
  // Beyond what protobuf itself can hold.
  constexpr uint64_t weightBytes = 5000 * megabyte;
  TemporaryFolder folder;
  onnx::ModelProto proto = makeReluModel();
  onnx::TensorProto *tensor = proto.mutable_graph()->add_initializer();
  tensor->set_name("w");
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  tensor->add_dims(weightBytes / 4);
  tensor->set_data_location(onnx::TensorProto::EXTERNAL);
  onnx::StringStringEntryProto *location = tensor->add_external_data();
  location->set_key("location");
  location->set_value("weights.bin");
  std::string path = folder.write("large.onnx", proto.SerializeAsString());
  appendHole(folder.write("weights.bin", ""), weightBytes);
  expectNoCopies(path, weightBytes);
}
