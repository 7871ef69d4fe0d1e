//===- AttentionInPlace.cpp - Keys that are read where they lie -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Few rows multiply so little with a key that copying it would take longer than
// all of that. Scores are sums over the lanes of vectors then, and the time is
// that of reading keys and values, which are fetched a block ahead.
//
//===----------------------------------------------------------------------===//

#include "AttentionEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Analysis/MachineModel.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

/// What the lanes of vectors give together, of as many vectors as each has
/// lanes.
Value AttentionEmitter::foldVectors(SmallVector<Value> vectors,
                                    function_ref<Value(Value, Value)> fold) {
  int64_t width = vectors.size();
  // Lane i of the last sum is vector i's if vectors that are half of all apart
  // are joined first.
  while (vectors.size() > 1) {
    size_t half = vectors.size() / 2;
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < width; ++lane) {
      // Runs of lanes in turn of either.
      int64_t run = half, group = lane / run;
      int64_t source = (group / 2) * 2 * run + lane % run;
      int64_t from = group % 2 == 0 ? 0 : width;
      low.push_back(from + source);
      high.push_back(from + source + run);
    }
    SmallVector<Value> joined;
    for (size_t i = 0; i < half; ++i) {
      auto shuffle = [&](ArrayRef<int64_t> order) -> Value {
        return vector::ShuffleOp::create(index.builder, index.loc, vectors[i],
                                         vectors[i + half], order);
      };
      Value first = shuffle(low), second = shuffle(high);
      joined.push_back(fold(first, second));
    }
    vectors = joined;
  }
  return vectors.front();
}

/// Step k of a turn of products with a vector of keys fetches its share of the
/// values of these, which come next, into the second-level cache.
void AttentionEmitter::fetchValues(Index key, Index turn, Index k) {
  constexpr unsigned secondLevel = 2;
  const AttentionTensor &value = geometry.value;
  int64_t lineElements = 8 * MachineModel::cacheLineBytes /
                         value.getElement().getIntOrFloatBitWidth();
  int64_t rowLines = llvm::divideCeil(geometry.valueDepth, lineElements);
  int64_t steps = llvm::divideCeil(geometry.depth, lanes);
  int64_t share = llvm::divideCeil(lanes * rowLines, tileRows * steps);
  Index step = index.add(index.mul(turn, steps), index.div(k, lanes));
  for (int64_t i = 0; i < share; ++i) {
    Index line = index.add(index.mul(step, share), i);
    Index start = value.getStart(index, rows.batch, rows.keyHead,
                                 index.add(key, index.div(line, rowLines)));
    start =
        index.add(start, index.mul(index.rem(line, rowLines), lineElements));
    memref::PrefetchOp::create(index.builder, index.loc, value.memory,
                               ValueRange{index.value(start)},
                               /*isWrite=*/false, secondLevel,
                               /*isDataCache=*/true);
  }
}

/// The scores of a tile's rows and as many keys as a vector has lanes, which
/// are read where they lie: of all rows and some keys at a time, else of one
/// row and all of these keys, so that the lanes of sums make one vector.
void AttentionEmitter::emitDotProducts(const Tile &tile, Index key,
                                       bool isWhole) {
  int64_t depth = geometry.depth, whole = depth / lanes * lanes;
  bool together = lanes % tileRows == 0;
  int64_t rowCount = together ? tileRows : 1, keyCount = lanes / rowCount;
  Index last = index.sub(tile.keys.end, 1);
  index.loop(index.constant(0), index.constant(tileRows), 1, [&](Index turn) {
    Index firstRow = together ? index.constant(0) : turn;
    Index first = together ? index.add(key, index.mul(turn, keyCount)) : key;
    SmallVector<Index> starts;
    for (int64_t i = 0; i < keyCount; ++i) {
      Index number = index.add(first, i);
      if (!isWhole)
        number = index.min(number, last);
      starts.push_back(geometry.key.getStart(index, rows.batch, rows.keyHead,
                                             index.add(tile.block, number)));
    }
    auto addStep = [&](Index k, Value mask, ValueRange running) {
      fetchValues(index.add(tile.block, key), turn, k);
      SmallVector<Value> next(running), keys;
      for (Index start : starts)
        keys.push_back(unit->loadVector(index.builder, index.loc,
                                        geometry.key.memory,
                                        index.add(start, k), mask));
      for (int64_t r = 0; r < rowCount; ++r) {
        Index query = index.mul(index.add(firstRow, r), queryStride);
        Value lhs = load(queries, index.add(query, k), lanes);
        for (int64_t i = 0; i < keyCount; ++i) {
          Value &sum = next[r * keyCount + i];
          sum = unit->multiplyAdd(index.builder, index.loc, lhs, keys[i], sum);
        }
      }
      return next;
    };
    SmallVector<Value> dots(lanes, number(0, lanes));
    dots = index.loop(
        index.constant(0), index.constant(whole), lanes, dots,
        [&](Index k, ValueRange running) { return addStep(k, {}, running); });
    if (whole < depth)
      dots = addStep(index.constant(whole),
                     makeLaneMask(index.builder, index.loc, lanes,
                                  index.constant(depth - whole)),
                     dots);
    Value all =
        foldVectors(dots, [&](Value a, Value b) { return body.add(a, b); });
    for (int64_t r = 0; r < rowCount; ++r) {
      SmallVector<int64_t> own;
      for (int64_t i = 0; i < keyCount; ++i)
        own.push_back(r * keyCount + i);
      Value sums = all;
      if (rowCount > 1)
        sums =
            vector::ShuffleOp::create(index.builder, index.loc, all, all, own);
      Index row = index.add(firstRow, r);
      store(sums, scores, index.add(index.mul(row, scoreStride), first));
    }
  });
}

void AttentionEmitter::emitScoresInPlace(const Tile &tile) {
  Index begin = tile.keys.begin, end = tile.keys.end;
  Index whole = index.sub(end, index.rem(index.sub(end, begin), lanes));
  index.loop(begin, whole, lanes,
             [&](Index key) { emitDotProducts(tile, key, /*isWhole=*/true); });
  index.ifLess(whole, end,
               [&] { emitDotProducts(tile, whole, /*isWhole=*/false); });
}

/// The part of the next block's keys that is fetched while some columns of the
/// values are multiplied: whole rows where these follow each other, since CPUs
/// see streams in what goes on from line to line.
TilePrefetch AttentionEmitter::getNextKeys(const Tile &tile, int64_t column,
                                           int64_t vectors) {
  int64_t depth = geometry.depth;
  int64_t first = depth * column / valueStride;
  int64_t end = depth * (column + vectors * lanes) / valueStride;
  Index start = geometry.key.getStart(
      index, rows.batch, rows.keyHead,
      index.add(tile.block, index.add(tile.keys.begin, keyBlock)));
  if (IndexBuilder::isConstant(geometry.key.strides[2], depth))
    return {geometry.key.memory, index.add(start, first * keyBlock),
            end - first};
  return {geometry.key.memory, index.add(start, first), end - first,
          geometry.key.strides[2]};
}
