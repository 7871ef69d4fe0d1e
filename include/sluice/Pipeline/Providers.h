//===- Providers.h - The providers of kernels there are ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_PIPELINE_PROVIDERS_H
#define SLUICE_PIPELINE_PROVIDERS_H

#include "sluice/Codegen/Providers/KernelProvider.h"

namespace sluice {

/// All providers that this compiler was built with code for. Whether one can
/// serve a machine, it says itself.
Providers createProviders();

} // namespace sluice

#endif // SLUICE_PIPELINE_PROVIDERS_H
