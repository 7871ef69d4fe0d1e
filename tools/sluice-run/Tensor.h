//===- Tensor.h - Tensors that own their data ----------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_TENSOR_H
#define SLUICE_TOOLS_SLUICERUN_TENSOR_H

#include "sluice/sluice.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::run {

/// A dense row-major tensor.
struct Tensor {
  std::string name;
  sluice_dtype dtype = SLUICE_DTYPE_UNDEFINED;
  std::vector<int64_t> dims;
  std::vector<uint8_t> data;
  /// An input that is not set: the model's default, of which this is a copy.
  bool isDefault = false;

  int64_t elementCount() const;
  /// The element at a flat index, widened.
  double real(int64_t index) const;
  int64_t integer(int64_t index) const;
  /// The runtime's view of it.
  sluice_tensor view() const;
};

bool isFloat(sluice_dtype dtype);

/// The product of sizes times the element's; false on overflow or when a size
/// is negative.
bool byteSize(sluice_dtype dtype, const std::vector<int64_t> &dims,
              size_t &size);

/// "[1,3,224,224]".
std::string shapeText(const std::vector<int64_t> &dims);
/// "f32[1,3,224,224]".
std::string typeText(sluice_dtype dtype, const std::vector<int64_t> &dims);
/// The signature's shape with the names of dynamic dimensions.
std::string signatureText(const sluice_tensor_signature &signature);

/// The element as people write it.
std::string elementText(const Tensor &tensor, int64_t index);

/// "[0,3,17]" for a flat index.
std::string positionText(const std::vector<int64_t> &dims, int64_t index);

/// f32 values as bf16, rounded to nearest, and back.
std::vector<uint8_t> narrowToBFloat16(const std::vector<uint8_t> &values);
std::vector<uint8_t> widenFromBFloat16(const std::vector<uint8_t> &values);

/// A copy of what a run produced.
Tensor copyOf(const sluice_tensor &tensor, const char *name);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_TENSOR_H
