//===- LinearAttentionChunks.cpp - A chunk of tokens as products ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LinearAttentionEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Codegen/CPU/MicroKernels/PanelPacking.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

/// The least square of what keys are divided by; the largest is its inverse. So
/// no product of a key of usual size overflows, and none that counts vanishes.
static constexpr double leastSquare = 0x1p-120;

SmallVector<LinearAttentionEmitter::Columns>
LinearAttentionEmitter::getTiles() const {
  SmallVector<Columns> tiles;
  int64_t all = width / lanes;
  for (int64_t first = 0; first < all; first += tileVectors)
    tiles.push_back({first * lanes, std::min(tileVectors, all - first)});
  return tiles;
}

MicroTileOptions LinearAttentionEmitter::getOptions() const {
  MicroTileOptions options;
  options.unit = unit.get();
  options.unroll = config.unroll;
  return options;
}

//===----------------------------------------------------------------------===//
// What a chunk reads
//===----------------------------------------------------------------------===//

/// Keys, over the products of the decays of their rows if these have some, and
/// these. Returns what is NaN where a key is not finite then, and the least and
/// the largest square of the products.
SmallVector<Value> LinearAttentionEmitter::prepareKeys(Index first,
                                                       Index count) {
  auto prepareVector = [&](Index element, Value mask, ValueRange checks) {
    SmallVector<Value> initial{number(1)};
    llvm::append_range(initial, checks);
    auto prepareToken = [&](Index token,
                            ValueRange running) -> SmallVector<Value> {
      Index row = index.add(first, token),
            place = index.add(index.mul(token, depthStride), element);
      Value all = running[0], check = running[1], least = running[2],
            most = running[3];
      Value vector = loadRow(key, row, element, mask);
      if (decays == Decay::OfRows) {
        Value own = loadRow(decay, row, element, mask);
        if (mask)
          own = body.select(mask, own, number(1));
        all = body.mul(all, own);
        Value square = body.mul(all, all);
        least = body.select(body.compare(CmpFPredicate::OLT, square, least),
                            square, least);
        most = body.select(body.compare(CmpFPredicate::OGT, square, most),
                           square, most);
        store(all, products, place);
        vector = body.div(vector, all);
      }
      check = multiplyAdd(vector, number(0), check);
      store(vector, keys, place);
      return {all, check, least, most};
    };
    SmallVector<Value> results =
        index.loop(index.constant(0), count, 1, initial, prepareToken);
    results.erase(results.begin());
    return results;
  };
  SmallVector<Value> checks{number(0), number(1), number(1)};
  int64_t whole = depth / lanes * lanes;
  checks = index.loop(index.constant(0), index.constant(whole), lanes, checks,
                      [&](Index element, ValueRange running) {
                        return prepareVector(element, {}, running);
                      });
  if (whole < depth)
    checks = prepareVector(index.constant(whole),
                           makeLaneMask(index.builder, index.loc, lanes,
                                        index.constant(depth - whole)),
                           checks);
  return checks;
}

/// The products of the decays of the whole state, and the quotient of each two
/// as a product of what is between them. Returns what is NaN where one is not
/// finite.
Value LinearAttentionEmitter::prepareDecay(Index first, Index count) {
  OpBuilder &builder = index.builder;
  int64_t vectors = chunk / lanes;
  auto intType = VectorType::get({lanes}, builder.getI32Type());
  SmallVector<Value> initial(vectors, number(0));
  Value one =
      arith::ConstantOp::create(builder, index.loc, builder.getF32FloatAttr(1));
  initial.append({one, number(0)});
  auto prepareToken = [&](Index token, ValueRange running) {
    Value own = loadRowScalar(decay, index.add(first, token));
    Value place = arith::IndexCastOp::create(
        builder, index.loc, builder.getI32Type(), index.value(token));
    Value ofToken =
        vector::BroadcastOp::create(builder, index.loc, intType, place);
    SmallVector<Value> next;
    Value all = body.mul(running[vectors], own);
    Value check = multiplyAdd(broadcast(all), number(0), running[vectors + 1]);
    for (int64_t v = 0; v < vectors; ++v) {
      SmallVector<int32_t> counted;
      for (int64_t lane = 0; lane < lanes; ++lane)
        counted.push_back(static_cast<int32_t>(v * lanes + lane));
      Value lanesOfTokens = arith::ConstantOp::create(
          builder, index.loc,
          DenseElementsAttr::get(intType, ArrayRef(counted)));
      Value isOwn = body.compare(CmpIPredicate::eq, lanesOfTokens, ofToken);
      Value row =
          body.select(isOwn, number(1), body.mul(running[v], broadcast(own)));
      check = multiplyAdd(row, number(0), check);
      store(row, ratios, index.add(index.mul(token, chunk), v * lanes));
      next.push_back(row);
    }
    storeScalar(all, products, token);
    next.append({all, check});
    return next;
  };
  return index.loop(index.constant(0), count, 1, initial, prepareToken).back();
}

/// Values, followed by zeros. Returns what is NaN where one was not finite.
Value LinearAttentionEmitter::prepareValues(Index first, Index count) {
  bool isWhole = IndexBuilder::isConstant(columns, width);
  SmallVector<Value> check{number(0)};
  check = index.loop(
      index.constant(0), count, 1, check, [&](Index token, ValueRange outer) {
        Index row = index.add(first, token);
        return index.loop(
            index.constant(0), index.constant(width), lanes, outer,
            [&](Index element, ValueRange running) -> SmallVector<Value> {
              Value mask;
              if (!isWhole)
                mask = makeLaneMask(index.builder, index.loc, lanes,
                                    index.sub(columns, element));
              Value vector = loadRow(value, row, element, mask);
              store(vector, values,
                    index.add(index.mul(token, width), element));
              return {multiplyAdd(vector, number(0), running[0])};
            });
      });
  index.loop(index.mul(count, width), index.constant(chunk * width), lanes,
             [&](Index place) { store(number(0), values, place); });
  if (rate)
    check =
        index.loop(index.constant(0), count, 1, check,
                   [&](Index token, ValueRange running) -> SmallVector<Value> {
                     Value factor = broadcast(
                         loadRowScalar(rate, index.add(first, token)));
                     return {multiplyAdd(factor, number(0), running[0])};
                   });
  return check.front();
}

Value LinearAttentionEmitter::reduceAll(Value flags) {
  return vector::ReductionOp::create(index.builder, index.loc,
                                     vector::CombiningKind::AND, flags);
}

/// Returns whether the tokens may be taken as products.
Value LinearAttentionEmitter::prepare(Index first, Index count) {
  SmallVector<Value> checks = prepareKeys(first, count);
  Value check = body.add(checks[0], prepareValues(first, count));
  if (decays == Decay::OfState)
    check = body.add(check, prepareDecay(first, count));
  emitPanel();
  Value good = body.compare(CmpFPredicate::OEQ, check, number(0));
  auto both = [&](Value a, Value b) -> Value {
    return arith::AndIOp::create(index.builder, index.loc, a, b);
  };
  if (decays == Decay::OfRows) {
    good = both(
        good, body.compare(CmpFPredicate::OGE, checks[1], number(leastSquare)));
    good = both(good, body.compare(CmpFPredicate::OLE, checks[2],
                                   number(1 / leastSquare)));
  }
  Value isGood = reduceAll(good);
  if (!rate)
    return isGood;
  return kernel
      .choose(
          isGood, TypeRange(isGood.getType()),
          [&] { return SmallVector<Value>{correctValues(first, count)}; },
          [&] { return SmallVector<Value>{isGood}; })
      .front();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// What is multiplied with keys and the state: rows times `factor` and the
/// products of the decays of the state's rows.
void LinearAttentionEmitter::fillLeft(const Rows &rows, Index first,
                                      Index count, double factor) {
  index.loop(index.constant(0), count, 1, [&](Index token) {
    Index row = index.mul(token, depthStride);
    forEachVector(rows.elements, depthStride, [&](Index element, Value mask) {
      Value vector = loadRow(rows, index.add(first, token), element, mask);
      Index place = index.add(row, element);
      if (factor != 1)
        vector = body.mul(vector, number(factor));
      if (decays == Decay::OfRows)
        vector = body.mul(vector, load(products, place));
      store(vector, left, place);
    });
  });
}

/// The most rows of a tile that divide `rows`.
static int64_t divideRows(int64_t rows, int64_t most) {
  for (most = std::min(rows, most); rows % most != 0;)
    --most;
  return most;
}

/// Rows of `left`, all of each, for products with something that is to be set.
MicroTileOperands LinearAttentionEmitter::readLeft(Index row,
                                                   int64_t tileRows) {
  MicroTileOperands inputs;
  inputs.a = left;
  for (int64_t r = 0; r < tileRows; ++r)
    inputs.aRows.push_back(index.mul(index.add(row, r), depthStride));
  inputs.aStep = index.constant(1);
  inputs.depth = index.constant(depth);
  return inputs;
}

/// The products of `left` and the keys up to the token's own, or up to there.
void LinearAttentionEmitter::emitScores(Index count, bool includesOwn) {
  int64_t vectors = chunk / lanes;
  int64_t tileRows = divideRows(chunk, getRegisterRows(vectors, machine));
  RegisterTile shape{tileRows, vectors, lanes};
  index.loop(index.constant(0), count, tileRows, [&](Index row) {
    MicroTileOperands inputs = readLeft(row, tileRows);
    inputs.b = panel;
    inputs.bStart = index.constant(0);
    inputs.bStep = index.constant(chunk);
    SmallVector<Value> sums =
        emitMicroTile(index.builder, index.loc, shape, getOptions(), inputs,
                      makeZeroTile(index.builder, index.loc, shape, f32));
    for (int64_t r = 0; r < tileRows; ++r)
      for (int64_t v = 0; v < vectors; ++v) {
        Index own = index.add(row, r);
        Index place = index.add(index.mul(own, chunk), v * lanes);
        Value sum = sums[r * vectors + v];
        if (decays == Decay::OfState)
          sum = body.mul(sum, load(ratios, place));
        Value counts =
            makeLaneMask(index.builder, index.loc, lanes,
                         index.sub(index.add(own, includesOwn), v * lanes));
        store(counts ? body.select(counts, sum, number(0)) : sum, scores,
              place);
      }
  });
}

/// The products of `left` and the state, and of the scores and the values.
void LinearAttentionEmitter::emitProduct(
    Index count, bool addsScores,
    function_ref<void(Index row, int64_t column, Value sums)> storeSums) {
  for (Columns tile : getTiles()) {
    int64_t tileRows =
        divideRows(chunk, getRegisterRows(tile.vectors, machine));
    RegisterTile shape{tileRows, tile.vectors, lanes};
    index.loop(index.constant(0), count, tileRows, [&](Index row) {
      MicroTileOperands inputs = readLeft(row, tileRows);
      inputs.b = state;
      inputs.bStart = index.constant(tile.first);
      inputs.bStep = index.constant(width);
      SmallVector<Value> sums =
          emitMicroTile(index.builder, index.loc, shape, getOptions(), inputs,
                        makeZeroTile(index.builder, index.loc, shape, f32));
      if (decays == Decay::OfState)
        for (int64_t r = 0; r < tileRows; ++r) {
          Value factor = broadcast(loadScalar(products, index.add(row, r)));
          for (int64_t v = 0; v < tile.vectors; ++v) {
            Value &sum = sums[r * tile.vectors + v];
            sum = body.mul(sum, factor);
          }
        }
      if (addsScores) {
        inputs.a = scores;
        for (auto [r, start] : llvm::enumerate(inputs.aRows))
          start = index.mul(index.add(row, r), chunk);
        inputs.b = values;
        inputs.depth = index.add(row, tileRows);
        inputs.depthLimit = chunk;
        sums = emitMicroTile(index.builder, index.loc, shape, getOptions(),
                             inputs, sums);
      }
      for (int64_t r = 0; r < tileRows; ++r)
        index.ifLess(index.add(row, r), count, [&] {
          for (int64_t v = 0; v < tile.vectors; ++v)
            storeSums(index.add(row, r), tile.first + v * lanes,
                      sums[r * tile.vectors + v]);
        });
    });
  }
}

/// The delta rule: all at once what the state knows of the keys, and token by
/// token what the tokens before have added to it. Returns whether all are
/// finite.
Value LinearAttentionEmitter::correctValues(Index first, Index count) {
  fillLeft(key, first, count, 1);
  emitScores(count, /*includesOwn=*/false);
  auto getRate = [&](Index token) {
    return broadcast(loadRowScalar(rate, index.add(first, token)));
  };
  emitProduct(count, /*addsScores=*/false,
              [&](Index token, int64_t column, Value known) {
                Index place = index.add(index.mul(token, width), column);
                Value difference = body.sub(load(values, place), known);
                store(body.mul(getRate(token), difference), values, place);
              });
  index.loop(index.constant(1), count, 1, [&](Index token) {
    Value factor = getRate(token);
    for (Columns tile : getTiles()) {
      RegisterTile shape{1, tile.vectors, lanes};
      MicroTileOperands inputs;
      inputs.a = scores;
      inputs.aRows.push_back(index.mul(token, chunk));
      inputs.aStep = index.constant(1);
      inputs.b = values;
      inputs.bStart = index.constant(tile.first);
      inputs.bStep = index.constant(width);
      inputs.depth = token;
      inputs.depthLimit = chunk;
      SmallVector<Value> known =
          emitMicroTile(index.builder, index.loc, shape, getOptions(), inputs,
                        makeZeroTile(index.builder, index.loc, shape, f32));
      for (int64_t v = 0; v < tile.vectors; ++v) {
        Index place =
            index.add(index.mul(token, width), tile.first + v * lanes);
        store(body.sub(load(values, place), body.mul(factor, known[v])), values,
              place);
      }
    }
  });
  Value check =
      index
          .loop(index.constant(0), index.mul(count, width), lanes,
                ValueRange{number(0)},
                [&](Index place, ValueRange running) -> SmallVector<Value> {
                  return {
                      multiplyAdd(load(values, place), number(0), running[0])};
                })
          .front();
  return reduceAll(body.compare(CmpFPredicate::OEQ, check, number(0)));
}

void LinearAttentionEmitter::emitOutputs(Index first, Index count,
                                         Index number) {
  Rows rows = query;
  rows.start = index.add(rows.start, index.mul(number, depth));
  fillLeft(rows, first, count, scale);
  emitScores(count, /*includesOwn=*/true);
  Index start = index.add(output.start, index.mul(number, valueDepth));
  emitProduct(
      count, /*addsScores=*/true, [&](Index token, int64_t column, Value sums) {
        Index row =
            index.add(start, index.mul(index.add(first, token), output.step));
        Value mask = makeLaneMask(index.builder, index.loc, lanes,
                                  index.sub(columns, column));
        storeVector(index.builder, index.loc, sums, output.memory,
                    index.add(row, column), mask);
      });
}

/// S <- P[last] (S + keys^T values), where keys are over their own P.
void LinearAttentionEmitter::emitNextState(Index count) {
  Index final = index.sub(count, 1);
  Value whole;
  if (decays == Decay::OfState) {
    whole = broadcast(loadScalar(products, final));
    index.loop(index.constant(0), count, 1, [&](Index token) {
      Value factor = broadcast(
          loadScalar(ratios, index.add(index.mul(final, chunk), token)));
      index.loop(index.constant(0), index.constant(depthStride), lanes,
                 [&](Index element) {
                   Index place =
                       index.add(index.mul(token, depthStride), element);
                   store(body.mul(load(keys, place), factor), keys, place);
                 });
    });
  }
  auto emitTile = [&](Columns tile, int64_t tileRows, Index row) {
    RegisterTile shape{tileRows, tile.vectors, lanes};
    auto getPlace = [&](int64_t r, int64_t v) {
      return index.add(index.mul(index.add(row, r), width),
                       tile.first + v * lanes);
    };
    SmallVector<Value> sums;
    for (int64_t r = 0; r < tileRows; ++r)
      for (int64_t v = 0; v < tile.vectors; ++v) {
        Value before = load(state, getPlace(r, v));
        sums.push_back(whole ? body.mul(before, whole) : before);
      }
    MicroTileOperands inputs;
    inputs.a = keys;
    for (int64_t r = 0; r < tileRows; ++r)
      inputs.aRows.push_back(index.add(row, r));
    inputs.aStep = index.constant(depthStride);
    inputs.b = values;
    inputs.bStart = index.constant(tile.first);
    inputs.bStep = index.constant(width);
    inputs.depth = count;
    inputs.depthLimit = chunk;
    sums = emitMicroTile(index.builder, index.loc, shape, getOptions(), inputs,
                         sums);
    for (int64_t r = 0; r < tileRows; ++r) {
      Value factor;
      if (decays == Decay::OfRows)
        factor = broadcast(
            loadScalar(products, index.add(index.mul(final, depthStride),
                                           index.add(row, r))));
      for (int64_t v = 0; v < tile.vectors; ++v) {
        Value sum = sums[r * tile.vectors + v];
        store(factor ? body.mul(sum, factor) : sum, state, getPlace(r, v));
      }
    }
  };
  for (Columns tile : getTiles()) {
    int64_t most = getRegisterRows(tile.vectors, machine);
    int64_t tileRows = std::min(depth, most), whole = depth - depth % tileRows;
    index.loop(index.constant(0), index.constant(whole), tileRows,
               [&](Index row) { emitTile(tile, tileRows, row); });
    if (whole < depth)
      emitTile(tile, depth - whole, index.constant(whole));
  }
}

void LinearAttentionEmitter::emitPanel() {
  index.loop(
      index.constant(0), index.constant(depthStride), lanes,
      [&](Index element) {
        for (int64_t token = 0; token < chunk; token += lanes) {
          SmallVector<Value> rows;
          for (int64_t lane = 0; lane < lanes; ++lane)
            rows.push_back(
                load(keys, index.add(element, (token + lane) * depthStride)));
          rows = transposeVectors(index.builder, index.loc, rows);
          for (int64_t k = 0; k < lanes; ++k)
            store(rows[k], panel,
                  index.add(index.mul(index.add(element, k), chunk), token));
        }
      });
}

void LinearAttentionEmitter::emitChunk(Index first, Index count) {
  index.loop(index.constant(0), index.constant(group), 1,
             [&](Index number) { emitOutputs(first, count, number); });
  emitNextState(count);
}

void LinearAttentionEmitter::emitTokens(Index first, Index count) {
  OpBuilder &builder = index.builder;
  Index fewest = index.constant(config.shortestRest);
  auto known = IndexBuilder::getConstant(count);
  Value isGood;
  if (known && *known >= config.shortestRest) {
    isGood = prepare(first, count);
  } else {
    Type flag = builder.getI1Type();
    Value isLong = body.compare(CmpIPredicate::sge, index.value(count),
                                index.value(fewest));
    isGood = kernel
                 .choose(
                     isLong, TypeRange(flag),
                     [&] { return SmallVector<Value>{prepare(first, count)}; },
                     [&] { return SmallVector<Value>{isLong}; })
                 .front();
  }
  auto branch = scf::IfOp::create(builder, index.loc, isGood,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  emitChunk(first, count);
  builder.setInsertionPoint(branch.elseBlock()->getTerminator());
  emitSteps(first, count);
}
