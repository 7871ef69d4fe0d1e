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

Value LinearBlock::getWeight() const {
  return cast<LinearOpInterface>(linear).getWeightsOperand().get();
}

int64_t LinearBlock::countChannels(int64_t dimension) const {
  int64_t size = shapeOf(getWeight())[dimension];
  return dimension == 0 || ShapedType::isDynamic(size) ? size
                                                       : size * at.groups;
}

static std::optional<LinearBlock> matchLinear(Operation *op) {
  auto linear = dyn_cast<LinearOpInterface>(op);
  auto channels = linear ? linear.getLinearChannels() : std::nullopt;
  if (!channels || !isa<FloatType>(elementTypeOf(op->getResult(0))))
    return std::nullopt;
  LinearBlock block;
  block.linear = op;
  block.at = *channels;
  block.rank = shapeOf(op->getResult(0)).size();
  block.channels = block.countChannels(channels->weightResultDimension);
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
        !isPerChannel(bias, block->rank, block->at.resultDimension,
                      block->channels))
      continue;
    block->bias = bias;
    return block;
  }
  return std::nullopt;
}

int64_t LinearBlock::inputChannels() const {
  return countChannels(at.weightInputDimension);
}

Value LinearBlock::groupWeight(GraphBuilder &graph) const {
  ArrayRef<int64_t> shape = shapeOf(getWeight());
  return graph.reshape(getWeight(),
                       {at.groups, shape[0] / at.groups, shape[1],
                        ShapedType::getNumElements(shape.drop_front(2))});
}

Value LinearBlock::spreadOverWeight(GraphBuilder &graph, Value numbers,
                                    int64_t dimension) const {
  SmallVector<int64_t> shape = {1, 1, 1, 1};
  if (shapeOf(numbers)[0] != 1) {
    shape[0] = at.groups;
    shape[dimension + 1] = shapeOf(numbers)[0] / at.groups;
  }
  return graph.reshape(numbers, shape);
}

Value LinearBlock::scaleWeight(GraphBuilder &graph, Value factors,
                               int64_t dimension) const {
  Value wide = graph.cast(groupWeight(graph), elementTypeOf(factors));
  Value scaled = graph.mul(wide, spreadOverWeight(graph, factors, dimension));
  return graph.reshape(graph.cast(scaled, elementTypeOf(getWeight())),
                       shapeOf(getWeight()));
}

Value LinearBlock::scaleResultChannels(GraphBuilder &graph,
                                       Value factors) const {
  return scaleWeight(graph, factors, at.weightResultDimension);
}

Value LinearBlock::scaleInputChannels(GraphBuilder &graph,
                                      Value factors) const {
  return scaleWeight(graph, factors, at.weightInputDimension);
}

Value LinearBlock::sumOverInputs(GraphBuilder &graph, Value shifts) const {
  int64_t inputs = at.weightInputDimension;
  Value wide = graph.cast(groupWeight(graph), elementTypeOf(shifts));
  Value products = graph.mul(wide, spreadOverWeight(graph, shifts, inputs));
  Value sums = graph.reduce(products, ReductionKind::Sum, {inputs + 1, 3},
                            /*keepDims=*/false);
  return graph.reshape(sums, {channels});
}

Value LinearBlock::rebuild(GraphBuilder &graph, Value input,
                           Value newWeight) const {
  IRMapping mapping;
  auto copy = cast<LinearOpInterface>(graph.builder.clone(*linear, mapping));
  copy->setLoc(graph.loc);
  copy->setOperand(0, input);
  copy.getWeightsOperand().set(newWeight);
  return copy->getResult(0);
}

} // namespace sluice
