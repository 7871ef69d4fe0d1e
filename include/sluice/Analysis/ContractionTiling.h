//===- ContractionTiling.h - Tile sizes of contractions ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Chooses register tiles and cache blocks from a machine model. Applying them
// is the business of Codegen; every choice can be overridden.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_CONTRACTIONTILING_H
#define SLUICE_ANALYSIS_CONTRACTIONTILING_H

#include "sluice/Analysis/DotUnit.h"
#include <optional>

namespace sluice {

struct MachineModel;

/// Copies of the panels of a packed B in the type and order that a unit
/// multiplies. A task makes one of a part of the depth, multiplies all of its
/// rows with it, and makes the next: narrow elements are widened once for all
/// rows, and what a task keeps fits its stack.
struct PanelCopies {
  DotUnitModel unit;
  /// Fewer rows read the panels as they lie.
  int64_t fewestRows = 1;
  /// Steps of the depth of one copy.
  int64_t depth = 1;
};

/// How a contraction is cut up. Blocks are what one parallel task computes.
struct ContractionTiling {
  /// The register tile: `tileRows` x (`tileVectors` * `lanes`).
  int64_t tileRows = 1;
  int64_t tileVectors = 1;
  int64_t lanes = 4;
  DotUnitModel unit;
  /// Of the loop over the depth.
  int64_t unroll = 1;
  /// Elements of B to fetch ahead; 0 for none.
  int64_t prefetchDistance = 0;
  /// Where rows are only known in the run, the last ones take a tile of one in
  /// so many sizes.
  int64_t partialTiles = 2;
  /// Rows, columns and depth of a block; multiples of the tile's. A depth
  /// block shorter than the depth keeps partial sums in C, which must be of
  /// their type; so nothing that the epilogue reads may share memory with C.
  int64_t rowBlock = 1;
  int64_t columnBlock = 1;
  int64_t depthBlock = std::numeric_limits<int64_t>::max();
  /// Within a block, walk the columns for every tile of rows (A stays in the
  /// first-level cache) instead of the rows for every panel of columns.
  bool rowsOuter = false;
  /// While the rows of a block pass by a panel of B, fetch the next one into
  /// the second-level cache.
  bool fetchPanels = false;
  /// While a tile multiplies, fetch the next one's rows of A into the
  /// second-level cache.
  bool fetchRows = false;
  /// While a tile multiplies, fetch what its epilogue reads and writes.
  bool fetchResult = false;
  /// Reorder B into panels at run time, into scratch memory.
  bool packB = false;
  /// Nothing: all rows read the panels as they lie. With it, neither the depth
  /// block nor the order of loops above counts.
  std::optional<PanelCopies> copies;
  /// Estimated nanoseconds of one block on one core.
  double blockCost = 0;

  int64_t width() const { return tileVectors * lanes; }
};

/// What a user or a kernel attribute may force. A prefetch distance takes the
/// place of `fetchPanels`.
struct ContractionTilingOverrides {
  std::optional<int64_t> tileRows, tileVectors, unroll, prefetchDistance;
  std::optional<int64_t> rowBlock, columnBlock, depthBlock;
  std::optional<bool> rowsOuter, fetchPanels;
};

/// Rows of accumulators of `vectors` registers each that stay in registers
/// beside one row of B, one broadcast and so many other vectors.
int64_t getRegisterRows(int64_t vectors, const MachineModel &machine,
                        int64_t others = 0);

/// Whether lines of `rows` rows, `stride` bytes apart, stay in the first-level
/// cache beside a stream. At strides of a power of two few of its sets have to
/// hold all of them.
bool fitCacheSets(int64_t rows, int64_t stride, const MachineModel &machine);

/// Whether a tensor of so many bytes is not expected in the caches of a core
/// when it is read or written.
bool leavesCache(int64_t bytes, const MachineModel &machine);

/// The number of columns of a packed panel: all kernels that read one constant
/// must agree on it, so it depends on the columns, the unit and the machine
/// only.
int64_t choosePanelWidth(int64_t columns, const DotUnitModel &unit,
                         const MachineModel &machine);

/// Whether so few rows are multiplied with a transposed B that it is read as it
/// lies, by dot products.
bool usesDotProducts(const ContractionSpec &spec, int64_t rows);

/// Why a product cannot be computed with a tiling; empty where it can.
llvm::StringRef explainMisfit(const ContractionSpec &spec,
                              const ContractionTiling &tiling);

/// Copies of panels for a unit, of the whole depth and for any rows.
PanelCopies makePanelCopies(const DotUnitModel &unit,
                            const ContractionSpec &spec);

ContractionTiling
chooseContractionTiling(const ContractionSpec &spec,
                        const MachineModel &machine,
                        const ContractionTilingOverrides &overrides = {});

/// The same with a unit of the caller's choice.
ContractionTiling
chooseContractionTiling(const ContractionSpec &spec, const DotUnitModel &unit,
                        const MachineModel &machine,
                        const ContractionTilingOverrides &overrides);

} // namespace sluice

#endif // SLUICE_ANALYSIS_CONTRACTIONTILING_H
