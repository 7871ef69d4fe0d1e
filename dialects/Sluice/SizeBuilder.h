//===- SizeBuilder.h - Arithmetic on sizes ----------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Sizes are attributes where they are known and index values elsewhere.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_SIZEBUILDER_H
#define SLUICE_DIALECTS_SLUICE_SIZEBUILDER_H

#include "dialects/Sluice/IndexArithmetic.h"
#include "dialects/Sluice/TypeInference.h"

namespace sluice {

/// The number of elements of `x[start:end:step]` along a dimension of a size
/// that may be dynamic; the result is dynamic where it depends on that.
int64_t slicedSize(int64_t start, int64_t end, int64_t step, int64_t size);

/// ceil((limit - start) / step), the length of a range: the difference is
/// exact, the quotient an f64, as in numpy, so that a rest that is nothing
/// beside it is not counted. None where 63 bits do not hold the number.
std::optional<int64_t> countSteps(int64_t start, int64_t limit, int64_t step);

/// The size that values must have in common: the first that is known.
int64_t knownSize(llvm::ArrayRef<int64_t> sizes);

struct SizeBuilder : IndexArithmetic {
  using Size = Index;
  using IndexArithmetic::IndexArithmetic;

  /// The size of a tensor's dimension.
  Size of(mlir::Value tensor, int64_t dimension) {
    return getDimension(builder, loc, tensor, dimension);
  }
  /// The sizes of a type: `dynamic` makes those that it does not have.
  llvm::SmallVector<Size>
  ofType(mlir::RankedTensorType type,
         llvm::function_ref<Size(int64_t dimension)> dynamic);

  /// What is known stays within the numbers there are.
  Size add(Size lhs, Size rhs);
  /// `negative` where `number` is below zero, `otherwise` elsewhere.
  Size selectNegative(Size number, Size negative, Size otherwise);
  /// lhs / rhs rounded up; lhs is not negative, rhs is positive.
  Size ceilDiv(Size lhs, Size rhs);

  /// The first position of a slice, counted from the front and clamped so that
  /// it is a position of the dimension unless the slice is empty.
  Size sliceStart(Size start, Size step, Size size);
  /// The number of elements of `x[start:end:step]`.
  Size sliced(Size start, Size end, Size step, Size size);
  /// The same for sizes of the run; the largest number where that is too small.
  Size steps(Size start, Size limit, Size step);
  /// The same for one-element float tensors, read at run time.
  Size floatRange(mlir::Value start, mlir::Value limit, mlir::Value delta);
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_SIZEBUILDER_H
