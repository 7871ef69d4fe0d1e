//===- MachineLearningKernels.h - Trees and classifiers ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_KERNELS_MACHINELEARNINGKERNELS_H
#define SLUICE_LIB_CODEGEN_KERNELS_MACHINELEARNINGKERNELS_H

#include "sluice/Codegen/KernelBuilder.h"

namespace sluice {

llvm::LogicalResult emitPairwiseCoupling(KernelBuilder &kernel,
                                         mlir::Operation *anchor);
llvm::LogicalResult emitTreeEnsemble(KernelBuilder &kernel,
                                     mlir::Operation *anchor);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_KERNELS_MACHINELEARNINGKERNELS_H
