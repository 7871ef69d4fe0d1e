//===- ContractionTiling.cpp - Tile sizes of contractions -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Analysis/MachineModel.h"
#include <algorithm>

using namespace sluice;

/// Rows of accumulators that fit the register file beside one row of B and one
/// broadcast.
static int64_t getRegisterRows(int64_t vectors, const MachineModel &machine) {
  int64_t registers = machine.vectorRegisters;
  return std::clamp<int64_t>((registers - vectors - 1) / vectors, 1, 14);
}

int64_t sluice::choosePanelWidth(int64_t columns, const MachineModel &machine) {
  int64_t lanes = machine.lanes(32);
  int64_t vectors = machine.vectorRegisters >= 32 ? 4 : 2;
  if (columns == kDynamicSize)
    return vectors * lanes;
  int64_t needed = (columns + lanes - 1) / lanes;
  return std::clamp<int64_t>(needed, 1, vectors) * lanes;
}

ContractionTiling
sluice::chooseContractionTiling(const ContractionSpec &spec,
                                const MachineModel &machine,
                                const ContractionTilingOverrides &overrides) {
  ContractionTiling tiling;
  tiling.lanes = machine.lanes(32);
  tiling.fusedMultiplyAdd = machine.hasFma;
  tiling.tileVectors = overrides.tileVectors.value_or(
      choosePanelWidth(spec.columns, machine) / tiling.lanes);
  tiling.tileRows =
      overrides.tileRows.value_or(getRegisterRows(tiling.tileVectors, machine));
  if (spec.rows != kDynamicSize)
    tiling.tileRows = std::clamp<int64_t>(spec.rows, 1, tiling.tileRows);
  tiling.unroll = overrides.unroll.value_or(2);
  tiling.prefetchDistance = overrides.prefetchDistance.value_or(0);
  tiling.packB = spec.transposeB && !spec.packedB;
  tiling.rowBlock = overrides.rowBlock.value_or(tiling.tileRows * 16);
  tiling.columnBlock = overrides.columnBlock.value_or(tiling.width() * 4);
  if (overrides.depthBlock)
    tiling.depthBlock = *overrides.depthBlock;
  tiling.rowsOuter = overrides.rowsOuter.value_or(false);
  return tiling;
}
