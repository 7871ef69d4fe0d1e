//===- ScanStructure.h - Which elements of a scan depend on which -*- C++ -*-=//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_SCANSTRUCTURE_H
#define SLUICE_ANALYSIS_SCANSTRUCTURE_H

#include "dialects/Sluice/Sluice.h"
#include "llvm/Support/Error.h"

namespace sluice {

/// Where an op's result takes an element of an operand from, as ops tell
/// (PlacesOpInterface); elementwise ones broadcast. Dimensions of size one have
/// no index: those that an operand broadcasts along, those that were inserted,
/// and any others.
class ScanPlaces {
public:
  /// An index of the result's element, or one that runs over a dimension which
  /// the op reduces; null for the first position.
  using Index = PlaceIndex;
  using Place = llvm::SmallVector<Index>;

  /// Can the op be part of a scan's body?
  static bool isSupported(mlir::Operation *op);
  /// The operands whose elements the op computes with: the first ones. A
  /// reshape's wanted shape is in its type.
  static llvm::MutableArrayRef<mlir::OpOperand>
  readOperands(mlir::Operation *op);
  /// The sizes that the op reduces over, as (operand, dimension).
  static llvm::SmallVector<std::pair<unsigned, unsigned>>
  reducedDimensions(mlir::Operation *op);
  /// The place in operand `number` for a place in the result and, where the op
  /// reduces, places along the reduced dimensions.
  static Place inOperand(mlir::Operation *op, unsigned number,
                         llvm::ArrayRef<Index> result,
                         llvm::ArrayRef<Index> reduced);
};

/// How the results of a scan depend on its states, place by place. A *row* is
/// what the leading dimensions select: nothing passes from one row to another,
/// so rows can be computed one after the other or at the same time.
struct ScanStructure {
  /// Explains why a scan cannot be computed place by place.
  static llvm::Expected<ScanStructure> analyse(ScanOp scan);

  /// The leading dimensions that all states and outputs have in common; less
  /// than the rank of any state.
  unsigned rowDimensions = 0;
  /// Nothing passes along the last dimension either.
  bool hasSeparateLanes = true;
  /// A sum over states as they were before the step, or over other such sums.
  struct Sum {
    mlir::Value value;
    /// See `isVector` of outputs.
    bool isVector = true;
  };

  /// What a step computes before it changes the states, in this order.
  llvm::SmallVector<Sum> sums;
  /// Of each output, whether its elements are computed with those of the state
  /// of this number; no number if they read states that were finished before.
  llvm::SmallVector<std::optional<unsigned>> fusedWith;
  /// Of each output, whether neighbours along its last dimension read
  /// neighbours along the last dimension of all that they depend on.
  llvm::SmallVector<bool> isVector;

  /// Does `lane` only index last dimensions of what the element of `value` at
  /// a place depends on? The sums count as tensors, and so do next states of
  /// the body if `stopsAtStates`.
  bool isLane(ScanOp scan, mlir::Value value,
              llvm::ArrayRef<ScanPlaces::Index> place, ScanPlaces::Index lane,
              bool stopsAtStates) const;
};

} // namespace sluice

#endif // SLUICE_ANALYSIS_SCANSTRUCTURE_H
