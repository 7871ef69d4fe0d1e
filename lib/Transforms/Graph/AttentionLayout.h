//===- AttentionLayout.h - Where batches and heads are ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_ATTENTIONLAYOUT_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_ATTENTIONLAYOUT_H

#include "AttentionChain.h"
#include "ShapeBuilder.h"
#include "SharedAxes.h"

namespace sluice {

/// A tensor as attention takes it: four dimensions in some order.
struct ArrangedTensor {
  mlir::Value tensor;
  llvm::SmallVector<int64_t> order;
};

/// Finds batches and heads in the dimensions of the products' operands, through
/// the views, transposes and repetitions in front of them and behind the
/// result.
class AttentionLayout {
public:
  AttentionLayout(const AttentionChain &chain, SymbolicShapes &symbols)
      : chain(chain), axes(symbols) {}

  /// Fails, with a reason, where the dimensions are not those of attention.
  bool analyse(std::string &why);

  // What the op reads and writes. Queries come after what broadcasts to the
  // scores, which may have batches or rows that they have to be repeated for.
  ArrangedTensor makeQuery(GraphBuilder &graph);
  ArrangedTensor makeKey(GraphBuilder &graph);
  ArrangedTensor makeValue(GraphBuilder &graph);
  /// What broadcasts to the scores of a view, as what broadcasts to
  /// [batch, heads, queries, keys]; null where that cannot be, which `why`
  /// explains.
  mlir::Value makeScoreOperand(GraphBuilder &graph, mlir::Value value,
                               size_t view, std::string &why);
  /// Are queries repeated for what may be larger than the scores?
  bool repeatsQueries() const { return !larger.empty(); }
  /// The column of sinks as [heads]; null where it is more than that.
  mlir::Value makeSinks(GraphBuilder &graph);

  /// The factor of scores that stands in front of queries and keys.
  double getFactor() const { return query.factor * key.factor; }
  llvm::ArrayRef<int64_t> getResultOrder() const { return resultOrder; }
  /// The value that attention computes, and its own result as that.
  mlir::Value getResult() const { return result.tensor; }
  mlir::Value makeResult(GraphBuilder &graph, mlir::Value attention);

private:
  /// A tensor on the way to or from a product.
  struct Stage {
    mlir::Value tensor;
    AxisLists lists;
    /// Axes that the tensor repeats along.
    Axes missing;
    double factor = 1;
    /// Is the next stage a view of this one, or the other way round?
    bool isView = false;
  };
  using Stages = llvm::SmallVector<Stage, 8>;
  /// Dimensions of attention's tensors.
  enum Part { Batch, Heads, Positions, Elements, partCount };
  struct Arrangement {
    llvm::SmallVector<int64_t> order;
    /// Has the tensor the four dimensions as they are?
    bool isDirect = false;
  };

  bool readProducts(std::string &why);
  std::optional<AxisLists> readOperand(const ProductTensor &operand,
                                       llvm::ArrayRef<Axes> batch,
                                       const Axes &rows, const Axes &elements,
                                       Axes &missing);
  Stages followBack(Stage first, bool mayRepeat, bool mayScale);
  bool followRepetition(Stage &stage);
  Stages followResult();
  bool mayBeEqual(int64_t size, llvm::ArrayRef<Axis> all) const;
  bool sharesAllOrNone(const Axes &missing) const;
  bool chooseHeads(const Axes &missing);
  std::optional<Arrangement> arrange(const Stage &stage, const Axes &rows,
                                     const Axes &elements) const;
  const Stage *chooseStage(const Stages &stages, const Axes &rows,
                           const Axes &elements,
                           const Axes *missing = nullptr) const;
  AxisLists placesOf(const Arrangement &arrangement, const Stage &stage,
                     const Axes &rows, const Axes &elements) const;
  bool hasView(const AxisLists &from, const AxisLists &to) const;
  mlir::Value makeView(GraphBuilder &graph, mlir::Value tensor,
                       const AxisLists &from, const AxisLists &to);
  mlir::Value refine(GraphBuilder &graph, const Stage &stage);
  ArrangedTensor make(GraphBuilder &graph, const Stage &stage, const Axes &rows,
                      const Axes &elements);
  Axes partOf(Part part, const Stage &stage, const Axes &rows,
              const Axes &elements) const;
  bool allowsLarger(mlir::Value operand, const AxisLists &lists,
                    std::string &why);

  const AttentionChain &chain;
  SharedAxes axes;
  /// The scores' axes, by view.
  llvm::SmallVector<AxisLists> scoreLists;
  AxisLists probabilityLists;
  Axes queries, keys, depth, valueDepth;
  /// All axes of the products' batches, and what of them are heads.
  Axes batches, heads;
  Stage query, key, value, result;
  /// Dimensions of operands that may be larger in the run than those of the
  /// scores, and which these are.
  struct LargerSize {
    mlir::Value operand;
    int64_t dimension;
    Part part;
  };
  llvm::SmallVector<LargerSize, 2> larger;
  llvm::SmallVector<int64_t> resultOrder;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_ATTENTIONLAYOUT_H
