//===- OneDnn.h - Kernels that oneDNN computes ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ONEDNN_ONEDNN_H
#define SLUICE_CODEGEN_ONEDNN_ONEDNN_H

#include "sluice/Codegen/Providers/KernelProvider.h"

namespace sluice {

/// oneDNN as a provider of products and convolutions, with the elementwise ops
/// behind them that it has as post-ops.
std::unique_ptr<KernelProvider> createOneDnnProvider();

} // namespace sluice

#endif // SLUICE_CODEGEN_ONEDNN_ONEDNN_H
