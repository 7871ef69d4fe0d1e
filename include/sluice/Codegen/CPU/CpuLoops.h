//===- CpuLoops.h - Loops, memory and failures of CPU kernels ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Parallel loops are `scf.parallel` with the time of one iteration, from which
// the runtime sees how many threads are worth waking; memory and failures go
// through the frame of the run.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_CPULOOPS_H
#define SLUICE_CODEGEN_CPU_CPULOOPS_H

#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

class CpuLoops final : public llvm::RTTIExtends<CpuLoops, LoopModel> {
public:
  static char ID;

  /// `frame` is a pointer to the sluice_frame, `scratchBuffer` the memory that
  /// `scratch` hands out: both are arguments of the function that is built.
  CpuLoops(const MachineModel &machine, mlir::Value frame,
           mlir::Value scratchBuffer)
      : machine(machine), frame(frame), scratchBuffer(scratchBuffer) {}

  /// The model of a kernel for a CPU.
  static CpuLoops &of(const KernelBuilder &kernel) {
    return llvm::cast<CpuLoops>(kernel.loops);
  }

  /// In nanoseconds.
  Cost getCost(Work work) const override;
  void parallel(KernelBuilder &kernel, mlir::Value count, Cost each,
                Body body) override;
  /// One parallel loop over all dimensions but the last; a single one is cut
  /// into pieces.
  void parallelElements(KernelBuilder &kernel, mlir::ValueRange extents,
                        Cost each, IndexBody body) override;
  mlir::Value allocate(KernelBuilder &kernel, mlir::Value bytes) override;
  mlir::Value scratch(int64_t bytes) override;
  void check(KernelBuilder &kernel, mlir::Value condition,
             llvm::StringRef message) override;

  const MachineModel &machine;
  const mlir::Value frame;
  const mlir::Value scratchBuffer;
  /// The scratch bytes asked for.
  int64_t scratchBytes = 0;
};

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_CPULOOPS_H
