//===- CpuEmission.h - Kernels on buffers, for a CPU ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_CPUEMISSION_H
#define SLUICE_CODEGEN_CPU_CPUEMISSION_H

#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// Makes the code of a kernel where its builder is.
using KernelBody = llvm::function_ref<llvm::LogicalResult(KernelBuilder &)>;

struct CpuEmissionOptions {
  /// No kernel counts subnormal numbers as zero.
  bool keepSubnormals = false;
};

/// Replaces what a kernel computes on tensors by code on buffers. Behind the
/// frame, the kernel then takes a buffer for each argument and each result, and
/// scratch memory if it needs some. Touches nothing but the kernel, so that
/// several can be emitted at once; emits an error where there is no code for
/// one.
llvm::LogicalResult emitForCpu(kernel::FuncOp kernel,
                               const MachineModel &machine, KernelBody makeBody,
                               const CpuEmissionOptions &options);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_CPUEMISSION_H
