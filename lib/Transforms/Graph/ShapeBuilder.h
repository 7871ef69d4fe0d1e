//===- ShapeBuilder.h - Shapes of which a part is only known later -*- C++ -*-//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_SHAPEBUILDER_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_SHAPEBUILDER_H

#include "dialects/Sluice/GraphBuilder.h"

namespace sluice {

/// Builds the shape operand of a reshape or broadcast, size by size.
class ShapeBuilder {
public:
  explicit ShapeBuilder(GraphBuilder &graph) : graph(graph) {}

  void append(int64_t size) {
    pieces.push_back(nullptr);
    known.push_back(size);
  }
  /// `times` the size of a dimension.
  void append(mlir::Value tensor, int64_t dimension, int64_t times = 1) {
    int64_t size = shapeOf(tensor)[dimension];
    if (!mlir::ShapedType::isDynamic(size))
      return append(size * times);
    mlir::Value piece = sizeOf(tensor, dimension);
    if (times != 1)
      piece = graph.mul(piece,
                        createShapeConstant(graph.builder, graph.loc, times));
    appendPiece(piece);
  }
  /// The size of several dimensions together.
  void append(mlir::Value tensor, llvm::ArrayRef<int64_t> dimensions) {
    int64_t product = 1;
    mlir::Value piece;
    for (int64_t dimension : dimensions) {
      int64_t size = shapeOf(tensor)[dimension];
      if (!mlir::ShapedType::isDynamic(size)) {
        product *= size;
        continue;
      }
      mlir::Value next = sizeOf(tensor, dimension);
      piece = piece ? graph.mul(piece, next) : next;
    }
    if (!piece)
      return append(product);
    if (product != 1)
      piece = graph.mul(piece,
                        createShapeConstant(graph.builder, graph.loc, product));
    appendPiece(piece);
  }
  mlir::Value take() {
    if (!llvm::is_contained(known, mlir::ShapedType::kDynamic))
      return createShapeConstant(graph.builder, graph.loc, known);
    for (auto [piece, size] : llvm::zip_equal(pieces, known))
      if (!piece)
        piece = createShapeConstant(graph.builder, graph.loc, size);
    return graph.make<ConcatOp>(pieces, graph.builder.getI64IntegerAttr(0));
  }

private:
  mlir::Value sizeOf(mlir::Value tensor, int64_t dimension) {
    auto place = [&](int64_t i) { return graph.builder.getI64IntegerAttr(i); };
    return graph.make<ShapeOp>(tensor, place(dimension), place(dimension + 1));
  }
  void appendPiece(mlir::Value piece) {
    pieces.push_back(piece);
    known.push_back(mlir::ShapedType::kDynamic);
  }

  GraphBuilder &graph;
  /// One for each size; null for those that are known.
  llvm::SmallVector<mlir::Value> pieces;
  llvm::SmallVector<int64_t> known;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_SHAPEBUILDER_H
