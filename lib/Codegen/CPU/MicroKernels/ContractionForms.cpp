//===- ContractionForms.cpp - Which copies a matrix product makes ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ContractionForms.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/MicroKernels/Widening.h"

using namespace mlir;
using namespace sluice;

std::optional<int64_t>
sluice::getKnownRows(const ContractionOperands &operands) {
  return operands.ragged ? std::nullopt
                         : IndexBuilder::getConstant(operands.rows);
}

DotUnitModel sluice::getUnit(const ContractionTiling &tiling,
                             bool copiesPanels) {
  if (!copiesPanels)
    return tiling.unit;
  DotUnitModel unit = tiling.copies->unit;
  unit.emulated = tiling.unit.emulated;
  return unit;
}

bool sluice::widensLhs(const ContractionSpec &spec, const DotUnitModel &unit,
                       const ContractionOperands &operands) {
  auto rows = getKnownRows(operands);
  return unit.widensLhs && !(rows && usesDotProducts(spec, *rows));
}

OpFoldResult sluice::getWideLhsBytes(IndexBuilder &index,
                                     const DotUnitModel &unit,
                                     const ContractionOperands &operands) {
  OpFoldResult elements =
      index.add(countElements(index, operands.a), unit.depthStep - 1);
  return index.roundUp(index.mul(elements, unit.lhsBytes),
                       MachineModel::cacheLineBytes);
}

bool sluice::alwaysCopies(const ContractionTiling &tiling,
                          const ContractionOperands &operands) {
  return tiling.copies && getKnownRows(operands);
}

OpFoldResult sluice::getContractionScratch(
    OpBuilder &builder, Location loc, const ContractionSpec &spec,
    const ContractionTiling &tiling, const ContractionOperands &operands) {
  IndexBuilder index(builder, loc);
  OpFoldResult bytes = index.constant(0);
  // Where it depends on the rows whether panels are copied, the elements of A
  // are no wider with copies than without.
  DotUnitModel unit = getUnit(tiling, alwaysCopies(tiling, operands));
  if (widensLhs(spec, unit, operands))
    bytes = getWideLhsBytes(index, unit, operands);
  if (!tiling.packB)
    return bytes;
  OpFoldResult panels = index.roundUp(operands.columns, tiling.width());
  return index.add(
      bytes,
      index.mul(index.mul(operands.batch, index.mul(panels, operands.depth)),
                tiling.unit.sumBytes));
}
