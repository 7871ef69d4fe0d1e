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

/// The tiling of the kernel that a region of ops belongs to, or null.
kernel::TilingAttr getKernelTiling(mlir::Block &region);

/// On a `kernel.func`: its dot units are spelled out in plain arithmetic.
inline constexpr llvm::StringLiteral emulatesDotUnitsAttributeName =
    "kernel.emulates_dot_units";
bool emulatesDotUnits(mlir::Block &region);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PRODUCTS_TILINGOVERRIDES_H
