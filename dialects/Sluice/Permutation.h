//===- Permutation.h - Dimensions in another order --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A permutation is that of a transpose: dimension i of the new order is
// dimension permutation[i] of the old one.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_PERMUTATION_H
#define SLUICE_DIALECTS_SLUICE_PERMUTATION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace sluice {

/// Where a dimension of the old order is in the new one.
int64_t permuteAxis(int64_t axis, llvm::ArrayRef<int64_t> permutation);

/// The same for several, ascending.
llvm::SmallVector<int64_t> permuteAxes(llvm::ArrayRef<int64_t> axes,
                                       llvm::ArrayRef<int64_t> permutation);

/// What is left of a permutation where dimensions of the old order disappear.
llvm::SmallVector<int64_t>
dropFromPermutation(llvm::ArrayRef<int64_t> axes,
                    llvm::ArrayRef<int64_t> permutation);

/// How an op over images takes channels as their last dimension.
enum class ChannelsLastUse {
  /// Never: its channels stay the second dimension.
  Never,
  /// Where what it reads has them there.
  Follows,
  /// Images are transposed for it, which is so much faster then.
  Demands
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_PERMUTATION_H
