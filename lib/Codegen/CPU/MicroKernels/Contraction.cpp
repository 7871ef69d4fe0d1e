//===- Contraction.cpp - Matrix products on the CPU -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"
#include "ContractionEmitter.h"
#include "Gemv.h"
#include "PanelCopy.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/MicroKernels/PanelPacking.h"
#include "sluice/Codegen/CPU/MicroKernels/Widening.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"

using namespace mlir;
using namespace sluice;

BatchOffsets ContractionEmitter::getOffsets(OpFoldResult batch) {
  if (operands.batchOffsets)
    return operands.batchOffsets(index.builder, index.loc, index.value(batch));
  OpFoldResult bSize = index.constant(0);
  if (!spec.packedB)
    bSize = index.mul(operands.bStride,
                      spec.transposeB ? operands.columns : operands.depth);
  else if (operands.ragged)
    bSize = index.mul(operands.depth,
                      index.roundUp(operands.columns, tiling.width()));
  if (operands.ragged)
    return {index.constant(0), index.mul(batch, bSize), index.constant(0)};
  return {index.mul(batch, index.mul(operands.aStride, spec.transposeA
                                                           ? operands.depth
                                                           : operands.rows)),
          index.mul(batch, bSize),
          index.mul(batch, index.mul(operands.cStride, operands.rows))};
}

void ContractionEmitter::run() {
  if (!operands.aStride)
    operands.aStride = spec.transposeA ? operands.rows : operands.depth;
  if (!operands.bStride)
    operands.bStride = spec.transposeB ? operands.depth : operands.columns;
  if (!operands.cStride)
    operands.cStride = operands.columns;
  auto rows = getKnownRows(operands);
  if (rows && usesDotProducts(spec, *rows))
    return emitAsDotProducts();
  if (tiling.packB) {
    Value scratch = viewScratch(index.builder, index.loc, operands.scratch,
                                operands.scratchStart, unit->getSumType());
    PanelPacking packing{b,
                         scratch,
                         operands.batch,
                         operands.depth,
                         operands.columns,
                         operands.bStride,
                         spec.transposeB,
                         tiling.width(),
                         tiling.lanes};
    emitPanelPacking(index.builder, index.loc, packing,
                     [&](OpFoldResult batch) { return getOffsets(batch).b; });
    b = scratch;
  }
  if (operands.ragged)
    return emitRaggedTasks();
  OpFoldResult rowBlocks = index.ceilDiv(operands.rows, tiling.rowBlock);
  OpFoldResult columnBlocks =
      index.ceilDiv(operands.columns, tiling.columnBlock);
  OpFoldResult count =
      index.mul(index.mul(operands.batch, columnBlocks), rowBlocks);
  parallelLoop(index, count, tiling.blockCost, [&](OpFoldResult task) {
    // Row blocks fastest: neighbouring tasks share their part of B.
    OpFoldResult rowBlock = index.rem(task, rowBlocks);
    OpFoldResult rest = index.div(task, rowBlocks);
    batch = index.div(rest, columnBlocks);
    rowBegin = index.mul(rowBlock, tiling.rowBlock);
    rowEnd = index.min(index.add(rowBegin, tiling.rowBlock), operands.rows);
    takeColumnBlock(index.rem(rest, columnBlocks));
    if (copiesPanels)
      emitCopiedPanels();
    else
      emitDepthBlocks();
  });
}

/// The columns of a task, and where its matrices start.
void ContractionEmitter::takeColumnBlock(OpFoldResult number) {
  columnBegin = index.mul(number, tiling.columnBlock);
  columnEnd =
      index.min(index.add(columnBegin, tiling.columnBlock), operands.columns);
  offsets = getOffsets(batch);
  if (tiling.packB)
    offsets.b = index.mul(
        batch, index.mul(operands.depth,
                         index.roundUp(operands.columns, tiling.width())));
}

/// A task takes all rows of a group, so that it reads its part of the group's
/// matrix once; none of a group without rows.
void ContractionEmitter::emitRaggedTasks() {
  OpFoldResult columnBlocks =
      index.ceilDiv(operands.columns, tiling.columnBlock);
  parallelLoop(
      index, index.mul(operands.batch, columnBlocks), tiling.blockCost,
      [&](OpFoldResult task) {
        // Groups fastest: what neighbouring tasks take together is work even
        // where one group has most of the rows.
        batch = index.rem(task, operands.batch);
        auto range = operands.ragged->range(index.builder, index.loc, batch);
        takeColumnBlock(index.div(task, operands.batch));
        index.loop(
            range.first, range.second, tiling.rowBlock, [&](OpFoldResult row) {
              rowBegin = row;
              rowEnd = index.min(index.add(row, tiling.rowBlock), range.second);
              emitRaggedBlock();
            });
      });
  if (!copiesPanels)
    emitRowsOutside();
}

/// One tile of all rows, of which there are no more than a tile has: none that
/// is not there is computed, or at most one where tiles are tall, as each size
/// is more code. What one row reads is nearly all weights, so it has its own.
void ContractionEmitter::emitFewRows(const ColumnGroup &columns) {
  constexpr int64_t mostSizes = 8;
  OpFoldResult rows = index.sub(rowEnd, rowBegin);
  int64_t sizes = tiling.tileRows + 1;
  if (sizes <= mostSizes)
    return emitPartialTile(index, sizes, sizes, rows, [&](int64_t count) {
      emitTile({rowBegin, count, {}}, columns);
    });
  index.ifLess(
      index.constant(1), rows,
      [&] {
        emitPartialTile(index, sizes, mostSizes, rows, [&](int64_t count) {
          emitTile({rowBegin, count, rows}, columns);
        });
      },
      [&] { emitTile({rowBegin, 1, {}}, columns); });
}

/// Few rows read the panels as a stream; more share a part of them that stays
/// in the cache.
void ContractionEmitter::emitRaggedBlock() {
  OpFoldResult rows = index.sub(rowEnd, rowBegin);
  if (copiesPanels)
    return index.ifLess(index.constant(tiling.copies->fewestRows - 1), rows,
                        [&] { emitCopiedPanels(); });
  auto emitMany = [&] {
    index.ifLess(
        rows, index.constant(tiling.tileRows + 1),
        [&] {
          keepsDepth = true;
          kBegin = index.constant(0);
          kEnd = operands.depth;
          forEachColumnGroup(
              [&](const ColumnGroup &columns) { emitFewRows(columns); });
          keepsDepth = false;
        },
        [&] { emitDepthBlocks(); });
  };
  if (!tiling.copies)
    return emitMany();
  index.ifLess(rows, index.constant(tiling.copies->fewestRows), emitMany);
}

/// Rows of no group are zero, whatever the epilogue makes of that.
void ContractionEmitter::emitRowsOutside() {
  auto outside = operands.ragged->outside;
  double cost = getNanoseconds(
      Work{1, 8} *
      static_cast<double>(
          IndexBuilder::getConstant(operands.columns).value_or(1024)));
  epilogue = operands.ragged->epilogueOutside;
  columnBegin = kBegin = batch = index.constant(0);
  columnEnd = operands.columns;
  offsets = {index.constant(0), index.constant(0), index.constant(0)};
  parallelLoop(
      index, index.sub(outside.second, outside.first), cost,
      [&](OpFoldResult row) {
        forEachColumnGroup([&](const ColumnGroup &columns) {
          RegisterTile tile{1, columns.vectors, tiling.lanes};
          emitTileStore(
              index.builder, index.loc, tile,
              getResult({index.add(outside.first, row), 1, {}}, columns),
              makeZeroTile(index.builder, index.loc, tile, unit->getSumType()),
              epilogue);
        });
      });
}

void ContractionEmitter::emitAsDotProducts() {
  DotProducts products{a,
                       b,
                       c,
                       operands.batch,
                       operands.rows,
                       operands.columns,
                       operands.depth,
                       operands.aStride,
                       operands.bStride,
                       operands.cStride,
                       tiling.lanes,
                       unit.get(),
                       tiling.columnBlock,
                       tiling.blockCost};
  emitDotProducts(
      index.builder, index.loc, products,
      [&](OpFoldResult batch) { return getOffsets(batch); }, epilogue);
}

void ContractionEmitter::emitDepthBlocks() {
  kBegin = index.constant(0);
  kEnd = operands.depth;
  if (!splitsDepth())
    return emitTiles();
  // An empty depth still has to reach the epilogue.
  OpFoldResult end = index.max(operands.depth, index.constant(1));
  index.loop(index.constant(0), end, tiling.depthBlock, [&](OpFoldResult k) {
    kBegin = k;
    kEnd = index.min(index.add(k, tiling.depthBlock), operands.depth);
    emitTiles();
  });
}

void ContractionEmitter::emitCopiedPanels() {
  OpBuilder &builder = index.builder;
  auto reserve = [&](int64_t elements, Type type) -> Value {
    return memref::AllocaOp::create(
        builder, index.loc, MemRefType::get({elements}, type),
        builder.getI64IntegerAttr(MachineModel::cacheLineBytes));
  };
  int64_t block = getDepthBlock(), width = tiling.width();
  panel = reserve(block * width, unit->getOperandType().getElementType());
  if (splitsDepth())
    heldSums = reserve(tiling.rowBlock * width, unit->getSumType());
  kBegin = index.constant(0);
  forEachColumnGroup([&](const ColumnGroup &columns) {
    index.loop(index.constant(0), operands.depth, block, [&](OpFoldResult k) {
      kBegin = k;
      kEnd = index.min(index.add(k, block), operands.depth);
      OpFoldResult depth = index.sub(kEnd, kBegin);
      OpFoldResult start = index.add(columns.bStart, index.mul(k, width));
      emitPanelCopy(index, {b, start, depth, width, panel, index.constant(0),
                            unit.get()});
      ColumnGroup part = columns;
      part.bStart = index.constant(0);
      // Panels follow each other.
      if (columns.nextB)
        part.nextB = index.add(start, index.mul(depth, width));
      forEachRowGroup([&](const RowGroup &rows) { emitTile(rows, part); });
    });
    kBegin = index.constant(0);
  });
}

void ContractionEmitter::emitTiles() {
  if (tiling.rowsOuter)
    forEachRowGroup([&](const RowGroup &rows) {
      forEachColumnGroup(
          [&](const ColumnGroup &columns) { emitTile(rows, columns); });
    });
  else
    forEachColumnGroup([&](const ColumnGroup &columns) {
      forEachRowGroup([&](const RowGroup &rows) { emitTile(rows, columns); });
    });
}

/// One product in one form.
static void emitProduct(OpBuilder &builder, Location loc,
                        const ContractionSpec &spec,
                        const ContractionTiling &tiling,
                        const ContractionOperands &operands, bool copiesPanels,
                        EpilogueFn epilogue) {
  IndexBuilder index(builder, loc);
  ContractionOperands wide = operands;
  DotUnitModel unit = getUnit(tiling, copiesPanels);
  if (widensLhs(spec, unit, operands)) {
    wide.a = viewScratch(builder, loc, operands.scratch, wide.scratchStart,
                         getNumberType(builder.getContext(), unit.operand));
    emitWidening(index, flattenBuffer(builder, loc, operands.a), wide.a,
                 countElements(index, operands.a), tiling.lanes);
    wide.scratchStart =
        index.add(wide.scratchStart, getWideLhsBytes(index, unit, operands));
  }
  ContractionEmitter(builder, loc, spec, tiling, wide, copiesPanels, epilogue)
      .run();
}

void sluice::emitContraction(OpBuilder &builder, Location loc,
                             const ContractionSpec &spec,
                             const ContractionTiling &tiling,
                             const ContractionOperands &given,
                             EpilogueFn epilogue) {
  ContractionOperands operands = given;
  IndexBuilder index(builder, loc);
  if (!operands.scratchStart)
    operands.scratchStart = index.constant(0);
  if (operands.ragged) {
    // Each group is computed in one of the forms.
    if (tiling.copies)
      emitProduct(builder, loc, spec, tiling, operands, /*copiesPanels=*/true,
                  epilogue);
    return emitProduct(builder, loc, spec, tiling, operands,
                       /*copiesPanels=*/false, epilogue);
  }
  auto emitForm = [&](bool copiesPanels) {
    emitProduct(builder, loc, spec, tiling, operands, copiesPanels, epilogue);
  };
  if (getKnownRows(operands))
    return emitForm(alwaysCopies(tiling, operands));
  auto emitSeveral = [&] {
    if (!tiling.copies)
      return emitForm(false);
    index.ifLess(
        operands.rows, index.constant(tiling.copies->fewestRows),
        [&] { emitForm(false); }, [&] { emitForm(true); });
  };
  // A single row streams B: a tile that computes absent rows would be slower.
  ContractionTiling rowTiling = tiling;
  rowTiling.tileRows = rowTiling.rowBlock = 1;
  rowTiling.fetchRows = rowTiling.fetchResult = false;
  ContractionOperands rowOperands = operands;
  rowOperands.rows = index.constant(1);
  index.ifLess(index.constant(1), operands.rows, emitSeveral, [&] {
    index.ifLess(index.constant(0), operands.rows, [&] {
      emitProduct(builder, loc, spec, rowTiling, rowOperands,
                  /*copiesPanels=*/false, epilogue);
    });
  });
}
