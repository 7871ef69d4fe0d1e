//===- ScanSweep.h - Steps that pass over the states once -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SCANSWEEP_H
#define SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SCANSWEEP_H

#include "ScanElements.h"

namespace sluice {

/// States that are matrices, [rows..., depth, lanes], with outputs and sums
/// that add up over the depth: linear attention. A step passes over some lanes
/// of a row's states twice at most, with what it adds up in registers: for the
/// sums that the next states need, and to make these and what outputs add up.
class ScanSweep {
public:
  static bool isPossible(ScanOp op, const ScanStructure &structure);

  explicit ScanSweep(ScanElements &elements);

  /// How many vectors of lanes to compute at once.
  int64_t getVectors() const { return vectors; }
  /// A step for the vectors that start at `lanes` of a row.
  void emitStep(llvm::ArrayRef<mlir::Value> row,
                llvm::ArrayRef<mlir::Value> lanes);

private:
  using Place = ScanElements::Place;
  /// A sum at a place, and what it has come to.
  struct Total {
    mlir::Operation *sum;
    Place place;
  };
  struct Output {
    unsigned number;
    Place place;
  };

  Place statePlace(mlir::Value depth, mlir::Value lane) const;
  void collectOutputs(llvm::ArrayRef<mlir::Value> lanes);
  void collectTotals(mlir::Value value, const Place &place);
  void hoist(mlir::Value value, const Place &place);
  llvm::SmallVector<mlir::Value>
  addUp(llvm::ArrayRef<Total> totals,
        llvm::function_ref<void(mlir::Value depth)> computeStates);
  llvm::SmallVector<unsigned> getMembers() const;
  void computeStates(mlir::Value depth, llvm::ArrayRef<mlir::Value> lanes);
  void storeOutputs();
  bool isNextState(mlir::Value value) const {
    return value.getDefiningOp() &&
           llvm::is_contained(elements.yielded.take_front(elements.states),
                              value);
  }

  ScanElements &elements;
  KernelBuilder &kernel;
  int64_t vectors = 1, depth;
  llvm::ArrayRef<mlir::Value> row;
  /// Stands for every place along the depth in front of the passes.
  mlir::Value anyDepth;
  llvm::SmallVector<Total> before, after;
  llvm::SmallVector<Output> outputs;
};

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SCANSWEEP_H
