//===- MicroTile.cpp - The register tile of contractions ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include <functional>

using namespace mlir;
using namespace sluice;

Value sluice::makeLaneMask(OpBuilder &builder, Location loc, int64_t lanes,
                           OpFoldResult count) {
  auto maskType = VectorType::get({lanes}, builder.getI1Type());
  if (auto known = getConstantIntValue(count)) {
    if (*known >= lanes)
      return nullptr;
    return vector::ConstantMaskOp::create(
        builder, loc, maskType,
        builder.getDenseI64ArrayAttr({std::max<int64_t>(*known, 0)}));
  }
  IndexBuilder index(builder, loc);
  return vector::CreateMaskOp::create(builder, loc, maskType,
                                      ValueRange{index.value(count)});
}

Value sluice::loadVector(OpBuilder &builder, Location loc, Value buffer,
                         OpFoldResult start, int64_t lanes, Value mask) {
  IndexBuilder index(builder, loc);
  auto type = VectorType::get(
      {lanes}, cast<MemRefType>(buffer.getType()).getElementType());
  Value position = index.value(start);
  if (!mask)
    return vector::LoadOp::create(builder, loc, type, buffer,
                                  ValueRange{position});
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return vector::MaskedLoadOp::create(builder, loc, type, buffer,
                                      ValueRange{position}, mask, zero);
}

void sluice::storeVector(OpBuilder &builder, Location loc, Value vector,
                         Value buffer, OpFoldResult start, Value mask) {
  IndexBuilder index(builder, loc);
  Value position = index.value(start);
  if (mask)
    vector::MaskedStoreOp::create(builder, loc, buffer, ValueRange{position},
                                  mask, vector);
  else
    vector::StoreOp::create(builder, loc, vector, buffer, ValueRange{position});
}

SmallVector<Value> sluice::makeZeroTile(OpBuilder &builder, Location loc,
                                        const RegisterTile &tile,
                                        Type element) {
  auto type = VectorType::get({tile.lanes}, element);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return SmallVector<Value>(tile.rows * tile.vectors, zero);
}

namespace {
/// Emits the steps of one tile.
class TileEmitter {
public:
  /// Of a part of the depth: `stepsBefore` are others, all parts together have
  /// `allSteps` if that is known.
  TileEmitter(OpBuilder &builder, Location loc, const RegisterTile &tile,
              const MicroTileOptions &options,
              const MicroTileOperands &operands, OpFoldResult stepsBefore,
              std::optional<int64_t> allSteps)
      : index(builder, loc), tile(tile), options(options), operands(operands),
        stepsBefore(stepsBefore), allSteps(allSteps) {}

  SmallVector<Value> run(ValueRange accumulators);

private:
  void step(OpFoldResult k, MutableArrayRef<Value> accumulators);
  void prefetch(OpFoldResult k);
  void prefetchStreams(OpFoldResult k, int64_t steps);
  void prefetchRows(OpFoldResult k, int64_t steps);
  void prefetchLine(Value buffer, OpFoldResult start, unsigned locality);
  SmallVector<Value> loopOver(OpFoldResult first, OpFoldResult end,
                              int64_t unroll, ValueRange accumulators);

  IndexBuilder index;
  const RegisterTile &tile;
  const MicroTileOptions &options;
  const MicroTileOperands &operands;
  OpFoldResult stepsBefore;
  std::optional<int64_t> allSteps;
};
} // namespace

void TileEmitter::step(OpFoldResult k, MutableArrayRef<Value> accumulators) {
  OpBuilder &builder = index.builder;
  Location loc = index.loc;
  OpFoldResult bRow = index.add(operands.bStart, index.mul(k, operands.bStep));
  SmallVector<Value> bVectors;
  for (int64_t v = 0; v < tile.vectors; ++v)
    bVectors.push_back(options.unit->loadVector(
        builder, loc, operands.b,
        index.add(bRow, v * tile.lanes * options.unit->getDepthStep()),
        v + 1 == tile.vectors ? operands.lastMask : Value()));
  OpFoldResult aOffset = index.mul(k, operands.aStep);
  for (int64_t r = 0; r < tile.rows; ++r) {
    Value position = index.value(index.add(operands.aRows[r], aOffset));
    Value lhs = options.unit->loadLhs(builder, loc, operands.a, position);
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Value &acc = accumulators[r * tile.vectors + v];
      acc = options.unit->multiplyAdd(builder, loc, lhs, bVectors[v], acc);
    }
  }
}

/// Elements of a buffer that a cache line holds.
static int64_t getLineElements(Value buffer) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  return 8 * MachineModel::cacheLineBytes / element.getIntOrFloatBitWidth();
}

void TileEmitter::prefetchLine(Value buffer, OpFoldResult start,
                               unsigned locality) {
  memref::PrefetchOp::create(index.builder, index.loc, buffer,
                             ValueRange{index.value(start)}, /*isWrite=*/false,
                             locality, /*isDataCache=*/true);
}

/// What `steps` steps from `k` on fetch.
void TileEmitter::prefetchStreams(OpFoldResult k, int64_t steps) {
  constexpr unsigned secondLevel = 2;
  for (const TilePrefetch &stream : operands.prefetches) {
    if (stream.stride) {
      for (int64_t u = 0; u < steps; ++u) {
        OpFoldResult start =
            index.add(stream.start, index.mul(index.add(k, u), stream.stride));
        for (int64_t at = 0; at < stream.step;
             at += getLineElements(stream.buffer))
          prefetchLine(stream.buffer, index.add(start, at), secondLevel);
      }
      continue;
    }
    OpFoldResult start = index.add(stream.start, index.mul(k, stream.step));
    int64_t lineElements = getLineElements(stream.buffer);
    for (int64_t at = 0; at < steps * stream.step; at += lineElements)
      prefetchLine(stream.buffer, index.add(start, at), secondLevel);
  }
}

/// Of the lines that the epilogue will want, those that are the turn of `steps`
/// steps from `k` on: each line has its turn once or some times in a row.
void TileEmitter::prefetchRows(OpFoldResult k, int64_t steps) {
  constexpr unsigned firstLevel = 3;
  // Residuals of another width than the result are fetched in part, or lines of
  // theirs twice.
  int64_t lineElements = getLineElements(operands.fetches.front().buffer);
  int64_t rowLines = (tile.width() + lineElements - 1) / lineElements;
  int64_t lines = tile.rows * rowLines;
  int64_t turns = std::max<int64_t>(allSteps.value_or(lines) / steps, 1);
  int64_t linesOfTurn = (lines + turns - 1) / turns;
  int64_t turnsOfLine = std::max<int64_t>(turns / lines, 1);
  OpFoldResult turn = index.div(index.add(stepsBefore, k), steps * turnsOfLine);
  for (int64_t i = 0; i < linesOfTurn; ++i) {
    OpFoldResult line = index.min(index.add(index.mul(turn, linesOfTurn), i),
                                  index.constant(lines - 1));
    for (const TileFetch &fetch : operands.fetches) {
      OpFoldResult row = index.mul(index.div(line, rowLines), fetch.stride);
      OpFoldResult column = index.mul(index.rem(line, rowLines), lineElements);
      prefetchLine(fetch.buffer, index.add(index.add(fetch.start, row), column),
                   firstLevel);
    }
  }
}

void TileEmitter::prefetch(OpFoldResult k) {
  constexpr unsigned firstLevel = 3;
  if (options.prefetchDistance == 0)
    return;
  OpFoldResult start =
      index.add(index.add(operands.bStart, index.mul(k, operands.bStep)),
                options.prefetchDistance);
  for (int64_t line = 0; line < tile.width();
       line += getLineElements(operands.b))
    prefetchLine(operands.b, index.add(start, line), firstLevel);
}

SmallVector<Value> TileEmitter::loopOver(OpFoldResult first, OpFoldResult end,
                                         int64_t unroll,
                                         ValueRange accumulators) {
  size_t sums = tile.rows * tile.vectors;
  return index.loop(
      first, end, unroll, accumulators,
      [&](OpFoldResult k, ValueRange carried) {
        auto state = llvm::to_vector_of<Value>(carried);
        prefetchStreams(k, unroll);
        if (unroll == options.unroll && !operands.fetches.empty())
          prefetchRows(k, unroll);
        for (int64_t u = 0; u < unroll; ++u) {
          size_t group = unroll == 1 ? 0 : u % options.partialSums;
          OpFoldResult position = index.add(k, u);
          prefetch(position);
          step(position,
               MutableArrayRef<Value>(state).slice(group * sums, sums));
        }
        return state;
      });
}

SmallVector<Value> TileEmitter::run(ValueRange accumulators) {
  SmallVector<Value> state = llvm::to_vector_of<Value>(accumulators);
  for (int64_t group = 1; group < options.partialSums; ++group)
    llvm::append_range(state, makeZeroTile(index.builder, index.loc, tile,
                                           options.unit->getSumType()));
  OpFoldResult mainEnd =
      index.sub(operands.depth, index.rem(operands.depth, options.unroll));
  state = loopOver(index.constant(0), mainEnd, options.unroll, state);
  // The rest adds to the first group only.
  state = loopOver(mainEnd, operands.depth, 1, state);
  size_t sums = tile.rows * tile.vectors;
  for (int64_t group = 1; group < options.partialSums; ++group)
    for (size_t i = 0; i < sums; ++i)
      state[i] =
          addSums(index.builder, index.loc, state[i], state[group * sums + i]);
  state.truncate(sums);
  return state;
}

/// What a tile reads in the steps from `first` on, at most `count` of them.
static MicroTileOperands takeSteps(IndexBuilder &index,
                                   const MicroTileOperands &operands,
                                   OpFoldResult first, int64_t count) {
  MicroTileOperands part = operands;
  for (OpFoldResult &row : part.aRows)
    row = index.add(row, index.mul(first, operands.aStep));
  part.bStart = index.add(part.bStart, index.mul(first, operands.bStep));
  for (TilePrefetch &stream : part.prefetches)
    stream.start = index.add(
        stream.start,
        index.mul(first,
                  stream.stride ? stream.stride : index.constant(stream.step)));
  auto depth = IndexBuilder::getConstant(operands.depth);
  part.depth =
      depth && *depth % count == 0
          ? index.constant(count)
          : index.min(index.sub(operands.depth, first), index.constant(count));
  return part;
}

SmallVector<Value> sluice::emitMicroTile(OpBuilder &builder, Location loc,
                                         const RegisterTile &tile,
                                         const MicroTileOptions &options,
                                         const MicroTileOperands &operands,
                                         ValueRange accumulators) {
  // A long sum goes in parts of so many steps. What has been summed up before
  // waits in memory, which costs as much as a few steps.
  constexpr int64_t longSum = 1024, longestPart = 512;
  IndexBuilder index(builder, loc);
  std::optional<int64_t> limit = IndexBuilder::getConstant(operands.depth);
  if (!limit)
    limit = operands.depthLimit;
  auto inOneGo = [&] {
    return TileEmitter(builder, loc, tile, options, operands, index.constant(0),
                       limit)
        .run(accumulators);
  };
  if (limit && *limit <= longSum)
    return inOneGo();
  int64_t parts = limit ? (*limit + longestPart - 1) / longestPart : 1;
  int64_t length = limit ? (*limit + parts - 1) / parts : longestPart;
  length = (length + options.unroll - 1) / options.unroll * options.unroll;
  auto inParts = [&] {
    return index.loop(
        index.constant(0), operands.depth, length, accumulators,
        [&](OpFoldResult first, ValueRange sums) {
          MicroTileOperands part = takeSteps(index, operands, first, length);
          SmallVector<Value> added =
              TileEmitter(builder, loc, tile, options, part, first, limit)
                  .run(makeZeroTile(builder, loc, tile,
                                    options.unit->getSumType()));
          for (auto [value, sum] : llvm::zip_equal(added, sums))
            value = addSums(builder, loc, sum, value);
          return added;
        });
  };
  if (limit)
    return inParts();
  Value isLong = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt,
                                       index.value(operands.depth),
                                       index.value(index.constant(longSum)));
  auto branch = scf::IfOp::create(builder, loc, TypeRange(accumulators), isLong,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(builder, loc, inParts());
  builder.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(builder, loc, inOneGo());
  return llvm::to_vector_of<Value>(branch.getResults());
}

void sluice::emitPartialTile(IndexBuilder &index, int64_t rows, int64_t steps,
                             OpFoldResult rest,
                             function_ref<void(int64_t)> body) {
  if (rows == 1)
    return;
  std::function<void(int64_t)> emitFrom = [&](int64_t step) {
    int64_t part = (rows * step + steps - 1) / steps;
    // All rows but one are the most that are left.
    if (step == steps || part + 1 >= rows)
      return body(rows - 1);
    index.ifLess(
        index.constant(part), rest, [&] { emitFrom(step + 1); },
        [&] { body(part); });
  };
  index.ifLess(index.constant(0), rest, [&] { emitFrom(1); });
}
