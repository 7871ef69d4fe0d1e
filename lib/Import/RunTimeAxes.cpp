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

/// `isOther` as 0 or 1, in 64-bit integers.
static OtherDimensions countOthers(Composition &ops, Value isOther) {
  NodeContext &node = ops.node;
  OtherDimensions others;
  others.before = ops.make<CumulateOp>(
      isOther,
      {node.integer("axis", 0), node.flag("exclusive"),
       node.attribute("kind", CumulateKindAttr::get(node.builder.getContext(),
                                                    CumulateKind::Sum))});
  others.isOther = ops.cast(isOther, node.builder.getI1Type());
  return others;
}

static OtherDimensions findOthers(Composition &ops, int64_t rank, Value axes) {
  NodeContext &node = ops.node;
  Value zeros = node.constantVector(SmallVector<int64_t>(shapeOf(axes)[0], 0));
  return countOthers(ops, ops.unwrap(placeAtAxes(node, rank, 1, axes, zeros)));
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

/// The sizes of `value` in places that are `left` at most, without those that
/// are no others.
static ExpectedValue keepOthers(Composition &ops, Value value, int64_t left,
                                const OtherDimensions &others) {
  NodeContext &node = ops.node;
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

ExpectedValue sluice::squeezeAt(NodeContext &node, Value value, Value axes) {
  Composition ops(node);
  int64_t rank = node.rank(value);
  return keepOthers(ops, value, rank - shapeOf(axes)[0],
                    findOthers(ops, rank, axes));
}

ExpectedValue sluice::squeezeOnes(NodeContext &node, Value value,
                                  int64_t left) {
  Composition ops(node);
  Value isOne = ops.make<EqualOp>({ops.shape(value), node.constantVector(1)});
  Value isOther = ops.cast(ops.make<NotOp>({isOne}), node.builder.getI64Type());
  return keepOthers(ops, value, left, countOthers(ops, isOther));
}

std::optional<int64_t> sluice::findDemandedSize(Value value,
                                                int64_t dimension) {
  while (true) {
    std::optional<int64_t> found;
    for (Operation *user : value.getUsers()) {
      auto reader = dyn_cast<OperandSizesOpInterface>(user);
      // What only runs sometimes says nothing.
      if (!reader || user->getBlock() != value.getParentBlock())
        continue;
      reader.demandSizes([&](OperandDimension place, int64_t size) {
        if (place.operand->get() == value && place.dimension == dimension &&
            !ShapedType::isDynamic(size))
          found = size;
      });
    }
    auto producer = value.getDefiningOp<OperandSizesOpInterface>();
    if (found || !producer)
      return found;
    auto source = producer.getSizeSource(
        cast<OpResult>(value).getResultNumber(), dimension);
    if (!source)
      return std::nullopt;
    value = source->operand->get();
    dimension = source->dimension;
  }
}
