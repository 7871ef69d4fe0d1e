//===- Contraction.cpp - Matrix products on the CPU -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"
#include "ContractionForms.h"
#include "Gemv.h"
#include "PanelCopy.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/PanelPacking.h"
#include "sluice/Codegen/CPU/MicroKernels/Widening.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"

using namespace mlir;
using namespace sluice;

namespace {

/// A group of rows or columns that one register tile covers.
struct RowGroup {
  OpFoldResult first;
  int64_t rows;
  /// How many exist, when that is only known at run time.
  OpFoldResult valid;
};
struct ColumnGroup {
  OpFoldResult first;
  int64_t vectors;
  Value lastMask;
  OpFoldResult bStart;
  /// Where the part of B that is read after these columns starts; null where it
  /// is not fetched ahead.
  OpFoldResult nextB;
};

/// Emits one contraction: a parallel loop over blocks of C and the loops over
/// register tiles inside.
class ContractionEmitter {
public:
  ContractionEmitter(OpBuilder &builder, Location loc,
                     const ContractionSpec &spec,
                     const ContractionTiling &tiling,
                     const ContractionOperands &operands, bool copiesPanels,
                     EpilogueFn epilogue)
      : index(builder, loc), spec(spec), tiling(tiling),
        copiesPanels(copiesPanels), epilogue(epilogue),
        a(flattenBuffer(builder, loc, operands.a)),
        b(flattenBuffer(builder, loc, operands.b)),
        c(flattenBuffer(builder, loc, operands.c)), operands(operands),
        unit(createDotUnit(
            getUnit(tiling, copiesPanels),
            getNumberType(builder.getContext(), spec.types.accumulator))) {}

  void run();

private:
  BatchOffsets getOffsets(OpFoldResult batch);
  void emitAsDotProducts();
  void emitDepthBlocks();
  void emitCopiedPanels();
  void emitTiles();
  void forEachRowGroup(function_ref<void(const RowGroup &)> body);
  void forEachColumnGroup(function_ref<void(const ColumnGroup &)> body);
  void emitColumnTail(OpFoldResult first,
                      function_ref<void(const ColumnGroup &)> body);
  OpFoldResult getBStart(OpFoldResult column, OpFoldResult panelColumn);
  OpFoldResult getNextB(OpFoldResult column, OpFoldResult bStart);
  void emitTile(const RowGroup &rows, const ColumnGroup &columns);
  SmallVector<Value> addPartialSums(const RegisterTile &tile,
                                    const TileResult &held, ValueRange sums);
  TileResult getHeldSums(const RowGroup &rows, const TileResult &result);
  void addPrefetches(MicroTileOperands &inputs, const RowGroup &rows,
                     const ColumnGroup &columns);

  bool readsPanels() const { return spec.packedB || tiling.packB; }
  int64_t getDepthBlock() const {
    return copiesPanels ? tiling.copies->depth : tiling.depthBlock;
  }
  bool splitsDepth() const {
    auto depth = IndexBuilder::getConstant(operands.depth);
    return getDepthBlock() != std::numeric_limits<int64_t>::max() &&
           (!depth || *depth > getDepthBlock());
  }

  IndexBuilder index;
  const ContractionSpec &spec;
  const ContractionTiling &tiling;
  bool copiesPanels;
  EpilogueFn epilogue;
  Value a, b, c;
  ContractionOperands operands;
  std::unique_ptr<DotUnit> unit;

  // The block being emitted.
  OpFoldResult batch, rowBegin, rowEnd, columnBegin, columnEnd, kBegin, kEnd;
  BatchOffsets offsets;
  // On the stack, where panels are copied: the copy, and the sums of a panel
  // over the parts of the depth before, which in C would be rounded.
  Value panel, heldSums;
};

} // namespace

/// Two multiply-adds per cycle that take four cycles each need eight
/// independent sums; small tiles get them from alternate steps.
static int64_t getPartialSums(const RegisterTile &tile) {
  int64_t sums = tile.rows * tile.vectors;
  return sums >= 8 ? 1 : sums >= 4 ? 2 : 4;
}

BatchOffsets ContractionEmitter::getOffsets(OpFoldResult batch) {
  if (operands.batchOffsets)
    return operands.batchOffsets(index.builder, index.loc, index.value(batch));
  OpFoldResult bSize =
      spec.packedB
          ? index.constant(0)
          : index.mul(operands.bStride,
                      spec.transposeB ? operands.columns : operands.depth);
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
  auto rows = IndexBuilder::getConstant(operands.rows);
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
    columnBegin = index.mul(index.rem(rest, columnBlocks), tiling.columnBlock);
    columnEnd =
        index.min(index.add(columnBegin, tiling.columnBlock), operands.columns);
    offsets = getOffsets(batch);
    if (tiling.packB)
      offsets.b = index.mul(
          batch, index.mul(operands.depth,
                           index.roundUp(operands.columns, tiling.width())));
    if (copiesPanels)
      emitCopiedPanels();
    else
      emitDepthBlocks();
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

void ContractionEmitter::forEachRowGroup(
    function_ref<void(const RowGroup &)> body) {
  int64_t step = tiling.tileRows;
  OpFoldResult count = index.sub(rowEnd, rowBegin);
  OpFoldResult fullEnd = index.sub(rowEnd, index.rem(count, step));
  auto rows = IndexBuilder::getConstant(operands.rows);
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
  // A block that is not full fetches part of it only.
  int64_t rowTiles = tiling.rowBlock / tiling.tileRows;
  if (auto known = IndexBuilder::getConstant(operands.rows))
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
  OpFoldResult aStart =
      index.add(index.add(offsets.a, index.mul(rows.first, rowStep)),
                index.mul(kBegin, kStep));
  if (!readsPanels())
    inputs.lastMask = columns.lastMask;

  TileResult result;
  result.c = c;
  result.batch = batch;
  result.column = columns.first;
  result.lastMask = columns.lastMask;
  result.validRows = rows.valid;
  result.row = rows.first;
  result.start = index.add(offsets.c, index.mul(rows.first, operands.cStride));
  result.stride = operands.cStride;
  for (int64_t r = 0; r < rows.rows; ++r) {
    OpFoldResult offset = index.constant(r);
    // Rows that do not exist compute the last one again.
    if (rows.valid && r > 0)
      offset = index.min(offset, index.sub(rows.valid, 1));
    inputs.aRows.push_back(index.add(aStart, index.mul(offset, rowStep)));
  }

  MicroTileOptions options;
  options.unit = unit.get();
  options.unroll = tiling.unroll;
  options.partialSums = getPartialSums(tile);
  options.unroll = std::max(options.unroll, options.partialSums);
  options.prefetchDistance = tiling.prefetchDistance;
  addPrefetches(inputs, rows, columns);
  // Parts of the depth would read every row of A in pieces.
  if (tiling.fetchRows && !splitsDepth())
    inputs.prefetches.push_back(
        {a, index.add(aStart, index.mul(operands.aStride, tiling.tileRows)),
         tiling.tileRows});
  if (tiling.fetchResult)
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
  auto emitForm = [&](bool copiesPanels) {
    emitProduct(builder, loc, spec, tiling, operands, copiesPanels, epilogue);
  };
  if (IndexBuilder::getConstant(operands.rows))
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
