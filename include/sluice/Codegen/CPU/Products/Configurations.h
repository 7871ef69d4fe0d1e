//===- Configurations.h - Tilings as attributes of kernels ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What is chosen about a product or a convolution is kept in an attribute of
// its kernel; the packing of its weights and the emission of its code read it
// there.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_PRODUCTS_CONFIGURATIONS_H
#define SLUICE_CODEGEN_CPU_PRODUCTS_CONFIGURATIONS_H

#include "dialects/Kernel/Kernel.h"
#include "sluice/Analysis/ConvolutionTiling.h"

namespace sluice {

kernel::CpuContractionAttr getConfiguration(mlir::MLIRContext *context,
                                            const ContractionTiling &tiling);
kernel::CpuConvolutionAttr getConfiguration(mlir::MLIRContext *context,
                                            const ConvolutionTiling &tiling);

/// The tiling in the configuration of the kernel around `op`, a product or a
/// convolution of this spec; an error at the op where there is none that fits.
mlir::FailureOr<ContractionTiling>
readContractionTiling(mlir::Operation *op, const ContractionSpec &spec,
                      const MachineModel &machine);
mlir::FailureOr<ConvolutionTiling>
readConvolutionTiling(mlir::Operation *op, const ConvolutionSpec &spec,
                      const MachineModel &machine);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PRODUCTS_CONFIGURATIONS_H
