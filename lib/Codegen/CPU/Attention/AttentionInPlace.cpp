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
/// lanes: lane i of the result is that of vector i.
Value AttentionEmitter::foldVectors(SmallVector<Value> vectors,
                                    function_ref<Value(Value, Value)> fold) {
  int64_t width = vectors.size();
  // Vectors whose numbers differ in one bit are joined: each keeps the half of
  // its lanes whose numbers have that bit as its own number does, and the other
  // half of which is folded onto it. One of the two shuffles is a blend. The
  // most joins, the first ones, stay within parts of 16 bytes, which is fast.
  SmallVector<int64_t> distances;
  for (int64_t distance = 1; distance < width; distance *= 2)
    distances.push_back(distance);
  if (distances.size() > 1)
    std::swap(distances[0], distances[1]);
  SmallVector<int64_t> numbers = llvm::to_vector(llvm::seq<int64_t>(0, width));
  for (int64_t distance : distances) {
    SmallVector<int64_t> own, others;
    for (int64_t lane = 0; lane < width; ++lane) {
      int64_t from = lane & distance ? width : 0;
      own.push_back(from + lane);
      others.push_back(from + (lane ^ distance));
    }
    for (int64_t number : numbers) {
      if (number & distance)
        continue;
      auto shuffle = [&](ArrayRef<int64_t> order) -> Value {
        return vector::ShuffleOp::create(index.builder, index.loc,
                                         vectors[number],
                                         vectors[number | distance], order);
      };
      Value first = shuffle(own), second = shuffle(others);
      vectors[number] = fold(first, second);
    }
    llvm::erase_if(numbers, [&](int64_t number) { return number & distance; });
  }
  return vectors.front();
}

/// What is fetched for the next block all tiles of this one share: emits code
/// for tiles that fetch a part of it each, one of as many as it is told.
void AttentionEmitter::emitSharing(function_ref<void(int64_t parts)> body) {
  if (queryBlock <= tileRows)
    return body(1);
  // Two tiles fetch all; more of them do so again, which costs little. Where
  // the least rows have a form of their own, one tile is rare.
  if (config.getFewRows())
    return body(2);
  index.ifLess(
      index.constant(tileRows), rows.rows, [&] { body(2); }, [&] { body(1); });
}

/// Which part a tile fetches.
Index AttentionEmitter::getPart(const Tile &tile, int64_t parts) {
  return index.rem(index.div(tile.firstRow, tileRows), parts);
}

/// Where a key of the block after the tile's starts, which behind the last one
/// is the next head's first: that is what comes next.
Index AttentionEmitter::getNext(const AttentionTensor &tensor, const Tile &tile,
                                Index key) {
  Index block = index.add(tile.block, keyBlock);
  Index head = index.selectLess(block, rows.limit, rows.keyHead,
                                index.add(rows.keyHead, 1));
  block = index.selectLess(block, rows.limit, block, index.constant(0));
  return tensor.getStart(index, rows.batch, head, index.add(block, key));
}

/// Step k of a turn of products with a vector of keys fetches its share of the
/// next block's values into the second-level cache.
void AttentionEmitter::fetchValues(const Tile &tile, Index key, Index turn,
                                   Index k, int64_t parts) {
  constexpr unsigned secondLevel = 2;
  const AttentionTensor &value = geometry.value;
  int64_t lineElements = 8 * MachineModel::cacheLineBytes /
                         value.getElement().getIntOrFloatBitWidth();
  int64_t rowLines = llvm::divideCeil(geometry.valueDepth, lineElements);
  int64_t steps = llvm::divideCeil(geometry.depth, lanes);
  int64_t valuesOfTurn = llvm::divideCeil(lanes, tileRows);
  int64_t own = llvm::divideCeil(valuesOfTurn, parts);
  int64_t share = llvm::divideCeil(own * rowLines, steps);
  Index first = index.add(key, index.mul(turn, valuesOfTurn));
  first = index.add(first, index.mul(getPart(tile, parts), own));
  for (int64_t i = 0; i < share; ++i) {
    Index line = index.add(index.mul(index.div(k, lanes), share), i);
    Index start =
        getNext(value, tile, index.add(first, index.div(line, rowLines)));
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
                                       bool isWhole, int64_t parts) {
  // Without a loop, the next sums begin while those before are folded.
  constexpr int64_t mostSteps = 8;
  int64_t depth = geometry.depth, whole = depth / lanes * lanes;
  int64_t stepsAtOnce =
      isWhole ? std::clamp<int64_t>(whole / lanes, 1, mostSteps) : 1;
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
    Index firstQuery =
        index.mul(index.add(tile.firstRow, firstRow), queryStride);
    auto addStep = [&](Index k, Value mask, MutableArrayRef<Value> sums) {
      fetchValues(tile, key, turn, k, parts);
      SmallVector<Value> keys;
      for (Index start : starts)
        keys.push_back(unit->loadVector(index.builder, index.loc,
                                        geometry.key.memory,
                                        index.add(start, k), mask));
      for (int64_t r = 0; r < rowCount; ++r) {
        Index query = index.add(firstQuery, r * queryStride);
        Value lhs = load(queries, index.add(query, k), lanes);
        for (int64_t i = 0; i < keyCount; ++i) {
          Value &sum = sums[r * keyCount + i];
          sum = unit->multiplyAdd(index.builder, index.loc, lhs, keys[i], sum);
        }
      }
    };
    auto addSteps = [&](Index begin, Index end, int64_t count,
                        ValueRange running) {
      return index.loop(begin, end, count * lanes, running,
                        [&](Index k, ValueRange running) {
                          SmallVector<Value> sums(running);
                          for (int64_t step = 0; step < count; ++step)
                            addStep(index.add(k, step * lanes), {}, sums);
                          return sums;
                        });
    };
    SmallVector<Value> dots(lanes, number(0, lanes));
    Index many =
        index.constant(whole / (stepsAtOnce * lanes) * stepsAtOnce * lanes);
    dots = addSteps(index.constant(0), many, stepsAtOnce, dots);
    dots = addSteps(many, index.constant(whole), 1, dots);
    if (whole < depth)
      addStep(index.constant(whole),
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
  emitSharing([&](int64_t parts) {
    index.loop(begin, whole, lanes, [&](Index key) {
      emitDotProducts(tile, key, /*isWhole=*/true, parts);
    });
  });
  index.ifLess(whole, end, [&] {
    emitDotProducts(tile, whole, /*isWhole=*/false, /*parts=*/1);
  });
}

/// The part of the next block's keys that is fetched while some columns of the
/// values are multiplied: whole rows where these follow each other, since CPUs
/// see streams in what goes on from line to line.
TilePrefetch AttentionEmitter::getNextKeys(const Tile &tile, int64_t column,
                                           int64_t vectors, int64_t parts) {
  int64_t depth = geometry.depth;
  int64_t first = depth * column / valueStride;
  int64_t end = depth * (column + vectors * lanes) / valueStride;
  int64_t own = llvm::divideCeil(end - first, parts);
  Index start = getNext(geometry.key, tile, tile.keys.begin);
  Index offset = index.add(index.mul(getPart(tile, parts), own), first);
  if (IndexBuilder::isConstant(geometry.key.strides[2], depth))
    return {geometry.key.memory, index.add(start, index.mul(offset, keyBlock)),
            own};
  return {geometry.key.memory, index.add(start, offset), own,
          geometry.key.strides[2]};
}
