//===- TargetAnalysis.h - What code is made for -----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_TARGETANALYSIS_H
#define SLUICE_ANALYSIS_TARGETANALYSIS_H

#include "dialects/Kernel/Kernel.h"
#include "mlir/Pass/AnalysisManager.h"
#include "sluice/Analysis/MachineModel.h"

namespace sluice {

/// The target for a triple and a CPU as users name them: an empty triple is the
/// host's, and the CPU "native" this machine's. The only place where names are
/// resolved, and where the machine that compiles is asked.
llvm::Expected<kernel::CpuTargetAttr> resolveTarget(mlir::MLIRContext *context,
                                                    llvm::StringRef triple,
                                                    llvm::StringRef cpu);

/// The target that describes a machine.
kernel::CpuTargetAttr getTarget(mlir::MLIRContext *context,
                                const MachineModel &machine);

/// The machine that an attribute describes.
MachineModel getMachineModel(kernel::CpuTargetAttr target);

/// The target of an operation: its own, or that of what is around it; this
/// machine where nothing has one. Computed once and kept as long as the
/// attributes say the same. Passes ask `getMachine`.
class TargetAnalysis {
public:
  explicit TargetAnalysis(mlir::Operation *op);

  /// Null where there is no machine to make code for; an error has been
  /// emitted then.
  const MachineModel *getMachine() const {
    return machine ? &*machine : nullptr;
  }

  bool isInvalidated(const mlir::AnalysisManager::PreservedAnalyses &preserved);

private:
  mlir::Operation *op;
  kernel::TargetAttrInterface target;
  std::optional<MachineModel> machine;
};

/// The machine for a pass on `op` with this manager; null after an error.
const MachineModel *getMachine(mlir::AnalysisManager manager,
                               mlir::Operation *op);

/// The machine for `inner`, which may have a target of its own, in a pass on
/// `op`.
const MachineModel *getMachine(mlir::AnalysisManager manager,
                               mlir::Operation *op, mlir::Operation *inner);

} // namespace sluice

#endif // SLUICE_ANALYSIS_TARGETANALYSIS_H
