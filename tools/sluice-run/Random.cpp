//===- Random.cpp - Made-up tensors --------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Random.h"

#include <cstring>

using namespace sluice::run;

/// SplitMix64 (Steele, Lea and Flood, 2014).
uint64_t Random::next() {
  state += 0x9e3779b97f4a7c15;
  uint64_t value = state;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

double Random::unit() { return double(next() >> 11) * 0x1p-53; }

namespace {

/// The bits of a value as a half, cut to the next one towards zero. Values
/// below the normal range become 0, those above it infinity.
uint16_t halfBits(double value) {
  float narrow = float(value);
  uint32_t bits;
  std::memcpy(&bits, &narrow, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000;
  int exponent = int(bits >> 23 & 0xff) - 127 + 15;
  if (exponent <= 0)
    return uint16_t(sign);
  if (exponent >= 0x1f)
    return uint16_t(sign | 0x7c00);
  return uint16_t(sign | uint32_t(exponent) << 10 | (bits >> 13 & 0x3ff));
}

/// The low bytes of the result are the element.
uint64_t encode(sluice_dtype dtype, double value) {
  float single = float(value);
  uint32_t singleBits;
  std::memcpy(&singleBits, &single, sizeof singleBits);
  uint64_t doubleBits;
  std::memcpy(&doubleBits, &value, sizeof doubleBits);
  switch (dtype) {
  case SLUICE_DTYPE_F32:
    return singleBits;
  case SLUICE_DTYPE_BF16:
    return singleBits >> 16;
  case SLUICE_DTYPE_F64:
    return doubleBits;
  case SLUICE_DTYPE_F16:
    return halfBits(value);
  case SLUICE_DTYPE_BOOL:
    return value != 0;
  default:
    return uint64_t(int64_t(value));
  }
}

} // namespace

void Random::fill(Tensor &tensor, int64_t smallest, int64_t largest) {
  size_t width = sluice_dtype_size(tensor.dtype);
  int64_t count = tensor.elementCount();
  tensor.data.resize(size_t(count) * width);
  uint64_t span = uint64_t(largest) - uint64_t(smallest) + 1;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits;
    switch (tensor.dtype) {
    case SLUICE_DTYPE_BOOL:
      bits = next() >> 63;
      break;
    case SLUICE_DTYPE_U8:
    case SLUICE_DTYPE_I8:
      bits = next() >> 56;
      break;
    default:
      bits = isFloat(tensor.dtype)
                 ? encode(tensor.dtype, unit() * 2 - 1)
                 : uint64_t(smallest) + (span ? next() % span : next());
    }
    std::memcpy(tensor.data.data() + size_t(i) * width, &bits, width);
  }
}

void sluice::run::fillWith(Tensor &tensor, double value) {
  size_t width = sluice_dtype_size(tensor.dtype);
  uint64_t bits = encode(tensor.dtype, value);
  size_t count = size_t(tensor.elementCount());
  tensor.data.resize(count * width);
  for (size_t i = 0; i < count; ++i)
    std::memcpy(tensor.data.data() + i * width, &bits, width);
}
