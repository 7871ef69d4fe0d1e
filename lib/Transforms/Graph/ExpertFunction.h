//===- ExpertFunction.h - What all experts do, at once ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_EXPERTFUNCTION_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_EXPERTFUNCTION_H

#include "ExpertChoice.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "sluice/Analysis/SymbolicShapes.h"
#include <map>

namespace sluice {

/// The experts that tokens go to: pairs of a token and one of its experts, a
/// token's behind one another.
struct ExpertRouting {
  /// [tokens..., slots], or [tokens...] where each has one.
  mlir::Value ids;
  int64_t slots = 1;
  bool hasSlots = false;
  /// The number of each expert, as the graph has it, and the list of its
  /// pairs where it has one.
  llvm::SmallVector<Place> experts;
  llvm::SmallVector<NonZeroOp> lists;
  /// The dimension of the ids that each dimension of the lists' masks is.
  llvm::SmallVector<int64_t> dimensions;
  /// Were all experts computed for all tokens? Then what is zero times infinity
  /// in the graph is lost, and constants must be finite.
  bool isDense = false;
  /// Where not null, which of the ids count (ExpertChoice).
  mlir::Value condition;

  int64_t tokenRank() const {
    return static_cast<int64_t>(shapeOf(ids).size()) - hasSlots;
  }
};

/// Builds, of one value for each expert, what they are for all pairs. Rows are
/// pairs, in the order of tokens or in that of experts.
class ExpertFunction {
public:
  ExpertFunction(GraphBuilder &graph, const ExpertRouting &routing,
                 int64_t groups, SymbolicShapes &symbols);

  /// [pairs, columns], in the order of tokens, of values of each expert for
  /// the rows that go there; null with a reason where it cannot be said.
  mlir::Value build(llvm::ArrayRef<mlir::Value> values);
  /// The pairs that count, [pairs, 1] bools; null where all do.
  mlir::Value getCounting() const { return counting; }
  llvm::StringRef getReason() const { return reason; }
  int64_t getProducts() const { return products; }

private:
  /// What a row is: a token, a pair in the order of tokens, or one in that of
  /// experts.
  enum class Order { Token, Pair, Expert };
  struct Rows {
    mlir::Value value;
    Order order = Order::Token;
    explicit operator bool() const { return !!value; }
  };
  using Values = llvm::ArrayRef<mlir::Value>;

  Rows fail(const llvm::Twine &why);
  Rows translate(Values values, Order wanted);
  Rows translateNew(Values values, Order wanted);
  /// Values whose last dimension is what a row has.
  Rows translateRows(Values values, Order wanted);
  Rows translateTokens(mlir::Value tokens);
  Rows translateGather(Values values);
  Rows translateGatherND(Values values);
  Rows translateProduct(Values values, Values biases, Order wanted);
  Rows translateSum(Values values, Order wanted);
  Rows translateElementwise(Values values, Order wanted);
  Rows translateSlice(Values values, Order wanted);
  /// Elements of a table [tokens, experts], which has each expert's in its
  /// place along one dimension.
  Rows lookUpPairs(Values tables, int64_t tokenAxis);
  mlir::Value toOrder(Rows rows, Order wanted);

  /// Has the tensor a row for each token in front?
  bool hasTokens(mlir::Value value, int64_t first = 0);
  /// Constants of experts behind one another, [experts, shape...]; null where
  /// they are none.
  mlir::Value stack(Values values);
  /// The tensor that has each expert's value at its place along one dimension.
  mlir::Value findTable(Values values, int64_t &axis,
                        llvm::SmallVectorImpl<Coordinate> &others);
  /// An operand that is the same for all rows, as one that broadcasts.
  mlir::Value sharedOperand(mlir::Value value);
  mlir::Value integer(llvm::ArrayRef<int64_t> values) {
    return createShapeConstant(graph.builder, graph.loc, values);
  }
  mlir::Value gather(mlir::Value table, mlir::Value rows);

  GraphBuilder &graph;
  const ExpertRouting &routing;
  int64_t groups;
  SymbolicShapes &symbols;
  mlir::Value flatIds, order, offsets, counting, tokensOfRows;
  std::map<std::pair<std::vector<void *>, Order>, Rows> known;
  std::string reason;
  int64_t products = 0;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_EXPERTFUNCTION_H
