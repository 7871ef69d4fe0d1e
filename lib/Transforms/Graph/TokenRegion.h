//===- TokenRegion.h - What is computed token by token ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The layers of an encoder compute each token of each sequence by itself, but
// for attention. A region has the ops between attentions that share a mask of
// tokens; what comes in and what goes out of it is known by its values.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_TOKENREGION_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_TOKENREGION_H

#include "dialects/Sluice/Sluice.h"
#include "sluice/Analysis/SymbolicShapes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace sluice {

/// A reader of tokens that reads none but some, wherever they are padding.
struct TokenReader {
  enum Kind {
    /// All tokens of a sequence; what it makes of padded ones is not read.
    Attention,
    /// Tokens at `places`, such as the first one.
    Places,
    /// Tokens times `weights` [batch, tokens, 1], of which some are zero.
    Weighted,
    /// Tokens where `weights`, bools of these sizes, are true.
    Chosen,
    /// Tokens where they are false.
    Rejected
  };
  mlir::OpOperand *operand;
  Kind kind;
  mlir::Value weights = {};
  llvm::SmallVector<int64_t> places = {};
};

class TokenRegion {
public:
  /// `mask` is that of the attentions, [batch, tokens] or what broadcasts to
  /// that: a key counts where it is true.
  TokenRegion(mlir::Value mask, llvm::ArrayRef<AttentionOp> attentions,
              SymbolicShapes &symbols);

  /// Finds what is in the region. Fails where something reads all tokens, which
  /// `obstacle` is then, or where there is nothing to gain.
  bool find();

  /// A tensor whose first dimensions are those of the tokens.
  mlir::Value getReference() const {
    AttentionOp first = attentions.front();
    return first.getQuery();
  }

  mlir::Value mask;
  llvm::ArrayRef<AttentionOp> attentions;
  /// How many dimensions the places of tokens are in a value: two, [batch,
  /// tokens, ...], or one for both.
  llvm::MapVector<mlir::Value, int64_t> forms;
  llvm::SetVector<mlir::Operation *> ops;
  llvm::SmallVector<TokenReader> readers;
  mlir::Operation *obstacle = nullptr;

private:
  bool hasSizesOf(mlir::Value value, mlir::Value other) const;
  bool hasTokens(mlir::Value value) const {
    return hasSizesOf(value, getReference());
  }
  std::optional<int64_t> findForm(mlir::Value value, int64_t elements) const;
  bool isMadeOfMask(mlir::Value value) const;
  std::optional<TokenReader> findGuard(mlir::OpOperand &use) const;
  bool isGuard(mlir::Operation *op) const;
  void add(mlir::Value value, int64_t form);
  llvm::SmallVector<std::pair<mlir::OpOperand *, int64_t>>
  getTokenOperands(mlir::Operation *op, int64_t form) const;
  void join(mlir::Operation *op, int64_t form);
  void visitProducer(mlir::Value value, int64_t form);
  void visitUse(mlir::OpOperand &use, int64_t form);

  SymbolicShapes &symbols;
  /// What the mask is made of.
  llvm::SetVector<mlir::Value> maskSlice;
  llvm::SmallVector<mlir::Value> pending;
};

/// Does each of the op's results follow from operands of the same places, or of
/// places that broadcast?
bool isElementwise(mlir::Operation *op);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_TOKENREGION_H
