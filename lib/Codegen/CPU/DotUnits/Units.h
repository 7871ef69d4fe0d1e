//===- Units.h - The dot units there are ------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_DOTUNITS_UNITS_H
#define SLUICE_LIB_CODEGEN_CPU_DOTUNITS_UNITS_H

#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"

namespace sluice {

/// Floats in the type of their sums; narrower elements are widened where they
/// are read.
std::unique_ptr<DotUnit> createFloatUnit(const DotUnitModel &model,
                                         mlir::Type sumType);

/// Integers in the type of their sums, modulo its size.
std::unique_ptr<DotUnit> createIntegerUnit(const DotUnitModel &model,
                                           mlir::Type sumType);

/// Pairs of 16-bit integers, whose two products are added up with a sum of 32
/// bits, modulo its size: PMADDWD and an addition.
std::unique_ptr<DotUnit> createPairUnit(const DotUnitModel &model,
                                        mlir::Type sumType);

/// What `unit` computes, spelled out in operations on numbers.
std::unique_ptr<DotUnit> createEmulatedUnit(const DotUnitModel &model,
                                            mlir::Type sumType);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_DOTUNITS_UNITS_H
