//===- OnnxTensor.h - Constant tensors of an ONNX model ----------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
//
// A constant of a model: element type, shape and bytes. The bytes usually lie
// in the mapped model file or in a mapped external-data file, so a tensor is
// cheap to copy and says nothing about alignment: read elements with memcpy.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_IMPORT_ONNX_ONNXTENSOR_H
#define SLUICE_IMPORT_ONNX_ONNXTENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// The numbers are ONNX's TensorProto.DataType. A value read from a file may
/// lie outside the enumerators; `bitWidth` then answers 0.
enum class OnnxElementType : int32_t {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  UInt2 = 25,
  Int2 = 26,
  Float6E2M3 = 27,
  Float6E3M2 = 28,
};

/// ONNX's own spelling, for example "FLOAT16"; "type 99" for unknown numbers.
std::string elementTypeName(OnnxElementType type);

/// Bits of one element as stored (8 for BOOL); 0 for STRING and unknown types.
/// Elements of less than 8 bits are packed, the first in the lowest bits.
unsigned bitWidth(OnnxElementType type);

/// Bytes that a tensor of this type and shape takes. Fails on negative
/// dimensions, overflow, strings and unknown types; says why, not for whom.
llvm::Expected<uint64_t> byteSize(OnnxElementType type,
                                  llvm::ArrayRef<int64_t> dims);

/// A constant tensor. When it comes from the reader, `bytes` has exactly the
/// size that type and shape ask for (or `strings` has one entry an element).
struct OnnxTensor {
  std::string name;
  OnnxElementType elementType = OnnxElementType::Undefined;
  std::vector<int64_t> dims;
  /// Little-endian elements in row-major order; any alignment.
  llvm::ArrayRef<char> bytes;
  /// Keeps `bytes` alive: hold a copy for as long as the bytes are used.
  std::shared_ptr<const void> owner;
  /// The elements of a STRING tensor.
  std::vector<std::string> strings;

  int64_t rank() const { return static_cast<int64_t>(dims.size()); }
  int64_t elementCount() const;

  // For shapes, axes and the like; tensors beyond 2^27 elements are refused.

  /// All elements of an integer or BOOL tensor (up to 64 bits), widened.
  llvm::Expected<std::vector<int64_t>> asInts() const;
  /// All elements of a FLOAT16, BFLOAT16, FLOAT or DOUBLE tensor, widened.
  llvm::Expected<std::vector<double>> asDoubles() const;
};

/// A tensor that owns a copy of `bytes`, for constants made by the compiler.
OnnxTensor makeOwnedTensor(std::string name, OnnxElementType type,
                           std::vector<int64_t> dims, std::string bytes);

} // namespace sluice

#endif // SLUICE_IMPORT_ONNX_ONNXTENSOR_H
