//===- NarrowIntegers.h - Integers in as few bits as hold them --*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_KERNELS_NARROWINTEGERS_H
#define SLUICE_LIB_TRANSFORMS_KERNELS_NARROWINTEGERS_H

#include "dialects/Kernel/Kernel.h"

namespace sluice {

/// An operand of a kernel's anchor that an elementwise kernel in front makes,
/// for this kernel alone, also by way of transposes: has that make signless
/// integers of 8 or 16 bits instead of 32, or goes without it, and widens them
/// in this kernel (`skipWidening` in PackedForms.h). Only where the integers
/// are known to fit, because they are made of narrower ones, as quantised
/// values minus their zero point are; other operands stay.
void narrowOperand(kernel::RegionOp region, mlir::OpOperand &operand);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_KERNELS_NARROWINTEGERS_H
