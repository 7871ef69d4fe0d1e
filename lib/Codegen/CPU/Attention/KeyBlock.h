//===- KeyBlock.h - Keys and values as tiles read them ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_ATTENTION_KEYBLOCK_H
#define SLUICE_LIB_CODEGEN_CPU_ATTENTION_KEYBLOCK_H

#include "AttentionGeometry.h"

namespace sluice {

/// Rows of a tensor, such as the keys of a block, that are copied.
struct RowSource {
  const AttentionTensor &tensor;
  /// Where the first row starts.
  IndexBuilder::Index start;
  IndexBuilder::Index rows;
  int64_t elements;
};

/// Puts `rows` keys into panels of `width` keys, [panels][elements][width], in
/// the target's type. Lanes past the last key repeat it or are zero, up to a
/// whole vector; what lies behind that is not written.
void emitKeyPanels(IndexBuilder &index, const RowSource &source,
                   mlir::Value target, int64_t width, int64_t lanes);

/// Copies rows to `stride` elements each, in the target's type and times
/// `factor` if that is not 1; a last part of a vector is filled up with zeros.
void emitRowCopy(IndexBuilder &index, const RowSource &source,
                 mlir::Value target, IndexBuilder::Index targetStart,
                 int64_t stride, int64_t lanes, double factor);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_ATTENTION_KEYBLOCK_H
