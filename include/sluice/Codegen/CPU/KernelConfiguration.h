//===- KernelConfiguration.h - What was chosen about a kernel ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_KERNELCONFIGURATION_H
#define SLUICE_CODEGEN_CPU_KERNELCONFIGURATION_H

#include "dialects/Kernel/Kernel.h"

namespace sluice {

/// The configuration of the kernel around `op`; an error at the op where there
/// is none of this kind.
template <typename AttrTy>
mlir::FailureOr<AttrTy> readConfiguration(mlir::Operation *op) {
  auto kernel = llvm::dyn_cast<kernel::FuncOp>(op->getParentOp());
  auto config = kernel
                    ? llvm::dyn_cast_if_present<AttrTy>(kernel.getConfigAttr())
                    : AttrTy();
  if (!config)
    return op->emitError("its kernel has no configuration for it; "
                         "sluice-choose-kernels writes one");
  return config;
}

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_KERNELCONFIGURATION_H
