//===- ContractionTiling.cpp - Tile sizes of contractions -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Analysis/MachineModel.h"
#include <algorithm>
#include <cassert>
#include <numeric>

using namespace sluice;

static int64_t ceilDiv(int64_t value, int64_t by) {
  return (value + by - 1) / by;
}

static int64_t roundUp(int64_t value, int64_t to) {
  return ceilDiv(value, to) * to;
}

int64_t sluice::getRegisterRows(int64_t vectors, const MachineModel &machine,
                                int64_t others) {
  int64_t registers = machine.vectorRegisters;
  // Where a broadcast is used only once and registers are short, LLVM adds to
  // the broadcast instead of the accumulator: a sum then takes two registers.
  int64_t registersOfRow = registers < 32 && vectors == 1 ? 2 : vectors;
  int64_t left = registers - vectors - 1 - others;
  return std::clamp<int64_t>(left / registersOfRow, 1, 14);
}

bool sluice::fitCacheSets(int64_t rows, int64_t stride,
                          const MachineModel &machine) {
  constexpr int64_t lineBytes = 64;
  int64_t way = machine.l1WayBytes, ways = machine.l1Bytes / way;
  int64_t apart = std::gcd(stride, way);
  int64_t sets = way / std::max(apart, lineBytes);
  return ceilDiv(rows, std::max<int64_t>(sets, 1)) < std::max<int64_t>(ways, 2);
}

/// As many of `rows` rows as the cache's sets can hold, if that are enough:
/// reading B more often costs as well.
static int64_t limitToSets(int64_t rows, int64_t stride,
                           const MachineModel &machine) {
  constexpr int64_t enoughRows = 4;
  for (int64_t fewer = rows; fewer >= enoughRows; --fewer)
    if (fitCacheSets(fewer, stride, machine))
      return fewer;
  return rows;
}

bool sluice::leavesCache(int64_t bytes, const MachineModel &machine) {
  return bytes > machine.l2Bytes / 4;
}

int64_t sluice::choosePanelWidth(int64_t columns, const DotUnitModel &unit,
                                 const MachineModel &machine) {
  int64_t lanes = unit.lanes, vectors = unit.panelVectors;
  bool isShort = machine.vectorRegisters < 32 && unit.widenings == 0 &&
                 unit.productVectors == 0;
  if (columns == kDynamicSize)
    return vectors * lanes;
  int64_t needed = ceilDiv(columns, lanes);
  // In 16 registers 4 x 3 accumulators leave as much room as 6 x 2, load less,
  // and divide the usual numbers of rows. Worth a hundredth more of columns.
  if (isShort && roundUp(needed, 3) * 100 <= roundUp(needed, 2) * 101)
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
  double flopsPerCycle =
      2.0 * tiling.lanes * tiling.unit.depthStep * tiling.unit.rate;
  double compute = 2.0 * rows * columns * depth / flopsPerCycle *
                   machine.nanosecondsPerCycle * 1.2;
  double stream = static_cast<double>(tiling.unit.rhsBytes) * columns * depth /
                  MachineModel::sharedBytesPerNanosecond;
  return std::max(compute, stream);
}

/// Bytes of an element of B as tiles read it: reordered in the run, it is as
/// wide as its sums.
static int64_t getPanelBytes(const ContractionTiling &tiling) {
  return tiling.packB ? tiling.unit.sumBytes : tiling.unit.rhsBytes;
}

/// Tiles of rows that pass by one panel of B.
static int64_t countRowTiles(const ContractionTiling &tiling,
                             const ContractionSpec &spec) {
  int64_t tiles = tiling.rowBlock / tiling.tileRows;
  if (spec.rows == kDynamicSize)
    return tiles;
  return std::min(tiles, ceilDiv(spec.rows, tiling.tileRows));
}

/// A tall block reuses each panel of B. A matrix that is not much taller than a
/// block is not cut: its second part would read all of B once more.
static void chooseRowBlock(ContractionTiling &tiling,
                           const ContractionSpec &spec,
                           const ContractionTilingOverrides &overrides) {
  constexpr int64_t usualTiles = 16, mostTiles = 24;
  int64_t rows = tiling.tileRows;
  bool isWhole = spec.rows != kDynamicSize && spec.rows <= mostTiles * rows;
  int64_t limit = rows * (isWhole ? mostTiles : usualTiles);
  tiling.rowBlock = roundUp(
      overrides.rowBlock.value_or(balanceBlock(spec.rows, rows, limit)), rows);
}

/// Tiles of rows after the first read B again, from the second-level cache if
/// their part of the depth is short enough to leave room there for A and for
/// the part that is fetched meanwhile. The fewer tiles there are, the sooner
/// each part has to be there; the more, the more partial sums go to C and back.
static void chooseDepthBlock(ContractionTiling &tiling,
                             const ContractionSpec &spec,
                             const MachineModel &machine,
                             const ContractionTilingOverrides &overrides) {
  constexpr int64_t fewTiles = 8, shortest = 256, longest = 1024;
  int64_t tiles = countRowTiles(tiling, spec);
  bool readsPanels = spec.packedB || tiling.packB;
  tiling.fetchPanels = overrides.fetchPanels.value_or(
      readsPanels && tiles > 1 && !overrides.prefetchDistance);
  // Partial sums wait in C.
  if (spec.types.result != spec.types.accumulator)
    return;
  if (overrides.depthBlock) {
    tiling.depthBlock = *overrides.depthBlock;
    return;
  }
  if (!readsPanels || tiles <= 1 || spec.depth == kDynamicSize)
    return;
  int64_t rowBytes = tiling.width() * getPanelBytes(tiling);
  int64_t limit = machine.l2Bytes / (tiles <= fewTiles ? 16 : 8) / rowBytes;
  limit = std::clamp(limit, shortest, longest);
  // Cutting what fits anyway gains nothing. Where there are several blocks of
  // rows, C is too large to wait for its other parts in the cache.
  bool isSingle = spec.rows != kDynamicSize && spec.rows <= tiling.rowBlock;
  int64_t whole = machine.l2Bytes / (isSingle ? 4 : 2) / rowBytes;
  if (spec.depth > std::max(whole, limit))
    tiling.depthBlock =
        balanceBlock(spec.depth, tiling.unroll * tiling.unit.depthStep, limit);
}

static void chooseColumnBlock(ContractionTiling &tiling,
                              const ContractionSpec &spec,
                              const MachineModel &machine,
                              const ContractionTilingOverrides &overrides) {
  // A wide block reuses each row of A: four panels, cut narrower while there
  // are too few blocks to share out and each is still worth a thread.
  constexpr int64_t wantedBlocks = 16;
  constexpr double worthwhileCost = 10000;
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
}

/// Whether the columns are walked for every tile of rows. A result that leaves
/// the cache, with what the epilogue reads beside it, is best streamed along
/// whole rows, if the panels of the block stay in the cache and are wide enough
/// to be read from there at the speed of arithmetic.
static bool walksRows(const ContractionTiling &tiling,
                      const ContractionSpec &spec,
                      const MachineModel &machine) {
  constexpr int64_t wideBytes = 256;
  int64_t elementBytes = getPanelBytes(tiling);
  if (!spec.packedB || spec.rows == kDynamicSize ||
      spec.columns == kDynamicSize || spec.depth == kDynamicSize ||
      tiling.columnBlock <= tiling.width())
    return false;
  int64_t batch = spec.batch == kDynamicSize ? 1 : spec.batch;
  bool leavesCache =
      batch * spec.rows * spec.columns * getNumberBytes(spec.types.result) >
      machine.l2Bytes * 4;
  return leavesCache && tiling.width() * elementBytes >= wideBytes &&
         tiling.columnBlock * spec.depth * elementBytes <= machine.l2Bytes / 4;
}

/// What tiles fetch because it is not in the caches.
static void chooseFetches(ContractionTiling &tiling,
                          const ContractionSpec &spec,
                          const MachineModel &machine) {
  // As many rows as a short text has tokens.
  constexpr int64_t usualRows = 128;
  int64_t rows = spec.rows == kDynamicSize ? usualRows : spec.rows;
  if (spec.batch != kDynamicSize)
    rows *= spec.batch;
  tiling.fetchResult =
      spec.columns != kDynamicSize &&
      leavesCache(rows * spec.columns * getNumberBytes(spec.types.result),
                  machine);
  tiling.fetchRows =
      spec.depth != kDynamicSize && !spec.transposeA &&
      leavesCache(rows * spec.depth * tiling.unit.lhsBytes, machine);
}

/// Why a product has no panels that can be copied; empty where it has.
static llvm::StringRef explainUncopied(const ContractionSpec &spec) {
  if (!spec.packedB || spec.transposeA)
    return "only panels of packed weights are copied";
  if (spec.columns == kDynamicSize || spec.depth == kDynamicSize ||
      spec.depth < 1)
    return "panels of unknown sizes are not copied";
  return {};
}

// Stacks of threads may be small.
static constexpr int64_t mostCopiedBytes = 32 << 10, mostBytesOfSums = 64 << 10;

/// Where a panel is copied in several parts, the sums of all rows wait on the
/// stack meanwhile.
static bool fitSums(const ContractionTiling &tiling,
                    const ContractionSpec &spec, const PanelCopies &copies) {
  return spec.depth <= copies.depth ||
         tiling.rowBlock * tiling.width() * tiling.unit.sumBytes <=
             mostBytesOfSums;
}

PanelCopies sluice::makePanelCopies(const DotUnitModel &unit,
                                    const ContractionSpec &spec) {
  PanelCopies copies;
  copies.unit = unit;
  copies.depth = spec.depth;
  // The last pair of an odd depth reads on behind the last row.
  if (spec.depth % unit.depthStep != 0)
    copies.unit.widensLhs = true;
  return copies;
}

/// Whether, and how, panels are copied before many rows multiply with them:
/// what else was chosen decides about it.
static std::optional<PanelCopies>
choosePanelCopies(const ContractionTiling &tiling, const ContractionSpec &spec,
                  const MachineModel &machine) {
  // What a copy costs is a few hundredths for so many rows; a unit that
  // multiplies twice as fast makes up for it sooner.
  constexpr int64_t fewestRows = 32, fewestRowsInPairs = 8;
  if (tiling.unit.widenings == 0 || !explainUncopied(spec).empty() ||
      tiling.rowsOuter)
    return std::nullopt;
  PanelCopies copies =
      makePanelCopies(chooseDotUnitOfCopies(spec.types, machine), spec);
  copies.fewestRows =
      copies.unit.depthStep > 1 ? fewestRowsInPairs : fewestRows;
  if (spec.rows != kDynamicSize && spec.rows < copies.fewestRows)
    return std::nullopt;
  int64_t step = tiling.unroll * copies.unit.depthStep;
  int64_t limit = mostCopiedBytes / (tiling.width() * copies.unit.rhsBytes);
  if (limit < step)
    return std::nullopt;
  limit = std::min(limit, tiling.depthBlock);
  copies.depth = balanceBlock(spec.depth, step, limit);
  if (!fitSums(tiling, spec, copies))
    return std::nullopt;
  return copies;
}

/// Why the copies of a tiling are none that a task can make; empty where they
/// are.
static llvm::StringRef explainCopies(const ContractionSpec &spec,
                                     const ContractionTiling &tiling) {
  const PanelCopies &copies = *tiling.copies;
  llvm::StringRef reason = explainUncopied(spec);
  if (!reason.empty())
    return reason;
  if (copies.depth % copies.unit.depthStep != 0)
    return "a copy of a panel ends within what its dot unit multiplies at once";
  if (std::min(copies.depth, spec.depth) * tiling.width() *
          copies.unit.rhsBytes >
      mostCopiedBytes)
    return "a copy of a panel takes more than 32 KiB of the stack";
  if (!fitSums(tiling, spec, copies))
    return "the sums between copies of a panel take more than 64 KiB of the "
           "stack";
  return {};
}

/// Tiles of more sizes compute fewer rows that do not exist, and are more code,
/// which products of small matrices feel in every run.
static int64_t choosePartialTiles(const ContractionSpec &spec,
                                  const DotUnitModel &unit,
                                  const MachineModel &machine) {
  bool isLarge =
      spec.columns != kDynamicSize && spec.depth != kDynamicSize &&
      leavesCache(spec.columns * spec.depth * unit.rhsBytes, machine);
  return isLarge ? 3 : 2;
}

bool sluice::usesDotProducts(const ContractionSpec &spec, int64_t rows) {
  constexpr int64_t mostRows = 4;
  return spec.transposeB && !spec.packedB && !spec.transposeA &&
         rows <= mostRows;
}

llvm::StringRef sluice::explainMisfit(const ContractionSpec &spec,
                                      const ContractionTiling &tiling) {
  bool lies = spec.transposeB && !spec.packedB;
  if (tiling.packB && !lies)
    return "only a transposed right-hand side is put into panels in the run";
  bool isShort = spec.rows != kDynamicSize && usesDotProducts(spec, spec.rows);
  if (lies && !tiling.packB && !isShort)
    return "a transposed right-hand side must be put into panels in the run";
  bool isWhole = spec.depth != kDynamicSize && tiling.depthBlock >= spec.depth;
  bool isUnlimited = tiling.depthBlock == std::numeric_limits<int64_t>::max();
  if (!isWhole && !isUnlimited && spec.types.result != spec.types.accumulator)
    return "blocks of the depth keep sums in the result, which has another "
           "type";
  return tiling.copies ? explainCopies(spec, tiling) : llvm::StringRef();
}

ContractionTiling
sluice::chooseContractionTiling(const ContractionSpec &spec,
                                const MachineModel &machine,
                                const ContractionTilingOverrides &overrides) {
  return chooseContractionTiling(spec, chooseDotUnit(spec.types, machine),
                                 machine, overrides);
}

ContractionTiling sluice::chooseContractionTiling(
    const ContractionSpec &spec, const DotUnitModel &unit,
    const MachineModel &machine, const ContractionTilingOverrides &overrides) {
  ContractionTiling tiling;
  tiling.unit = unit;
  tiling.lanes = tiling.unit.lanes;
  tiling.tileVectors = overrides.tileVectors.value_or(
      choosePanelWidth(spec.columns, tiling.unit, machine) / tiling.lanes);
  tiling.tileRows = overrides.tileRows.value_or(
      getRegisterRows(tiling.tileVectors, machine, tiling.unit.productVectors));
  if (!overrides.tileRows && !spec.transposeA && spec.depth != kDynamicSize)
    tiling.tileRows = limitToSets(tiling.tileRows,
                                  spec.depth * tiling.unit.lhsBytes, machine);
  if (spec.rows != kDynamicSize)
    tiling.tileRows = overrides.tileRows
                          ? std::clamp<int64_t>(spec.rows, 1, tiling.tileRows)
                          : balanceBlock(spec.rows, 1, tiling.tileRows);
  tiling.unroll = overrides.unroll.value_or(2);
  tiling.prefetchDistance = overrides.prefetchDistance.value_or(0);
  tiling.packB =
      spec.transposeB && !spec.packedB &&
      !(spec.rows != kDynamicSize && usesDotProducts(spec, spec.rows));
  chooseRowBlock(tiling, spec, overrides);
  chooseDepthBlock(tiling, spec, machine, overrides);
  chooseColumnBlock(tiling, spec, machine, overrides);
  tiling.rowsOuter = overrides.rowsOuter.value_or(false);
  tiling.copies = choosePanelCopies(tiling, spec, machine);
  if (!overrides.rowsOuter && !tiling.copies)
    tiling.rowsOuter = walksRows(tiling, spec, machine);
  chooseFetches(tiling, spec, machine);
  tiling.partialTiles = choosePartialTiles(spec, tiling.unit, machine);
  // Every tile of rows reads all panels then.
  if (tiling.rowsOuter)
    tiling.fetchPanels = overrides.fetchPanels.value_or(false);
  assert(tiling.tileRows >= 1 && tiling.tileVectors >= 1 &&
         tiling.depthBlock >= 1 && "tiles compute something");
  assert(tiling.rowBlock % tiling.tileRows == 0 &&
         tiling.columnBlock % tiling.width() == 0 &&
         "blocks consist of whole tiles");
  return tiling;
}
