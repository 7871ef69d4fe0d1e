//===- DistanceBias.h - Biases of the distance in the run -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_DISTANCEBIAS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_DISTANCEBIAS_H

#include "PositionFormulas.h"

namespace sluice {

/// Writes elements that are a function of the distance between query and key,
/// whose numbers the run knows, anew with one dimension for the distance.
class DistanceBias {
public:
  DistanceBias(GraphBuilder &graph, PositionFormulas &positions)
      : graph(graph), positions(positions) {}

  /// What broadcasts to [batch, heads, 1, distances], from the largest one back
  /// to the largest one ahead; null where the element depends on more.
  mlir::Value make(const Element &start, unsigned depth = 0);

private:
  mlir::Value makeAnew(const Element &element, unsigned depth);
  mlir::Value makeDistances(const Element &element);
  mlir::Value makeElements(mlir::Operation *op, const Element &element,
                           unsigned depth);
  mlir::Value makeLookup(GatherOp op, const Element &element, unsigned depth);

  GraphBuilder &graph;
  PositionFormulas &positions;
  /// What elements have become; null for those that cannot. A graph may reach
  /// an element on many ways.
  llvm::DenseMap<mlir::Value,
                 llvm::SmallVector<std::pair<Element, mlir::Value>>>
      made;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_DISTANCEBIAS_H
