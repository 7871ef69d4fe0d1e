//===- ContractionForms.h - Which copies a matrix product makes -*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A product is emitted in one or more forms, of which the number of rows
// decides: with copies of the panels of B, or without.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONTRACTIONFORMS_H
#define SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONTRACTIONFORMS_H

#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"

namespace sluice {

/// The rows of every batch index, if that is one number.
std::optional<int64_t> getKnownRows(const ContractionOperands &operands);

/// The unit of the tiles that multiply with copies of panels, or with these as
/// they lie.
DotUnitModel getUnit(const ContractionTiling &tiling, bool copiesPanels);

/// Whether tiles read a copy of A with wider elements. Dot products, which read
/// each element of B once, widen A as well where they read it.
bool widensLhs(const ContractionSpec &spec, const DotUnitModel &unit,
               const ContractionOperands &operands);

/// Where in the scratch memory what follows a copy of A starts. An instruction
/// that takes neighbours in depth may read on behind the last element.
mlir::OpFoldResult getWideLhsBytes(IndexBuilder &index,
                                   const DotUnitModel &unit,
                                   const ContractionOperands &operands);

/// Whether copies of panels serve all rows there may be.
bool alwaysCopies(const ContractionTiling &tiling,
                  const ContractionOperands &operands);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONTRACTIONFORMS_H
