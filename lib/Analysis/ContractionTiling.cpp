//===- ContractionTiling.cpp - Tile sizes of contractions -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Analysis/MachineModel.h"
#include <algorithm>

using namespace sluice;

static int64_t ceilDiv(int64_t value, int64_t by) {
  return (value + by - 1) / by;
}

static int64_t roundUp(int64_t value, int64_t to) {
  return ceilDiv(value, to) * to;
}

int64_t sluice::getRegisterRows(int64_t vectors, const MachineModel &machine) {
  int64_t registers = machine.vectorRegisters;
  // Where a broadcast is used only once and registers are short, LLVM adds to
  // the broadcast instead of the accumulator: a sum then takes two registers.
  int64_t registersOfRow = registers < 32 && vectors == 1 ? 2 : vectors;
  return std::clamp<int64_t>((registers - vectors - 1) / registersOfRow, 1, 14);
}

int64_t sluice::choosePanelWidth(int64_t columns, const MachineModel &machine) {
  int64_t lanes = machine.lanes(32);
  int64_t vectors = machine.vectorRegisters >= 32 ? 4 : 2;
  if (columns == kDynamicSize)
    return vectors * lanes;
  int64_t needed = ceilDiv(columns, lanes);
  // In 16 registers 4 x 3 accumulators leave as much room as 6 x 2, load less,
  // and divide the usual numbers of rows. Worth a hundredth more of columns.
  if (vectors == 2 && roundUp(needed, 3) * 100 <= roundUp(needed, 2) * 101)
    vectors = 3;
  return std::clamp<int64_t>(needed, 1, vectors) * lanes;
}

/// The block size, a multiple of `tile`, that cuts `size` into equal parts of
/// at most `limit`.
static int64_t balanceBlock(int64_t size, int64_t tile, int64_t limit) {
  limit = std::max(limit / tile, int64_t(1)) * tile;
  if (size == kDynamicSize)
    return limit;
  int64_t tiles = std::max(ceilDiv(size, tile), int64_t(1));
  int64_t blocks = ceilDiv(tiles * tile, limit);
  return ceilDiv(tiles, blocks) * tile;
}

/// Nanoseconds for one block: arithmetic or streaming B, whichever is slower.
static double estimateBlockCost(const ContractionTiling &tiling, int64_t rows,
                                int64_t columns, int64_t depth,
                                const MachineModel &machine) {
  // What a core gets from the last-level cache.
  constexpr double bytesPerNanosecond = 20;
  double flopsPerCycle =
      2.0 * tiling.lanes * machine.fmaPerCycle * (machine.hasFma ? 1 : 0.5);
  double compute = 2.0 * rows * columns * depth / flopsPerCycle *
                   machine.nanosecondsPerCycle * 1.2;
  double stream = 4.0 * columns * depth / bytesPerNanosecond;
  return std::max(compute, stream);
}

static void chooseBlocks(ContractionTiling &tiling, const ContractionSpec &spec,
                         const MachineModel &machine,
                         const ContractionTilingOverrides &overrides) {
  // A tall block reuses each panel of B, a wide one each row of A. Sixteen
  // tiles high, four panels wide keeps both in the second-level cache; cut
  // narrower while there are too few blocks to share out and each is still
  // worth a thread.
  constexpr int64_t wantedBlocks = 16;
  constexpr double worthwhileCost = 10000;
  tiling.rowBlock =
      roundUp(overrides.rowBlock.value_or(balanceBlock(
                  spec.rows, tiling.tileRows, tiling.tileRows * 16)),
              tiling.tileRows);
  int64_t rows = spec.rows == kDynamicSize ? tiling.rowBlock : spec.rows;
  int64_t depth = spec.depth == kDynamicSize ? 256 : spec.depth;
  int64_t batch = spec.batch == kDynamicSize ? 1 : spec.batch;
  int64_t rowsOfBlock = std::min(rows, tiling.rowBlock);
  for (int64_t panels = 4; panels >= 1; panels /= 2) {
    tiling.columnBlock =
        roundUp(overrides.columnBlock.value_or(balanceBlock(
                    spec.columns, tiling.width(), tiling.width() * panels)),
                tiling.width());
    int64_t columns =
        spec.columns == kDynamicSize ? tiling.columnBlock : spec.columns;
    tiling.blockCost = estimateBlockCost(tiling, rowsOfBlock,
                                         std::min(columns, tiling.columnBlock),
                                         depth, machine);
    int64_t blocks = batch * ceilDiv(rows, tiling.rowBlock) *
                     ceilDiv(columns, tiling.columnBlock);
    if (blocks >= wantedBlocks || tiling.blockCost < 2 * worthwhileCost)
      break;
  }
  // A panel of B should stay in the second-level cache while the rows of the
  // block pass by.
  int64_t panelDepth =
      machine.l2Bytes * 3 / 4 / (tiling.width() * int64_t(sizeof(float)));
  if (overrides.depthBlock)
    tiling.depthBlock = *overrides.depthBlock;
  else if (overrides.allowDepthBlocks && spec.depth > panelDepth &&
           rows > tiling.tileRows)
    tiling.depthBlock = balanceBlock(spec.depth, tiling.unroll, panelDepth);
}

bool sluice::usesDotProducts(const ContractionSpec &spec, int64_t rows) {
  constexpr int64_t mostRows = 4;
  return spec.transposeB && !spec.packedB && !spec.transposeA &&
         rows <= mostRows;
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
  tiling.packB =
      spec.transposeB && !spec.packedB &&
      !(spec.rows != kDynamicSize && usesDotProducts(spec, spec.rows));
  tiling.rowsOuter = overrides.rowsOuter.value_or(false);
  chooseBlocks(tiling, spec, machine, overrides);
  return tiling;
}
