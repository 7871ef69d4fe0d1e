//===- AttentionOperands.cpp - What attention reads and writes ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionLayout.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;

namespace sluice {

/// The axes of each dimension of a tensor in that arrangement.
AxisLists AttentionLayout::placesOf(const Arrangement &arrangement,
                                    const Stage &stage, const Axes &rows,
                                    const Axes &elements) const {
  AxisLists lists;
  for (int64_t part : invertPermutationVector(arrangement.order))
    lists.push_back(partOf(Part(part), stage, rows, elements));
  return lists;
}

/// The dimensions that have these axes and no others; none if there are no such
/// dimensions.
static SmallVector<int64_t> findDimensions(const AxisLists &lists,
                                           ArrayRef<Axis> axes) {
  SmallVector<int64_t> dimensions;
  for (auto [i, list] : llvm::enumerate(lists)) {
    auto isOwn = [&](Axis axis) { return llvm::is_contained(axes, axis); };
    if (llvm::none_of(list, isOwn))
      continue;
    if (!llvm::all_of(list, isOwn))
      return {};
    dimensions.push_back(i);
  }
  return dimensions;
}

/// Can sizes tell how to see a tensor with other dimensions?
bool AttentionLayout::hasView(const AxisLists &from,
                              const AxisLists &to) const {
  auto isLeftOver = [&](const Axes &list) {
    return ShapedType::isDynamic(axes.getSize(list)) &&
           findDimensions(from, list).empty();
  };
  return llvm::count_if(to, isLeftOver) <= 1;
}

Value AttentionLayout::makeView(GraphBuilder &graph, Value tensor,
                                const AxisLists &from, const AxisLists &to) {
  ShapeBuilder shape(graph);
  for (const Axes &list : to) {
    int64_t size = axes.getSize(list);
    if (!ShapedType::isDynamic(size)) {
      shape.append(size);
      continue;
    }
    SmallVector<int64_t> dimensions = findDimensions(from, list);
    if (dimensions.empty())
      shape.append(-1);
    else
      shape.append(tensor, dimensions);
  }
  return graph.make<ReshapeOp>(tensor, shape.take(),
                               graph.builder.getUnitAttr());
}

/// The tensor with the sizes that are known by now.
Value AttentionLayout::refine(GraphBuilder &graph, const Stage &stage) {
  auto type = cast<RankedTensorType>(stage.tensor.getType());
  SmallVector<int64_t> shape(type.getShape());
  for (auto [size, list] : llvm::zip(shape, stage.lists))
    if (ShapedType::isDynamic(size))
      size = axes.getSize(list);
  if (ArrayRef<int64_t>(shape) == type.getShape())
    return stage.tensor;
  return tensor::CastOp::create(graph.builder, graph.loc, type.clone(shape),
                                stage.tensor);
}

ArrangedTensor AttentionLayout::make(GraphBuilder &graph, const Stage &stage,
                                     const Axes &rows, const Axes &elements) {
  Arrangement arrangement = *arrange(stage, rows, elements);
  if (arrangement.isDirect)
    return {refine(graph, stage), arrangement.order};
  return {makeView(graph, stage.tensor, stage.lists,
                   placesOf(arrangement, stage, rows, elements)),
          arrangement.order};
}

ArrangedTensor AttentionLayout::makeQuery(GraphBuilder &graph) {
  Stage stage = query;
  if (chain.queryFactor) {
    Value factor = chain.queryFactor;
    if (chain.query.isSwapped) {
      auto order =
          llvm::to_vector(llvm::seq<int64_t>(0, shapeOf(factor).size()));
      if (order.size() >= 2)
        std::swap(order[order.size() - 1], order[order.size() - 2]);
      factor = graph.transpose(factor, order);
    }
    factor = graph.cast(factor, elementTypeOf(stage.tensor));
    stage.tensor = chain.isDivisor ? graph.div(stage.tensor, factor)
                                   : graph.mul(stage.tensor, factor);
  }
  ArrangedTensor made = make(graph, stage, queries, depth);
  for (const LargerSize &size : larger) {
    ShapeBuilder shape(graph);
    for (int64_t i = 0; i < partCount; ++i)
      if (i == made.order[size.part])
        shape.append(size.operand, size.dimension);
      else
        shape.append(1);
    made.tensor = graph.make<BroadcastOp>(made.tensor, shape.take());
  }
  return made;
}
ArrangedTensor AttentionLayout::makeKey(GraphBuilder &graph) {
  return make(graph, key, keys, depth);
}
ArrangedTensor AttentionLayout::makeValue(GraphBuilder &graph) {
  return make(graph, value, keys, valueDepth);
}

/// Scores broadcast to what is added to them, too, in dimensions that are one.
/// Takes down where the run alone knows; queries are repeated there then. Fails
/// where that would not do.
bool AttentionLayout::allowsLarger(Value operand, const AxisLists &lists,
                                   std::string &why) {
  int64_t rank = shapeOf(operand).size(), wanted = lists.size();
  bool hasHeads = wanted == partCount && lists[Heads] == heads,
       hasNone = wanted + 1 == partCount && heads.empty();
  bool isArranged = (hasHeads || hasNone) && lists[Batch] == batches;
  for (int64_t i = std::max<int64_t>(wanted - rank, 0); i < wanted; ++i) {
    int64_t dimension = i - wanted + rank;
    int64_t size = axes.getSize(lists[i]);
    bool isSurelyMore = !ShapedType::isDynamic(size) && size != 1;
    if (shapeOf(operand)[dimension] == 1 || isSurelyMore ||
        axes.hasSize(operand, dimension, lists[i]) ||
        axes.seemsToBroadcast(operand, dimension, lists[i]))
      continue;
    Part part = i == 0 ? Batch : Part(i - wanted + partCount);
    // More keys than there are have no values.
    bool isKeys = part == Elements;
    if (isKeys && !lists[i].empty())
      continue;
    if (isKeys || !isArranged || part == Heads) {
      why = "a bias or mask may be larger than the scores, which broadcast to "
            "it in the run then";
      return false;
    }
    // Views of the result take sizes that are not known from it.
    if (lists[i].empty() && !arrange(result, queries, valueDepth)->isDirect) {
      why = "a bias or mask may have more batches or rows than the scores, "
            "which have one";
      return false;
    }
    larger.push_back({operand, dimension, part});
  }
  return true;
}

Value AttentionLayout::makeScoreOperand(GraphBuilder &graph, Value operand,
                                        size_t view, std::string &why) {
  AxisLists lists = axes.resolve(scoreLists[view]);
  why = "a bias or mask is for some heads, or its sizes are not known";
  if (!allowsLarger(operand, lists, why))
    return nullptr;
  int64_t rank = shapeOf(operand).size(), wanted = lists.size();
  AxisLists own;
  bool isKnown = true;
  for (int64_t i = 0; i < wanted; ++i) {
    int64_t dimension = i - wanted + rank;
    bool isMissing = dimension < 0 || shapeOf(operand)[dimension] == 1;
    own.push_back(isMissing ? Axes() : lists[i]);
    // What is one part of the scores broadcasts in the run, too.
    bool isPart = llvm::is_contained(
        ArrayRef<Axes>{batches, heads, queries, keys}, lists[i]);
    isKnown &=
        isMissing || isPart || axes.hasSize(operand, dimension, lists[i]);
  }
  bool isDirect = wanted == partCount &&
                  ArrayRef(lists[0]) == ArrayRef(batches) &&
                  ArrayRef(lists[1]) == ArrayRef(heads);
  if (isDirect && (isKnown || rank <= partCount))
    return operand;
  if (!isKnown)
    return nullptr;
  // A batch that repeats comes in front; heads are all there or none.
  Axes present = axes.join(own), ownBatches, ownHeads;
  for (Axis axis : present) {
    if (llvm::is_contained(batches, axis))
      ownBatches.push_back(axis);
    else if (llvm::is_contained(heads, axis))
      ownHeads.push_back(axis);
  }
  if ((!ownHeads.empty() && ownHeads != heads) ||
      ArrayRef(batches).take_back(ownBatches.size()) != ArrayRef(ownBatches))
    return nullptr;
  ShapeBuilder shape(graph);
  auto append = [&](const Axes &part) {
    int64_t size = axes.getSize(part);
    if (!ShapedType::isDynamic(size))
      return shape.append(size);
    SmallVector<int64_t> dimensions;
    for (int64_t i = 0; i < wanted; ++i)
      if (!own[i].empty() && llvm::is_contained(part, own[i].front()))
        dimensions.push_back(i - wanted + rank);
    shape.append(operand, dimensions);
  };
  append(ownBatches);
  append(ownHeads);
  append(own[wanted - 2]);
  append(own[wanted - 1]);
  return graph.make<ReshapeOp>(operand, shape.take(),
                               graph.builder.getUnitAttr());
}

Value AttentionLayout::makeSinks(GraphBuilder &graph) {
  Value sinks = chain.sinks;
  while (auto broadcast = sinks.getDefiningOp<BroadcastOp>()) {
    if (shapeOf(broadcast.getOperand()).size() != shapeOf(sinks).size())
      break;
    sinks = broadcast.getOperand();
  }
  const AxisLists lists = axes.resolve(scoreLists.back());
  int64_t rank = shapeOf(sinks).size();
  Axes present;
  for (int64_t i = 0; i + 1 < rank; ++i)
    if (shapeOf(sinks)[i] != 1)
      llvm::append_range(present, lists[i]);
  int64_t size = axes.getSize(heads);
  if (rank != static_cast<int64_t>(lists.size()) || present != heads ||
      ShapedType::isDynamic(size))
    return nullptr;
  return graph.reshape(sinks, size);
}

Value AttentionLayout::makeResult(GraphBuilder &graph, Value attention) {
  Value tensor = result.tensor;
  auto type = cast<RankedTensorType>(tensor.getType());
  Arrangement arrangement = *arrange(result, queries, valueDepth);
  if (arrangement.isDirect) {
    attention.setType(type);
    return attention;
  }
  Value view = makeView(graph, attention,
                        placesOf(arrangement, result, queries, valueDepth),
                        result.lists);
  view.setType(type);
  return view;
}

} // namespace sluice
