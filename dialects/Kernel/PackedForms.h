//===- PackedForms.h - What ops become with packed constants ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_KERNEL_PACKEDFORMS_H
#define SLUICE_DIALECTS_KERNEL_PACKEDFORMS_H

#include "dialects/Kernel/Kernel.h"

#include "dialects/Kernel/PackableInterface.h.inc"

namespace sluice::kernel {

/// Makes the packed forms of ops of graphs known in the contexts that are made
/// with this registry.
void registerPackedForms(mlir::DialectRegistry &registry);

} // namespace sluice::kernel

#endif // SLUICE_DIALECTS_KERNEL_PACKEDFORMS_H
