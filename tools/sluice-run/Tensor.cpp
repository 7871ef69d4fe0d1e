//===- Tensor.cpp - Tensors that own their data --------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Tensor.h"

#include <cmath>
#include <cstdio>
#include <cstring>

using namespace sluice::run;

namespace {

template <typename T> T load(const std::vector<uint8_t> &data, int64_t index) {
  T value;
  std::memcpy(&value, data.data() + size_t(index) * sizeof(T), sizeof(T));
  return value;
}

double halfToDouble(uint16_t bits) {
  double sign = bits & 0x8000 ? -1 : 1;
  int exponent = bits >> 10 & 0x1f;
  int mantissa = bits & 0x3ff;
  if (exponent == 0x1f)
    return mantissa ? std::nan("") : sign * INFINITY;
  if (exponent == 0)
    return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(mantissa + 1024, exponent - 25);
}

float bfloat16ToFloat(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

} // namespace

int64_t Tensor::elementCount() const {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

bool sluice::run::isFloat(sluice_dtype dtype) {
  return dtype == SLUICE_DTYPE_F32 || dtype == SLUICE_DTYPE_F64 ||
         dtype == SLUICE_DTYPE_F16 || dtype == SLUICE_DTYPE_BF16;
}

double Tensor::real(int64_t index) const {
  switch (dtype) {
  case SLUICE_DTYPE_F32:
    return load<float>(data, index);
  case SLUICE_DTYPE_F64:
    return load<double>(data, index);
  case SLUICE_DTYPE_F16:
    return halfToDouble(load<uint16_t>(data, index));
  case SLUICE_DTYPE_BF16:
    return bfloat16ToFloat(load<uint16_t>(data, index));
  case SLUICE_DTYPE_U64:
    return double(load<uint64_t>(data, index));
  default:
    return double(integer(index));
  }
}

int64_t Tensor::integer(int64_t index) const {
  switch (dtype) {
  case SLUICE_DTYPE_U8:
  case SLUICE_DTYPE_BOOL:
    return load<uint8_t>(data, index);
  case SLUICE_DTYPE_I8:
    return load<int8_t>(data, index);
  case SLUICE_DTYPE_U16:
    return load<uint16_t>(data, index);
  case SLUICE_DTYPE_I16:
    return load<int16_t>(data, index);
  case SLUICE_DTYPE_U32:
    return load<uint32_t>(data, index);
  case SLUICE_DTYPE_I32:
    return load<int32_t>(data, index);
  case SLUICE_DTYPE_U64:
  case SLUICE_DTYPE_I64:
    return load<int64_t>(data, index);
  default:
    return int64_t(real(index));
  }
}

sluice_tensor Tensor::view() const {
  return {dtype, int32_t(dims.size()), dims.data(), nullptr, data.data(), 0, 0};
}

bool sluice::run::byteSize(sluice_dtype dtype, const std::vector<int64_t> &dims,
                           size_t &size) {
  bool empty = false;
  for (int64_t dim : dims) {
    if (dim < 0)
      return false;
    empty |= dim == 0;
  }
  int64_t product = empty ? 0 : int64_t(sluice_dtype_size(dtype));
  for (size_t i = 0; i < dims.size() && !empty; ++i)
    if (__builtin_mul_overflow(product, dims[i], &product))
      return false;
  size = size_t(product);
  return true;
}

std::string sluice::run::shapeText(const std::vector<int64_t> &dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i)
    text += (i ? "," : "") + std::to_string(dims[i]);
  return text + "]";
}

std::string sluice::run::typeText(sluice_dtype dtype,
                                  const std::vector<int64_t> &dims) {
  return sluice_dtype_name(dtype) + shapeText(dims);
}

std::string
sluice::run::signatureText(const sluice_tensor_signature &signature) {
  std::string text = sluice_dtype_name(sluice_dtype(signature.dtype));
  text += "[";
  for (int32_t i = 0; i < signature.rank; ++i) {
    const char *name = signature.dim_names ? signature.dim_names[i] : nullptr;
    text += i ? "," : "";
    if (signature.dims[i] >= 0)
      text += std::to_string(signature.dims[i]);
    else
      text += name ? name : "?";
  }
  return text + "]";
}

std::string sluice::run::elementText(const Tensor &tensor, int64_t index) {
  if (tensor.dtype == SLUICE_DTYPE_BOOL)
    return tensor.integer(index) ? "true" : "false";
  if (tensor.dtype == SLUICE_DTYPE_U64)
    return std::to_string(uint64_t(tensor.integer(index)));
  if (!isFloat(tensor.dtype))
    return std::to_string(tensor.integer(index));
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", tensor.real(index));
  return text;
}

std::string sluice::run::positionText(const std::vector<int64_t> &dims,
                                      int64_t index) {
  std::vector<int64_t> position(dims.size());
  for (size_t i = dims.size(); i-- > 0;) {
    position[i] = index % dims[i];
    index /= dims[i];
  }
  return shapeText(position);
}

std::vector<uint8_t>
sluice::run::narrowToBFloat16(const std::vector<uint8_t> &values) {
  std::vector<uint8_t> result(values.size() / 2);
  for (size_t i = 0; i < values.size() / 4; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values.data() + 4 * i, sizeof bits);
    bool isNaN = (bits & 0x7fffffff) > 0x7f800000;
    // Ties go to the even neighbour; NaN must not be rounded up to infinity.
    uint32_t rounded =
        isNaN ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
    uint16_t narrow = uint16_t(rounded >> 16);
    std::memcpy(result.data() + 2 * i, &narrow, sizeof narrow);
  }
  return result;
}

std::vector<uint8_t>
sluice::run::widenFromBFloat16(const std::vector<uint8_t> &values) {
  std::vector<uint8_t> result(values.size() * 2);
  for (size_t i = 0; i < values.size() / 2; ++i) {
    float wide = bfloat16ToFloat(load<uint16_t>(values, int64_t(i)));
    std::memcpy(result.data() + 4 * i, &wide, sizeof wide);
  }
  return result;
}

Tensor sluice::run::copyOf(const sluice_tensor &tensor, const char *name) {
  Tensor copy;
  copy.name = name;
  copy.dtype = tensor.dtype;
  copy.dims.assign(tensor.dims, tensor.dims + tensor.rank);
  const uint8_t *bytes = static_cast<const uint8_t *>(tensor.data);
  size_t width = sluice_dtype_size(tensor.dtype);
  size_t count = size_t(copy.elementCount());
  if (!tensor.strides) {
    copy.data.assign(bytes, bytes + count * width);
    return copy;
  }
  copy.data.reserve(count * width);
  std::vector<int64_t> place(copy.dims.size());
  for (size_t i = 0; i < count; ++i) {
    int64_t offset = 0;
    for (size_t d = 0; d < place.size(); ++d)
      offset += place[d] * tensor.strides[d];
    const uint8_t *element = bytes + offset * int64_t(width);
    copy.data.insert(copy.data.end(), element, element + width);
    for (size_t d = place.size(); d-- > 0 && ++place[d] == copy.dims[d];)
      place[d] = 0;
  }
  return copy;
}
