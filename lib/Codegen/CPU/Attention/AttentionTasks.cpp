//===- AttentionTasks.cpp - Blocks of rows and of keys --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionEmitter.h"
#include "AttentionLimits.h"
#include "KeyBlock.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/CPU/MicroKernels/Widening.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"
#include "sluice/Codegen/CPU/Products/Epilogue.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

static constexpr double infinity = std::numeric_limits<double>::infinity();

AttentionEmitter::AttentionEmitter(KernelBuilder &kernel, AttentionOp op,
                                   kernel::CpuAttentionAttr config,
                                   std::unique_ptr<DotUnit> unit)
    : kernel(kernel), index(kernel.builder, kernel.loc), op(op), config(config),
      unit(std::move(unit)), geometry(kernel, op),
      body{kernel.builder, kernel.loc}, f32(kernel.builder.getF32Type()),
      lanes(config.getLanes()), tileRows(config.getTileRows()),
      width(config.getWidth()), queryBlock(config.getQueryBlock()),
      keyBlock(config.getKeyBlock()),
      queryStride(llvm::alignTo(geometry.depth, lanes)),
      scoreStride(llvm::alignTo(keyBlock, width)),
      valueStride(llvm::alignTo(geometry.valueDepth, lanes)),
      rowLanes(llvm::PowerOf2Ceil(tileRows)), left(op.getLeftReach()),
      right(op.getRightReach()), mayHaveEmptyRows(op.mayHaveEmptyRows()) {
  readsValues = config.getInPlace() || readsValuesInPlace(op, lanes);
  usesProducts =
      !config.getInPlace() && lanes >= rowLanes && op.getSoftcap().isZero();
  // Scores with an addend have to be scaled before it, and one scale serves
  // maxima of all blocks.
  double scale = op.getScale().convertToDouble();
  readsQueries = usesProducts && !geometry.bias && !geometry.fallback &&
                 !geometry.sinks && geometry.query.hasRows() &&
                 geometry.query.getElement() == f32 && scale > 0 &&
                 std::isfinite(scale);
  scoreScale = readsQueries ? scale : 1;
  // Rows without a key have something to compute where there are fallbacks or
  // sinks.
  if (geometry.mask && geometry.mask->isSameForKeys() &&
      !geometry.mask->isSameForQueries() && !geometry.fallback &&
      !geometry.sinks && !config.getSplit())
    std::swap(rowMask, geometry.mask);
}

//===----------------------------------------------------------------------===//
// Places of rows
//===----------------------------------------------------------------------===//

/// Where a row is among those of the task, computed or not.
Index AttentionEmitter::getPlace(Index row) {
  return rows.list ? getAsOpFoldResult(loadScalar(rows.list, row)) : row;
}

Index AttentionEmitter::getHead(Index row) {
  if (geometry.group == 1)
    return rows.firstHead;
  return index.add(rows.firstHead, index.div(getPlace(row), rows.queries));
}

Index AttentionEmitter::getQuery(Index row) {
  if (geometry.group == 1)
    return index.add(rows.firstQuery, getPlace(row));
  return index.add(rows.firstQuery, index.rem(getPlace(row), rows.queries));
}

/// Element `batch` of what has one for each batch or one for all.
Index AttentionEmitter::readPerBatch(Value memory, Index batch) {
  Index size = getAsOpFoldResult(
      memref::DimOp::create(index.builder, index.loc, memory, 0).getResult());
  if (auto type = cast<MemRefType>(memory.getType()); type.hasStaticShape())
    size = index.constant(type.getNumElements());
  Index place =
      index.selectLess(index.constant(1), size, batch, index.constant(0));
  Value read = loadScalar(memory, place);
  return getAsOpFoldResult(
      arith::IndexCastOp::create(index.builder, index.loc,
                                 index.builder.getIndexType(), read)
          .getResult());
}

bool AttentionEmitter::seesWholeBlocks() const {
  auto keys = IndexBuilder::getConstant(geometry.keys);
  return !hasBounds() && keys && *keys % keyBlock == 0 && keyBlock % width == 0;
}

AttentionEmitter::KeySpan AttentionEmitter::getVisible(Index query) {
  Index place = index.add(rows.position, query);
  KeySpan span{index.constant(0), rows.limit};
  if (left)
    span.begin = index.min(
        index.max(index.sub(place, *left), index.constant(0)), rows.limit);
  if (right)
    span.end = index.max(index.min(index.add(place, *right + 1), rows.limit),
                         index.constant(0));
  if (isFallback) {
    span.begin = select(isFallback, index.constant(0), span.begin);
    span.end = select(isFallback, geometry.keys, span.end);
  }
  return span;
}

std::pair<AttentionEmitter::KeySpan, AttentionEmitter::KeySpan>
AttentionEmitter::getVisible(Index firstRow, Index lastRow) {
  Index first = getQuery(firstRow), last = getQuery(lastRow);
  if (geometry.group != 1) {
    // Rows of two heads may be any queries.
    Index firstHead = getHead(firstRow), lastHead = getHead(lastRow);
    first = index.selectLess(firstHead, lastHead, rows.firstQuery, first);
    last = index.selectLess(
        firstHead, lastHead,
        index.add(rows.firstQuery, index.sub(rows.queries, 1)), last);
  }
  KeySpan low = getVisible(first), high = getVisible(last);
  return {{low.begin, high.end}, {high.begin, low.end}};
}

//===----------------------------------------------------------------------===//
// Tasks
//===----------------------------------------------------------------------===//

/// Heads that share a key head and whose rows make one block: more than one
/// where there are few queries.
Index AttentionEmitter::getHeadsOfBlock() {
  bool differs = geometry.blocks && !geometry.blocks->isSameForHeads();
  if (geometry.group == 1 || differs)
    return index.constant(1);
  Index fitting = index.div(index.constant(queryBlock),
                            index.max(geometry.queries, index.constant(1)));
  return index.max(index.min(fitting, index.constant(geometry.group)),
                   index.constant(1));
}

void AttentionEmitter::allocateBuffers() {
  int64_t tiles = llvm::divideCeil(queryBlock, tileRows);
  int64_t allRows = tiles * tileRows;
  if (!config.getInPlace())
    panels = reserve(scoreStride * geometry.depth);
  if (!readsValues)
    values = reserve(keyBlock * valueStride);
  if (!readsQueries)
    queries = reserve((config.getInPlace() ? allRows : tileRows) * queryStride);
  laneMaxima = reserve(tileRows * lanes);
  scores = reserve(tileRows * scoreStride);
  output = reserve(allRows * valueStride);
  sums = reserve(allRows * lanes);
  maxima = reserve(tiles * rowLanes);
  tileMaxima = reserve(rowLanes);
  shifts = reserve(rowLanes);
  factors = reserve(rowLanes);
}

/// Nothing has been added up.
void AttentionEmitter::emitStart() {
  Index zero = index.constant(0), one = index.constant(1);
  store(number(-infinity, rowLanes), tileMaxima, zero);
  Index allRows = index.roundUp(rows.rows, tileRows);
  index.loop(zero, index.mul(allRows, valueStride), lanes,
             [&](Index place) { store(number(0, lanes), output, place); });
  index.loop(
      zero, index.mul(index.ceilDiv(rows.rows, tileRows), rowLanes), rowLanes,
      [&](Index place) { store(number(-infinity, rowLanes), maxima, place); });
  // A sink is a key without a value.
  SmallVector<Attribute> first(lanes, index.builder.getF32FloatAttr(0));
  if (geometry.sinks)
    first.front() = index.builder.getF32FloatAttr(1);
  Value sum = arith::ConstantOp::create(
      index.builder, index.loc,
      DenseElementsAttr::get(vectorType(lanes, f32), first));
  index.loop(zero, index.mul(allRows, lanes), lanes,
             [&](Index place) { store(sum, sums, place); });
  if (!geometry.sinks)
    return;
  index.loop(zero, allRows, 1, [&](Index row) {
    Index number = index.min(row, index.sub(rows.rows, one));
    Value sink =
        convertElements(index.builder, index.loc,
                        loadScalar(geometry.sinks, getHead(number)), f32);
    Index place = index.add(index.mul(index.div(row, tileRows), rowLanes),
                            index.rem(row, tileRows));
    storeScalar(sink, maxima, place);
  });
}

double AttentionEmitter::getMaskBound() {
  return op.getMaskedBelow() ? op.getMaskedBelow()->convertToDouble()
                             : -infinity;
}

/// Where the rows of a task are in heads and queries.
AttentionEmitter::TaskCounts AttentionEmitter::countTasks() {
  TaskCounts counts;
  counts.heads = getHeadsOfBlock();
  counts.queries =
      index.selectLess(index.constant(1), counts.heads, geometry.queries,
                       index.constant(queryBlock));
  counts.queryBlocks = index.ceilDiv(
      geometry.queries, index.max(counts.queries, index.constant(1)));
  counts.headBlocks =
      index.ceilDiv(index.constant(geometry.group), counts.heads);
  counts.all = index.mul(index.mul(geometry.batch, geometry.keyHeads),
                         index.mul(counts.headBlocks, counts.queryBlocks));
  counts.splits = config.getSplit()
                      ? index.ceilDiv(geometry.keys, config.getSplit())
                      : index.constant(1);
  return counts;
}

/// The rows of a task. Queries fastest: neighbouring tasks read the same keys.
void AttentionEmitter::findRows(const TaskCounts &counts, Index task) {
  Index rest = index.div(task, counts.queryBlocks);
  rows.firstQuery =
      index.mul(index.rem(task, counts.queryBlocks), counts.queries);
  rows.queries =
      index.min(index.sub(geometry.queries, rows.firstQuery), counts.queries);
  Index headBlock = index.rem(rest, counts.headBlocks);
  rest = index.div(rest, counts.headBlocks);
  rows.keyHead = index.rem(rest, geometry.keyHeads);
  rows.batch = index.div(rest, geometry.keyHeads);
  Index firstOfGroup = index.mul(headBlock, counts.heads);
  rows.firstHead =
      index.add(index.mul(rows.keyHead, geometry.group), firstOfGroup);
  Index headsHere = index.min(
      index.sub(index.constant(geometry.group), firstOfGroup), counts.heads);
  rows.rows = index.mul(headsHere, rows.queries);
  rows.list = {};
  rows.position = index.constant(0);
  if (geometry.position) {
    // Far outside is as good as any place outside.
    constexpr int64_t farthest = int64_t(1) << 60;
    rows.position =
        index.min(index.max(readPerBatch(geometry.position, rows.batch),
                            index.constant(-farthest)),
                  index.constant(farthest));
  }
  rows.limit = geometry.keys;
  if (geometry.lengths)
    rows.limit = index.min(index.max(readPerBatch(geometry.lengths, rows.batch),
                                     index.constant(0)),
                           geometry.keys);
}

/// Lists the rows that see keys, and finishes the others.
void AttentionEmitter::chooseRows() {
  Value list = memref::AllocaOp::create(
      index.builder, index.loc,
      MemRefType::get({queryBlock}, index.builder.getIndexType()));
  Value zero = arith::ConstantOp::create(index.builder, index.loc,
                                         index.builder.getF32FloatAttr(0));
  Value count = index.loop(
      index.constant(0), rows.rows, 1, index.value(index.constant(0)),
      [&](Index row, ValueRange running) -> SmallVector<Value> {
        Index at =
            rowMask->getStart(index, rows.batch, getHead(row), getQuery(row));
        Value mask = loadScalar(rowMask->memory, at);
        Value sees = body.compare(CmpIPredicate::ne, mask, body.zero(mask));
        // The place behind the last one is written again, or not read.
        Index next = getAsOpFoldResult(running[0]);
        storeScalar(index.value(row), list, next);
        ifTrue(
            sees, [] {},
            [&] {
              finishRow(row, index.constant(0), zero,
                        body.constant(zero, -infinity));
            });
        return {body.select(sees, index.value(index.add(next, 1)), running[0])};
      })[0];
  rows.list = list;
  rows.rows = getAsOpFoldResult(count);
}

void AttentionEmitter::emitTask(const TaskCounts &counts, Index task) {
  Index part = index.rem(task, counts.splits);
  task = index.div(task, counts.splits);
  findRows(counts, task);
  allocateBuffers();
  if (config.getInPlace())
    index.loop(index.constant(0), index.roundUp(rows.rows, tileRows), 1,
               [&](Index row) {
                 copyQuery(row, index.sub(rows.rows, 1),
                           index.mul(row, queryStride));
               });
  if (mayHaveEmptyRows && geometry.fallback)
    return emitWithFallback();
  emitStart();
  KeySpan span = getVisible(index.constant(0), index.sub(rows.rows, 1)).first;
  if (partials) {
    Index first = index.mul(part, config.getSplit());
    span.begin = index.max(span.begin, first);
    span.end = index.min(span.end, index.add(first, config.getSplit()));
    walkKeys(span);
    return storePartials(index.add(index.mul(task, counts.splits), part));
  }
  if (rowMask) {
    chooseRows();
    return ifTrue(
        lessThan(index.constant(0), rows.rows),
        [&] {
          walkKeys(span);
          storeRows();
        },
        nullptr);
  }
  walkKeys(span);
  storeRows();
}

/// One more pass, over all keys, if there are rows without any that counts.
void AttentionEmitter::emitWithFallback() {
  OpBuilder &builder = index.builder;
  auto boolean = [&](bool value) -> Value {
    return arith::ConstantOp::create(builder, index.loc,
                                     builder.getBoolAttr(value));
  };
  empty = reserve(queryBlock);
  scf::WhileOp::create(
      builder, index.loc, builder.getI1Type(), boolean(false),
      [&](OpBuilder &, Location loc, ValueRange passes) {
        isFallback = passes.front();
        emitStart();
        walkKeys(getVisible(index.constant(0), index.sub(rows.rows, 1)).first);
        Value wantsFallback = storeRows();
        scf::ConditionOp::create(builder, loc, wantsFallback, boolean(true));
        isFallback = {};
      },
      [&](OpBuilder &, Location loc, ValueRange passes) {
        scf::YieldOp::create(builder, loc, passes);
      });
}

void AttentionEmitter::emit() {
  TaskCounts counts = countTasks();
  if (config.getSplit()) {
    partialRows = index.min(index.mul(geometry.queries, geometry.group),
                            index.constant(queryBlock));
    Index parts = index.mul(counts.all, counts.splits);
    Index bytes =
        index.mul(index.mul(parts, partialRows), getPartialStride() * 4);
    Value memory = makeScratch(kernel, bytes);
    partials =
        viewScratch(index.builder, index.loc, memory, index.constant(0), f32);
  }
  // A multiply-add of a vector is about as much as three operations.
  double keys = IndexBuilder::getConstant(geometry.keys).value_or(256);
  if (config.getSplit())
    keys = config.getSplit();
  double depths = geometry.depth + geometry.valueDepth;
  // Where only the run knows, few rows are mostly those of one query.
  double usualRows = queryBlock;
  if (config.getInPlace() && !IndexBuilder::getConstant(geometry.queries))
    usualRows = std::min(queryBlock, tileRows);
  double cost =
      kernel.cost(Work{3.2 / lanes * usualRows * keys * depths, 0}).value;
  parallelLoop(index, index.mul(counts.all, counts.splits), cost,
               [&](Index task) { emitTask(counts, task); });
  if (!partials)
    return;
  double mergeCost =
      kernel.cost(Work{2.0 * usualRows * geometry.valueDepth, 0}).value;
  parallelLoop(index, counts.all, mergeCost, [&](Index task) {
    findRows(counts, task);
    mergePartials(counts, task);
  });
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

void AttentionEmitter::walkKeys(const KeySpan &span) {
  Index first = index.sub(span.begin, index.rem(span.begin, keyBlock));
  index.loop(first, span.end, keyBlock, [&](Index block) {
    Index count = seesWholeBlocks() ? index.constant(keyBlock)
                                    : index.min(index.sub(span.end, block),
                                                index.constant(keyBlock));
    emitKeyBlock(block, count);
  });
}

void AttentionEmitter::emitKeyBlock(Index block, Index count) {
  BlockKind kind = classify(block, count);
  // All keys count.
  if (kind.code && isFallback)
    kind.code =
        body.select(isFallback, index.value(index.constant(1)), kind.code);
  auto emitBlock = [&] {
    copyKeys(block, count);
    emitTiles(block, count, kind);
  };
  if (!kind.code)
    return emitBlock();
  Value hasKeys = body.compare(CmpIPredicate::ne, kind.code,
                               index.value(index.constant(0)));
  ifTrue(hasKeys, emitBlock, nullptr);
}

void AttentionEmitter::copyKeys(Index block, Index count) {
  if (config.getInPlace())
    return;
  Index key = geometry.key.getStart(index, rows.batch, rows.keyHead, block);
  emitKeyPanels(index, {geometry.key, key, count, geometry.depth}, panels,
                width, lanes);
  if (readsValues)
    return;
  Index value = geometry.value.getStart(index, rows.batch, rows.keyHead, block);
  emitRowCopy(index, {geometry.value, value, count, geometry.valueDepth},
              values, index.constant(0), valueStride, lanes, 1);
}

/// Each tile fetches its share of the next block's keys and values into the
/// second-level cache.
void AttentionEmitter::fetchNextBlock(Index block, Index row) {
  constexpr unsigned secondLevel = 2;
  Index tiles = index.ceilDiv(rows.rows, tileRows);
  Index share = index.ceilDiv(index.constant(keyBlock), tiles);
  Index first = index.mul(index.div(row, tileRows), share);
  Index end = index.min(index.add(first, share), index.constant(keyBlock));
  index.loop(first, end, 1, [&](Index key) {
    Index place = index.add(index.add(block, keyBlock), key);
    auto fetchRow = [&](const AttentionTensor &tensor, int64_t elements) {
      if (!tensor.hasRows())
        return;
      Index start = tensor.getStart(index, rows.batch, rows.keyHead, place);
      int64_t lineElements = 8 * MachineModel::cacheLineBytes /
                             tensor.getElement().getIntOrFloatBitWidth();
      for (int64_t at = 0; at < elements; at += lineElements)
        memref::PrefetchOp::create(
            index.builder, index.loc, tensor.memory,
            ValueRange{index.value(index.add(start, at))},
            /*isWrite=*/false, secondLevel, /*isDataCache=*/true);
    };
    fetchRow(geometry.key, geometry.depth);
    fetchRow(geometry.value, geometry.valueDepth);
  });
}

void AttentionEmitter::emitTiles(Index block, Index count,
                                 const BlockKind &kind) {
  index.loop(index.constant(0), rows.rows, tileRows, [&](Index row) {
    if (!config.getInPlace())
      fetchNextBlock(block, row);
    Tile tile;
    tile.firstRow = row;
    tile.lastRow =
        index.min(index.add(row, tileRows - 1), index.sub(rows.rows, 1));
    tile.block = block;
    tile.keys = {index.constant(0), count};
    if (!left && !right)
      return emitTile(tile, kind);
    KeySpan any = getVisible(tile.firstRow, tile.lastRow).first;
    Index begin = index.max(index.sub(any.begin, block), index.constant(0));
    tile.keys = {index.sub(begin, index.rem(begin, width)),
                 index.min(index.sub(any.end, block), count)};
    index.ifLess(begin, tile.keys.end, [&] { emitTile(tile, kind); });
  });
}

/// What is known of a block of keys before it is multiplied.
AttentionEmitter::BlockKind AttentionEmitter::classify(Index block,
                                                       Index count) {
  BlockKind kind;
  if (geometry.blocks) {
    ArrayRef<int64_t> sizes = op.getBlockSizes();
    Index start =
        geometry.blocks->getStart(index, rows.batch, rows.firstHead,
                                  index.div(rows.firstQuery, sizes[0]));
    Index place = index.add(start, index.mul(index.div(block, sizes[1]),
                                             geometry.blocks->strides[3]));
    kind.code = arith::IndexCastOp::create(
        index.builder, index.loc, index.builder.getIndexType(),
        loadScalar(geometry.blocks->memory, place));
  } else if (geometry.mask || (geometry.bias && !op.getRelativeBias())) {
    kind.code = lookAt(block, count);
  }
  return kind;
}

/// 0 where masks leave no key, 1 where the mask leaves all, else 2.
Value AttentionEmitter::lookAt(Index block, Index count) {
  OpBuilder &builder = index.builder;
  Location loc = index.loc;
  auto boolType = vectorType(lanes, builder.getI1Type());
  Value none = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(boolType, false));
  Value all = arith::ConstantOp::create(builder, loc,
                                        DenseElementsAttr::get(boolType, true));
  bool isSame = (!geometry.mask || (geometry.mask->isSameForQueries() &&
                                    geometry.mask->isSameForHeads())) &&
                (!geometry.bias || (geometry.bias->isSameForQueries() &&
                                    geometry.bias->isSameForHeads()));
  Index countRows = isSame ? index.constant(1) : rows.rows;
  SmallVector<Value> found = index.loop(
      index.constant(0), countRows, 1, {none, all},
      [&](Index row, ValueRange outer) {
        Index head = getHead(row), query = getQuery(row);
        return index.loop(
            index.constant(0), count, lanes, outer,
            [&](Index key, ValueRange running) -> SmallVector<Value> {
              Index first = index.add(block, key);
              Value exists =
                  makeLaneMask(builder, loc, lanes, index.sub(count, key));
              auto read = [&](const ScoreTensor &tensor) {
                Index start = tensor.getStart(index, rows.batch, head, query);
                return tensor.loadKeys(index, start, first, lanes, exists);
              };
              auto both = [&](Value a, Value b) -> Value {
                return a ? arith::AndIOp::create(builder, loc, a, b) : b;
              };
              Value counts, masked;
              if (geometry.mask) {
                Value mask = read(*geometry.mask);
                counts = body.compare(CmpIPredicate::ne, mask, body.zero(mask));
                masked = counts;
              }
              if (geometry.bias) {
                Value bias =
                    convertElements(builder, loc, read(*geometry.bias), f32);
                counts =
                    both(counts, body.compare(CmpFPredicate::UGT, bias,
                                              number(getMaskBound(), lanes)));
              }
              Value any = counts;
              if (exists)
                any = both(any, exists);
              any = arith::OrIOp::create(builder, loc, running[0], any);
              Value whole = running[1];
              if (masked) {
                if (exists) {
                  Value absent =
                      arith::XOrIOp::create(builder, loc, exists, all);
                  masked = arith::OrIOp::create(builder, loc, masked, absent);
                }
                whole = both(whole, masked);
              }
              return {any, whole};
            });
      });
  auto reduce = [&](Value vector, vector::CombiningKind kind) -> Value {
    return vector::ReductionOp::create(builder, loc, kind, vector);
  };
  Value any = reduce(found[0], vector::CombiningKind::OR);
  Value whole = reduce(found[1], vector::CombiningKind::AND);
  auto code = [&](int64_t value) { return index.value(index.constant(value)); };
  // A bias is added in any case.
  Value some = geometry.mask ? body.select(whole, code(1), code(2)) : code(2);
  return body.select(any, some, code(0));
}
