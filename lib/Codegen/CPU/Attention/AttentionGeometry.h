//===- AttentionGeometry.h - What an attention reads and where --*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_ATTENTION_ATTENTIONGEOMETRY_H
#define SLUICE_LIB_CODEGEN_CPU_ATTENTION_ATTENTIONGEOMETRY_H

#include "dialects/Sluice/Sluice.h"
#include "sluice/Codegen/Elements/IndexBuilder.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"
#include <array>

namespace sluice {

/// A tensor with the op's dimensions (batch, head, position, element) in any
/// order, as one dimension of memory.
struct AttentionTensor {
  mlir::Value memory;
  std::array<IndexBuilder::Index, 4> strides;

  IndexBuilder::Index getStart(IndexBuilder &index, IndexBuilder::Index batch,
                               IndexBuilder::Index head,
                               IndexBuilder::Index position) const;
  mlir::Type getElement() const;
  /// Are the elements of a row neighbours?
  bool hasRows() const { return IndexBuilder::isConstant(strides[3], 1); }
};

/// An operand that broadcasts to the scores (batch, head, query, key).
struct ScoreTensor {
  mlir::Value memory;
  std::array<IndexBuilder::Index, 4> strides;
  /// Batches it has: batch b of the scores sees b modulo these.
  IndexBuilder::Index batches;
  /// Where the element of query and key 0 is.
  IndexBuilder::Index offset;

  IndexBuilder::Index getStart(IndexBuilder &index, IndexBuilder::Index batch,
                               IndexBuilder::Index head,
                               IndexBuilder::Index query) const;
  /// `lanes` neighbouring keys from `key` on of the row at `start`; those that
  /// the mask turns off are zero. The mask may be null.
  mlir::Value loadKeys(IndexBuilder &index, IndexBuilder::Index start,
                       IndexBuilder::Index key, int64_t lanes,
                       mlir::Value mask) const;
  /// Is it the same for all queries of a head?
  bool isSameForQueries() const {
    return IndexBuilder::isConstant(strides[2], 0);
  }
  bool isSameForKeys() const { return IndexBuilder::isConstant(strides[3], 0); }
  bool isSameForHeads() const {
    return IndexBuilder::isConstant(strides[1], 0);
  }
};

/// Sizes of an attention, and what it reads and writes.
struct AttentionGeometry {
  AttentionGeometry(KernelBuilder &kernel, AttentionOp op);

  using Index = IndexBuilder::Index;
  Index batch, queryHeads, keyHeads, queries, keys;
  /// Query heads that share a key head.
  int64_t group;
  int64_t depth, valueDepth;
  AttentionTensor query, key, value, result;
  std::optional<ScoreTensor> bias, mask, blocks, fallback;
  /// [tiles, block rows, block columns].
  mlir::Value tiles;
  /// [] or [batch], or null.
  mlir::Value position, lengths;
  /// [query heads], or null.
  mlir::Value sinks;
  /// [batch, query heads, queries], or null.
  mlir::Value logSumExp;

private:
  ScoreTensor getScoreTensor(KernelBuilder &kernel, mlir::Value operand,
                             Index queryCount, Index keyCount);
};

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_ATTENTION_ATTENTIONGEOMETRY_H
