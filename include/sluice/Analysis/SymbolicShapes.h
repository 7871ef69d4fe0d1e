//===- SymbolicShapes.h - Which dynamic sizes are equal ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_SYMBOLICSHAPES_H
#define SLUICE_ANALYSIS_SYMBOLICSHAPES_H

#include "dialects/Sluice/Sluice.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include <array>
#include <map>
#include <tuple>
#include <vector>

namespace sluice {

/// Numbers the sizes of tensors so that equal numbers mean equal sizes in every
/// run: a static size has the number of its value, inputs' dimensions of one
/// name share one, and a computed size is known by the computation that the
/// op's reification describes. Different numbers say nothing.
class SymbolicShapes {
public:
  using Symbol = int64_t;

  /// Numbers the sizes of an op's results. Where a function's ops are visited
  /// in order, no question about a size has to follow the graph.
  void visit(mlir::Operation *op);
  /// The symbol of one dimension of a tensor.
  Symbol dimension(mlir::Value tensor, int64_t dimension);
  /// Does a size seem not to be larger in any run in which `target` is one, so
  /// that it broadcasts to the target, and not the target to it? Tries it for
  /// some sizes of the inputs, one among them. Other sizes that differ do not
  /// broadcast at all.
  bool seemsToBroadcast(Symbol size, Symbol target) const;
  /// Does each of two sizes seem to broadcast to the other one?
  bool seemToBroadcastAlike(Symbol lhs, Symbol rhs) const {
    return seemsToBroadcast(lhs, rhs) && seemsToBroadcast(rhs, lhs);
  }
  Symbol constant(int64_t size);
  /// Are all sizes of two tensors of one rank surely equal?
  bool haveSameShape(mlir::Value lhs, mlir::Value rhs);

private:
  using Key = std::tuple<std::string, const void *, std::vector<Symbol>>;

  /// What a size is in some runs.
  static constexpr unsigned sampleCount = 16;
  /// A bit for each run in which an input is one: half of them.
  static constexpr uint32_t firstRunsWithOne = (1 << sampleCount / 2) - 1;
  using Samples = std::array<int64_t, sampleCount>;

  Symbol intern(Key key);
  Symbol fresh();
  /// Any size, as of an input.
  void sampleInput(Symbol symbol);
  void sampleExpression(Symbol symbol, mlir::Operation *op,
                        llvm::ArrayRef<Symbol> operands);
  void sampleBroadcast(Symbol symbol, llvm::ArrayRef<Symbol> candidates);
  /// The symbol of an index value that a reification built; `seen` are those
  /// of the same reification.
  using Seen = llvm::DenseMap<mlir::Value, Symbol>;
  Symbol expression(mlir::Value index, Seen &seen);
  Symbol makeExpression(mlir::Value index, Seen &seen);
  /// The symbol that arithmetic on others surely gives, if it is one of them or
  /// a number.
  std::optional<Symbol> simplify(mlir::Operation *op,
                                 llvm::ArrayRef<Symbol> operands);
  bool isConstant(Symbol symbol, int64_t value) const;
  void dropBroadcast(std::vector<Symbol> &candidates) const;
  llvm::SmallVector<Symbol> elementwise(mlir::Operation *op);
  const llvm::SmallVector<Symbol> &shape(mlir::Value tensor);

  std::map<Key, Symbol> known;
  llvm::DenseMap<Symbol, int64_t> constants;
  /// None of what depends on data.
  llvm::DenseMap<Symbol, Samples> samples;
  /// Of the next input.
  uint32_t runsWithOne = firstRunsWithOne;
  /// Sizes of tensors and what is made of them that is not negative either.
  llvm::DenseSet<Symbol> notNegative;
  /// The two that a symbol is the smaller one, or the sum, of.
  llvm::DenseMap<Symbol, std::pair<Symbol, Symbol>> minima, sums;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Symbol>> shapes;
  Symbol next = 0;
};

} // namespace sluice

#endif // SLUICE_ANALYSIS_SYMBOLICSHAPES_H
