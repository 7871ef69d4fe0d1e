//===- TensorProtoFile.cpp - ONNX TensorProto files ----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "TensorProtoFile.h"

#include <climits>
#include <cstring>
#include <google/protobuf/io/coded_stream.h>

using namespace sluice::run;
using google::protobuf::io::CodedInputStream;

namespace {

/// Field numbers of onnx.TensorProto.
enum Field {
  Dims = 1,
  DataType = 2,
  FloatData = 4,
  Int32Data = 5,
  StringData = 6,
  Int64Data = 7,
  Name = 8,
  RawData = 9,
  DoubleData = 10,
  Uint64Data = 11,
  DataLocation = 14
};

enum WireType { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// The message before its data is put into the element type.
struct Message {
  std::vector<int64_t> dims;
  uint64_t dataType = 0;
  uint64_t location = 0;
  std::string name;
  std::vector<uint64_t> integers; // int32_data, int64_data, uint64_data
  std::vector<uint8_t> reals;     // float_data, double_data, as stored
  std::vector<uint8_t> raw;
  bool hasStrings = false;
};

bool readBytes(CodedInputStream &stream, std::vector<uint8_t> &bytes) {
  uint32_t length;
  if (!stream.ReadVarint32(&length) || length > INT_MAX ||
      stream.BytesUntilLimit() < int(length))
    return false;
  size_t start = bytes.size();
  bytes.resize(start + length);
  return stream.ReadRaw(bytes.data() + start, int(length));
}

/// A repeated integer field, packed or not.
template <typename T>
bool readIntegers(CodedInputStream &stream, int wireType,
                  std::vector<T> &values) {
  uint64_t value;
  if (wireType == Varint) {
    if (!stream.ReadVarint64(&value))
      return false;
    values.push_back(T(value));
    return true;
  }
  uint32_t length;
  if (wireType != Bytes || !stream.ReadVarint32(&length) || length > INT_MAX ||
      stream.BytesUntilLimit() < int(length))
    return false;
  int end = stream.CurrentPosition() + int(length);
  while (stream.CurrentPosition() < end) {
    if (!stream.ReadVarint64(&value))
      return false;
    values.push_back(T(value));
  }
  return stream.CurrentPosition() == end;
}

/// A repeated floating-point field: its bytes are already the elements'.
bool readReals(CodedInputStream &stream, int wireType, unsigned width,
               std::vector<uint8_t> &bytes) {
  if (wireType == Bytes)
    return readBytes(stream, bytes);
  if (wireType != (width == 4 ? Fixed32 : Fixed64))
    return false;
  size_t start = bytes.size();
  bytes.resize(start + width);
  return stream.ReadRaw(bytes.data() + start, int(width));
}

bool skipField(CodedInputStream &stream, int wireType) {
  uint64_t ignored;
  uint32_t length;
  switch (wireType) {
  case Varint:
    return stream.ReadVarint64(&ignored);
  case Fixed64:
    return stream.Skip(8);
  case Fixed32:
    return stream.Skip(4);
  case Bytes:
    return stream.ReadVarint32(&length) && length <= INT_MAX &&
           stream.Skip(int(length));
  }
  return false; // groups do not occur in ONNX
}

bool readField(CodedInputStream &stream, uint32_t tag, Message &message) {
  int wireType = tag & 7;
  switch (tag >> 3) {
  case Dims:
    return readIntegers(stream, wireType, message.dims);
  case DataType:
    return wireType == Varint && stream.ReadVarint64(&message.dataType);
  case DataLocation:
    return wireType == Varint && stream.ReadVarint64(&message.location);
  case FloatData:
    return readReals(stream, wireType, 4, message.reals);
  case DoubleData:
    return readReals(stream, wireType, 8, message.reals);
  case Int32Data:
  case Int64Data:
  case Uint64Data:
    return readIntegers(stream, wireType, message.integers);
  case RawData:
    return wireType == Bytes && readBytes(stream, message.raw);
  case Name: {
    std::vector<uint8_t> bytes;
    if (wireType != Bytes || !readBytes(stream, bytes))
      return false;
    message.name.assign(bytes.begin(), bytes.end());
    return true;
  }
  case StringData:
    message.hasStrings = true;
    return skipField(stream, wireType);
  default:
    return skipField(stream, wireType);
  }
}

bool readMessage(const std::vector<uint8_t> &bytes, Message &message) {
  CodedInputStream stream(bytes.data(), int(bytes.size()));
  CodedInputStream::Limit limit = stream.PushLimit(int(bytes.size()));
  while (uint32_t tag = stream.ReadTag())
    if (!readField(stream, tag, message))
      return false;
  bool whole = stream.ConsumedEntireMessage();
  stream.PopLimit(limit);
  return whole;
}

/// The low bytes of the integers, one element each.
std::vector<uint8_t> narrow(const std::vector<uint64_t> &integers,
                            size_t width) {
  std::vector<uint8_t> data(integers.size() * width);
  for (size_t i = 0; i < integers.size(); ++i)
    std::memcpy(data.data() + i * width, &integers[i], width);
  return data;
}

} // namespace

Outcome sluice::run::parseTensorProto(const std::vector<uint8_t> &bytes,
                                      const std::string &what, Tensor &tensor) {
  Message message;
  if (bytes.size() > INT_MAX || !readMessage(bytes, message))
    return badInput("'" + what + "' is not a valid ONNX tensor");
  size_t width = message.dataType > INT_MAX
                     ? 0
                     : sluice_dtype_size(sluice_dtype(message.dataType));
  if (message.hasStrings || width == 0)
    return badInput("'" + what + "' has elements of ONNX type " +
                    std::to_string(message.dataType) +
                    ", which models do not take");
  if (message.location != 0)
    return badInput("'" + what + "' keeps its data in another file");
  tensor.name = message.name;
  tensor.dtype = sluice_dtype(message.dataType);
  tensor.dims = message.dims;
  if (!message.raw.empty())
    tensor.data = std::move(message.raw);
  else if (!message.reals.empty())
    tensor.data = std::move(message.reals);
  else
    tensor.data = narrow(message.integers, width);
  size_t size;
  if (!byteSize(tensor.dtype, tensor.dims, size) || size != tensor.data.size())
    return badInput("'" + what + "' has " + std::to_string(tensor.data.size()) +
                    " bytes of data, which is not what " +
                    typeText(tensor.dtype, tensor.dims) + " has");
  return {};
}
