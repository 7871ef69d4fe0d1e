//===- WireCursor.cpp - Bounded reading of the protobuf wire format -------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "WireCursor.h"

#include "Messages.h"

using namespace sluice::onnx_detail;

std::optional<uint64_t>
sluice::onnx_detail::takeVarint(llvm::StringRef &bytes) {
  constexpr unsigned longestVarint = 10;
  uint64_t value = 0;
  for (unsigned index = 0; index < longestVarint && index < bytes.size();
       ++index) {
    auto byte = static_cast<unsigned char>(bytes[index]);
    // The tenth byte has room for one bit; protobuf drops the others too.
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * index);
    if (byte < 0x80) {
      bytes = bytes.drop_front(index + 1);
      return value;
    }
  }
  return std::nullopt;
}

void sluice::onnx_detail::appendVarint(std::string &output, uint64_t value) {
  while (value >= 0x80) {
    output += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  output += static_cast<char>(value);
}

void sluice::onnx_detail::appendLengthDelimited(std::string &output,
                                                uint32_t number,
                                                llvm::StringRef contents) {
  appendVarint(output, uint64_t(number) << 3 |
                           static_cast<uint64_t>(WireType::LengthDelimited));
  appendVarint(output, contents.size());
  output += contents;
}

void sluice::onnx_detail::appendVarintField(std::string &output,
                                            uint32_t number, uint64_t value) {
  appendVarint(output, uint64_t(number) << 3);
  appendVarint(output, value);
}

llvm::Expected<WireField> WireCursor::next() {
  llvm::StringRef start = rest;
  llvm::StringRef bytes = rest;
  std::optional<uint64_t> tag = takeVarint(bytes);
  if (!tag)
    return makeError("a field tag is cut off");
  WireField field;
  constexpr uint64_t largestFieldNumber = (uint64_t(1) << 29) - 1;
  uint64_t number = *tag >> 3;
  if (number == 0 || number > largestFieldNumber)
    return makeError("field number " + llvm::Twine(number) + " is not allowed");
  field.number = static_cast<uint32_t>(number);

  uint64_t size = 0;
  switch (*tag & 7) {
  case 0: {
    field.type = WireType::Varint;
    llvm::StringRef afterVarint = bytes;
    if (!takeVarint(afterVarint))
      return makeError("the number in field " + llvm::Twine(number) +
                       " is cut off");
    size = bytes.size() - afterVarint.size();
    break;
  }
  case 1:
    field.type = WireType::Fixed64;
    size = 8;
    break;
  case 2: {
    field.type = WireType::LengthDelimited;
    std::optional<uint64_t> length = takeVarint(bytes);
    if (!length)
      return makeError("the length of field " + llvm::Twine(number) +
                       " is cut off");
    size = *length;
    break;
  }
  case 5:
    field.type = WireType::Fixed32;
    size = 4;
    break;
  default:
    return makeError("field " + llvm::Twine(number) + " has wire type " +
                     llvm::Twine(*tag & 7) + ", which ONNX does not use");
  }
  if (size > bytes.size())
    return makeError("field " + llvm::Twine(number) + " takes " +
                     llvm::Twine(size) + " bytes, but only " +
                     llvm::Twine(bytes.size()) + " are left");
  field.contents = bytes.take_front(size);
  rest = bytes.drop_front(size);
  field.encoded = start.take_front(start.size() - rest.size());
  return field;
}
