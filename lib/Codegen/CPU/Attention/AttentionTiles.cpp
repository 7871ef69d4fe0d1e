//===- AttentionTiles.cpp - Rows and keys that fit registers --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionEmitter.h"
#include "KeyBlock.h"
#include "dialects/Sluice/MathHints.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Analysis/MachineModel.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

VectorType AttentionEmitter::vectorType(int64_t lanes, Type element) {
  return VectorType::get({lanes}, element);
}

Value AttentionEmitter::broadcast(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(
      index.builder, index.loc, vectorType(lanes, scalar.getType()), scalar);
}

Value AttentionEmitter::number(double value, int64_t lanes) {
  return arith::ConstantOp::create(
      index.builder, index.loc,
      DenseElementsAttr::get(vectorType(lanes, f32),
                             static_cast<float>(value)));
}

Value AttentionEmitter::loadScalar(Value memory, Index place) {
  return memref::LoadOp::create(index.builder, index.loc, memory,
                                ValueRange{index.value(place)});
}

void AttentionEmitter::storeScalar(Value value, Value memory, Index place) {
  memref::StoreOp::create(index.builder, index.loc, value, memory,
                          ValueRange{index.value(place)});
}

Value AttentionEmitter::load(Value memory, Index place, int64_t lanes) {
  return loadVector(index.builder, index.loc, memory, place, lanes, {});
}

void AttentionEmitter::store(Value vector, Value memory, Index place) {
  storeVector(index.builder, index.loc, vector, memory, place, {});
}

/// In the form that is one instruction; `b` where `a` is NaN.
Value AttentionEmitter::larger(Value a, Value b) {
  return body.select(body.compare(CmpFPredicate::OGT, a, b), a, b);
}

/// e to the power of what is not greater than 0, or NaN.
Value AttentionEmitter::power(Value exponent) {
  auto exp = math::ExpOp::create(index.builder, index.loc, exponent);
  exp->setAttr(notPositiveAttributeName, index.builder.getUnitAttr());
  return exp;
}

/// e to the power of what a score is less than another one.
Value AttentionEmitter::scaledPower(Value difference) {
  constexpr double log2OfE = 1.4426950408889634;
  int64_t width = cast<VectorType>(difference.getType()).getNumElements();
  auto exp = math::Exp2Op::create(
      index.builder, index.loc,
      body.mul(difference, number(scoreScale * log2OfE, width)));
  exp->setAttr(notPositiveAttributeName, index.builder.getUnitAttr());
  return exp;
}

/// Halves onto each other, until so many lanes are left.
Value AttentionEmitter::foldHalves(Value vector, int64_t width,
                                   function_ref<Value(Value, Value)> fold) {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  for (int64_t half = lanes / 2; half >= width; half /= 2) {
    auto take = [&](int64_t first) -> Value {
      auto order = llvm::to_vector(llvm::seq(first, first + half));
      return vector::ShuffleOp::create(index.builder, index.loc, vector, vector,
                                       order);
    };
    Value low = take(0), high = take(half);
    vector = fold(low, high);
  }
  return vector;
}

Value AttentionEmitter::foldLanes(Value vector,
                                  function_ref<Value(Value, Value)> fold) {
  return vector::ExtractOp::create(index.builder, index.loc,
                                   foldHalves(vector, 1, fold), 0);
}

Value AttentionEmitter::reserve(int64_t elements) {
  return memref::AllocaOp::create(
      index.builder, index.loc, MemRefType::get({elements}, f32),
      index.builder.getI64IntegerAttr(MachineModel::cacheLineBytes));
}

void AttentionEmitter::ifTrue(Value condition, function_ref<void()> whenTrue,
                              function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(index.builder, index.loc, condition,
                                  static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(index.builder);
  index.builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  whenTrue();
  if (!otherwise)
    return;
  index.builder.setInsertionPoint(branch.elseBlock()->getTerminator());
  otherwise();
}

Value AttentionEmitter::lessThan(Index lhs, Index rhs) {
  return body.compare(CmpIPredicate::slt, index.value(lhs), index.value(rhs));
}

Index AttentionEmitter::select(Value condition, Index whenTrue,
                               Index otherwise) {
  return getAsOpFoldResult(
      body.select(condition, index.value(whenTrue), index.value(otherwise)));
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// A row's query, scaled and in the type of sums. Rows past the last one repeat
/// it.
void AttentionEmitter::copyQuery(Index row, Index lastRow, Index to) {
  double scale = op.getScale().convertToDouble();
  row = index.min(row, lastRow);
  Index start =
      geometry.query.getStart(index, rows.batch, getHead(row), getQuery(row));
  emitRowCopy(index, {geometry.query, start, index.constant(1), geometry.depth},
              queries, to, queryStride, lanes, scale);
}

/// The queries of a tile.
void AttentionEmitter::copyQueries(const Tile &tile) {
  if (readsQueries)
    return;
  index.loop(index.constant(0), index.constant(tileRows), 1, [&](Index r) {
    copyQuery(index.add(tile.firstRow, r), tile.lastRow,
              index.mul(r, queryStride));
  });
}

/// The scores of all rows and some vectors of keys, and their maxima.
void AttentionEmitter::emitScoreTile(const Tile &tile, Index key,
                                     int64_t vectors) {
  RegisterTile shape{tileRows, vectors, lanes};
  MicroTileOperands inputs;
  inputs.a = readsQueries ? geometry.query.memory : queries;
  for (int64_t r = 0; r < tileRows; ++r) {
    if (!readsQueries) {
      inputs.aRows.push_back(index.constant(r * queryStride));
      continue;
    }
    Index row = index.min(index.add(tile.firstRow, r), tile.lastRow);
    inputs.aRows.push_back(geometry.query.getStart(
        index, rows.batch, getHead(row), getQuery(row)));
  }
  inputs.aStep = index.constant(1);
  inputs.b = panels;
  bool isPanel = vectors * lanes == width;
  Index inPanel = isPanel ? index.constant(0) : index.rem(key, width);
  inputs.bStart =
      index.add(index.mul(index.sub(key, inPanel), geometry.depth), inPanel);
  inputs.bStep = index.constant(width);
  inputs.depth = index.constant(geometry.depth);
  MicroTileOptions options;
  options.unit = unit.get();
  // What is left of a panel takes little of the time.
  options.unroll = isPanel ? config.getUnroll() : 1;
  SmallVector<Value> sums =
      emitMicroTile(index.builder, index.loc, shape, options, inputs,
                    makeZeroTile(index.builder, index.loc, shape, f32));
  for (int64_t r = 0; r < tileRows; ++r) {
    for (int64_t v = 0; v < vectors; ++v)
      store(sums[r * vectors + v], scores,
            index.add(key, r * scoreStride + v * lanes));
    if (!usesProducts)
      continue;
    Index place = index.constant(r * lanes);
    Value most = load(laneMaxima, place, lanes);
    for (int64_t v = 0; v < vectors; ++v)
      most = larger(sums[r * vectors + v], most);
    store(most, laneMaxima, place);
  }
}

void AttentionEmitter::emitScores(const Tile &tile) {
  if (usesProducts)
    for (int64_t r = 0; r < tileRows; ++r)
      store(number(-std::numeric_limits<double>::infinity(), lanes), laneMaxima,
            index.constant(r * lanes));
  Index begin = tile.keys.begin, end = tile.keys.end;
  Index whole = index.sub(end, index.rem(end, width));
  index.loop(begin, whole, width,
             [&](Index key) { emitScoreTile(tile, key, width / lanes); });
  Index rest = index.max(begin, whole);
  index.loop(rest, end, lanes, [&](Index key) { emitScoreTile(tile, key, 1); });
}

/// Scores that are softly capped are so before anything else looks at them.
void AttentionEmitter::emitCaps(const Tile &tile) {
  double cap = op.getSoftcap().convertToDouble();
  if (cap == 0)
    return;
  index.loop(index.constant(0), index.constant(tileRows), 1, [&](Index row) {
    Index first = index.mul(row, scoreStride);
    index.loop(tile.keys.begin, tile.keys.end, lanes, [&](Index key) {
      Index place = index.add(first, key);
      Value part = body.mul(load(scores, place, lanes), number(1 / cap, lanes));
      part = math::TanhOp::create(index.builder, index.loc, part);
      store(body.mul(part, number(cap, lanes)), scores, place);
    });
  });
}

/// A vector of scores as they are compared and exponentiated: -inf where the
/// key does not count for the row.
Value AttentionEmitter::readScores(const Tile &tile, const ElementReads &reads,
                                   Index row, Index key) {
  OpBuilder &builder = index.builder;
  Location loc = index.loc;
  Index score = index.add(index.mul(row, scoreStride), key);
  Value value = load(scores, score, lanes);
  if (!reads.any())
    return value;
  Index number = index.min(index.add(tile.firstRow, row), tile.lastRow);
  Index query = getQuery(number), head = getHead(number);
  Value visible;
  auto hide = [&](Value others) {
    visible =
        visible
            ? arith::AndIOp::create(builder, loc, visible, others).getResult()
            : others;
  };
  Index first = index.add(tile.block, key);
  // What lies past the last key is not read.
  Value exists =
      makeLaneMask(builder, loc, lanes, index.sub(geometry.keys, first));
  if (reads.bounds) {
    // In 32 bits: the lanes that are left of, and from the end on.
    KeySpan span = reads.isFallback ? KeySpan{index.constant(0), geometry.keys}
                                    : getVisible(query);
    span.end = index.min(span.end, index.add(tile.block, tile.keys.end));
    Type i32 = builder.getI32Type();
    auto type = vectorType(lanes, i32);
    SmallVector<int32_t> numbers;
    for (int64_t lane = 0; lane < lanes; ++lane)
      numbers.push_back(lane);
    Value lane = arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(type, ArrayRef(numbers)));
    auto compare = [&](CmpIPredicate predicate, Index bound) {
      Value distance = arith::IndexCastOp::create(
          builder, loc, i32, index.value(index.sub(bound, first)));
      hide(body.compare(predicate, lane, broadcast(distance, lanes)));
    };
    compare(CmpIPredicate::slt, span.end);
    if (left && !reads.isFallback)
      compare(CmpIPredicate::sge, span.begin);
  }
  auto readRow = [&](const ScoreTensor &tensor) {
    Index start = tensor.getStart(index, rows.batch, head, query);
    return tensor.loadKeys(index, start, first, lanes, exists);
  };
  if (reads.mask) {
    Value read = readRow(*reads.mask);
    hide(body.compare(CmpIPredicate::ne, read, body.zero(read)));
  }
  if (reads.tile) {
    int64_t blockRows = op.getBlockSizes()[0], columns = op.getBlockSizes()[1];
    Index start = index.add(
        reads.tile, index.add(index.mul(index.rem(query, blockRows), columns),
                              index.rem(first, columns)));
    Value mask = makeLaneMask(
        builder, loc, lanes,
        index.sub(index.constant(columns), index.rem(first, columns)));
    Value read = loadVector(builder, loc, geometry.tiles, start, lanes, mask);
    hide(body.compare(CmpIPredicate::ne, read, body.zero(read)));
  }
  if (reads.bias) {
    Value bias = convertElements(builder, loc, readRow(*reads.bias), f32);
    value = body.add(value, bias);
    // A NaN counts.
    if (!reads.isFallback)
      hide(body.compare(CmpFPredicate::UGT, bias,
                        this->number(getMaskBound(), lanes)));
  }
  if (visible)
    value = body.select(
        visible, value,
        this->number(-std::numeric_limits<double>::infinity(), lanes));
  store(value, scores, score);
  return value;
}

/// Masks the scores of a row and finds the largest in each lane.
void AttentionEmitter::emitRowMaxima(const Tile &tile,
                                     const ElementReads &reads, Index row) {
  // A bias may be looked at everywhere, all others in few blocks.
  bool isUsual = !reads.any() || (reads.bias && !reads.isFallback);
  int64_t vectors = isUsual ? getVectorsOfTurn() : 1;
  // Whole panels are exponentiated.
  Index end = index.add(
      tile.keys.begin,
      index.roundUp(index.sub(tile.keys.end, tile.keys.begin), width));
  double lowest = -std::numeric_limits<double>::infinity();
  SmallVector<Value> most(vectors, number(lowest, lanes));
  most = index.loop(tile.keys.begin, end, vectors * lanes, most,
                    [&](Index key, ValueRange running) {
                      SmallVector<Value> next;
                      for (int64_t v = 0; v < vectors; ++v) {
                        Value scores = readScores(tile, reads, row,
                                                  index.add(key, v * lanes));
                        next.push_back(larger(scores, running[v]));
                      }
                      return next;
                    });
  Value all = most.front();
  for (Value other : llvm::drop_begin(most))
    all = larger(all, other);
  store(all, laneMaxima, index.mul(row, lanes));
}

/// The maximum of each row, of those in its lanes.
void AttentionEmitter::foldMaxima() {
  auto fold = [&](Value a, Value b) { return larger(a, b); };
  if (lanes < rowLanes)
    return index.loop(
        index.constant(0), index.constant(tileRows), 1, [&](Index row) {
          Value lanesOfRow = load(laneMaxima, index.mul(row, lanes), lanes);
          storeScalar(foldLanes(lanesOfRow, fold), tileMaxima, row);
        });
  SmallVector<Value> all;
  for (int64_t r = 0; r < rowLanes; ++r) {
    Index row = index.constant(std::min(r, tileRows - 1) * lanes);
    all.push_back(foldHalves(load(laneMaxima, row, lanes), rowLanes, fold));
  }
  store(foldVectors(all, fold), tileMaxima, index.constant(0));
}

/// What is looked at of a tile's scores, and when.
SmallVector<AttentionEmitter::ReadCase>
AttentionEmitter::getReadCases(const Tile &tile, const BlockKind &kind) {
  SmallVector<ReadCase> cases;
  if (isFallback) {
    ElementReads reads;
    reads.isFallback = reads.bounds = true;
    reads.bias = &*geometry.fallback;
    cases.push_back({isFallback, reads});
  }
  if (geometry.bias || geometry.mask || geometry.tiles) {
    ElementReads biasOnly;
    biasOnly.bounds = true;
    biasOnly.bias = geometry.bias ? &*geometry.bias : nullptr;
    ElementReads reads = biasOnly;
    if (geometry.tiles) {
      Index which = index.sub(kind.getCode(), 2);
      reads.tile =
          index.mul(which, op.getBlockSizes()[0] * op.getBlockSizes()[1]);
    } else if (geometry.mask) {
      reads.mask = &*geometry.mask;
    }
    if (!kind.code) {
      cases.push_back({{}, reads});
      return cases;
    }
    // 2 and more: masks are looked at; 1: biases only; -1: nothing.
    cases.push_back({lessThan(index.constant(1), kind.getCode()), reads});
    if (geometry.bias)
      cases.push_back({lessThan(index.constant(0), kind.getCode()), biasOnly});
  }
  if (!seesWholeBlocks()) {
    // Whole panels are exponentiated.
    Index end = index.add(tile.block, index.roundUp(tile.keys.end, width));
    KeySpan all = getVisible(tile.firstRow, tile.lastRow).second;
    all.end = index.min(all.end, index.add(tile.block, tile.keys.end));
    Value needsBounds = lessThan(all.end, end);
    if (left)
      needsBounds = arith::OrIOp::create(
          index.builder, index.loc, needsBounds,
          lessThan(index.add(tile.block, tile.keys.begin), all.begin));
    ElementReads bounds;
    bounds.bounds = true;
    cases.push_back({needsBounds, bounds});
  }
  cases.push_back({{}, ElementReads()});
  return cases;
}

/// Looks at elements only where that is needed.
void AttentionEmitter::emitMaxima(const Tile &tile, const BlockKind &kind) {
  SmallVector<ReadCase> cases = getReadCases(tile, kind);
  // Those of the scores as they are products have left.
  bool skipsLast = usesProducts && !cases.back().reads.any();
  if (skipsLast)
    cases.pop_back();
  auto emitRow = [&](Index row) {
    std::function<void(ArrayRef<ReadCase>)> emitCases =
        [&](ArrayRef<ReadCase> cases) {
          auto emitFirst = [&] {
            emitRowMaxima(tile, cases.front().reads, row);
          };
          if (cases.size() == 1)
            return emitFirst();
          ifTrue(cases.front().condition, emitFirst,
                 [&] { emitCases(cases.drop_front()); });
        };
    emitCases(cases);
  };
  auto emitRows = [&] {
    index.loop(index.constant(0), index.constant(tileRows), 1, emitRow);
  };
  if (!skipsLast)
    return emitRows();
  Value needed;
  for (const ReadCase &readCase : cases)
    needed = needed ? arith::OrIOp::create(index.builder, index.loc, needed,
                                           readCase.condition)
                          .getResult()
                    : readCase.condition;
  if (needed)
    ifTrue(needed, emitRows, nullptr);
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// What is subtracted from the scores of each row, and what sums of earlier
/// blocks are multiplied with.
void AttentionEmitter::emitFactors(const Tile &tile) {
  Index place = index.mul(index.div(tile.firstRow, tileRows), rowLanes);
  Value before = load(maxima, place, rowLanes);
  Value most = larger(load(tileMaxima, index.constant(0), rowLanes), before);
  store(most, maxima, place);
  Value shift = most;
  if (hidesKeys()) {
    // Not -inf less -inf, which is NaN.
    Value none = number(-std::numeric_limits<double>::infinity(), rowLanes);
    shift = body.select(body.compare(CmpFPredicate::OEQ, most, none),
                        number(0, rowLanes), most);
  }
  store(shift, shifts, index.constant(0));
  store(scaledPower(body.sub(before, shift)), factors, index.constant(0));
}

/// Vectors of scores at a time: processors overlap several turns, and two
/// maxima or sums do not wait for each other.
int64_t AttentionEmitter::getVectorsOfTurn() {
  int64_t vectors = width / lanes;
  return vectors % 2 == 0 ? 2 : vectors;
}

/// Exponentials of all scores, and their sums.
void AttentionEmitter::emitPowers(const Tile &tile) {
  int64_t vectors = getVectorsOfTurn();
  index.loop(index.constant(0), index.constant(tileRows), 1, [&](Index row) {
    Value shift = broadcast(loadScalar(shifts, row), lanes);
    Value factor = broadcast(loadScalar(factors, row), lanes);
    Index place = index.mul(index.add(tile.firstRow, row), lanes);
    Index score = index.mul(row, scoreStride);
    SmallVector<Value> sum(vectors, number(0, lanes));
    sum.front() = body.mul(load(sums, place, lanes), factor);
    sum = index.loop(tile.keys.begin, tile.keys.end, vectors * lanes, sum,
                     [&](Index key, ValueRange running) {
                       SmallVector<Value> next;
                       for (int64_t v = 0; v < vectors; ++v) {
                         Index at = index.add(index.add(score, key), v * lanes);
                         Value value = scaledPower(
                             body.sub(load(scores, at, lanes), shift));
                         store(value, scores, at);
                         next.push_back(body.add(running[v], value));
                       }
                       return next;
                     });
    for (size_t count = sum.size(); count > 1; count = (count + 1) / 2)
      for (size_t i = 0; i < count / 2; ++i)
        sum[i] = body.add(sum[i], sum[(count + 1) / 2 + i]);
    store(sum.front(), sums, place);
  });
}

/// Adds the product of exponentials and values to some columns of the output.
void AttentionEmitter::emitValueTile(const Tile &tile, int64_t column,
                                     int64_t vectors, int64_t parts) {
  RegisterTile shape{tileRows, vectors, lanes};
  auto getPlace = [&](int64_t r, int64_t v) {
    return index.add(index.mul(index.add(tile.firstRow, r), valueStride),
                     column + v * lanes);
  };
  SmallVector<Value> accumulators;
  for (int64_t r = 0; r < tileRows; ++r) {
    Value factor = broadcast(loadScalar(factors, index.constant(r)), lanes);
    for (int64_t v = 0; v < vectors; ++v)
      accumulators.push_back(
          body.mul(load(output, getPlace(r, v), lanes), factor));
  }
  MicroTileOperands inputs;
  inputs.a = scores;
  for (int64_t r = 0; r < tileRows; ++r)
    inputs.aRows.push_back(index.add(tile.keys.begin, r * scoreStride));
  inputs.aStep = index.constant(1);
  if (readsValues) {
    inputs.b = geometry.value.memory;
    inputs.bStart =
        geometry.value.getStart(index, rows.batch, rows.keyHead,
                                index.add(tile.block, tile.keys.begin));
    inputs.bStep = geometry.value.strides[2];
    int64_t there = geometry.valueDepth - column;
    if (there < vectors * lanes)
      inputs.lastMask =
          makeLaneMask(index.builder, index.loc, lanes,
                       index.constant(there - (vectors - 1) * lanes));
  } else {
    inputs.bStep = index.constant(valueStride);
    inputs.b = values;
    inputs.bStart = index.mul(tile.keys.begin, valueStride);
  }
  inputs.bStart = index.add(inputs.bStart, column);
  inputs.depth = index.sub(tile.keys.end, tile.keys.begin);
  if (config.getInPlace())
    inputs.prefetches.push_back(getNextKeys(tile, column, vectors, parts));
  inputs.depthLimit = keyBlock;
  MicroTileOptions options;
  options.unit = unit.get();
  options.unroll = config.getUnroll();
  accumulators = emitMicroTile(index.builder, index.loc, shape, options, inputs,
                               accumulators);
  for (int64_t r = 0; r < tileRows; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      store(accumulators[r * vectors + v], output, getPlace(r, v));
}

void AttentionEmitter::emitValues(const Tile &tile) {
  int64_t all = valueStride / lanes, most = width / lanes;
  int64_t parts = (all + most - 1) / most;
  int64_t vectors = parts ? (all + parts - 1) / parts : 0;
  auto emitAll = [&](int64_t fetchParts) {
    for (int64_t first = 0; first < all; first += vectors)
      emitValueTile(tile, first * lanes, std::min(vectors, all - first),
                    fetchParts);
  };
  if (config.getInPlace())
    return emitSharing(emitAll);
  emitAll(/*fetchParts=*/1);
}

void AttentionEmitter::emitTile(const Tile &tile, const BlockKind &kind) {
  if (config.getInPlace()) {
    emitScoresInPlace(tile);
  } else {
    copyQueries(tile);
    emitScores(tile);
  }
  emitCaps(tile);
  emitMaxima(tile, kind);
  foldMaxima();
  emitFactors(tile);
  emitPowers(tile);
  emitValues(tile);
}
