//===- StepFormula.h - A step of a scan as sums of products -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_KERNELS_STEPFORMULA_H
#define SLUICE_LIB_TRANSFORMS_KERNELS_STEPFORMULA_H

#include "sluice/Analysis/ScanStructure.h"
#include <optional>

namespace sluice {

/// An element of a tensor at a place, whose indices are symbols.
struct StepFactor {
  mlir::Value value;
  ScanPlaces::Place place;

  bool dependsOn(ScanPlaces::Index index) const {
    return llvm::is_contained(place, index);
  }
  bool operator==(const StepFactor &other) const {
    return value == other.value && place == other.place;
  }
};

/// Factors that are summed up over an index; all depend on it.
struct StepSum {
  ScanPlaces::Index index;
  llvm::SmallVector<StepFactor> factors;
};

/// A product of a number, elements and at most one sum.
struct StepTerm {
  double coefficient = 1;
  llvm::SmallVector<StepFactor> factors;
  std::optional<StepSum> sum;
};

using StepFormula = llvm::SmallVector<StepTerm>;

/// Writes elements of a scan's body as sums of products: through what moves
/// elements, adds, subtracts, multiplies and sums up. Everything else is a
/// factor of its own. No two sums of what one expander writes share an index.
class StepExpander {
public:
  /// None where there is a sum of sums, or too many products. `stop` is a
  /// factor whatever it is computed from; it may be null.
  std::optional<StepFormula>
  expand(mlir::Value value, const ScanPlaces::Place &place, mlir::Value stop);

private:
  std::optional<StepFormula> expandValue(mlir::Value value,
                                         const ScanPlaces::Place &place);
  std::optional<StepFormula> expandSum(mlir::Operation *op,
                                       const ScanPlaces::Place &place);

  mlir::Value stop;
  unsigned visits = 0;
  uintptr_t nextIndex = uintptr_t(1) << 32;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_KERNELS_STEPFORMULA_H
