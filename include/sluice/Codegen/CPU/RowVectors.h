//===- RowVectors.h - Rows in vector registers ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_ROWVECTORS_H
#define SLUICE_CODEGEN_CPU_ROWVECTORS_H

#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/Rows/RowOps.h"

namespace sluice {

/// Lanes are those of a vector register. The last, incomplete vector of a row
/// is masked.
class RowVectors final : public RowOps {
public:
  explicit RowVectors(const MachineModel &machine) : machine(machine) {}

  int64_t lanes(mlir::Type computeType) const override {
    return machine.lanes(computeType);
  }
  mlir::Type laneType(mlir::Type element, int64_t lanes) const override;

  mlir::Value splat(KernelBuilder &kernel, mlir::Value scalar,
                    mlir::Type type) override;
  mlir::Value constant(KernelBuilder &kernel, mlir::TypedAttr scalar,
                       mlir::Type type) override;
  mlir::Value laneNumbers(KernelBuilder &kernel, mlir::Type type) override;
  mlir::Value firstLanes(KernelBuilder &kernel, mlir::Value count,
                         int64_t lanes) override;
  mlir::Value reverse(KernelBuilder &kernel, mlir::Value value) override;
  mlir::Value
  collect(KernelBuilder &kernel, mlir::Type type,
          llvm::function_ref<mlir::Value(mlir::Value lane)> element) override;

  mlir::Value load(KernelBuilder &kernel, mlir::Value memory, mlir::Value place,
                   mlir::Value mask, int64_t lanes) override;
  void store(KernelBuilder &kernel, mlir::Value stored, mlir::Value memory,
             mlir::Value place, mlir::Value mask) override;
  /// To the first-level cache: the lines of the first and the last lane, or
  /// one, where all rows are whole vectors.
  void fetch(KernelBuilder &kernel, mlir::Value memory, mlir::Value place,
             mlir::Value count, int64_t lanes) override;

  Values overRow(KernelBuilder &kernel, mlir::Value count, int64_t lanes,
                 mlir::ValueRange initial, RowBody body) override;
  /// Several vectors accumulate side by side.
  mlir::Value reduceRow(KernelBuilder &kernel, mlir::Value count,
                        mlir::Value neutral, mlir::Type type, PieceValue value,
                        Combine combine) override;

private:
  const MachineModel &machine;
};

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_ROWVECTORS_H
