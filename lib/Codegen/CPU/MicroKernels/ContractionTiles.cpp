//===- ContractionTiles.cpp - The register tiles of a matrix product ------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ContractionEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Analysis/MachineModel.h"

using namespace mlir;
using namespace sluice;

/// Two multiply-adds per cycle that take four cycles each need eight
/// independent sums; small tiles get them from alternate steps.
static int64_t getPartialSums(const RegisterTile &tile) {
  int64_t sums = tile.rows * tile.vectors;
  return sums >= 8 ? 1 : sums >= 4 ? 2 : 4;
}

void ContractionEmitter::forEachRowGroup(
    function_ref<void(const RowGroup &)> body) {
  int64_t step = tiling.tileRows;
  OpFoldResult count = index.sub(rowEnd, rowBegin);
  OpFoldResult fullEnd = index.sub(rowEnd, index.rem(count, step));
  auto rows = getKnownRows(operands);
  if (!rows || *rows >= step)
    index.loop(rowBegin, fullEnd, step, [&](OpFoldResult row) {
      body(RowGroup{row, step, OpFoldResult()});
    });
  // Blocks are multiples of the tile, so only the last one has a rest, and its
  // size is known when the number of rows is.
  if (!rows) {
    OpFoldResult rest = index.sub(rowEnd, fullEnd);
    return emitPartialTile(
        index, step, tiling.partialTiles, rest,
        [&](int64_t count) { body(RowGroup{fullEnd, count, rest}); });
  }
  if (*rows % step != 0)
    index.ifLess(fullEnd, rowEnd, [&] {
      body(RowGroup{fullEnd, *rows % step, OpFoldResult()});
    });
}

OpFoldResult ContractionEmitter::getBStart(OpFoldResult column,
                                           OpFoldResult panelColumn) {
  if (!readsPanels())
    return index.add(index.add(offsets.b, index.mul(kBegin, operands.bStride)),
                     column);
  // Panels are columns / width * depth * width apart.
  OpFoldResult panel =
      index.add(offsets.b, index.mul(panelColumn, operands.depth));
  return index.add(index.add(panel, index.mul(kBegin, tiling.width())),
                   index.sub(column, panelColumn));
}

void ContractionEmitter::forEachColumnGroup(
    function_ref<void(const ColumnGroup &)> body) {
  int64_t step = tiling.width();
  OpFoldResult count = index.sub(columnEnd, columnBegin);
  OpFoldResult fullEnd = index.sub(columnEnd, index.rem(count, step));
  auto columns = IndexBuilder::getConstant(operands.columns);
  if (!columns || *columns >= step)
    index.loop(columnBegin, fullEnd, step, [&](OpFoldResult column) {
      OpFoldResult bStart = getBStart(column, column);
      body(ColumnGroup{column, tiling.tileVectors, Value(), bStart,
                       getNextB(column, bStart)});
    });
  if (columns && *columns % step == 0)
    return;
  index.ifLess(fullEnd, columnEnd, [&] { emitColumnTail(fullEnd, body); });
}

void ContractionEmitter::emitColumnTail(
    OpFoldResult first, function_ref<void(const ColumnGroup &)> body) {
  int64_t lanes = tiling.lanes;
  OpBuilder &builder = index.builder;
  if (auto columns = IndexBuilder::getConstant(operands.columns)) {
    int64_t tail = *columns % tiling.width();
    int64_t vectors = (tail + lanes - 1) / lanes;
    int64_t last = tail - (vectors - 1) * lanes;
    Value mask = makeLaneMask(builder, index.loc, lanes, index.constant(last));
    body(ColumnGroup{first, vectors, mask, getBStart(first, first),
                     OpFoldResult()});
    return;
  }
  index.loop(first, columnEnd, lanes, [&](OpFoldResult column) {
    Value mask =
        makeLaneMask(builder, index.loc, lanes, index.sub(columnEnd, column));
    body(
        ColumnGroup{column, 1, mask, getBStart(column, first), OpFoldResult()});
  });
}

/// Where the sums of a tile wait for the rest of the depth: in C, or where
/// panels are copied.
TileResult ContractionEmitter::getHeldSums(const RowGroup &rows,
                                           const TileResult &result) {
  if (!heldSums)
    return result;
  TileResult held = result;
  held.c = heldSums;
  held.place = nullptr;
  held.column = index.constant(0);
  held.start = index.mul(index.sub(rows.first, rowBegin),
                         index.constant(tiling.width()));
  held.stride = index.constant(tiling.width());
  held.lastMask = nullptr;
  return held;
}

/// Adds what earlier blocks of the depth have left.
SmallVector<Value> ContractionEmitter::addPartialSums(const RegisterTile &tile,
                                                      const TileResult &held,
                                                      ValueRange sums) {
  OpBuilder &builder = index.builder;
  Value isLater = arith::CmpIOp::create(
      builder, index.loc, arith::CmpIPredicate::ne, index.value(kBegin),
      index.value(index.constant(0)));
  auto branch =
      scf::IfOp::create(builder, index.loc, TypeRange(sums), isLater, true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(builder, index.loc, sums);
  builder.setInsertionPointToEnd(branch.thenBlock());
  SmallVector<Value> added;
  for (int64_t r = 0; r < tile.rows; ++r) {
    // Rows past the end read the last one's sums and are never stored.
    OpFoldResult row = index.constant(r);
    if (held.validRows)
      row = index.min(row, index.sub(held.validRows, 1));
    OpFoldResult start = held.getStart(index, row);
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Value earlier = loadVector(
          builder, index.loc, held.c,
          index.add(start, index.add(held.column, v * tile.lanes)), tile.lanes,
          v + 1 == tile.vectors ? held.lastMask : Value());
      added.push_back(
          addSums(builder, index.loc, earlier, sums[r * tile.vectors + v]));
    }
  }
  scf::YieldOp::create(builder, index.loc, added);
  return llvm::to_vector_of<Value>(branch.getResults());
}

/// What is read after the panel at `column`: the next panel of the block, else
/// the next part of the depth, else what follows in memory.
OpFoldResult ContractionEmitter::getNextB(OpFoldResult column,
                                          OpFoldResult bStart) {
  if (!tiling.fetchPanels || !readsPanels())
    return OpFoldResult();
  OpFoldResult next = index.add(column, tiling.width());
  OpFoldResult nextPanel =
      index.add(bStart, index.mul(operands.depth, tiling.width()));
  // The parts of a copied panel follow each other.
  if (copiesPanels || !splitsDepth())
    return nextPanel;
  OpFoldResult firstPanel =
      index.add(offsets.b, index.mul(columnBegin, operands.depth));
  OpFoldResult nextDepth =
      index.add(firstPanel, index.mul(kEnd, tiling.width()));
  OpFoldResult nextBlock =
      index.add(offsets.b, index.mul(columnEnd, operands.depth));
  return index.selectLess(
      next, columnEnd, nextPanel,
      index.selectLess(kEnd, operands.depth, nextDepth, nextBlock));
}

/// Each tile of rows fetches its share of the next part of B.
void ContractionEmitter::addPrefetches(MicroTileOperands &inputs,
                                       const RowGroup &rows,
                                       const ColumnGroup &columns) {
  if (!columns.nextB)
    return;
  if (operands.ragged)
    return shareRaggedPrefetches(inputs, rows, columns);
  // A block that is not full fetches part of it only.
  int64_t rowTiles = tiling.rowBlock / tiling.tileRows;
  if (auto known = getKnownRows(operands))
    rowTiles =
        std::min(rowTiles, (*known + tiling.tileRows - 1) / tiling.tileRows);
  // One tile reads each panel once, a stream that the CPU fetches by itself.
  if (rowTiles <= 1)
    return;
  int64_t step = (tiling.width() + rowTiles - 1) / rowTiles;
  OpFoldResult tile =
      index.div(index.sub(rows.first, rowBegin), tiling.tileRows);
  OpFoldResult depth =
      splitsDepth() ? index.constant(getDepthBlock()) : operands.depth;
  inputs.prefetches.push_back(
      {b, index.add(columns.nextB, index.mul(index.mul(tile, step), depth)),
       step * unit->getDepthStep()});
}

/// As many tiles as a group has rows for share what is to be fetched: up to two
/// lines in each step, the second of which others fetch again where there are
/// many tiles.
void ContractionEmitter::shareRaggedPrefetches(MicroTileOperands &inputs,
                                               const RowGroup &rows,
                                               const ColumnGroup &columns) {
  if (keepsDepth)
    return;
  OpFoldResult tiles =
      index.ceilDiv(index.sub(rowEnd, rowBegin), tiling.tileRows);
  OpFoldResult tile =
      index.div(index.sub(rows.first, rowBegin), tiling.tileRows);
  OpFoldResult stride = index.ceilDiv(index.constant(tiling.width()), tiles);
  OpFoldResult depth = index.sub(kEnd, kBegin);
  int64_t twoLines = 2 * MachineModel::cacheLineBytes / tiling.unit.rhsBytes;
  inputs.prefetches.push_back(
      {b, index.add(columns.nextB, index.mul(index.mul(tile, stride), depth)),
       std::min(tiling.width(), twoLines),
       index.mul(stride, unit->getDepthStep())});
}

/// Where a tile is stored.
TileResult ContractionEmitter::getResult(const RowGroup &rows,
                                         const ColumnGroup &columns) {
  TileResult result;
  result.c = c;
  result.batch = batch;
  result.column = columns.first;
  result.lastMask = columns.lastMask;
  result.validRows = rows.valid;
  result.row = rows.first;
  result.stride = operands.cStride;
  result.start = offsets.c;
  if (operands.ragged && operands.ragged->place)
    result.place = operands.ragged->place;
  else
    result.start =
        index.add(result.start, index.mul(rows.first, operands.cStride));
  return result;
}

void ContractionEmitter::emitTile(const RowGroup &rows,
                                  const ColumnGroup &columns) {
  RegisterTile tile{rows.rows, columns.vectors, tiling.lanes};
  OpBuilder &builder = index.builder;

  MicroTileOperands inputs;
  int64_t depthStep = unit->getDepthStep();
  inputs.a = a;
  inputs.b = panel ? panel : b;
  inputs.bStart = columns.bStart;
  inputs.bStep = readsPanels() ? index.constant(tiling.width() * depthStep)
                               : operands.bStride;
  inputs.depth = index.ceilDiv(index.sub(kEnd, kBegin), depthStep);
  if (splitsDepth())
    inputs.depthLimit = (getDepthBlock() + depthStep - 1) / depthStep;
  inputs.aStep = spec.transposeA ? operands.aStride : index.constant(depthStep);
  OpFoldResult rowStep = spec.transposeA ? index.constant(1) : operands.aStride;
  OpFoldResult kStep = spec.transposeA ? operands.aStride : index.constant(1);
  OpFoldResult aBegin = index.add(offsets.a, index.mul(kBegin, kStep));
  OpFoldResult aStart = index.add(aBegin, index.mul(rows.first, rowStep));
  bool listsRows = operands.ragged && operands.ragged->source;
  if (!readsPanels())
    inputs.lastMask = columns.lastMask;

  TileResult result = getResult(rows, columns);
  for (int64_t r = 0; r < rows.rows; ++r) {
    OpFoldResult offset = index.constant(r);
    // Rows that do not exist compute the last one again.
    if (rows.valid && r > 0)
      offset = index.min(offset, index.sub(rows.valid, 1));
    if (!listsRows) {
      inputs.aRows.push_back(index.add(aStart, index.mul(offset, rowStep)));
      continue;
    }
    OpFoldResult row = operands.ragged->source(builder, index.loc,
                                               index.add(rows.first, offset));
    inputs.aRows.push_back(index.add(aBegin, index.mul(row, rowStep)));
  }

  MicroTileOptions options;
  options.unit = unit.get();
  options.unroll = tiling.unroll;
  options.partialSums = getPartialSums(tile);
  options.unroll = std::max(options.unroll, options.partialSums);
  options.prefetchDistance = tiling.prefetchDistance;
  addPrefetches(inputs, rows, columns);
  // Parts of the depth would read every row of A in pieces.
  if (tiling.fetchRows && !splitsDepth() && !listsRows)
    inputs.prefetches.push_back(
        {a, index.add(aStart, index.mul(operands.aStride, tiling.tileRows)),
         tiling.tileRows});
  // Tiles of groups fetch parts of B already; addresses for more of it take
  // registers that the sums need.
  if (tiling.fetchResult && !operands.ragged)
    fetchPlaces(index, result, operands.residuals, inputs);
  SmallVector<Value> sums =
      emitMicroTile(builder, index.loc, tile, options, inputs,
                    makeZeroTile(builder, index.loc, tile, unit->getSumType()));
  TileResult held = getHeldSums(rows, result);
  if (splitsDepth())
    sums = addPartialSums(tile, held, sums);
  if (!splitsDepth() || (!epilogue && !heldSums))
    return emitTileStore(builder, index.loc, tile, result, sums, epilogue);
  index.ifLess(
      kEnd, operands.depth,
      [&] { emitTileStore(builder, index.loc, tile, held, sums, nullptr); },
      [&] { emitTileStore(builder, index.loc, tile, result, sums, epilogue); });
}
