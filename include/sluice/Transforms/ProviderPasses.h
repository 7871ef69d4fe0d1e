//===- ProviderPasses.h - Passes that ask who makes kernels -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The pass of Passes.h that asks the providers of kernels, with those of the
// pipeline it is for. Made without, it knows none, not even the compiler.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_PROVIDERPASSES_H
#define SLUICE_TRANSFORMS_PROVIDERPASSES_H

#include "sluice/Codegen/Providers/KernelProvider.h"
#include "sluice/Transforms/Passes.h"

namespace sluice {

std::unique_ptr<mlir::Pass>
createChooseKernelsPass(Providers providers,
                        const ChooseKernelsPassOptions &options = {});

} // namespace sluice

#endif // SLUICE_TRANSFORMS_PROVIDERPASSES_H
