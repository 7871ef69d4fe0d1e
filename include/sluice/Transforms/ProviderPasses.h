//===- ProviderPasses.h - Passes that ask who makes kernels -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The passes of Passes.h that ask the providers of kernels, with those of the
// pipeline they are for. Made without, they know none, not even the compiler.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_PROVIDERPASSES_H
#define SLUICE_TRANSFORMS_PROVIDERPASSES_H

#include "sluice/Codegen/Providers/KernelProvider.h"
#include "sluice/Transforms/Passes.h"

namespace sluice {

std::unique_ptr<mlir::Pass>
createChooseProvidersPass(Providers providers,
                          const ChooseProvidersPassOptions &options = {});
std::unique_ptr<mlir::Pass> createPackWeightsPass(Providers providers);
std::unique_ptr<mlir::Pass> createFormKernelsPass(Providers providers);

} // namespace sluice

#endif // SLUICE_TRANSFORMS_PROVIDERPASSES_H
