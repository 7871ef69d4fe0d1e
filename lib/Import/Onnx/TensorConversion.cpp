//===- TensorConversion.cpp - TensorProto to OnnxTensor -------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TensorConversion.h"

#include "Messages.h"
#include "OnnxSchema.h"
#include "WireCursor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SwapByteOrder.h"
#include "llvm/Support/raw_ostream.h"

#include <google/protobuf/unknown_field_set.h>

using namespace sluice;
using namespace sluice::onnx_detail;
using onnx::TensorProto;

// Tensor data is used as it lies in the file, which is little-endian.
static_assert(llvm::sys::IsLittleEndianHost,
              "big-endian hosts would have to swap the bytes of weights");

static llvm::StringRef dataFieldName(uint32_t field) {
  switch (field) {
  case TensorProto::kFloatDataFieldNumber:
    return "float_data";
  case TensorProto::kInt32DataFieldNumber:
    return "int32_data";
  case TensorProto::kStringDataFieldNumber:
    return "string_data";
  case TensorProto::kInt64DataFieldNumber:
    return "int64_data";
  case TensorProto::kDoubleDataFieldNumber:
    return "double_data";
  case TensorProto::kUint64DataFieldNumber:
    return "uint64_data";
  default:
    return "raw_data";
  }
}

/// The typed field that holds elements of `type`.
static uint32_t typedDataField(OnnxElementType type) {
  switch (type) {
  case OnnxElementType::Float:
  case OnnxElementType::Complex64:
    return TensorProto::kFloatDataFieldNumber;
  case OnnxElementType::Double:
  case OnnxElementType::Complex128:
    return TensorProto::kDoubleDataFieldNumber;
  case OnnxElementType::Int64:
    return TensorProto::kInt64DataFieldNumber;
  case OnnxElementType::UInt32:
  case OnnxElementType::UInt64:
    return TensorProto::kUint64DataFieldNumber;
  case OnnxElementType::String:
    return TensorProto::kStringDataFieldNumber;
  default:
    return TensorProto::kInt32DataFieldNumber;
  }
}

namespace {

/// All data of one TensorProto, wherever it is.
class TensorData {
public:
  /// Fails when there is data in more than one field.
  llvm::Error collect(const TensorProto &proto,
                      llvm::ArrayRef<TensorDataReference> references);

  bool empty() const { return field == 0; }
  /// The field of TensorProto that has the data.
  uint32_t field = 0;
  /// Its contents as in the file, in one or more pieces.
  llvm::SmallVector<llvm::StringRef, 1> pieces;
  /// Whether the pieces lie in the file, not in this object.
  bool isInFile() const { return unpacked.empty(); }

private:
  llvm::Error setField(uint32_t number);
  /// A field whose elements came one by one, encoded as if packed.
  std::string unpacked;
};

} // namespace

llvm::Error TensorData::setField(uint32_t number) {
  if (field != 0 && field != number)
    return makeError("has data in both " + dataFieldName(field) + " and " +
                     dataFieldName(number));
  field = number;
  return llvm::Error::success();
}

llvm::Error
TensorData::collect(const TensorProto &proto,
                    llvm::ArrayRef<TensorDataReference> references) {
  const google::protobuf::UnknownFieldSet &unknown = proto.unknown_fields();
  for (int index = 0; index < unknown.field_count(); ++index) {
    const google::protobuf::UnknownField &reference = unknown.field(index);
    if (reference.number() != dataReferenceField)
      continue;
    if (reference.type() != google::protobuf::UnknownField::TYPE_VARINT ||
        reference.varint() >= references.size())
      return makeError("has damaged data");
    const TensorDataReference &data = references[reference.varint()];
    if (llvm::Error error = setField(data.field))
      return error;
    pieces.push_back(data.contents);
  }
  if (field == TensorProto::kRawDataFieldNumber && pieces.size() > 1)
    return makeError("has raw_data twice");

  // Elements that were not packed arrive through protobuf's own fields.
  auto appendFixed = [&](auto value) {
    unpacked.append(reinterpret_cast<const char *>(&value), sizeof(value));
  };
  auto appendInteger = [&](auto value) {
    appendVarint(unpacked, static_cast<uint64_t>(value));
  };
  auto takeElements = [&](uint32_t number, const auto &elements,
                          auto append) -> llvm::Error {
    if (elements.empty())
      return llvm::Error::success();
    if (!pieces.empty())
      return makeError("has packed and unpacked data");
    for (const auto &element : elements)
      append(element);
    return setField(number);
  };
  if (llvm::Error error = takeElements(TensorProto::kFloatDataFieldNumber,
                                       proto.float_data(), appendFixed))
    return error;
  if (llvm::Error error = takeElements(TensorProto::kDoubleDataFieldNumber,
                                       proto.double_data(), appendFixed))
    return error;
  if (llvm::Error error = takeElements(TensorProto::kInt32DataFieldNumber,
                                       proto.int32_data(), appendInteger))
    return error;
  if (llvm::Error error = takeElements(TensorProto::kInt64DataFieldNumber,
                                       proto.int64_data(), appendInteger))
    return error;
  if (llvm::Error error = takeElements(TensorProto::kUint64DataFieldNumber,
                                       proto.uint64_data(), appendInteger))
    return error;
  if (!unpacked.empty())
    pieces.push_back(unpacked);
  if (proto.string_data_size() != 0)
    return setField(TensorProto::kStringDataFieldNumber);
  return llvm::Error::success();
}

/// Whether an entry of int32_data is a value of the integer type `type`; types
/// that are bit patterns take any value of their width.
static bool fitsElement(OnnxElementType type, int64_t value) {
  switch (type) {
  case OnnxElementType::Int8:
    return llvm::isInt<8>(value);
  case OnnxElementType::Int16:
    return llvm::isInt<16>(value);
  case OnnxElementType::Int32:
    return llvm::isInt<32>(value);
  case OnnxElementType::Int64:
  case OnnxElementType::UInt64:
    return true;
  case OnnxElementType::UInt32:
    return llvm::isUInt<32>(value);
  case OnnxElementType::Int4:
  case OnnxElementType::Int2:
    // A byte of packed elements, written signed or unsigned.
    return llvm::isUInt<8>(value) || llvm::isInt<8>(value);
  case OnnxElementType::Float6E2M3:
  case OnnxElementType::Float6E3M2:
    return llvm::isUInt<6>(value);
  default:
    return bitWidth(type) == 16 ? llvm::isUInt<16>(value)
                                : llvm::isUInt<8>(value);
  }
}

/// Decodes varints to the bytes that raw_data would have.
static llvm::Expected<std::string>
decodeVarints(const TensorData &data, OnnxElementType type, uint64_t size) {
  std::string bytes;
  bool isSixBit = bitWidth(type) == 6;
  unsigned bytesPerEntry = std::max(bitWidth(type) / 8, 1u);
  bool isInt32 = data.field == TensorProto::kInt32DataFieldNumber;
  uint64_t bitBuffer = 0;
  unsigned bitCount = 0;
  for (llvm::StringRef piece : data.pieces) {
    while (!piece.empty()) {
      std::optional<uint64_t> entry = takeVarint(piece);
      if (!entry)
        return makeError(dataFieldName(data.field) + " is cut off");
      auto value = static_cast<int64_t>(*entry);
      if (isInt32)
        value = static_cast<int32_t>(value);
      if (!fitsElement(type, value))
        return makeError(dataFieldName(data.field) + " has the value " +
                         llvm::Twine(value) + ", which is no " +
                         elementTypeName(type));
      if (isSixBit) {
        bitBuffer |= static_cast<uint64_t>(value) << bitCount;
        for (bitCount += 6; bitCount >= 8; bitCount -= 8, bitBuffer >>= 8)
          bytes += static_cast<char>(bitBuffer);
        continue;
      }
      auto littleEndian = static_cast<uint64_t>(value);
      bytes.append(reinterpret_cast<const char *>(&littleEndian),
                   bytesPerEntry);
      if (bytes.size() > size)
        break;
    }
  }
  if (bitCount != 0)
    bytes += static_cast<char>(bitBuffer);
  return bytes;
}

/// "FLOAT[2,3]".
static std::string describeType(const OnnxTensor &tensor) {
  std::string text = elementTypeName(tensor.elementType);
  llvm::raw_string_ostream stream(text);
  stream << '[';
  llvm::interleave(tensor.dims, stream, ",");
  stream << ']';
  return text;
}

/// Fills in the bytes of `tensor` from `data`; `size` is what its shape needs.
static llvm::Error setBytes(OnnxTensor &tensor, const TensorData &data,
                            uint64_t size, const TensorSource &source) {
  if (data.empty() && size == 0)
    return llvm::Error::success();
  if (data.empty())
    return makeError("has no data");
  auto checkSize = [&](uint64_t actual) -> llvm::Error {
    if (actual == size)
      return llvm::Error::success();
    return makeError(dataFieldName(data.field) + " does not have the " +
                     llvm::Twine(size) + " bytes that " + describeType(tensor) +
                     " needs");
  };
  bool isVarint = data.field == TensorProto::kInt32DataFieldNumber ||
                  data.field == TensorProto::kInt64DataFieldNumber ||
                  data.field == TensorProto::kUint64DataFieldNumber;
  if (!isVarint && data.pieces.size() == 1 && data.isInFile()) {
    llvm::StringRef contents = data.pieces.front();
    tensor.bytes = llvm::ArrayRef<char>(contents.data(), contents.size());
    tensor.owner = source.owner;
    return checkSize(contents.size());
  }
  std::string decoded;
  if (isVarint) {
    llvm::Expected<std::string> bytes =
        decodeVarints(data, tensor.elementType, size);
    if (!bytes)
      return bytes.takeError();
    decoded = std::move(*bytes);
  } else {
    for (llvm::StringRef piece : data.pieces)
      decoded += piece;
  }
  if (llvm::Error error = checkSize(decoded.size()))
    return error;
  tensor = makeOwnedTensor(std::move(tensor.name), tensor.elementType,
                           std::move(tensor.dims), std::move(decoded));
  return llvm::Error::success();
}

static llvm::Expected<ExternalLocation>
readExternalLocation(const TensorProto &proto) {
  ExternalLocation where;
  for (const onnx::StringStringEntryProto &entry : proto.external_data()) {
    llvm::StringRef key = entry.key(), value = entry.value();
    if (key == "location") {
      where.location = value.str();
    } else if (key == "offset" || key == "length") {
      uint64_t number = 0;
      if (value.getAsInteger(10, number))
        return makeError("external data: " + key + " " + quote(value) +
                         " is not a number of bytes");
      if (key == "offset")
        where.offset = number;
      else
        where.length = number;
    }
    // A checksum may follow; reading all weights for it would cost more than
    // the compiler's own checks of what it writes.
  }
  return where;
}

static llvm::Error setExternalBytes(OnnxTensor &tensor,
                                    const TensorProto &proto, uint64_t size,
                                    const TensorSource &source) {
  llvm::Expected<ExternalLocation> where = readExternalLocation(proto);
  if (!where)
    return where.takeError();
  llvm::Expected<ExternalData::Slice> slice =
      source.externalData.slice(*where, size);
  if (!slice)
    return slice.takeError();
  tensor.bytes = slice->bytes;
  tensor.owner = std::move(slice->owner);
  return llvm::Error::success();
}

/// BOOL bytes other than 0 and 1 would be undefined behaviour further on.
static void normalizeBools(OnnxTensor &tensor) {
  if (llvm::all_of(tensor.bytes,
                   [](char byte) { return byte == 0 || byte == 1; }))
    return;
  std::string bytes;
  for (char byte : tensor.bytes)
    bytes += byte != 0 ? '\1' : '\0';
  tensor = makeOwnedTensor(std::move(tensor.name), tensor.elementType,
                           std::move(tensor.dims), std::move(bytes));
}

static llvm::Error setStrings(OnnxTensor &tensor, const TensorProto &proto) {
  llvm::Expected<uint64_t> count =
      byteSize(OnnxElementType::UInt8, tensor.dims);
  if (!count)
    return count.takeError();
  if (static_cast<uint64_t>(proto.string_data_size()) != *count)
    return makeError("has " + llvm::Twine(proto.string_data_size()) +
                     " strings, but " + describeType(tensor) + " needs " +
                     llvm::Twine(*count));
  tensor.strings.assign(proto.string_data().begin(), proto.string_data().end());
  return llvm::Error::success();
}

llvm::Expected<OnnxTensor>
sluice::onnx_detail::convertTensor(const TensorProto &proto,
                                   const TensorSource &source) {
  OnnxTensor tensor;
  tensor.name = proto.name();
  tensor.elementType = static_cast<OnnxElementType>(proto.data_type());
  tensor.dims.assign(proto.dims().begin(), proto.dims().end());
  bool isString = tensor.elementType == OnnxElementType::String;
  if (!isString && bitWidth(tensor.elementType) == 0)
    return makeError("has the unknown element " +
                     elementTypeName(tensor.elementType));
  if (proto.has_segment())
    return makeError("is split in segments, which is not supported");

  const google::protobuf::UnknownFieldSet &unknown = proto.unknown_fields();
  for (int index = 0; index < unknown.field_count(); ++index)
    if (unknown.field(index).number() == TensorProto::kDataLocationFieldNumber)
      return makeError("has an unknown data_location");

  TensorData data;
  if (llvm::Error error = data.collect(proto, source.data))
    return std::move(error);
  bool isExternal = proto.data_location() == TensorProto::EXTERNAL;
  if (!data.empty() && isExternal)
    return makeError("has external data and " + dataFieldName(data.field));
  if (!data.empty() &&
      (isString || data.field != TensorProto::kRawDataFieldNumber) &&
      data.field != typedDataField(tensor.elementType))
    return makeError("has its " + elementTypeName(tensor.elementType) +
                     " elements in " + dataFieldName(data.field));
  if (isString) {
    if (isExternal)
      return makeError("has strings in external data");
    if (llvm::Error error = setStrings(tensor, proto))
      return std::move(error);
    return tensor;
  }

  llvm::Expected<uint64_t> size = byteSize(tensor.elementType, tensor.dims);
  if (!size)
    return addContext(describeType(tensor), size.takeError());
  if (llvm::Error error = isExternal
                              ? setExternalBytes(tensor, proto, *size, source)
                              : setBytes(tensor, data, *size, source))
    return std::move(error);
  if (tensor.elementType == OnnxElementType::Bool)
    normalizeBools(tensor);
  return tensor;
}
