//===- LinearAttentionImport.cpp - LinearAttention, CausalConvWithState ---===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionComposition.h"
#include "ImportRegistry.h"
#include "LoopPlan.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <numeric>

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// LinearAttention
//===----------------------------------------------------------------------===//

namespace {

/// Builds the loop over the tokens. In each step, with a state S [depth, value
/// depth] for each head of keys,
///
///   S' = decay S + k (rate (v - k^T decay S))^T,   o = scale S'^T q
///
/// where `linear` and `gated` rules put v itself in for what is behind k.
class LinearAttentionReader {
public:
  explicit LinearAttentionReader(NodeContext &node)
      : node(node), ops(node), f32(node.builder.getF32Type()) {}
  llvm::Expected<Values> read();

private:
  llvm::Error readAttributes();
  llvm::Error checkShapes();
  Value unpack(size_t input, StringRef name, ArrayRef<int64_t> sizes);
  void readSequences();
  Value readState();
  llvm::Expected<Iteration> makeStep(Value state, ArrayRef<Value> elements);
  llvm::Expected<Values> makeSteps(Value state);

  NodeContext &node;
  Composition ops;
  Type f32;
  int64_t queryHeads = 0, keyHeads = 0;
  bool decays = false, corrects = false;
  double scale = 0;
  int64_t depth = 0, valueDepth = 0;
  /// [T, B, ...]: queries [.., H, group, depth], keys [.., H, depth], values
  /// [.., H, value depth], and if they are there decays [.., H, depth or 1] and
  /// rates [.., H or 1, 1].
  SmallVector<Value> sequences;
};

} // namespace

llvm::Error LinearAttentionReader::readAttributes() {
  SLUICE_TRY(ofQueries, node.node.getInt("q_num_heads"));
  SLUICE_TRY(ofKeys, node.node.getInt("kv_num_heads"));
  if (ofQueries < 1 || ofKeys < 1)
    return node.invalid("the numbers of heads must be positive");
  if (ofQueries % ofKeys != 0)
    return node.invalid(Twine(ofQueries) + " query heads are no multiple of " +
                        Twine(ofKeys) + " key heads");
  queryHeads = ofQueries;
  keyHeads = ofKeys;
  SLUICE_TRY(rule, node.node.getString("update_rule", "gated_delta"));
  decays = rule == "gated" || rule == "gated_delta";
  corrects = rule == "delta" || rule == "gated_delta";
  if (!decays && !corrects && rule != "linear")
    return node.invalid("unknown update_rule '" + rule + "'");
  if (node.hasInput(4) != decays)
    return node.invalid("update_rule '" + rule + "' " +
                        (decays ? "needs" : "has no") + " decay");
  if (node.hasInput(5) != corrects)
    return node.invalid("update_rule '" + rule + "' " +
                        (corrects ? "needs" : "has no") + " beta");
  SLUICE_TRY(window, node.node.getInt("state_window", 0));
  if (window != 0)
    return node.unsupported("states of several tokens");
  SLUICE_TRY(given, node.node.getFloat("scale", 0.0f));
  scale = given;
  return llvm::Error::success();
}

llvm::Error LinearAttentionReader::checkShapes() {
  for (size_t i : {0, 1, 2, 4, 5})
    if (node.hasInput(i) && node.rank(node.input(i)) != 3)
      return node.invalid("query, key, value, decay and beta must have three "
                          "dimensions");
  if (node.hasInput(3) && node.rank(node.input(3)) != 4)
    return node.invalid("past_state must have four dimensions");
  auto findDepth = [&](size_t input, int64_t heads) {
    int64_t width = shapeOf(node.input(input))[2];
    if (ShapedType::isDynamic(width))
      return width;
    return width % heads == 0 ? width / heads : int64_t(-1);
  };
  int64_t ofQueries = findDepth(0, queryHeads), ofKeys = findDepth(1, keyHeads);
  valueDepth = findDepth(2, keyHeads);
  depth = ShapedType::isDynamic(ofQueries) ? ofKeys : ofQueries;
  if (ShapedType::isDynamic(depth) || ShapedType::isDynamic(valueDepth))
    return node.unsupported("the sizes of heads are not known at compile time");
  if (depth < 1 || valueDepth < 1 || ofQueries == -1 || ofKeys == -1)
    return node.invalid("the elements are no multiple of the heads");
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(depth));
  return llvm::Error::success();
}

/// [B, T, ...] as [T, B, sizes...] in f32. The batch and the number of tokens
/// are the queries'.
Value LinearAttentionReader::unpack(size_t input, StringRef name,
                                    ArrayRef<int64_t> sizes) {
  SmallVector<Value> shape = {ops.size(node.input(0), 0),
                              ops.size(node.input(0), 1)};
  Value width = node.constantVector(std::accumulate(
      sizes.begin(), sizes.end(), int64_t(1), std::multiplies<int64_t>()));
  Value packed =
      withShape(ops, node.input(input), {shape[0], shape[1], width}, name);
  SmallVector<int64_t> order = {1, 0};
  for (int64_t size : sizes) {
    order.push_back(order.size());
    shape.push_back(node.constantVector(size));
  }
  return ops.cast(ops.transpose(ops.reshapeTo(packed, shape), order), f32);
}

void LinearAttentionReader::readSequences() {
  int64_t group = queryHeads / keyHeads;
  sequences = {unpack(0, "query", {keyHeads, group, depth}),
               unpack(1, "key", {keyHeads, depth}),
               unpack(2, "value", {keyHeads, valueDepth})};
  if (decays) {
    int64_t width = shapeOf(node.input(4))[2];
    // Of one element for each head or for each element of a key.
    int64_t elements = width == keyHeads ? 1 : depth;
    sequences.push_back(
        ops.make<ExpOp>(unpack(4, "decay", {keyHeads, elements})));
  }
  if (corrects) {
    int64_t width = shapeOf(node.input(5))[2];
    sequences.push_back(unpack(5, "beta", {width == 1 ? 1 : keyHeads, 1}));
  }
}

Value LinearAttentionReader::readState() {
  SmallVector<Value> sizes = {
      ops.size(node.input(0), 0), node.constantVector(keyHeads),
      node.constantVector(depth), node.constantVector(valueDepth)};
  if (node.hasInput(3))
    return ops.cast(withShape(ops, node.input(3), sizes, "past_state"), f32);
  if (ops.failed())
    return nullptr;
  Value shape = ops.unwrap(joinVectors(node, sizes));
  return ops.make<BroadcastOp>({node.scalar(f32, 0), shape});
}

/// A step: the next state, and the output [B, H, group, value depth].
llvm::Expected<Iteration>
LinearAttentionReader::makeStep(Value state, ArrayRef<Value> elements) {
  Composition step(node);
  Value query = elements[0], key = elements[1], value = elements[2];
  Value next = state, added = step.unsqueeze(value, {2});
  unsigned number = 3;
  if (decays)
    next = step.mul(next, step.unsqueeze(elements[number++], {3}));
  if (corrects) {
    Value known = step.make<MatmulOp>({step.unsqueeze(key, {2}), next});
    added =
        step.mul(step.unsqueeze(elements[number], {3}), step.sub(added, known));
  }
  next = step.add(next, step.mul(step.unsqueeze(key, {3}), added));
  Value output =
      step.mul(step.make<MatmulOp>({query, next}), step.number(next, scale));
  SLUICE_TRY(values, step.finish({next, output}));
  Iteration iteration;
  iteration.carried = {values[0]};
  iteration.collected = {values[1]};
  return iteration;
}

llvm::Expected<Values> LinearAttentionReader::makeSteps(Value state) {
  LoopPlan plan;
  plan.tripCount =
      node.builder.createOrFold<tensor::DimOp>(node.loc, sequences.front(), 0);
  plan.mayBeNegative = false;
  plan.knownTrips = shapeOf(sequences.front())[0];
  plan.initial = {state};
  plan.collected.push_back({});
  auto body = [&](Value number,
                  ValueRange states) -> llvm::Expected<Iteration> {
    SmallVector<Value> elements;
    for (Value sequence : sequences) {
      SLUICE_TRY(element, node.create<ElementOp>({sequence, number}));
      elements.push_back(element);
    }
    return makeStep(states.front(), elements);
  };
  plan.body = body;
  return makeLoop(node, plan);
}

llvm::Expected<Values> LinearAttentionReader::read() {
  if (llvm::Error error = readAttributes())
    return error;
  if (llvm::Error error = checkShapes())
    return error;
  readSequences();
  Value state = readState();
  if (ops.failed())
    return ops.finish({});
  SLUICE_TRY(results, makeSteps(state));
  Type type = elementTypeOf(node.input(0));
  Value output = ops.transpose(results[1], {1, 0, 2, 3, 4});
  output = ops.reshapeTo(
      output, {ops.size(node.input(0), 0), ops.size(node.input(0), 1),
               node.constantVector(queryHeads * valueDepth)});
  Type stateType = node.hasInput(3) ? elementTypeOf(node.input(3)) : type;
  return ops.finish({ops.cast(output, type), ops.cast(results[0], stateType)});
}

static llvm::Expected<Values> importLinearAttention(NodeContext &node) {
  return LinearAttentionReader(node).read();
}

//===----------------------------------------------------------------------===//
// CausalConvWithState
//===----------------------------------------------------------------------===//

/// A depthwise convolution of [B, C, L] that sees the positions before, the
/// last of which are the state.
static llvm::Expected<Values> importCausalConv(NodeContext &node) {
  Value input = node.input(0), weight = node.input(1);
  for (const char *name : {"state_window", "channels_last"}) {
    SLUICE_TRY(flag, node.node.getInt(name, 0));
    if (flag)
      return node.unsupported("'" + Twine(name) + "'");
  }
  SLUICE_TRY(dimensions, node.node.getInt("ndim", 1));
  if (dimensions != 1)
    return node.unsupported("several spatial dimensions");
  SLUICE_TRY(dilation, node.node.getInt("dilation", 1));
  if (dilation < 1)
    return node.invalid("the dilation must be positive");
  SLUICE_TRY(activation, node.node.getString("activation", "none"));
  bool isSwish = activation == "silu" || activation == "swish";
  if (!isSwish && activation != "none")
    return node.invalid("unknown activation '" + activation + "'");
  if (node.rank(input) != 3 || node.rank(weight) != 3)
    return node.invalid("input and weight must have three dimensions");
  int64_t channels = shapeOf(weight)[0];
  if (ShapedType::isDynamic(channels))
    channels = shapeOf(input)[1];
  if (ShapedType::isDynamic(channels))
    return node.unsupported(
        "the number of channels is not known at compile time");

  Composition ops(node);
  Value one = node.constantVector(1);
  Value reach =
      ops.mul(ops.sub(ops.size(weight, 2), one), node.constantVector(dilation));
  SmallVector<Value> sizes = {ops.size(input, 0), ops.size(input, 1), reach};
  Value past;
  if (node.hasInput(3)) {
    past = withShape(ops, node.input(3), sizes, "past_state");
  } else if (!ops.failed()) {
    Value shape = ops.unwrap(joinVectors(node, sizes));
    past = ops.make<BroadcastOp>({node.scalar(elementTypeOf(input), 0), shape});
  }
  // A convolution of the past alone has no place.
  Value length = ops.size(input, 2), seen = past;
  bool mayBeEmpty = shapeOf(input)[2] < 1;
  if (mayBeEmpty && !ops.failed())
    seen =
        ops.unwrap(sliceAxis(node, past, 2, node.constantVector(0),
                             ops.mul(reach, ops.make<MinOp>({length, one}))));
  Value whole = ops.concat({seen, input}, 2);
  Value result = ops.make<ConvOp>(
      {whole, weight},
      {node.ints("strides", 1), node.ints("dilations", dilation),
       node.ints("pads", {0, 0}), node.integer("groups", channels)});
  if (node.hasInput(2))
    result = ops.add(result, ops.unsqueeze(node.input(2), {1}));
  if (isSwish)
    result = ops.make<SwishOp>(result, node.real("alpha", 1));
  Value present;
  if (node.isUsed(1) && !ops.failed()) {
    Value last = whole;
    if (mayBeEmpty) {
      Value start =
          ops.make<MaxOp>({ops.sub(length, reach), node.constantVector(0)});
      last = ops.concat(
          {past, ops.unwrap(sliceAxis(node, input, 2, start, length))}, 2);
    }
    Value end = ops.size(last, 2);
    if (!ops.failed())
      present = ops.unwrap(sliceAxis(node, last, 2, ops.sub(end, reach), end));
  }
  return ops.finish({result, present});
}

void sluice::registerLinearAttentionImports(ImportRegistry &registry) {
  for (const char *domain : {"", "com.microsoft."}) {
    auto name = [&](const char *op) { return std::string(domain) + op; };
    registry.add(name("CausalConvWithState"), {2, 4, 2}, importCausalConv, 1);
    registry.add(name("LinearAttention"), {3, 6, 2}, importLinearAttention, 1);
  }
}
