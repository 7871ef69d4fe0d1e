//===- ExternalDataTest.cpp - Tests of weights beside the model -----------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TestModels.h"

#include "llvm/Support/FileSystem.h"

#include <sys/stat.h>

using namespace sluice;
using namespace sluice::test;
using onnx::TensorProto;

namespace {

class OnnxExternalData : public ::testing::Test {
protected:
  OnnxExternalData() : proto(makeReluModel()) {
    tensor = proto.mutable_graph()->add_initializer();
    tensor->set_name("w");
    tensor->set_data_type(TensorProto::UINT8);
    tensor->add_dims(4);
    tensor->set_data_location(TensorProto::EXTERNAL);
  }

  void set(const std::string &key, const std::string &value) {
    onnx::StringStringEntryProto *entry = tensor->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
  llvm::Expected<OnnxModel> readFile() {
    return readOnnxModel(
        folder.write("models/model.onnx", proto.SerializeAsString()), {});
  }
  std::string weights() {
    OnnxModel model = valueOf(readFile());
    if (model.graph.initializers.empty())
      return "";
    llvm::ArrayRef<char> bytes = model.graph.initializers[0].bytes;
    return {bytes.begin(), bytes.end()};
  }

  TemporaryFolder folder;
  onnx::ModelProto proto;
  TensorProto *tensor;
};

} // namespace

TEST_F(OnnxExternalData, IsRead) {
  folder.write("models/weights.bin", "0123456789");
  set("location", "weights.bin");
  EXPECT_EQ(weights(), "0123");
  set("offset", "5");
  EXPECT_EQ(weights(), "5678");
  set("length", "4");
  set("checksum", "0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(weights(), "5678");
}

TEST_F(OnnxExternalData, MayLieInASubfolder) {
  folder.write("models/data/weights.bin", "abcd");
  set("location", "./data/weights.bin");
  EXPECT_EQ(weights(), "abcd");
}

TEST_F(OnnxExternalData, IsMappedOncePerFile) {
  folder.write("models/weights.bin", "0123456789");
  set("location", "weights.bin");
  TensorProto *second = proto.mutable_graph()->add_initializer();
  *second = *tensor;
  second->set_name("v");
  OnnxModel model = valueOf(readFile());
  ASSERT_EQ(model.graph.initializers.size(), 2u);
  EXPECT_EQ(model.graph.initializers[0].bytes.data(),
            model.graph.initializers[1].bytes.data());
}

TEST_F(OnnxExternalData, FailsWithoutFileOrLocation) {
  expectError(readFile(), "initializer 'w': external data '': the location is "
                          "empty");
  set("location", "none.bin");
  expectError(readFile(), "external data 'none.bin': No such file");
}

TEST_F(OnnxExternalData, MustNotBeAbsolute) {
  set("location", folder.write("models/weights.bin", "abcd"));
  expectError(readFile(), "the location is absolute");
  tensor->mutable_external_data(0)->set_value("C:\\weights.bin");
  expectError(readFile(), "the location is absolute");
  tensor->mutable_external_data(0)->set_value("\\\\host\\weights.bin");
  expectError(readFile(), "the location is absolute");
}

TEST_F(OnnxExternalData, MustNotLeaveTheFolder) {
  folder.write("weights.bin", "abcd");
  folder.write("models/inner/weights.bin", "abcd");
  for (const char *location :
       {"../weights.bin", "inner/../../weights.bin", "inner/..\\weights.bin",
        "..", "../models/inner/weights.bin"}) {
    tensor->clear_external_data();
    set("location", location);
    expectError(readFile(), "the location leaves the model's folder");
  }
}

TEST_F(OnnxExternalData, MustNotBeALinkOutOfTheFolder) {
  std::string outside = folder.write("weights.bin", "abcd");
  folder.write("models/real.bin", "efgh");
  ASSERT_FALSE(
      llvm::sys::fs::create_link(outside, folder.path("models/link.bin")));
  ASSERT_FALSE(
      llvm::sys::fs::create_link("real.bin", folder.path("models/inner.bin")));
  ASSERT_FALSE(llvm::sys::fs::create_link("..", folder.path("models/up")));
  set("location", "link.bin");
  expectError(readFile(), "a symbolic link leads out of the model's folder");
  tensor->mutable_external_data(0)->set_value("up/weights.bin");
  expectError(readFile(), "a symbolic link leads out of the model's folder");
  tensor->mutable_external_data(0)->set_value("inner.bin");
  EXPECT_EQ(weights(), "efgh");
}

TEST_F(OnnxExternalData, FollowsALinkedModelToItsOwnFolder) {
  // Download caches keep files under their hash and link to them.
  set("location", "weights.bin");
  folder.write("blobs/1234", proto.SerializeAsString());
  folder.write("blobs/5678", "abcd");
  folder.write("snapshot/readme", "");
  ASSERT_FALSE(llvm::sys::fs::create_link("../blobs/1234",
                                          folder.path("snapshot/model.onnx")));
  ASSERT_FALSE(llvm::sys::fs::create_link("../blobs/5678",
                                          folder.path("snapshot/weights.bin")));
  OnnxModel model =
      valueOf(readOnnxModel(folder.path("snapshot/model.onnx"), {}));
  EXPECT_EQ(model.graph.initializers.size(), 1u);
}

TEST_F(OnnxExternalData, MustFitInTheFile) {
  folder.write("models/weights.bin", "0123456789");
  set("location", "weights.bin");
  set("offset", "7");
  expectError(readFile(), "external data 'weights.bin': 4 bytes from offset 7 "
                          "end past the file's 10 bytes");
  tensor->mutable_external_data(1)->set_value("18446744073709551615");
  expectError(readFile(), "end past the file's 10 bytes");
  tensor->mutable_external_data(1)->set_value("99999999999999999999999");
  expectError(readFile(), "offset '99999999999999999999999' is not a number");
  tensor->mutable_external_data(1)->set_value("-4");
  expectError(readFile(), "offset '-4' is not a number");
  tensor->mutable_external_data(1)->set_value("0");
  set("length", "5");
  expectError(readFile(), "the length is 5 bytes, but type and shape need 4");
}

TEST_F(OnnxExternalData, FailsOnFoldersAndPipes) {
  folder.write("models/inner/file", "");
  ASSERT_EQ(mkfifo(folder.path("models/pipe").c_str(), 0600), 0);
  set("location", "inner");
  expectError(readFile(), "not a regular file");
  tensor->mutable_external_data(0)->set_value("pipe");
  expectError(readFile(), "not a regular file");
  tensor->mutable_external_data(0)->set_value(std::string("a\0b", 3));
  expectError(readFile(), "zero byte");
}

TEST_F(OnnxExternalData, FailsBesideInlineData) {
  set("location", "weights.bin");
  tensor->set_raw_data("abcd");
  expectError(readFile(), "has external data and raw_data");
}

TEST_F(OnnxExternalData, IsNotAllowedWithoutFolder) {
  set("location", "weights.bin");
  expectError(read(proto), "external data is not allowed here");
}
