//===- WireCursor.h - Bounded reading of the protobuf wire format -*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_WIRECURSOR_H
#define SLUICE_LIB_IMPORT_ONNX_WIRECURSOR_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::onnx_detail {

enum class WireType : uint8_t {
  Varint = 0,
  Fixed64 = 1,
  LengthDelimited = 2,
  Fixed32 = 5,
};

/// One field of a message, as it lies in the file.
struct WireField {
  uint32_t number = 0;
  WireType type = WireType::Varint;
  /// Tag, length and contents.
  llvm::StringRef encoded;
  /// The contents: of a length-delimited field what follows the length.
  llvm::StringRef contents;
};

/// Walks over the fields of one message and never beyond its end.
class WireCursor {
public:
  explicit WireCursor(llvm::StringRef message) : rest(message) {}

  bool atEnd() const { return rest.empty(); }
  /// What was not read yet; its start is where an error is.
  llvm::StringRef remaining() const { return rest; }
  /// The next field; the cursor must not be at the end.
  llvm::Expected<WireField> next();

private:
  llvm::StringRef rest;
};

/// Takes a varint off the front of `bytes`; none if it is cut off or too long.
std::optional<uint64_t> takeVarint(llvm::StringRef &bytes);
void appendVarint(std::string &output, uint64_t value);
void appendLengthDelimited(std::string &output, uint32_t number,
                           llvm::StringRef contents);
void appendVarintField(std::string &output, uint32_t number, uint64_t value);

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_WIRECURSOR_H
