//===- LinearAttentionSteps.cpp - Linear attention token by token ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LinearAttentionEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

/// A token's row, filled up with zeros.
void LinearAttentionEmitter::copyRow(const Rows &rows, Index token,
                                     Value target, int64_t padded,
                                     double factor) {
  forEachVector(rows.elements, padded, [&](Index first, Value mask) {
    Value vector = loadRow(rows, token, first, mask);
    if (factor != 1)
      vector = body.mul(vector, number(factor));
    store(vector, target, first);
  });
}

LinearAttentionEmitter::State LinearAttentionEmitter::getOwnState() {
  return {state, index.constant(0), width, index.constant(width)};
}

LinearAttentionEmitter::State
LinearAttentionEmitter::getTensorState(Value memory) {
  return {memory, stateStart, valueDepth, columns};
}

Value LinearAttentionEmitter::loadState(const State &from, Index row,
                                        int64_t column) {
  Index place =
      index.add(index.add(from.start, index.mul(row, from.step)), column);
  return loadVector(index.builder, index.loc, from.memory, place, lanes,
                    makeLaneMask(index.builder, index.loc, lanes,
                                 index.sub(from.columns, column)));
}

void LinearAttentionEmitter::storeState(Value vector, const State &to,
                                        Index row, int64_t column) {
  Index place = index.add(index.add(to.start, index.mul(row, to.step)), column);
  storeVector(index.builder, index.loc, vector, to.memory, place,
              makeLaneMask(index.builder, index.loc, lanes,
                           index.sub(to.columns, column)));
}

/// What a row of the state is multiplied with; null for nothing.
Value LinearAttentionEmitter::getDecay(Value whole, Index row) {
  return decays == Decay::OfRows ? broadcast(loadScalar(products, row)) : whole;
}

/// The delta rule: value <- rate (value - key (decay S)).
void LinearAttentionEmitter::correctValue(Index token, const State &from,
                                          Value decay) {
  Value factor = broadcast(loadRowScalar(rate, token));
  for (Columns tile : getTiles()) {
    SmallVector<Value> known(tile.vectors, number(0));
    known =
        index.loop(index.constant(0), index.constant(depth), 1, known,
                   [&](Index row, ValueRange running) {
                     SmallVector<Value> next;
                     Value weight = broadcast(loadScalar(keys, row));
                     if (Value own = getDecay(decay, row))
                       weight = body.mul(weight, own);
                     for (int64_t v = 0; v < tile.vectors; ++v)
                       next.push_back(multiplyAdd(
                           weight, loadState(from, row, tile.first + v * lanes),
                           running[v]));
                     return next;
                   });
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Index place = index.constant(tile.first + v * lanes);
      Value difference = body.sub(load(values, place), known[v]);
      store(body.mul(factor, difference), values, place);
    }
  }
}

/// The output of one query, of a state that is updated meanwhile if `to` is not
/// null.
void LinearAttentionEmitter::emitOutput(Index token, Index query,
                                        const State &from, const State *to,
                                        Value decay) {
  for (Columns tile : getTiles()) {
    SmallVector<Value> sums(tile.vectors, number(0)), added;
    if (to)
      for (int64_t v = 0; v < tile.vectors; ++v)
        added.push_back(load(values, index.constant(tile.first + v * lanes)));
    sums =
        index.loop(index.constant(0), index.constant(depth), 1, sums,
                   [&](Index row, ValueRange running) {
                     SmallVector<Value> next;
                     Value weight = broadcast(loadScalar(left, row)), ofKey,
                           own;
                     if (to) {
                       ofKey = broadcast(loadScalar(keys, row));
                       own = getDecay(decay, row);
                     }
                     for (int64_t v = 0; v < tile.vectors; ++v) {
                       int64_t column = tile.first + v * lanes;
                       Value element = loadState(from, row, column);
                       if (own)
                         element = body.mul(element, own);
                       if (to) {
                         element = multiplyAdd(ofKey, added[v], element);
                         storeState(element, *to, row, column);
                       }
                       next.push_back(multiplyAdd(weight, element, running[v]));
                     }
                     return next;
                   });
    Index row =
        index.add(index.add(output.start, index.mul(token, output.step)),
                  index.mul(query, valueDepth));
    for (int64_t v = 0; v < tile.vectors; ++v) {
      int64_t first = tile.first + v * lanes;
      Value mask = makeLaneMask(index.builder, index.loc, lanes,
                                index.sub(columns, first));
      storeVector(index.builder, index.loc, sums[v], output.memory,
                  index.add(row, first), mask);
    }
  }
}

void LinearAttentionEmitter::emitStep(Index token, const State &from,
                                      const State &to) {
  copyRow(key, token, keys, depthStride, 1);
  copyRow(value, token, values, width, 1);
  Value whole;
  if (decays == Decay::OfRows)
    copyRow(decay, token, products, depthStride, 1);
  if (decays == Decay::OfState)
    whole = broadcast(loadRowScalar(decay, token));
  if (rate)
    correctValue(token, from, whole);
  auto emitQuery = [&](Index number, const State &from, const State *to) {
    Rows rows = query;
    rows.start = index.add(rows.start, index.mul(number, depth));
    copyRow(rows, token, left, depthStride, scale);
    emitOutput(token, number, from, to, whole);
  };
  emitQuery(index.constant(0), from, &to);
  index.loop(index.constant(1), index.constant(group), 1,
             [&](Index number) { emitQuery(number, to, nullptr); });
}

void LinearAttentionEmitter::emitSteps(Index first, Index count) {
  State own = getOwnState();
  index.loop(index.constant(0), count, 1,
             [&](Index step) { emitStep(index.add(first, step), own, own); });
}

/// The first step reads one tensor and writes the other, which the next ones
/// update: nothing is copied.
void LinearAttentionEmitter::emitFewTokens() {
  auto type = MemRefType::get({ShapedType::kDynamic}, f32);
  auto cast = [&](Value memory) -> Value {
    return memref::CastOp::create(index.builder, index.loc, type, memory);
  };
  Value target = cast(last);
  index.loop(index.constant(0), tokens, 1, cast(initial),
             [&](Index token, ValueRange running) -> SmallVector<Value> {
               emitStep(token, getTensorState(running[0]),
                        getTensorState(target));
               return {target};
             });
}
