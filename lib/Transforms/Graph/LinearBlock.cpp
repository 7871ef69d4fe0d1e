//===- LinearBlock.cpp - Contractions with a bias -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LinearBlock.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;

namespace sluice {

bool isPerChannel(Value value, int64_t rank, int64_t channelDimension,
                  int64_t channels) {
  ArrayRef<int64_t> shape = shapeOf(value);
  int64_t offset = rank - static_cast<int64_t>(shape.size());
  if (offset < 0)
    return false;
  for (auto [i, size] : llvm::enumerate(shape)) {
    bool isChannel = static_cast<int64_t>(i) + offset == channelDimension;
    if (size != 1 &&
        !(isChannel && size == channels && !ShapedType::isDynamic(channels)))
      return false;
  }
  return true;
}

Value matchPerChannel(GraphBuilder &graph, Value value, int64_t rank,
                      int64_t channelDimension, int64_t channels) {
  if (!isPerChannel(value, rank, channelDimension, channels))
    return nullptr;
  return graph.reshape(
      value, {cast<RankedTensorType>(value.getType()).getNumElements()});
}

Value spreadChannels(GraphBuilder &graph, Value vector, int64_t rank,
                     int64_t channelDimension) {
  SmallVector<int64_t> shape(rank - channelDimension, 1);
  shape[0] = shapeOf(vector)[0];
  return graph.reshape(vector, shape);
}

static std::optional<LinearBlock> matchLinear(Operation *op) {
  LinearBlock block;
  block.linear = op;
  if (auto conv = dyn_cast<ConvOp>(op)) {
    block.weight = conv.getWeight();
    block.channelDimension = conv.getChannelDimension();
    block.channels = shapeOf(block.weight)[0];
  } else if (auto conv = dyn_cast<ConvTransposeOp>(op)) {
    block.weight = conv.getWeight();
    block.channelDimension = conv.getChannelDimension();
    int64_t perGroup = shapeOf(block.weight)[1];
    block.channels = ShapedType::isDynamic(perGroup)
                         ? perGroup
                         : perGroup * static_cast<int64_t>(conv.getGroups());
  } else if (auto matmul = dyn_cast<MatmulOp>(op)) {
    block.weight = matmul.getRhs();
    if (shapeOf(block.weight).size() != 2)
      return std::nullopt;
    block.channelDimension = shapeOf(matmul.getResult()).size() - 1;
    block.channels = shapeOf(block.weight)[matmul.getTransposeRhs() ? 0 : 1];
  } else {
    return std::nullopt;
  }
  block.rank = shapeOf(op->getResult(0)).size();
  if (!isa<FloatType>(elementTypeOf(op->getResult(0))))
    return std::nullopt;
  return block;
}

std::optional<LinearBlock> LinearBlock::match(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  auto add = dyn_cast<AddOp>(op);
  if (!add)
    return matchLinear(op);
  for (auto [sum, bias] : {std::pair(add.getLhs(), add.getRhs()),
                           std::pair(add.getRhs(), add.getLhs())}) {
    Operation *producer = sum.getDefiningOp();
    auto block = producer ? matchLinear(producer) : std::nullopt;
    if (!block || !isOnlyReadBy(sum, add) ||
        !isPerChannel(bias, block->rank, block->channelDimension,
                      block->channels))
      continue;
    block->bias = bias;
    return block;
  }
  return std::nullopt;
}

int64_t LinearBlock::groups() const {
  if (auto conv = dyn_cast<ConvOp>(linear))
    return conv.getGroups();
  if (auto conv = dyn_cast<ConvTransposeOp>(linear))
    return conv.getGroups();
  return 1;
}

bool LinearBlock::resultChannelsFirst() const {
  if (auto matmul = dyn_cast<MatmulOp>(linear))
    return matmul.getTransposeRhs();
  return isa<ConvOp>(linear);
}

int64_t LinearBlock::inputChannels() const {
  ArrayRef<int64_t> shape = shapeOf(weight);
  if (isa<ConvOp>(linear))
    return shape[1] * groups();
  if (isa<ConvTransposeOp>(linear))
    return shape[0];
  return shape[resultChannelsFirst() ? 1 : 0];
}

Value LinearBlock::groupWeight(GraphBuilder &graph) const {
  ArrayRef<int64_t> shape = shapeOf(weight);
  int64_t count = groups();
  return graph.reshape(weight,
                       {count, shape[0] / count, shape[1],
                        ShapedType::getNumElements(shape.drop_front(2))});
}

Value LinearBlock::scaleWeight(GraphBuilder &graph, Value factors,
                               bool alongFirst) const {
  Type computeType = elementTypeOf(factors);
  Value wide = graph.cast(groupWeight(graph), computeType);
  SmallVector<int64_t> shape = {1, 1, 1, 1};
  if (shapeOf(factors)[0] != 1) {
    shape[0] = groups();
    shape[alongFirst ? 1 : 2] = shapeOf(factors)[0] / shape[0];
  }
  Value scaled = graph.mul(wide, graph.reshape(factors, shape));
  return graph.reshape(graph.cast(scaled, elementTypeOf(weight)),
                       shapeOf(weight));
}

Value LinearBlock::scaleResultChannels(GraphBuilder &graph,
                                       Value factors) const {
  return scaleWeight(graph, factors, resultChannelsFirst());
}

Value LinearBlock::scaleInputChannels(GraphBuilder &graph,
                                      Value factors) const {
  return scaleWeight(graph, factors, !resultChannelsFirst());
}

Value LinearBlock::sumOverInputs(GraphBuilder &graph, Value shifts) const {
  bool inputsFirst = !resultChannelsFirst();
  Value wide = graph.cast(groupWeight(graph), elementTypeOf(shifts));
  SmallVector<int64_t> shape = {1, 1, 1, 1};
  if (shapeOf(shifts)[0] != 1) {
    shape[0] = groups();
    shape[inputsFirst ? 1 : 2] = shapeOf(shifts)[0] / shape[0];
  }
  Value products = graph.mul(wide, graph.reshape(shifts, shape));
  Value sums = graph.reduce(products, ReductionKind::Sum,
                            {inputsFirst ? 1 : 2, 3}, /*keepDims=*/false);
  return graph.reshape(sums, {channels});
}

Value LinearBlock::rebuild(GraphBuilder &graph, Value input,
                           Value newWeight) const {
  IRMapping mapping;
  Operation *copy = graph.builder.clone(*linear, mapping);
  copy->setLoc(graph.loc);
  copy->setOperand(0, input);
  copy->setOperand(1, newWeight);
  return copy->getResult(0);
}

} // namespace sluice
