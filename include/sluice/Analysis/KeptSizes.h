//===- KeptSizes.h - Sizes that loops keep ----------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_KEPTSIZES_H
#define SLUICE_ANALYSIS_KEPTSIZES_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"

namespace sluice {

/// What the size of a tensor is, in a function whose kernels are formed: a
/// number, an index value, or a dimension of a tensor of which no more is
/// known.
struct KnownSize {
  mlir::Value value;  ///< An index or a tensor; null for a number.
  int64_t number = 0; ///< The number, or the dimension of the tensor.

  bool operator==(const KnownSize &other) const {
    return value == other.value && number == other.number;
  }
  bool operator!=(const KnownSize &other) const { return !(*this == other); }
};

/// Follows sizes to where they come from, out of loops whose tensors keep the
/// sizes that they begin with: supposed that all do, a step shows which do not.
class KeptSizes {
public:
  /// `root` holds the loops; it must not change meanwhile.
  explicit KeptSizes(mlir::Operation *root);

  KnownSize find(mlir::Value tensor, int64_t dimension);
  /// Have two tensors of one rank the same sizes in every run?
  bool haveSameSizes(mlir::Value lhs, mlir::Value rhs);

private:
  using Dimension = std::pair<mlir::Value, int64_t>;
  /// A value that a loop hands from step to step.
  struct Carried {
    /// What it begins with, is in a step, and is in the next one.
    mlir::Value initial, argument, next;
  };

  void visitLoop(mlir::Operation *loop);
  void suppose(llvm::ArrayRef<Carried> carried);
  /// Where a size of the value comes from, one op back; the same dimension if
  /// that is not known.
  KnownSize step(mlir::Value tensor, int64_t dimension);

  llvm::DenseMap<Dimension, KnownSize> known;
};

} // namespace sluice

#endif // SLUICE_ANALYSIS_KEPTSIZES_H
