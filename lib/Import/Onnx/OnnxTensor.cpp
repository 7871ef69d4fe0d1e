//===- OnnxTensor.cpp - Constant tensors of an ONNX model -----------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "sluice/Import/Onnx/OnnxTensor.h"

#include "Messages.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace sluice;
using namespace sluice::onnx_detail;
namespace endian = llvm::support::endian;

namespace {
struct ElementTypeInfo {
  const char *name;
  unsigned bits;
};
} // namespace

// Indexed by ONNX's number.
static constexpr ElementTypeInfo elementTypes[] = {
    {"UNDEFINED", 0},      {"FLOAT", 32},     {"UINT8", 8},
    {"INT8", 8},           {"UINT16", 16},    {"INT16", 16},
    {"INT32", 32},         {"INT64", 64},     {"STRING", 0},
    {"BOOL", 8},           {"FLOAT16", 16},   {"DOUBLE", 64},
    {"UINT32", 32},        {"UINT64", 64},    {"COMPLEX64", 64},
    {"COMPLEX128", 128},   {"BFLOAT16", 16},  {"FLOAT8E4M3FN", 8},
    {"FLOAT8E4M3FNUZ", 8}, {"FLOAT8E5M2", 8}, {"FLOAT8E5M2FNUZ", 8},
    {"UINT4", 4},          {"INT4", 4},       {"FLOAT4E2M1", 4},
    {"FLOAT8E8M0", 8},     {"UINT2", 2},      {"INT2", 2},
    {"FLOAT6E2M3", 6},     {"FLOAT6E3M2", 6},
};

static const ElementTypeInfo *findInfo(OnnxElementType type) {
  auto number = static_cast<uint32_t>(type);
  return number < std::size(elementTypes) ? &elementTypes[number] : nullptr;
}

std::string sluice::elementTypeName(OnnxElementType type) {
  if (const ElementTypeInfo *info = findInfo(type))
    return info->name;
  return "type " + std::to_string(static_cast<int32_t>(type));
}

unsigned sluice::bitWidth(OnnxElementType type) {
  const ElementTypeInfo *info = findInfo(type);
  return info ? info->bits : 0;
}

/// The product of the dimensions; fails on negative ones and overflow.
static llvm::Expected<uint64_t> countElements(llvm::ArrayRef<int64_t> dims) {
  uint64_t count = 1;
  bool overflowed = false;
  for (int64_t dim : dims) {
    if (dim < 0)
      return makeError("dimension " + llvm::Twine(dim) + " is negative");
    bool overflowedHere = false;
    count = llvm::SaturatingMultiply(count, static_cast<uint64_t>(dim),
                                     &overflowedHere);
    overflowed |= overflowedHere;
  }
  // A zero makes the tensor empty however large the others are.
  if (llvm::is_contained(dims, 0))
    return 0;
  if (overflowed || count > static_cast<uint64_t>(INT64_MAX))
    return makeError("the number of elements overflows 64 bits");
  return count;
}

llvm::Expected<uint64_t> sluice::byteSize(OnnxElementType type,
                                          llvm::ArrayRef<int64_t> dims) {
  unsigned bits = bitWidth(type);
  if (bits == 0)
    return makeError("elements of " + elementTypeName(type) +
                     " have no fixed size");
  llvm::Expected<uint64_t> count = countElements(dims);
  if (!count)
    return count.takeError();
  // Eight elements take as many bytes as one has bits.
  bool overflowed = false;
  uint64_t bytes = llvm::SaturatingMultiplyAdd(
      *count / 8, uint64_t(bits), llvm::divideCeil(*count % 8 * bits, 8u),
      &overflowed);
  if (overflowed || bytes > static_cast<uint64_t>(INT64_MAX))
    return makeError("the size in bytes overflows 64 bits");
  return bytes;
}

int64_t OnnxTensor::elementCount() const {
  llvm::Expected<uint64_t> count = countElements(dims);
  if (count)
    return static_cast<int64_t>(*count);
  llvm::consumeError(count.takeError());
  return 0;
}

OnnxTensor sluice::makeOwnedTensor(std::string name, OnnxElementType type,
                                   std::vector<int64_t> dims,
                                   std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  OnnxTensor tensor;
  tensor.name = std::move(name);
  tensor.elementType = type;
  tensor.dims = std::move(dims);
  tensor.bytes = llvm::ArrayRef<char>(owner->data(), owner->size());
  tensor.owner = std::move(owner);
  return tensor;
}

/// One element of an integer type, from the bytes of its tensor.
static std::optional<int64_t> readInteger(OnnxElementType type,
                                          const char *bytes, int64_t index) {
  auto packed = [&](unsigned bits) {
    int64_t bit = index * bits;
    auto byte = static_cast<uint8_t>(bytes[bit / 8]);
    return static_cast<uint64_t>(byte >> (bit % 8)) & ((1u << bits) - 1);
  };
  switch (type) {
  case OnnxElementType::Bool:
    return bytes[index] != 0;
  case OnnxElementType::UInt8:
    return static_cast<uint8_t>(bytes[index]);
  case OnnxElementType::Int8:
    return static_cast<int8_t>(bytes[index]);
  case OnnxElementType::UInt16:
    return endian::read16le(bytes + index * 2);
  case OnnxElementType::Int16:
    return static_cast<int16_t>(endian::read16le(bytes + index * 2));
  case OnnxElementType::UInt32:
    return endian::read32le(bytes + index * 4);
  case OnnxElementType::Int32:
    return static_cast<int32_t>(endian::read32le(bytes + index * 4));
  case OnnxElementType::UInt64:
  case OnnxElementType::Int64:
    return static_cast<int64_t>(endian::read64le(bytes + index * 8));
  case OnnxElementType::UInt4:
    return static_cast<int64_t>(packed(4));
  case OnnxElementType::Int4:
    return llvm::SignExtend64<4>(packed(4));
  case OnnxElementType::UInt2:
    return static_cast<int64_t>(packed(2));
  case OnnxElementType::Int2:
    return llvm::SignExtend64<2>(packed(2));
  default:
    return std::nullopt;
  }
}

static double widen(const llvm::fltSemantics &semantics, uint16_t bits) {
  llvm::APFloat value(semantics, llvm::APInt(16, bits));
  bool losesInformation = false;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &losesInformation);
  return value.convertToDouble();
}

static std::optional<double> readFloating(OnnxElementType type,
                                          const char *bytes, int64_t index) {
  switch (type) {
  case OnnxElementType::Float:
    return llvm::bit_cast<float>(endian::read32le(bytes + index * 4));
  case OnnxElementType::Double:
    return llvm::bit_cast<double>(endian::read64le(bytes + index * 8));
  case OnnxElementType::Float16:
    return widen(llvm::APFloat::IEEEhalf(),
                 endian::read16le(bytes + index * 2));
  case OnnxElementType::BFloat16:
    return widen(llvm::APFloat::BFloat(), endian::read16le(bytes + index * 2));
  default:
    return std::nullopt;
  }
}

/// Widened elements take up to 32 times the memory of the tensor, and nobody
/// needs that of weights.
static constexpr int64_t largestWidened = int64_t(1) << 27;

/// All elements of `tensor` through `readElement`, which gives none for types
/// that are not `what`.
template <typename Result, typename ReadElement>
static llvm::Expected<std::vector<Result>>
readElements(const OnnxTensor &tensor, const char *what,
             ReadElement readElement) {
  std::vector<Result> result;
  llvm::Expected<uint64_t> size = byteSize(tensor.elementType, tensor.dims);
  if (!size)
    return addContext("tensor " + quote(tensor.name), size.takeError());
  if (*size != tensor.bytes.size())
    return makeError("tensor " + quote(tensor.name) +
                     " does not have the bytes of its shape");
  int64_t count = tensor.elementCount();
  if (count > largestWidened)
    return makeError("tensor " + quote(tensor.name) + " has " +
                     llvm::Twine(count) + " elements, too many to widen");
  result.reserve(static_cast<size_t>(count));
  for (int64_t index = 0; index < count; ++index) {
    std::optional<Result> element =
        readElement(tensor.elementType, tensor.bytes.data(), index);
    if (!element)
      return makeError("tensor " + quote(tensor.name) + " holds " +
                       elementTypeName(tensor.elementType) + ", expected " +
                       what);
    result.push_back(*element);
  }
  return result;
}

llvm::Expected<std::vector<int64_t>> OnnxTensor::asInts() const {
  return readElements<int64_t>(*this, "integers", readInteger);
}

llvm::Expected<std::vector<double>> OnnxTensor::asDoubles() const {
  return readElements<double>(*this, "floating-point numbers", readFloating);
}
