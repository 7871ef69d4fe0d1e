//===- ZipFile.cpp - Zip archives, as far as .npz needs them -------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "ZipFile.h"

#include "ZipNames.h"

#include <algorithm>
#include <zlib.h>

using namespace sluice::run;

namespace {

constexpr uint32_t localMagic = 0x04034b50;
constexpr uint32_t centralMagic = 0x02014b50;
constexpr uint32_t endMagic = 0x06054b50;
constexpr uint32_t end64Magic = 0x06064b50;
constexpr uint32_t locator64Magic = 0x07064b50;
constexpr size_t endSize = 22, centralSize = 46, localSize = 30;
/// Deflate's best ratio is 1032; more means a lying size.
constexpr uint64_t maximumRatio = 1100;

/// Reads little-endian numbers; out of range reads give 0 and are remembered.
class Reader {
public:
  explicit Reader(const std::vector<uint8_t> &bytes) : bytes(bytes) {}

  uint64_t number(uint64_t offset, unsigned width) {
    if (!has(offset, width)) {
      failed = true;
      return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i)
      value |= uint64_t(bytes[offset + i]) << 8 * i;
    return value;
  }

  bool has(uint64_t offset, uint64_t length) const {
    return offset <= bytes.size() && length <= bytes.size() - offset;
  }

  const std::vector<uint8_t> &bytes;
  bool failed = false;
};

struct CentralEntry {
  std::string name;
  uint64_t flags, method, crc, packedSize, size, offset;
  uint64_t next;
};

/// Sizes that do not fit 32 bits, in this order.
void readExtra64(Reader &reader, uint64_t offset, CentralEntry &entry) {
  for (uint64_t *value : {&entry.size, &entry.packedSize, &entry.offset})
    if (*value == 0xffffffff) {
      *value = reader.number(offset, 8);
      offset += 8;
    }
}

/// The name in UTF-8, if it belongs to the name that the header has.
void readExtraName(Reader &reader, uint64_t offset, uint64_t length,
                   CentralEntry &entry) {
  constexpr uint64_t start = 5; // behind a version and the checksum
  const auto *name = reinterpret_cast<const uint8_t *>(entry.name.data());
  if (length < start || !reader.has(offset, length) ||
      reader.number(offset, 1) != 1 ||
      reader.number(offset + 1, 4) != crc32_z(0, name, entry.name.size()))
    return;
  entry.name.assign(reinterpret_cast<const char *>(reader.bytes.data()) +
                        offset + start,
                    length - start);
  entry.flags |= zipNameIsUtf8;
}

void readExtraFields(Reader &reader, uint64_t offset, uint64_t end,
                     CentralEntry &entry) {
  constexpr uint64_t sizesTag = 1, nameTag = 0x7075;
  while (offset + 4 <= end) {
    uint64_t tag = reader.number(offset, 2);
    uint64_t length = reader.number(offset + 2, 2);
    offset += 4;
    if (tag == sizesTag)
      readExtra64(reader, offset, entry);
    else if (tag == nameTag && offset + length <= end)
      readExtraName(reader, offset, length, entry);
    offset += length;
  }
}

CentralEntry readCentral(Reader &reader, uint64_t at) {
  CentralEntry entry;
  entry.flags = reader.number(at + 8, 2);
  entry.method = reader.number(at + 10, 2);
  entry.crc = reader.number(at + 16, 4);
  entry.packedSize = reader.number(at + 20, 4);
  entry.size = reader.number(at + 24, 4);
  uint64_t nameLength = reader.number(at + 28, 2);
  uint64_t extraLength = reader.number(at + 30, 2);
  uint64_t commentLength = reader.number(at + 32, 2);
  entry.offset = reader.number(at + 42, 4);
  uint64_t name = at + centralSize;
  if (reader.has(name, nameLength))
    entry.name.assign(reinterpret_cast<const char *>(&reader.bytes[0]) + name,
                      nameLength);
  else
    reader.failed = true;
  uint64_t extra = name + nameLength;
  readExtraFields(reader, extra, extra + extraLength, entry);
  if (!(entry.flags & zipNameIsUtf8))
    entry.name = decodeZipName(entry.name);
  entry.next = extra + extraLength + commentLength;
  return entry;
}

bool inflateRaw(const uint8_t *packed, uint64_t packedSize,
                std::vector<uint8_t> &data) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return false;
  // zlib counts in 32 bits, so both sides are fed in pieces.
  constexpr uint64_t piece = 1u << 30;
  uint64_t given = 0, taken = 0;
  Bytef nothing = 0; // zlib refuses null pointers
  int status = Z_OK;
  while (status == Z_OK) {
    if (stream.avail_in == 0) {
      uint64_t count = std::min(piece, packedSize - given);
      stream.next_in = const_cast<Bytef *>(packed + given);
      stream.avail_in = uInt(count);
      given += count;
    }
    if (stream.avail_out == 0) {
      uint64_t count = std::min(piece, uint64_t(data.size()) - taken);
      stream.next_out = data.empty() ? &nothing : data.data() + taken;
      stream.avail_out = uInt(count);
      taken += count;
    }
    status = inflate(&stream, Z_NO_FLUSH);
  }
  bool whole =
      status == Z_STREAM_END && taken == data.size() && stream.avail_out == 0;
  inflateEnd(&stream);
  return whole;
}

uint32_t checksum(const std::vector<uint8_t> &data) {
  return uint32_t(crc32_z(0, data.data(), data.size()));
}

/// The data of one entry; a message when it cannot be had.
const char *unpack(Reader &reader, const CentralEntry &entry,
                   std::vector<uint8_t> &data) {
  if (entry.flags & 1)
    return "an entry is encrypted";
  if (reader.number(entry.offset, 4) != localMagic)
    return "an entry is missing";
  uint64_t start = entry.offset + localSize +
                   reader.number(entry.offset + 26, 2) +
                   reader.number(entry.offset + 28, 2);
  if (reader.failed || !reader.has(start, entry.packedSize))
    return "an entry is cut off";
  const uint8_t *packed = reader.bytes.data() + start;
  if (entry.method == 0) {
    if (entry.size != entry.packedSize)
      return "an entry has two sizes";
    data.assign(packed, packed + entry.size);
  } else if (entry.method == Z_DEFLATED) {
    if (entry.size / maximumRatio > entry.packedSize)
      return "an entry claims an impossible size";
    data.resize(entry.size);
    if (!inflateRaw(packed, entry.packedSize, data))
      return "an entry cannot be unpacked";
  } else {
    return "an entry is compressed in another way than deflate";
  }
  return checksum(data) == entry.crc ? nullptr
                                     : "an entry's checksum does not match";
}

} // namespace

Outcome sluice::run::parseZip(const std::vector<uint8_t> &bytes,
                              const std::string &what,
                              std::vector<ZipEntry> &entries) {
  auto damaged = [&](const char *why) {
    return badInput("'" + what + "' is not a valid .npz file: " + why);
  };
  Reader reader(bytes);
  // The end record is last but for a comment of at most 64 KB.
  uint64_t end = bytes.size() < endSize ? 0 : bytes.size() - endSize;
  uint64_t stop = end > 0xffff ? end - 0xffff : 0;
  while (end > stop && reader.number(end, 4) != endMagic)
    --end;
  if (bytes.size() < endSize || reader.number(end, 4) != endMagic)
    return damaged("it has no table of contents");
  uint64_t count = reader.number(end + 10, 2);
  uint64_t at = reader.number(end + 16, 4);
  if ((count == 0xffff || at == 0xffffffff) && end >= 20 &&
      reader.number(end - 20, 4) == locator64Magic) {
    uint64_t end64 = reader.number(end - 12, 8);
    if (reader.number(end64, 4) != end64Magic)
      return damaged("its table of contents is damaged");
    count = reader.number(end64 + 32, 8);
    at = reader.number(end64 + 48, 8);
  }
  for (uint64_t i = 0; i < count; ++i) {
    if (reader.number(at, 4) != centralMagic)
      return damaged("its table of contents is damaged");
    CentralEntry central = readCentral(reader, at);
    if (reader.failed)
      return damaged("its table of contents is cut off");
    ZipEntry entry;
    entry.name = central.name;
    if (const char *why = unpack(reader, central, entry.data))
      return damaged(why);
    entries.push_back(std::move(entry));
    at = central.next;
  }
  return {};
}

static void append(std::vector<uint8_t> &bytes, uint64_t value,
                   unsigned width) {
  for (unsigned i = 0; i < width; ++i)
    bytes.push_back(uint8_t(value >> 8 * i));
}

/// What local and central headers have in common, from the version on.
static void appendCommon(std::vector<uint8_t> &bytes, const ZipEntry &entry) {
  constexpr uint64_t firstDate = 0x21; // 1 January 1980
  append(bytes, 20, 2);                // version needed
  append(bytes, zipNameFlags(entry.name), 2);
  append(bytes, 0, 2); // stored
  append(bytes, 0, 2); // time
  append(bytes, firstDate, 2);
  append(bytes, checksum(entry.data), 4);
  append(bytes, entry.data.size(), 4);
  append(bytes, entry.data.size(), 4);
  append(bytes, entry.name.size(), 2);
  append(bytes, 0, 2); // extra field
}

Outcome sluice::run::formatZip(const std::vector<ZipEntry> &entries,
                               std::vector<uint8_t> &bytes) {
  std::vector<uint8_t> central;
  for (const ZipEntry &entry : entries) {
    uint64_t offset = bytes.size();
    if (offset + entry.data.size() > 0xfffffff0u || entries.size() > 0xfffe)
      return badInput("the outputs are too large for one .npz file; save them "
                      "to a folder");
    append(bytes, localMagic, 4);
    appendCommon(bytes, entry);
    bytes.insert(bytes.end(), entry.name.begin(), entry.name.end());
    bytes.insert(bytes.end(), entry.data.begin(), entry.data.end());
    append(central, centralMagic, 4);
    append(central, 20, 2); // version made by
    appendCommon(central, entry);
    append(central, 0, 2); // comment
    append(central, 0, 2); // disk
    append(central, 0, 2); // internal attributes
    append(central, 0, 4); // external attributes
    append(central, offset, 4);
    central.insert(central.end(), entry.name.begin(), entry.name.end());
  }
  uint64_t start = bytes.size();
  bytes.insert(bytes.end(), central.begin(), central.end());
  append(bytes, endMagic, 4);
  append(bytes, 0, 4); // disks
  append(bytes, entries.size(), 2);
  append(bytes, entries.size(), 2);
  append(bytes, central.size(), 4);
  append(bytes, start, 4);
  append(bytes, 0, 2); // comment
  return {};
}
