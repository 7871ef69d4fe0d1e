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

/// What a product with narrow packed weights, of elements `weights`, reads for
/// an operand that is widened to 32 bits in its kernel: the signless integers
/// of 8 or 16 bits that it is made of. Other operands are read as they are.
mlir::Value skipWidening(mlir::Value value, mlir::Type weights);

/// Makes the packed forms of ops of graphs known in the contexts that are made
/// with this registry.
void registerPackedForms(mlir::DialectRegistry &registry);

} // namespace sluice::kernel

#endif // SLUICE_DIALECTS_KERNEL_PACKEDFORMS_H
