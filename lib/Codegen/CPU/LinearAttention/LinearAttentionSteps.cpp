//===- LinearAttentionSteps.cpp - Linear attention token by token ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LinearAttentionEmitter.h"

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

/// What a row of the state is multiplied with; null for nothing.
Value LinearAttentionEmitter::getDecay(Value whole, Index row) {
  return decays == Decay::OfRows ? broadcast(loadScalar(products, row)) : whole;
}

/// The delta rule: value <- rate (value - key (decay S)).
void LinearAttentionEmitter::correctValue(Index token, Value decay) {
  Value factor = broadcast(loadRowScalar(rate, token));
  for (Columns tile : getTiles()) {
    SmallVector<Value> known(tile.vectors, number(0));
    known = index.loop(
        index.constant(0), index.constant(depth), 1, known,
        [&](Index row, ValueRange running) {
          SmallVector<Value> next;
          Value weight = broadcast(loadScalar(keys, row));
          if (Value own = getDecay(decay, row))
            weight = body.mul(weight, own);
          Index place = index.add(index.mul(row, width), tile.first);
          for (int64_t v = 0; v < tile.vectors; ++v)
            next.push_back(multiplyAdd(
                weight, load(state, index.add(place, v * lanes)), running[v]));
          return next;
        });
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Index place = index.constant(tile.first + v * lanes);
      Value difference = body.sub(load(values, place), known[v]);
      store(body.mul(factor, difference), values, place);
    }
  }
}

/// The output of one query, of a state that is updated meanwhile if `updates`.
void LinearAttentionEmitter::emitOutput(Index token, Index query, bool updates,
                                        Value decay) {
  for (Columns tile : getTiles()) {
    SmallVector<Value> sums(tile.vectors, number(0)), added;
    if (updates)
      for (int64_t v = 0; v < tile.vectors; ++v)
        added.push_back(load(values, index.constant(tile.first + v * lanes)));
    sums =
        index.loop(index.constant(0), index.constant(depth), 1, sums,
                   [&](Index row, ValueRange running) {
                     SmallVector<Value> next;
                     Value weight = broadcast(loadScalar(left, row)), ofKey,
                           own;
                     if (updates) {
                       ofKey = broadcast(loadScalar(keys, row));
                       own = getDecay(decay, row);
                     }
                     Index place = index.add(index.mul(row, width), tile.first);
                     for (int64_t v = 0; v < tile.vectors; ++v) {
                       Index at = index.add(place, v * lanes);
                       Value element = load(state, at);
                       if (own)
                         element = body.mul(element, own);
                       if (updates) {
                         element = multiplyAdd(ofKey, added[v], element);
                         store(element, state, at);
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

void LinearAttentionEmitter::emitStep(Index token) {
  copyRow(key, token, keys, depthStride, 1);
  copyRow(value, token, values, width, 1);
  Value whole;
  if (decays == Decay::OfRows)
    copyRow(decay, token, products, depthStride, 1);
  if (decays == Decay::OfState)
    whole = broadcast(loadRowScalar(decay, token));
  if (rate)
    correctValue(token, whole);
  Index zero = index.constant(0);
  auto emitQuery = [&](Index number, bool updates) {
    Rows rows = query;
    rows.start = index.add(rows.start, index.mul(number, depth));
    copyRow(rows, token, left, depthStride, scale);
    emitOutput(token, number, updates, whole);
  };
  emitQuery(zero, /*updates=*/true);
  index.loop(index.constant(1), index.constant(group), 1,
             [&](Index number) { emitQuery(number, /*updates=*/false); });
}

void LinearAttentionEmitter::emitSteps(Index first, Index count) {
  index.loop(index.constant(0), count, 1,
             [&](Index step) { emitStep(index.add(first, step)); });
}
