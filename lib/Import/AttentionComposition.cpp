//===- AttentionComposition.cpp - What attention operators share ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionComposition.h"
#include "dialects/Sluice/SizeConditions.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

Value sluice::splitHeads(Composition &ops, Value merged, int64_t heads) {
  if (!merged)
    return nullptr;
  NodeContext &node = ops.node;
  if (node.rank(merged) != 3)
    return ops.fail(
        node.invalid("queries, keys and values must have rank 3 here"));
  int64_t width = shapeOf(merged)[2];
  if (ShapedType::isDynamic(width)) {
    Value number = node.constantVector(heads);
    return ops.reshapeTo(merged,
                         {ops.size(merged, 0), ops.size(merged, 1), number,
                          ops.div(ops.size(merged, 2), number)});
  }
  if (width % heads != 0)
    return ops.fail(node.invalid(Twine(width) +
                                 " elements are no multiple of the " +
                                 Twine(heads) + " heads"));
  // A zero in the vector would copy a size.
  if (width == 0)
    return ops.reshapeTo(merged,
                         {ops.size(merged, 0), ops.size(merged, 1),
                          node.constantVector(heads), node.constantVector(0)});
  return ops.reshapeCopying(merged, {0, 0, heads, width / heads});
}

Value sluice::mergeHeads(Composition &ops, Value split) {
  if (!split)
    return nullptr;
  int64_t heads = shapeOf(split)[2], depth = shapeOf(split)[3];
  if (!ShapedType::isDynamic(heads) && !ShapedType::isDynamic(depth) &&
      heads * depth != 0)
    return ops.reshapeCopying(split, {0, 0, heads * depth});
  return ops.reshapeTo(split,
                       {ops.size(split, 0), ops.size(split, 1),
                        ops.mul(ops.size(split, 2), ops.size(split, 3))});
}

Value sluice::swapHeads(Composition &ops, Value split) {
  return ops.transpose(split, positionsFirst);
}

/// Each head as often as `times`, [1], says.
static Value repeatHeads(Composition &ops, Value times, Value tensor,
                         ArrayRef<int64_t> order) {
  NodeContext &node = ops.node;
  Value one = node.constantVector(1);
  int64_t place = order[1] + 1;
  SmallVector<Value> repeats(5, one), sizes;
  repeats[place] = times;
  if (ops.failed())
    return nullptr;
  Value target = ops.unwrap(joinVectors(node, repeats));
  Value repeated =
      ops.make<BroadcastOp>({ops.unsqueeze(tensor, place), target});
  for (int64_t i = 0; i < 4; ++i)
    sizes.push_back(ops.size(tensor, i));
  sizes[order[1]] = ops.mul(sizes[order[1]], times);
  return ops.reshapeTo(repeated, sizes);
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

Value sluice::scalarSize(Composition &ops, Value tensor, int64_t dimension) {
  return ops.reshape(ops.size(tensor, dimension), {});
}

Value sluice::perBatch(Composition &ops, Value integers) {
  if (ops.failed() || !integers)
    return nullptr;
  if (!elementTypeOf(integers).isInteger())
    return ops.fail(ops.node.invalid("lengths must be integers"));
  Value wide = ops.cast(integers, ops.node.builder.getI64Type());
  if (!wide)
    return nullptr;
  if (ops.node.rank(wide) > 1)
    return ops.fail(ops.node.invalid(
        "there must be one length, or one for each entry of the batch"));
  return wide;
}

Value sluice::coverKeys(Composition &ops, const AttentionParts &parts,
                        Value tensor, StringRef name, double filler,
                        Value wanted) {
  if (ops.failed() || !tensor || shapeOf(tensor).empty())
    return tensor;
  NodeContext &node = ops.node;
  int64_t last = shapeOf(tensor).size() - 1, keys = parts.keyOrder[2];
  if (wanted)
    demand(ops, arith::CmpIPredicate::eq, ops.size(tensor, last), wanted,
           Twine(name) + " is not for as many keys as there are");
  else
    demand(ops, arith::CmpIPredicate::sle, ops.size(tensor, last),
           ops.size(parts.key, keys),
           Twine(name) + " is for more keys than there are");
  int64_t given = shapeOf(tensor)[last];
  if (given == shapeOf(parts.key)[keys] && !ShapedType::isDynamic(given))
    return tensor;
  Value widths = ops.sub(ops.size(parts.key, keys), ops.size(tensor, last));
  if (last > 0 && !ops.failed())
    widths = ops.unwrap(joinVectors(
        node, {node.constantVector(SmallVector<int64_t>(last, 0)), widths}));
  if (ops.failed())
    return nullptr;
  return ops.unwrap(
      padEnd(node, tensor, node.scalar(elementTypeOf(tensor), filler), widths));
}

Value sluice::writeToCache(Composition &ops, Value cache, Value updates,
                           Value positions) {
  if (ops.failed())
    return nullptr;
  if (ops.node.rank(positions) == 0)
    positions = ops.make<BroadcastOp>({positions, ops.size(cache, 0)});
  return ops.make<TensorScatterOp>({cache, updates, positions},
                                   ops.node.integer("axis", 2));
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

/// With fewer key heads than query heads, each serves several of these. Where
/// the run knows how many, the op gets them repeated: it demands that they are
/// as many as the queries' then.
static void repeatKeyHeads(Composition &ops, AttentionParts &parts) {
  Value keyHeads = ops.size(parts.key, parts.keyOrder[1]);
  Value times =
      ops.div(ops.size(parts.query, parts.queryOrder[1]),
              ops.make<MaxOp>({keyHeads, ops.node.constantVector(1)}));
  parts.key = repeatHeads(ops, times, parts.key, parts.keyOrder);
  parts.value = repeatHeads(ops, times, parts.value, parts.valueOrder);
}

static AttentionOp makeOp(Composition &ops, AttentionParts &parts) {
  NodeContext &node = ops.node;
  if (ops.failed())
    return nullptr;
  // No tensor has so many keys that a window like this hides one.
  constexpr int64_t noWindow = int64_t(1) << 60;
  for (std::optional<int64_t> *window : {&parts.left, &parts.right})
    if (*window && **window >= noWindow)
      window->reset();
  if (!parts.left && !parts.right)
    parts.position = nullptr;
  for (Value tensor : {parts.query, parts.key, parts.value})
    if (node.rank(tensor) != 4) {
      ops.fail(node.invalid("Q, K and V must have four dimensions here"));
      return nullptr;
    }
  if (!parts.scale) {
    int64_t depth = shapeOf(parts.query)[parts.queryOrder[3]];
    if (ShapedType::isDynamic(depth))
      depth = shapeOf(parts.key)[parts.keyOrder[3]];
    if (!ShapedType::isDynamic(depth)) {
      parts.scale = depth == 0 ? 1 : 1 / std::sqrt(static_cast<double>(depth));
    } else {
      // The run knows it.
      Value size = ops.cast(ops.size(parts.query, parts.queryOrder[3]),
                            elementTypeOf(parts.query));
      parts.query = ops.div(parts.query, ops.make<SqrtOp>(size));
      parts.scale = 1;
    }
  }
  if (ShapedType::isDynamic(parts.queryHeads()) ||
      ShapedType::isDynamic(parts.keyHeads()))
    repeatKeyHeads(ops, parts);
  SmallVector<Value> operands;
  SmallVector<int32_t> segments;
  auto add = [&](Value operand) {
    segments.push_back(operand ? 1 : 0);
    if (operand)
      operands.push_back(operand);
  };
  for (Value operand : {parts.query, parts.key, parts.value, parts.bias,
                        parts.mask, parts.position, parts.lengths, parts.sinks})
    add(operand);
  add(nullptr); // blocks
  add(nullptr); // tiles
  add(parts.fallback);
  if (ops.failed())
    return nullptr;
  SmallVector<NamedAttribute> attributes = {
      node.ints("query_order", parts.queryOrder),
      node.ints("key_order", parts.keyOrder),
      node.ints("value_order", parts.valueOrder),
      node.ints("result_order", parts.resultOrder),
      node.real("scale", *parts.scale),
      node.real("softcap", parts.softcap),
      node.attribute("operandSegmentSizes",
                     node.builder.getDenseI32ArrayAttr(segments))};
  if (parts.left)
    attributes.push_back(node.integer("left", *parts.left));
  if (parts.right)
    attributes.push_back(node.integer("right", *parts.right));
  if (parts.nanRows)
    attributes.push_back(node.flag("nan_rows"));
  auto op = node.createOp<AttentionOp>(operands, attributes);
  if (op)
    return cast<AttentionOp>(*op);
  ops.fail(op.takeError());
  return nullptr;
}

Value sluice::makeAttention(Composition &ops, AttentionParts parts) {
  AttentionOp op = makeOp(ops, parts);
  return op ? op.getResult() : Value();
}

AttentionStages sluice::makeAttentionStages(Composition &ops,
                                            AttentionParts parts) {
  AttentionOp op = makeOp(ops, parts);
  if (!op)
    return {};
  SizeAssertions assertions(ops.builder, op);
  op.requireSizes(assertions);
  AttentionStages stages = decomposeInStages(op, ops.builder);
  op.erase();
  return stages;
}
