//===- FileTest.cpp - Tensor files that other packages write -------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Files.h"
#include "NumpyFile.h"
#include "TensorFile.h"
#include "TensorProtoFile.h"
#include "ZipFile.h"
#include "ZipNames.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

using namespace sluice::run;

namespace {

std::string data(const std::string &name) {
  return std::string(SLUICE_TEST_DATA) + "/" + name;
}

Tensor readOk(const std::string &name) {
  Tensor tensor;
  Outcome failure = readTensor(data(name), tensor);
  EXPECT_FALSE(failure) << failure->message;
  return tensor;
}

void expectCounting(const Tensor &tensor) {
  EXPECT_EQ(typeText(tensor.dtype, tensor.dims), "f32[2,3]");
  for (int64_t i = 0; i < 6; ++i)
    EXPECT_EQ(tensor.real(i), double(i));
}

std::vector<uint8_t> bytesOf(const std::string &name) {
  std::vector<uint8_t> bytes;
  EXPECT_FALSE(readFile(data(name), bytes));
  return bytes;
}

/// Calls a parser with every prefix and with flipped bits: it must come back.
template <typename Parse>
void torture(const std::vector<uint8_t> &bytes, Parse parse) {
  for (size_t size = 0; size < bytes.size(); ++size)
    parse(std::vector<uint8_t>(bytes.begin(), bytes.begin() + size));
  std::vector<uint8_t> bent = bytes;
  for (size_t at = 0; at < bytes.size(); ++at)
    for (uint8_t mask : {0x01, 0x10, 0x80, 0xff}) {
      bent[at] ^= mask;
      parse(bent);
      bent[at] ^= mask;
    }
}

} // namespace

TEST(NumpyFile, ReadsWhatNumpyWrites) {
  expectCounting(readOk("f32.npy"));
  expectCounting(readOk("fortran.npy"));
  Tensor scalar = readOk("scalar.npy");
  EXPECT_EQ(typeText(scalar.dtype, scalar.dims), "i64[]");
  EXPECT_EQ(scalar.integer(0), -7);
  Tensor flags = readOk("bool.npy");
  EXPECT_EQ(elementText(flags, 0) + elementText(flags, 1), "truefalse");
  Tensor empty = readOk("empty.npy");
  EXPECT_EQ(typeText(empty.dtype, empty.dims), "f16[0,4]");
}

TEST(NumpyFile, RefusesWhatModelsDoNotTake) {
  Tensor tensor;
  Outcome failure = readTensor(data("big_endian.npy"), tensor);
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->message.find("'>f4'"), std::string::npos);
}

TEST(NumpyFile, WritesWhatItReads) {
  for (const char *name : {"f32.npy", "scalar.npy", "bool.npy", "empty.npy"}) {
    Tensor tensor = readOk(name), again;
    std::vector<uint8_t> bytes = formatNumpy(tensor);
    EXPECT_EQ(bytes.size() % 64, tensor.data.size() % 64);
    EXPECT_FALSE(parseNumpy(bytes, name, again));
    EXPECT_EQ(again.dtype, tensor.dtype);
    EXPECT_EQ(again.dims, tensor.dims);
    EXPECT_EQ(again.data, tensor.data);
  }
}

TEST(NumpyFile, DamagedFilesAreErrors) {
  torture(bytesOf("f32.npy"), [](const std::vector<uint8_t> &bytes) {
    Tensor tensor;
    parseNumpy(bytes, "bent", tensor);
  });
}

TEST(ZipFile, ReadsStoredAndDeflated) {
  std::vector<Tensor> tensors;
  ASSERT_FALSE(readTensors(data("stored.npz"), tensors));
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].name, "x");
  expectCounting(tensors[0]);
  EXPECT_EQ(tensors[1].integer(3), 3);
  tensors.clear();
  ASSERT_FALSE(readTensors(data("deflated.npz"), tensors));
  ASSERT_EQ(tensors.size(), 2u);
  expectCounting(tensors[0]);
  EXPECT_EQ(tensors[1].elementCount(), 0);
}

TEST(ZipFile, WritesWhatItReads) {
  std::vector<ZipEntry> entries = {{"a.npy", {1, 2, 3}}, {"b", {}}}, again;
  std::vector<uint8_t> bytes;
  ASSERT_FALSE(formatZip(entries, bytes));
  ASSERT_FALSE(parseZip(bytes, "archive", again));
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].name, "a.npy");
  EXPECT_EQ(again[0].data, entries[0].data);
}

TEST(ZipFile, NamesAreUtf8) {
  const std::string name = "gr\xc3\xb6\xc3\x9f"
                           "e \xe5\x85\xa5\xe5\x8a\x9b";
  std::vector<ZipEntry> entries = {{name, {1}}, {"plain", {2}}}, again;
  std::vector<uint8_t> bytes;
  ASSERT_FALSE(formatZip(entries, bytes));
  // Byte 7 has the upper flags of the first local header, and each header of
  // the table of contents has them 9 behind its magic number.
  EXPECT_EQ(bytes[7], 0x08);
  std::string text(bytes.begin(), bytes.end());
  size_t first = text.find("PK\x01\x02"),
         second = text.find("PK\x01\x02", first + 1);
  EXPECT_EQ(bytes[first + 9], 0x08);
  EXPECT_EQ(bytes[second + 9], 0);
  ASSERT_FALSE(parseZip(bytes, "archive", again));
  EXPECT_EQ(again[0].name, name);
  // Without the flag too, as some writers leave it out.
  bytes[first + 9] = 0;
  again.clear();
  ASSERT_FALSE(parseZip(bytes, "archive", again));
  EXPECT_EQ(again[0].name, name);
  // Code page 437 where it cannot be UTF-8.
  for (size_t at = 0; at + 3 < bytes.size(); ++at)
    if (bytes[at] == 0xc3 && bytes[at + 1] == 0xb6)
      bytes[at + 1] = 'o';
  again.clear();
  ASSERT_FALSE(parseZip(bytes, "archive", again));
  EXPECT_EQ(again[0].name.substr(0, 5), "gr\xe2\x94\x9c"); // a box's corner
}

TEST(ZipNames, OnlyUtf8IsSaidToBeUtf8) {
  EXPECT_EQ(zipNameFlags("x.npy"), 0);
  for (const char *name : {"\xc3\xa9", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(zipNameFlags(name), zipNameIsUtf8);
  for (const char *name :
       {"\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xff", "\xe2\x82", "\x80"}) {
    EXPECT_EQ(zipNameFlags(name), 0);
    EXPECT_NE(decodeZipName(name), name);
  }
}

TEST(ZipFile, DamagedFilesAreErrors) {
  for (const char *name : {"stored.npz", "deflated.npz"})
    torture(bytesOf(name), [](const std::vector<uint8_t> &bytes) {
      std::vector<ZipEntry> entries;
      parseZip(bytes, "bent", entries);
    });
}

TEST(ZipFile, WrongChecksumIsFound) {
  std::vector<ZipEntry> entries = {{"a", {1, 2, 3, 4}}};
  std::vector<uint8_t> bytes;
  ASSERT_FALSE(formatZip(entries, bytes));
  bytes[31] ^= 1; // the first byte behind the header of 30 and the name
  entries.clear();
  Outcome failure = parseZip(bytes, "archive", entries);
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->message.find("checksum"), std::string::npos);
}

TEST(TensorProtoFile, ReadsWhatOnnxWrites) {
  expectCounting(readOk("raw.pb"));
  expectCounting(readOk("floats.pb"));
  EXPECT_EQ(readOk("raw.pb").name, "x");
  Tensor ints = readOk("ints.pb");
  EXPECT_EQ(typeText(ints.dtype, ints.dims), "i8[3]");
  EXPECT_EQ(ints.integer(0), -1);
  EXPECT_EQ(ints.integer(2), 127);
  EXPECT_EQ(readOk("longs.pb").integer(0), -(int64_t(1) << 40));
  EXPECT_EQ(readOk("doubles.pb").real(0), 0.1);
  EXPECT_EQ(readOk("halves.pb").real(1), -2.0);
  EXPECT_EQ(readOk("bfloats.pb").real(0), 1.5);
  EXPECT_EQ(readOk("bools.pb").integer(0), 1);
  EXPECT_EQ(elementText(readOk("unsigned.pb"), 0), "9223372036854775809");
}

TEST(TensorProtoFile, StringsAreRefused) {
  Tensor tensor;
  Outcome failure = readTensor(data("strings.pb"), tensor);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ExitCode::BadInput);
}

TEST(TensorProtoFile, DamagedFilesAreErrors) {
  for (const char *name : {"raw.pb", "floats.pb", "longs.pb", "ints.pb"})
    torture(bytesOf(name), [](const std::vector<uint8_t> &bytes) {
      Tensor tensor;
      parseTensorProto(bytes, "bent", tensor);
    });
}

TEST(TensorFile, RawFilesTakeTheKnownShape) {
  std::string path = testing::TempDir() + "/sluice-raw.bin";
  std::ofstream(path, std::ios::binary).write("\1\0\2\0", 4);
  Tensor tensor;
  tensor.dtype = SLUICE_DTYPE_I16;
  tensor.dims = {2};
  ASSERT_FALSE(readTensor(path, tensor));
  EXPECT_EQ(tensor.integer(1), 2);
  tensor.dims = {3};
  EXPECT_TRUE(readTensor(path, tensor));
  std::filesystem::remove(path);
}

TEST(TensorFile, FoldersRoundTrip) {
  std::string folder = testing::TempDir() + "/sluice-run-tensors";
  std::filesystem::remove_all(folder);
  Tensor tensor = readOk("f32.npy");
  tensor.name = "layer/out";
  ASSERT_FALSE(writeTensors(folder, {tensor}));
  std::vector<Tensor> again;
  ASSERT_FALSE(readTensors(folder, again));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].name, "layer_out");
  expectCounting(again[0]);
  std::filesystem::remove_all(folder);
}

TEST(Files, UnwritableTargetsLeaveNothing) {
  std::string path = "/nonexistent/folder/file";
  Outcome failure = writeFile(path, "x", 1);
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->message.find("cannot write"), std::string::npos);
  failure = writeFile("/dev/full", "x", 1);
  EXPECT_TRUE(failure);
}
