//===- TilingOverrides.h - From attributes to tile choices ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_PRODUCTS_TILINGOVERRIDES_H
#define SLUICE_CODEGEN_CPU_PRODUCTS_TILINGOVERRIDES_H

#include "dialects/Kernel/Kernel.h"
#include "sluice/Analysis/ConvolutionTiling.h"

namespace sluice {

/// What a #kernel.tiling asks for; nothing where it is null.
ContractionTilingOverrides getContractionOverrides(kernel::TilingAttr tiling);
ConvolutionTilingOverrides getConvolutionOverrides(kernel::TilingAttr tiling);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PRODUCTS_TILINGOVERRIDES_H
