//===- KernelSpecs.h - What a kernel computes, for any provider -*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Plain descriptions of the anchors. Providers (own micro-kernels, libraries)
// read them; nothing here depends on how the code is made.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_KERNELSPECS_H
#define SLUICE_ANALYSIS_KERNELSPECS_H

#include <cstdint>
#include <limits>
#include <vector>

namespace sluice {

/// A size only known during the run; the same number MLIR uses.
inline constexpr int64_t kDynamicSize = std::numeric_limits<int64_t>::min();

/// Types of numbers that are multiplied and added up. Signs of integers only
/// matter where these are widened: i32 and i64 stand for unsigned ones too.
enum class NumberKind { F16, BF16, F32, F64, I8, I16, I32, I64 };

inline constexpr int64_t getNumberBytes(NumberKind kind) {
  switch (kind) {
  case NumberKind::I8:
    return 1;
  case NumberKind::F16:
  case NumberKind::BF16:
  case NumberKind::I16:
    return 2;
  case NumberKind::F32:
  case NumberKind::I32:
    return 4;
  case NumberKind::F64:
  case NumberKind::I64:
    return 8;
  }
  return 4;
}

/// What a product or a convolution multiplies (its left-hand side or image, its
/// right-hand side or weights), adds up in, and stores behind its epilogue.
struct ProductTypes {
  NumberKind lhs = NumberKind::F32;
  NumberKind rhs = NumberKind::F32;
  NumberKind accumulator = NumberKind::F32;
  NumberKind result = NumberKind::F32;
};

/// C[b, m, n] = sum over k of A[b, m, k] * B[b, k, n].
struct ContractionSpec {
  ProductTypes types;
  int64_t batch = 1;
  int64_t rows = kDynamicSize;
  int64_t columns = kDynamicSize;
  int64_t depth = kDynamicSize;
  /// A is stored as [k][m].
  bool transposeA = false;
  /// B is stored as [n][k].
  bool transposeB = false;
  /// B is a constant in panel order (see Packing.h), the same for all batches.
  bool packedB = false;
};

/// A convolution over channels-last images with 0 to 3 spatial dimensions:
/// input [n][spatial...][groups * inputChannels],
/// output [n][spatial...][groups * outputChannels].
struct ConvolutionSpec {
  ProductTypes types;
  int64_t batch = kDynamicSize;
  std::vector<int64_t> inputSizes;  ///< Spatial; may be dynamic.
  std::vector<int64_t> outputSizes; ///< Spatial; may be dynamic.
  std::vector<int64_t> kernelSizes;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> padsBegin; ///< May be negative (cropping).
  std::vector<int64_t> padsEnd;
  int64_t groups = 1;
  int64_t inputChannels = 0;  ///< Per group.
  int64_t outputChannels = 0; ///< Per group.
  /// The gradient's form: output coordinate i * stride - padBegin + k *
  /// dilation receives input coordinate i through tap k.
  bool transposed = false;

  bool isDepthwise() const { return inputChannels == 1 && groups > 1; }
};

} // namespace sluice

#endif // SLUICE_ANALYSIS_KERNELSPECS_H
