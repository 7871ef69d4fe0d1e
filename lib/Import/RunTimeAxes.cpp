//===- RunTimeAxes.cpp - Axes that are only known in the run --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "RunTimeAxes.h"
#include "Composition.h"

using namespace mlir;
using namespace sluice;

ExpectedValue sluice::placeAtAxes(NodeContext &node, int64_t length,
                                  int64_t fill, Value axes, Value values) {
  Value background = node.constantVector(SmallVector<int64_t>(length, fill));
  return node.create<ScatterElementsOp>(
      {background, axes, values},
      {node.integer("axis", 0),
       node.attribute("mode", ScatterModeAttr::get(node.builder.getContext(),
                                                   ScatterMode::Replace))});
}

namespace {
/// For each of some dimensions, whether it is none of the axes, as 0 or 1, and
/// how many before it are none.
struct OtherDimensions {
  Value isOther, before;
};
} // namespace

static OtherDimensions findOthers(Composition &ops, int64_t rank, Value axes) {
  NodeContext &node = ops.node;
  Value zeros = node.constantVector(SmallVector<int64_t>(shapeOf(axes)[0], 0));
  OtherDimensions others;
  others.isOther = ops.unwrap(placeAtAxes(node, rank, 1, axes, zeros));
  others.before = ops.make<CumulateOp>(
      others.isOther,
      {node.integer("axis", 0), node.flag("exclusive"),
       node.attribute("kind", CumulateKindAttr::get(node.builder.getContext(),
                                                    CumulateKind::Sum))});
  others.isOther = ops.cast(others.isOther, node.builder.getI1Type());
  return others;
}

ExpectedValue sluice::unsqueezeAt(NodeContext &node, Value value, Value axes) {
  Composition ops(node);
  int64_t rank = node.rank(value) + shapeOf(axes)[0];
  OtherDimensions others = findOthers(ops, rank, axes);
  // One more size, for new dimensions behind all others.
  Value one = node.constantVector(1);
  Value sizes = ops.concat({ops.shape(value), one}, 0);
  Value taken =
      ops.make<GatherOp>({sizes, others.before}, node.integer("axis", 0));
  Value wanted = ops.select(others.isOther, taken, one);
  return ops.finishValue(
      ops.make<ReshapeOp>({value, wanted}, node.flag("allow_zero")));
}

ExpectedValue sluice::squeezeAt(NodeContext &node, Value value, Value axes) {
  Composition ops(node);
  int64_t rank = node.rank(value), left = rank - shapeOf(axes)[0];
  OtherDimensions others = findOthers(ops, rank, axes);
  // The sizes that are dropped go to a place behind those that stay.
  Value places =
      ops.select(others.isOther, others.before, node.constantVector(left));
  Value sizes = ops.shape(value);
  if (ops.failed())
    return ops.finishValue(nullptr);
  Value all = ops.unwrap(placeAtAxes(node, left + 1, 1, places, sizes));
  return ops.finishValue(ops.make<ReshapeOp>(
      {value, ops.slice(all, 0, 0, left)}, node.flag("allow_zero")));
}
