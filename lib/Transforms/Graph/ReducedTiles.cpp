//===- ReducedTiles.cpp - Reductions of tiles -----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ReducedTiles.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "sluice/Support/Remarks.h"

using namespace mlir;

namespace sluice {

void reduceTileAsBroadcast(ReduceOp op) {
  auto tile = op.getOperand().getDefiningOp<TileOp>();
  if (!tile || !tile.getType().hasStaticShape() ||
      llvm::is_contained(tile.getType().getShape(), 0))
    return;
  auto source = cast<RankedTensorType>(tile.getOperand().getType());
  if (!source.hasStaticShape())
    return;
  SmallVector<int64_t> narrow, wide, axes;
  for (int64_t i = 0, rank = source.getRank(); i < rank; ++i) {
    int64_t size = source.getDimSize(i);
    int64_t repeats = tile.getType().getDimSize(i) / size;
    auto append = [&](int64_t before, int64_t after) {
      if (llvm::is_contained(op.getAxes(), i))
        axes.push_back(narrow.size());
      narrow.push_back(before);
      wide.push_back(after);
    };
    if (repeats != 1)
      append(1, repeats);
    if (repeats == 1 || size != 1)
      append(size, size);
  }
  remarks::applied(tile, remarks::fusion)
      << "reduced as a broadcast, which is not written";
  OpBuilder builder(op);
  GraphBuilder graph(builder, op.getLoc());
  Value repeated =
      graph.make<BroadcastOp>(graph.reshape(tile.getOperand(), narrow),
                              createShapeConstant(builder, op.getLoc(), wide));
  Value reduced =
      graph.reduce(repeated, op.getKind(), axes, /*keepDims=*/false);
  op.replaceAllUsesWith(graph.reshape(reduced, shapeOf(op.getResult())));
  op->erase();
  if (tile->use_empty())
    tile->erase();
}

} // namespace sluice
