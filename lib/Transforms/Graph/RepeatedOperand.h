//===- RepeatedOperand.h - Parts of FoldBroadcasts --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_REPEATEDOPERAND_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_REPEATEDOPERAND_H

#include "sluice/Analysis/SymbolicShapes.h"
#include "llvm/ADT/SetVector.h"

namespace sluice {

/// An operand of a product each of whose matrices serves several neighbouring
/// ones of the other operand: a batch dimension of `heads` that was repeated
/// `group` times, by a broadcast to [..., heads, group, rows, columns] and a
/// reshape to [..., heads * group, rows, columns]. Attention with fewer heads
/// of keys than of queries is written like that.
class RepeatedOperand {
public:
  RepeatedOperand(MatmulOp op, unsigned number, SymbolicShapes &symbols);

  explicit operator bool() const { return group > 0; }

  /// Multiplies what is repeated, and makes one product of those that it
  /// serves where their rows lie one after the other. Functions of elements
  /// that follow stay right behind the product. `replaced` gets what nobody
  /// may read any more, readers first; it stays, for the sake of the symbols.
  void fold(llvm::SetVector<mlir::Operation *> &replaced);

private:
  bool matches(SymbolicShapes &symbols);

  MatmulOp op;
  unsigned number;
  ReshapeOp reshape;
  BroadcastOp broadcast;
  /// Of the product's batch: the last one.
  int64_t headDimension = 0;
  int64_t group = 0;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_REPEATEDOPERAND_H
