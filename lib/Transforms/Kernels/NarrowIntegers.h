//===- NarrowIntegers.h - Integers in as few bits as hold them --*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_KERNELS_NARROWINTEGERS_H
#define SLUICE_LIB_TRANSFORMS_KERNELS_NARROWINTEGERS_H

#include "mlir/IR/Builders.h"

namespace sluice {

/// A tensor of 32-bit integers that are known to fit 16 bits, because they are
/// made of narrower ones, as signless integers of 8 or 16 bits; null where that
/// is not known. Quantised values minus their zero point are such ones.
mlir::Value narrowIntegers(mlir::OpBuilder &builder, mlir::Value value);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_KERNELS_NARROWINTEGERS_H
