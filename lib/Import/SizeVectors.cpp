//===- SizeVectors.cpp - Sizes and positions as small tensors -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "SizeVectors.h"
#include "dialects/Sluice/ShapeEvaluation.h"

using namespace mlir;
using namespace sluice;

ExpectedValue sluice::toVector(NodeContext &node, Value value) {
  SLUICE_TRY(wide, node.cast(value, node.builder.getI64Type()));
  if (node.rank(wide) == 1)
    return wide;
  return flatten(node, wide);
}

ExpectedValue sluice::toVector(NodeContext &node, Value value, int64_t length) {
  SLUICE_TRY(vector, toVector(node, value));
  if (shapeOf(vector)[0] == length)
    return vector;
  return node.reshape(vector, length);
}

ExpectedValue sluice::resultSizes(NodeContext &node, size_t index,
                                  bool mayBeShort) {
  Value sizes = node.input(index);
  auto rank = node.declaredRank(0);
  if (!rank || node.rank(sizes) != 1 ||
      !ShapedType::isDynamic(shapeOf(sizes)[0]))
    return sizes;
  if (mayBeShort) {
    Value ones = node.constantVector(SmallVector<int64_t>(*rank, 1));
    SLUICE_TRY(wide, node.cast(sizes, node.builder.getI64Type()));
    SLUICE_TRY(longer, joinVectors(node, {ones, wide}));
    SLUICE_TRY(last, sliceAxis(node, longer, 0, -*rank, INT64_MAX));
    sizes = last;
  }
  return node.reshape(sizes, *rank);
}

ExpectedValue sluice::sizeVector(NodeContext &node, Value value,
                                 int64_t dimension) {
  return node.create<ShapeOp>(value, {node.integer("start", dimension),
                                      node.integer("end", dimension + 1)});
}

ExpectedValue sluice::joinVectors(NodeContext &node, ArrayRef<Value> parts) {
  if (parts.empty())
    return node.constantVector({});
  if (parts.size() == 1)
    return parts[0];
  return node.create<ConcatOp>(parts, node.integer("axis", 0));
}

ExpectedValue sluice::vectorElement(NodeContext &node, Value vector,
                                    int64_t index) {
  return sliceAxis(node, vector, 0, index, index + 1);
}

ExpectedValue sluice::sizeProduct(NodeContext &node, Value value, int64_t begin,
                                  int64_t end) {
  Value product = node.constantVector(1);
  for (int64_t i = begin; i < end; ++i) {
    SLUICE_TRY(size, sizeVector(node, value, i));
    SLUICE_TRY(next, node.create<MulOp>({product, size}));
    product = next;
  }
  return product;
}

ExpectedValue sluice::reshapeTo(NodeContext &node, Value value,
                                ArrayRef<Value> sizes) {
  SLUICE_TRY(shape, joinVectors(node, sizes));
  return node.create<ReshapeOp>({value, shape}, node.flag("allow_zero"));
}

ExpectedValue sluice::flatten(NodeContext &node, Value value) {
  return node.reshape(value, -1);
}

ExpectedValue sluice::sliceAxis(NodeContext &node, Value value, int64_t axis,
                                int64_t start, int64_t end, int64_t step) {
  int64_t rank = node.rank(value);
  SmallVector<int64_t> starts(rank, 0), ends(rank, INT64_MAX), steps(rank, 1);
  starts[axis] = start;
  ends[axis] = end;
  steps[axis] = step;
  return node.create<SliceOp>(value, {node.ints("starts", starts),
                                      node.ints("ends", ends),
                                      node.ints("steps", steps)});
}

ExpectedValue sluice::sliceAxis(NodeContext &node, Value value, int64_t axis,
                                Value start, Value end) {
  int64_t rank = node.rank(value);
  SmallVector<Value> starts(rank), ends(rank);
  for (int64_t i = 0; i < rank; ++i) {
    starts[i] = i == axis ? start : node.constantVector(0);
    ends[i] = i == axis ? end : node.constantVector(INT64_MAX);
  }
  SLUICE_TRY(allStarts, joinVectors(node, starts));
  SLUICE_TRY(allEnds, joinVectors(node, ends));
  Value steps = node.constantVector(SmallVector<int64_t>(rank, 1));
  return node.create<SliceOp>(
      {value, allStarts, allEnds, steps},
      {node.ints("starts", {}), node.ints("ends", {}), node.ints("steps", {})});
}

ExpectedValue sluice::padEnd(NodeContext &node, Value value, Value filler,
                             Value widths) {
  SmallVector<int64_t> zeros(node.rank(value), 0);
  if (auto known = evaluateConstantElements(widths))
    return node.create<PadOp>(
        {value, filler}, {node.ints("low", zeros), node.ints("high", *known)});
  SLUICE_TRY(both, joinVectors(node, {node.constantVector(zeros), widths}));
  return node.create<PadOp>({value, filler, both},
                            {node.ints("low", {}), node.ints("high", {})});
}

ExpectedValue sluice::positions(NodeContext &node, Value value,
                                int64_t dimension) {
  SLUICE_TRY(numbers,
             node.create<IotaOp>(value, node.integer("dimension", dimension)));
  SmallVector<int64_t> axes;
  for (int64_t i = 1; i < node.rank(value) - dimension; ++i)
    axes.push_back(i);
  return node.unsqueeze(numbers, axes);
}
