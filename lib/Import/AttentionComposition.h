//===- AttentionComposition.h - What attention operators share --*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ATTENTIONCOMPOSITION_H
#define SLUICE_LIB_IMPORT_ATTENTIONCOMPOSITION_H

#include "Demands.h"
#include "dialects/Sluice/AttentionStages.h"

namespace sluice {

/// The order of [batch, positions, heads, elements]; see `sluice.attention`.
inline constexpr int64_t positionsFirst[] = {0, 2, 1, 3};

/// An attention in terms of `sluice.attention`. Values that are absent are
/// null.
struct AttentionParts {
  using Order = llvm::SmallVector<int64_t, 4>;

  mlir::Value query, key, value;
  Order queryOrder{0, 1, 2, 3}, keyOrder{0, 1, 2, 3}, valueOrder{0, 1, 2, 3},
      resultOrder{0, 1, 2, 3};
  mlir::Value bias, mask, position, lengths, sinks, fallback;
  /// None for one over the root of the depth.
  std::optional<double> scale;
  double softcap = 0;
  std::optional<int64_t> left, right;
  bool nanRows = false; ///< queries that see no key give NaN, not zeros

  /// Takes queries, or keys and values, that are [B, S, H, D].
  void setQuery(mlir::Value tensor) {
    query = tensor;
    queryOrder.assign(std::begin(positionsFirst), std::end(positionsFirst));
  }
  void setKey(mlir::Value tensor) {
    key = tensor;
    keyOrder.assign(std::begin(positionsFirst), std::end(positionsFirst));
  }
  void setValue(mlir::Value tensor) {
    value = tensor;
    valueOrder.assign(std::begin(positionsFirst), std::end(positionsFirst));
  }
  void setResultOrder() {
    resultOrder.assign(std::begin(positionsFirst), std::end(positionsFirst));
  }
  int64_t queryHeads() const { return shapeOf(query)[queryOrder[1]]; }
  int64_t keyHeads() const { return shapeOf(key)[keyOrder[1]]; }
};

/// [B, S, H * D] as [B, S, H, D].
mlir::Value splitHeads(Composition &ops, mlir::Value merged, int64_t heads);
/// [B, S, H, D] as [B, S, H * D].
mlir::Value mergeHeads(Composition &ops, mlir::Value split);
/// [B, S, H, D] as [B, H, S, D], or back.
mlir::Value swapHeads(Composition &ops, mlir::Value split);

/// The size of a dimension as an i64 scalar.
mlir::Value scalarSize(Composition &ops, mlir::Value tensor, int64_t dimension);
/// Integers of any type, as many as there are batches or one, as i64 [B] or [].
mlir::Value perBatch(Composition &ops, mlir::Value integers);
/// What broadcasts to the scores, with `filler` for keys that it is too short
/// for. It must be for as many keys as `wanted` says, a vector of one element,
/// or for no more than there are where that is null. Messages call it `name`.
mlir::Value coverKeys(Composition &ops, const AttentionParts &parts,
                      mlir::Value tensor, llvm::StringRef name, double filler,
                      mlir::Value wanted = nullptr);
/// A cache [B, H, M, D] with [B, H, S, D] put in from place `positions`,
/// [B] or [], on.
mlir::Value writeToCache(Composition &ops, mlir::Value cache,
                         mlir::Value updates, mlir::Value positions);

/// The result of the attention, in the order of `resultOrder`.
mlir::Value makeAttention(Composition &ops, AttentionParts parts);
/// All stages of it, where a node gives scores out, too.
AttentionStages makeAttentionStages(Composition &ops, AttentionParts parts);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_ATTENTIONCOMPOSITION_H
