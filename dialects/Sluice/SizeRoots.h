//===- SizeRoots.h - Where dynamic sizes come from --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_SIZEROOTS_H
#define SLUICE_DIALECTS_SLUICE_SIZEROOTS_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace sluice {

/// A dimension of a tensor.
using SizeRoot = std::pair<mlir::Value, int64_t>;

/// Follows a size back to the dimension that it surely is, through ops that
/// pass sizes on and shape arithmetic. Dimensions with one root are equal.
/// Types are inferred with that, where no op can be built.
class SizeRoots {
public:
  SizeRoot find(mlir::Value tensor, int64_t dimension);
  /// The dimension whose size an element of shape arithmetic is.
  std::optional<SizeRoot> findOfElement(mlir::Value vector, int64_t index);

  /// An element of shape arithmetic that is a product of sizes and a number.
  struct Product {
    int64_t factor = 1;
    llvm::SmallVector<SizeRoot> roots;
  };
  std::optional<Product> findProduct(mlir::Value vector, int64_t index,
                                     unsigned depth = 0);

  /// What is left for a size of -1 in a wanted shape: a factor times the sizes
  /// of these dimensions of the operand. None where the sizes that are known
  /// only in the run are not among the operand's.
  struct Rest {
    int64_t factor;
    llvm::SmallVector<int64_t> dimensions;
  };
  std::optional<Rest> findRest(mlir::Value operand, mlir::Value wanted,
                               int64_t wildcard, bool allowsZero);

private:
  SizeRoot compute(mlir::Value tensor, int64_t dimension);

  llvm::DenseMap<SizeRoot, SizeRoot> known;
  /// Chains are short; the bound stops hostile graphs.
  unsigned budget = 256;
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_SIZEROOTS_H
