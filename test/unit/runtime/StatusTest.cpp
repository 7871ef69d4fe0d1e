//===- StatusTest.cpp - Names, sizes and hashes --------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/sluice.h"

extern "C" {
#include "hash.h"
#include "status.h"
}

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

TEST(Status, EveryStatusHasItsOwnName) {
  std::set<std::string> names;
  for (int status = SLUICE_OK; status <= SLUICE_INTERNAL; ++status)
    names.insert(sluice_status_name(static_cast<sluice_status>(status)));
  EXPECT_EQ(names.size(), SLUICE_INTERNAL + 1u);
  EXPECT_EQ(names.count("unknown status"), 0u);
  EXPECT_STREQ(sluice_status_name(static_cast<sluice_status>(999)),
               "unknown status");
}

TEST(Status, ApiVersionIsTheHeaders) {
  EXPECT_EQ(sluice_api_version(), SLUICE_API_VERSION);
}

TEST(Status, DtypesHaveNamesAndSizes) {
  EXPECT_STREQ(sluice_dtype_name(SLUICE_DTYPE_BF16), "bf16");
  EXPECT_EQ(sluice_dtype_size(SLUICE_DTYPE_BF16), 2u);
  EXPECT_EQ(sluice_dtype_size(SLUICE_DTYPE_I64), 8u);
  EXPECT_EQ(sluice_dtype_size(SLUICE_DTYPE_BOOL), 1u);
  EXPECT_EQ(sluice_dtype_size(SLUICE_DTYPE_C128), 16u);
  EXPECT_STREQ(sluice_dtype_name(SLUICE_DTYPE_F8E4M3FNUZ), "f8e4m3fnuz");
  EXPECT_EQ(sluice_dtype_bits(SLUICE_DTYPE_F8E8M0), 8);
  EXPECT_EQ(sluice_dtype_bits(SLUICE_DTYPE_I4), 4);
  EXPECT_EQ(sluice_dtype_bits(SLUICE_DTYPE_U2), 2);
  EXPECT_EQ(sluice_dtype_bits(SLUICE_DTYPE_F6E3M2), 6);
  // Several of them share a byte.
  EXPECT_EQ(sluice_dtype_size(SLUICE_DTYPE_I4), 0u);
  // ONNX's numbers but those of no type and of strings.
  std::set<std::string> names;
  for (int number = 1; number <= SLUICE_DTYPE_F6E3M2; ++number)
    if (number != 8) {
      names.insert(sluice_dtype_name(static_cast<sluice_dtype>(number)));
      EXPECT_GT(sluice_dtype_bits(static_cast<sluice_dtype>(number)), 0);
    }
  EXPECT_EQ(names.size(), 27u);
  EXPECT_EQ(names.count("undefined"), 0u);
  for (int number : {-1, 0, 8, 29, 1 << 30}) {
    EXPECT_EQ(sluice_dtype_bits(static_cast<sluice_dtype>(number)), 0);
    EXPECT_STREQ(sluice_dtype_name(static_cast<sluice_dtype>(number)),
                 "undefined");
    EXPECT_EQ(sluice_dtype_size(static_cast<sluice_dtype>(number)), 0u);
  }
}

TEST(Status, LongMessagesAreCutNotOverrun) {
  sluice_error error;
  std::string longText(2000, 'x');
  EXPECT_EQ(sluice_fail(&error, SLUICE_BUSY, "%s", longText.c_str()),
            SLUICE_BUSY);
  EXPECT_EQ(std::strlen(error.message), SLUICE_MESSAGE_SIZE - 1u);
  EXPECT_EQ(sluice_fail(nullptr, SLUICE_BUSY, "nobody listens"), SLUICE_BUSY);
}

TEST(Status, PackedSizesAreWholeBytes) {
  size_t size = 0;
  int64_t three[] = {3}, five[] = {1, 5}, none[] = {0},
          many[] = {INT64_MAX / 2};
  EXPECT_TRUE(sluice_byte_size(SLUICE_DTYPE_U4, 1, three, &size));
  EXPECT_EQ(size, 2u);
  EXPECT_TRUE(sluice_byte_size(SLUICE_DTYPE_I2, 2, five, &size));
  EXPECT_EQ(size, 2u);
  EXPECT_TRUE(sluice_byte_size(SLUICE_DTYPE_F6E2M3, 1, three, &size));
  EXPECT_EQ(size, 3u);
  EXPECT_TRUE(sluice_byte_size(SLUICE_DTYPE_F4E2M1, 1, none, &size));
  EXPECT_EQ(size, 0u);
  EXPECT_TRUE(sluice_byte_size(SLUICE_DTYPE_F4E2M1, 0, nullptr, &size));
  EXPECT_EQ(size, 1u);
  EXPECT_FALSE(sluice_byte_size(SLUICE_DTYPE_U4, 1, many, &size));
}

TEST(Status, ByteSizeChecksForOverflow) {
  size_t size = 1;
  int64_t empty[] = {int64_t(1) << 62, int64_t(1) << 62, 0};
  EXPECT_TRUE(sluice_byte_size(SLUICE_DTYPE_F32, 3, empty, &size));
  EXPECT_EQ(size, 0u);
  EXPECT_FALSE(sluice_byte_size(SLUICE_DTYPE_F32, 2, empty, &size));
  int64_t negative[] = {0, -1};
  EXPECT_FALSE(sluice_byte_size(SLUICE_DTYPE_F32, 2, negative, &size));
  EXPECT_TRUE(sluice_byte_size(SLUICE_DTYPE_F64, 0, nullptr, &size));
  EXPECT_EQ(size, 8u);
}

// The values are those that xxhsum -H64 prints.
TEST(Hash, KnownValues) {
  EXPECT_EQ(sluice_hash_bytes("", 0), 0xef46db3751d8e999u);
  EXPECT_EQ(sluice_hash_bytes("a", 1), 0xd24ec4f1a98c6e5bu);
  EXPECT_EQ(sluice_hash_bytes("abc", 3), 0x44bc2cf5ad770999u);
}

TEST(Hash, PiecesHashLikeTheWhole) {
  std::vector<uint8_t> data(1000);
  for (size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<uint8_t>(i * i + 3 * i);
  for (size_t size : {0, 1, 31, 32, 33, 63, 64, 100, 1000})
    for (size_t piece : {1, 3, 8, 31, 32, 33, 500}) {
      sluice_hash hash;
      sluice_hash_begin(&hash);
      for (size_t at = 0; at < size; at += piece)
        sluice_hash_add(&hash, data.data() + at, std::min(piece, size - at));
      EXPECT_EQ(sluice_hash_end(&hash), sluice_hash_bytes(data.data(), size));
    }
}
