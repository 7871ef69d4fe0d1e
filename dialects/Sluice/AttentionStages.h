//===- AttentionStages.h - Attention, step by step --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_ATTENTIONSTAGES_H
#define SLUICE_DIALECTS_SLUICE_ATTENTIONSTAGES_H

#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// What an attention computes one after the other, in the type of its scores
/// and in the order [batch, heads, positions, ...].
struct AttentionStages {
  mlir::Value product; ///< of queries and keys, scaled
  mlir::Value capped;
  mlir::Value scores; ///< with the bias, -inf where a key does not count
  mlir::Value weights;
  mlir::Value value;     ///< with as many heads as the queries have
  mlir::Value result;    ///< as the op has it
  mlir::Value logSumExp; ///< null where the op does not keep it
};

/// Builds the stages in front of the builder's position; the op stays.
AttentionStages decomposeInStages(AttentionOp op, mlir::OpBuilder &builder);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_ATTENTIONSTAGES_H
