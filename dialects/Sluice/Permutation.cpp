//===- Permutation.cpp - Dimensions in another order ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Permutation.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

int64_t sluice::permuteAxis(int64_t axis, ArrayRef<int64_t> permutation) {
  return llvm::find(permutation, axis) - permutation.begin();
}

SmallVector<int64_t> sluice::permuteAxes(ArrayRef<int64_t> axes,
                                         ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> permuted;
  for (int64_t axis : axes)
    permuted.push_back(permuteAxis(axis, permutation));
  llvm::sort(permuted);
  return permuted;
}

SmallVector<int64_t>
sluice::dropFromPermutation(ArrayRef<int64_t> axes,
                            ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> rest;
  for (int64_t dimension : permutation)
    if (!llvm::is_contained(axes, dimension))
      rest.push_back(dimension - llvm::count_if(axes, [&](int64_t axis) {
                       return axis < dimension;
                     }));
  return rest;
}
