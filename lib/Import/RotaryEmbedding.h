//===- RotaryEmbedding.h - Rotating queries and keys ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ROTARYEMBEDDING_H
#define SLUICE_LIB_IMPORT_ROTARYEMBEDDING_H

#include "Composition.h"

namespace sluice {

/// What rotary embeddings are made of, in either domain.
struct RotaryEmbedding {
  /// For each position: [batch, sequence, half], or broadcast to that.
  mlir::Value cosine, sine;
  int64_t rotated = 0; ///< Of each head; 0 for all of it.
  bool interleaved = false;
};

/// Rotates [batch, sequence, heads, head size].
mlir::Value rotate(Composition &ops, const RotaryEmbedding &embedding,
                   mlir::Value x);

/// None of the positions, 64-bit integers, counts from the end of the caches.
void demandPositions(Composition &ops, mlir::Value positions);

/// Rows of a cache [positions, half] at [batch, sequence] positions.
mlir::Value gatherAngles(Composition &ops, mlir::Value cache,
                         mlir::Value positions);

/// `first` [1] or [batch] and the positions behind it, `length` of them:
/// [1 or batch, length].
mlir::Value countPositions(Composition &ops, mlir::Value first,
                           mlir::Value length);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_ROTARYEMBEDDING_H
