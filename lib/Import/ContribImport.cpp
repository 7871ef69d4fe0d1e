//===- ContribImport.cpp - Operators of ONNX Runtime's domain -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What ONNX Runtime's offline optimiser writes into models: fused forms of
// standard operators, taken apart again.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"
#include "WindowImport.h"

using namespace mlir;
using namespace sluice;

static llvm::Expected<Values> importFastGelu(NodeContext &node) {
  Composition ops(node);
  Value x = node.input(0);
  if (node.hasInput(1))
    x = ops.add(x, node.input(1));
  return ops.finish({ops.make<GeluOp>(x, node.flag("tanh_approximation"))});
}

static llvm::Expected<Values> importGelu(NodeContext &node) {
  SLUICE_TRY(result, node.create<GeluOp>(node.input(0)));
  return Values{result};
}

static llvm::Expected<Values> importBiasGelu(NodeContext &node) {
  Composition ops(node);
  return ops.finish({ops.make<GeluOp>(ops.add(node.input(0), node.input(1)))});
}

static llvm::Expected<Values> importQuickGelu(NodeContext &node) {
  SLUICE_TRY(alpha, node.node.getFloat("alpha", 1.702f));
  SLUICE_TRY(result,
             node.create<SwishOp>(node.input(0), node.real("alpha", alpha)));
  return Values{result};
}

/// Normalises the last dimension of input + skip + bias; inputs `scale` and
/// `bias` are parameters of the normalisation. Mean and deviation, which only
/// training reads, are not given out.
template <typename OpTy>
static llvm::Expected<Values> importSkipNorm(NodeContext &node,
                                             size_t biasInput) {
  SLUICE_TRY(epsilon, node.node.getFloat("epsilon", 1e-12f));
  Composition ops(node);
  Value sum = ops.add(node.input(0), node.input(1));
  if (node.hasInput(biasInput))
    sum = ops.add(sum, node.input(biasInput));
  if (ops.failed())
    return ops.finish({});
  SmallVector<Value> operands = {sum, node.input(2)};
  if (std::is_same_v<OpTy, LayerNormOp> && node.hasInput(3))
    operands.push_back(node.input(3));
  Value result =
      ops.make<OpTy>(operands, {node.integer("axis", node.rank(sum) - 1),
                                node.real("epsilon", epsilon)});
  return ops.finish({result, Value(), Value(), sum});
}

static llvm::Expected<Values> importSkipLayerNorm(NodeContext &node) {
  return importSkipNorm<LayerNormOp>(node, 4);
}
static llvm::Expected<Values> importSkipSimplifiedLayerNorm(NodeContext &node) {
  return importSkipNorm<RmsNormOp>(node, 3);
}

/// X + bias, of which the first half is multiplied with Gelu of the second.
static llvm::Expected<Values> importBiasSplitGelu(NodeContext &node) {
  Composition ops(node);
  Value sum = ops.add(node.input(0), node.input(1));
  if (ops.failed())
    return ops.finish({});
  int64_t last = node.rank(sum) - 1, width = shapeOf(sum)[last];
  if (ShapedType::isDynamic(width))
    return node.unsupported("the number of channels is not known at compile "
                            "time");
  if (width % 2 != 0)
    return node.invalid("the channels must be two halves");
  Value factor = ops.slice(sum, last, 0, width / 2);
  Value gate = ops.slice(sum, last, width / 2, width);
  return ops.finish({ops.mul(factor, ops.make<GeluOp>(gate))});
}

static llvm::Expected<Values> importBiasAdd(NodeContext &node) {
  Composition ops(node);
  return ops.finish(
      {ops.add(ops.add(node.input(0), node.input(1)), node.input(2))});
}

/// X + Y * gate.
static llvm::Expected<Values> importGatedAdd(NodeContext &node) {
  Composition ops(node);
  return ops.finish(
      {ops.add(node.input(0), ops.mul(node.input(1), node.input(2)))});
}

/// The norms of parts of the last dimension, as many elements as there are
/// factors, times an activation of the gate.
static llvm::Expected<Values> importGatedRmsNorm(NodeContext &node) {
  SLUICE_TRY(epsilon, node.node.getFloat("epsilon", 1e-5f));
  SLUICE_TRY(activation, node.node.getString("activation", "silu"));
  bool isSwish = activation == "silu" || activation == "swish";
  if (!isSwish && activation != "sigmoid")
    return node.invalid("unknown activation '" + activation + "'");
  Value x = node.input(0), gate = node.input(2);
  int64_t rank = node.rank(x);
  if (rank < 1 || node.rank(node.input(1)) != 1)
    return node.invalid("the input must have dimensions, and the scale one");
  Composition ops(node);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i + 1 < rank; ++i)
    sizes.push_back(ops.size(x, i));
  Value part = ops.size(node.input(1), 0);
  sizes.append({ops.div(ops.size(x, rank - 1), part), part});
  Value normalised = ops.make<RmsNormOp>(
      {ops.reshapeTo(x, sizes), node.input(1)},
      {node.integer("axis", rank), node.real("epsilon", epsilon)});
  Value factor = isSwish ? ops.make<SwishOp>(gate, node.real("alpha", 1))
                         : ops.make<SigmoidOp>(gate);
  return ops.finish({ops.mul(ops.reshapeLike(normalised, x), factor)});
}

/// The gates of linear attention, computed in f32: scale * Softplus(a + bias)
/// and Sigmoid(b).
static llvm::Expected<Values> importLinearAttentionGate(NodeContext &node) {
  Composition ops(node);
  Type f32 = node.builder.getF32Type(), type = elementTypeOf(node.input(0));
  auto wide = [&](size_t input) { return ops.cast(node.input(input), f32); };
  Value decay =
      ops.mul(wide(2), ops.make<SoftplusOp>(ops.add(wide(0), wide(1))));
  Value rate;
  if (node.hasInput(3))
    rate = ops.cast(ops.make<SigmoidOp>(wide(3)), type);
  return ops.finish({ops.cast(decay, type), rate});
}

//===----------------------------------------------------------------------===//
// Embeddings
//===----------------------------------------------------------------------===//

/// Tables of words, positions and segments, whose rows are added up and
/// normalised. Beside that it gives out how many words of each sequence the
/// mask marks with a one, and the sum.
static llvm::Expected<Values> importEmbedLayerNorm(NodeContext &node) {
  SLUICE_TRY(epsilon, node.node.getFloat("epsilon", 1e-12f));
  Value words = node.input(0);
  if (node.rank(words) != 2)
    return node.invalid("input_ids must be [batch, sequence]");
  for (size_t input : {2, 3, 5, 6})
    if (!node.hasInput(input))
      return node.invalid("input " + Twine(input) + " is missing");
  if (node.hasInput(1) != node.hasInput(4))
    return node.invalid(
        "segment_ids and segment_embedding must be given together");
  for (size_t table : {2, 3, 4})
    if (node.hasInput(table) && node.rank(node.input(table)) != 2)
      return node.invalid("the embeddings must be matrices");
  Composition ops(node);
  auto lookUp = [&](size_t table, Value rows) {
    return ops.make<GatherOp>({node.input(table), rows},
                              node.integer("axis", 0));
  };
  Value sum = lookUp(2, words);
  Value positions;
  if (node.hasInput(8))
    positions = lookUp(3, node.input(8));
  else if (Value length = ops.size(words, 1))
    positions = ops.unwrap(
        sliceAxis(node, node.input(3), 0, node.constantVector(0), length));
  sum = ops.add(sum, positions);
  if (node.hasInput(1))
    sum = ops.add(sum, lookUp(4, node.input(1)));
  if (ops.failed())
    return ops.finish({});
  Value result = ops.make<LayerNormOp>(
      {sum, node.input(5), node.input(6)},
      {node.integer("axis", 2), node.real("epsilon", epsilon)});
  Type i32 = node.builder.getI32Type();
  Value count;
  if (!node.hasInput(7)) {
    count = ops.make<BroadcastOp>({node.scalar(i32, 0), ops.size(words, 0)});
  } else {
    Value mask = node.input(7);
    if (node.rank(mask) != 2)
      return node.invalid("the mask must be [batch, sequence]");
    Value ones = ops.make<EqualOp>({mask, ops.number(mask, 1)});
    count = ops.reduce(ops.cast(ones, i32), ReductionKind::Sum, 1,
                       /*keepDims=*/false);
  }
  return ops.finish({result, count, sum});
}

//===----------------------------------------------------------------------===//
// Convolutions and products
//===----------------------------------------------------------------------===//

/// The activation of FusedConv and FusedGemm.
static llvm::Expected<Value> applyActivation(NodeContext &node, Value x,
                                             ArrayRef<float> parameters) {
  SLUICE_TRY(name, node.node.getString("activation", ""));
  auto parameter = [&](size_t index, double fallback) -> double {
    return index < parameters.size() ? parameters[index] : fallback;
  };
  Type type = elementTypeOf(x);
  if (name.empty())
    return x;
  if (name == "Relu")
    return node.create<ReluOp>(x);
  if (name == "Sigmoid")
    return node.create<SigmoidOp>(x);
  if (name == "Tanh")
    return node.create<TanhOp>(x);
  if (name == "LeakyRelu")
    return node.create<LeakyReluOp>(x, node.real("alpha", parameter(0, 0.01)));
  if (name == "HardSigmoid")
    return node.create<HardSigmoidOp>(x,
                                      {node.real("alpha", parameter(0, 0.2)),
                                       node.real("beta", parameter(1, 0.5))});
  if (name == "Clip" && parameters.size() >= 2)
    return node.create<ClipOp>({x, node.scalar(type, parameters[0]),
                                node.scalar(type, parameters[1])});
  return node.unsupported("activation '" + name + "'");
}

static llvm::Expected<Values> importFusedConv(NodeContext &node) {
  SLUICE_TRY(parameters, node.node.getFloats("activation_params", {}));
  SLUICE_TRY(result, createConvolution(node, node.input(0), node.input(1)));
  if (node.hasInput(2)) {
    SLUICE_TRY(biased, addChannelBias(node, result, node.input(2)));
    result = biased;
  }
  if (node.hasInput(3)) {
    SLUICE_TRY(sum, node.create<AddOp>({result, node.input(3)}));
    result = sum;
  }
  SLUICE_TRY(activated, applyActivation(node, result, parameters));
  return Values{activated};
}

static llvm::Expected<Values> importFusedMatMul(NodeContext &node) {
  SLUICE_TRY(alpha, node.node.getFloat("alpha", 1.0f));
  SLUICE_TRY(transposeA, node.node.getInt("transA", 0));
  SLUICE_TRY(transposeB, node.node.getInt("transB", 0));
  SLUICE_TRY(batchA, node.node.getInt("transBatchA", 0));
  SLUICE_TRY(batchB, node.node.getInt("transBatchB", 0));
  if (batchA || batchB)
    return node.unsupported("transposed batch dimensions");
  if (node.rank(node.input(0)) < 2 || node.rank(node.input(1)) < 2)
    return node.unsupported("vector operands");
  SmallVector<NamedAttribute> attributes;
  if (transposeA)
    attributes.push_back(node.flag("transpose_lhs"));
  if (transposeB)
    attributes.push_back(node.flag("transpose_rhs"));
  Composition ops(node);
  Value result = ops.make<MatmulOp>({node.input(0), node.input(1)}, attributes);
  if (alpha != 1.0f)
    result = ops.mul(result, ops.number(result, alpha));
  return ops.finish({result});
}

static llvm::Expected<Values> importFusedGemm(NodeContext &node) {
  auto results = importRegistry().find("Gemm")->function(node);
  if (!results)
    return results.takeError();
  std::vector<float> parameters;
  for (const char *name : {"activation_alpha", "activation_beta"})
    if (node.node.hasAttribute(name)) {
      SLUICE_TRY(value, node.node.getFloat(name));
      parameters.push_back(value);
    }
  SLUICE_TRY(activated, applyActivation(node, results->front(), parameters));
  return Values{activated};
}

/// MaxPool of [N, spatial..., C]. The layout pass drops the transpositions.
static llvm::Expected<Values> importNhwcMaxPool(NodeContext &node) {
  int64_t rank = node.rank(node.input(0));
  if (rank < 3)
    return node.invalid("the input must have rank three or more");
  SmallVector<int64_t> channelsFirst{0, rank - 1}, channelsLast{0};
  for (int64_t i = 1; i < rank - 1; ++i) {
    channelsFirst.push_back(i);
    channelsLast.push_back(i + 1);
  }
  channelsLast.push_back(1);
  SLUICE_TRY(moved, node.transpose(node.input(0), channelsFirst));
  NodeContext inner = node.withInput(0, moved);
  SLUICE_TRY(pooled, importRegistry().find("MaxPool")->function(inner));
  SLUICE_TRY(result, node.transpose(pooled.front(), channelsLast));
  return Values{result};
}

void sluice::registerContribImports(ImportRegistry &registry) {
  auto add = [&](const char *name, Arity arity,
                 ImportEntry::Function function) {
    registry.add(std::string("com.microsoft.") + name, arity, function, 1);
  };
  add("BiasAdd", 3, importBiasAdd);
  add("BiasGelu", 2, importBiasGelu);
  add("BiasSplitGelu", 2, importBiasSplitGelu);
  add("EmbedLayerNormalization", {1, 9, 3}, importEmbedLayerNorm);
  add("FastGelu", {1, 2}, importFastGelu);
  add("FusedConv", {2, 4}, importFusedConv);
  add("FusedGemm", {2, 3}, importFusedGemm);
  add("FusedMatMul", 2, importFusedMatMul);
  add("GatedAdd", 3, importGatedAdd);
  add("GatedRMSNorm", 3, importGatedRmsNorm);
  add("Gelu", 1, importGelu);
  add("LinearAttentionGate", {3, 4, 2}, importLinearAttentionGate);
  add("NhwcMaxPool", 1, importNhwcMaxPool);
  add("QuickGelu", 1, importQuickGelu);
  add("SkipLayerNormalization", {3, 5, 4}, importSkipLayerNorm);
  add("SkipSimplifiedLayerNormalization", {3, 4, 4},
      importSkipSimplifiedLayerNorm);
}
