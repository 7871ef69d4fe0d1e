//===- ExpertsImport.cpp - Mixture of experts -----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// ONNX Runtime's operators: each token goes through the k experts that routing
// gives it, which are two products with an activation between, and has the
// weighted sum of what they make of it.
//
//===----------------------------------------------------------------------===//

#include "Demands.h"
#include "ImportRegistry.h"
#include "dialects/Sluice/Routing.h"

using namespace mlir;
using namespace sluice;

namespace {

/// How one of the two matrices of a gated activation is given.
enum class Fusion { None, Interleaved, Halves };

struct ExpertsAttributes {
  static llvm::Expected<ExpertsAttributes> read(NodeContext &node);

  int64_t k = 1;
  bool normalises = false;
  std::string activation;
  /// Of the activation "swiglu".
  double alpha = 1, beta = 0;
  std::optional<double> limit;
  Fusion fusion = Fusion::None;

  bool isGlu() const { return activation == "swiglu"; }
};

/// Weights [experts, results, depth] and what is added, [experts, results].
struct Layer {
  Value weights, bias;
};

/// Builds the layer of one node.
class ExpertsComposition {
public:
  ExpertsComposition(NodeContext &node, ExpertsAttributes attributes)
      : node(node), ops(node), attributes(std::move(attributes)) {}

  llvm::Expected<Values> compose();

private:
  /// What the shapes must be, as far as they are known.
  llvm::Error checkShapes();
  llvm::Error checkShape(size_t input, llvm::StringRef name,
                         ArrayRef<int64_t> wanted);
  void route(Value scores);
  Value multiply(Value rows, const Layer &layer, bool isFirst);
  /// The part of a layer whose results are gates, or factors of these, where
  /// one input has both.
  Layer part(const Layer &both, bool isGate);
  Value slicePart(Value value, int64_t axis, bool isGate);
  Value activate(Value x);
  Value applyGlu(Value gate, Value factor);
  Value computeHidden(Value tokens);
  Value combine(Value rows);

  NodeContext &node;
  Composition ops;
  ExpertsAttributes attributes;
  int64_t experts = ShapedType::kDynamic, inner = ShapedType::kDynamic;
  // Of pairs of a token and one of its experts, [tokens, k], and their order
  // by experts.
  Value pairWeights, order, offsets;
};

} // namespace

llvm::Expected<ExpertsAttributes> ExpertsAttributes::read(NodeContext &node) {
  ExpertsAttributes result;
  SLUICE_TRY(k, node.node.getInt("k", 1));
  SLUICE_TRY(normalises, node.node.getInt("normalize_routing_weights", 0));
  SLUICE_TRY(mixes, node.node.getInt("use_sparse_mixer", 0));
  SLUICE_TRY(activation, node.node.getString("activation_type", "relu"));
  SLUICE_TRY(alpha, node.node.getFloat("activation_alpha", 1.0f));
  SLUICE_TRY(beta, node.node.getFloat("activation_beta", 0.0f));
  SLUICE_TRY(fusion, node.node.getInt("swiglu_fusion", 0));
  if (mixes)
    return node.unsupported("the sparse mixer's routing");
  if (!llvm::is_contained({"relu", "gelu", "silu", "identity", "swiglu"},
                          activation))
    return node.invalid("unknown activation_type '" + activation + "'");
  if (fusion < 0 || fusion > 2)
    return node.invalid("swiglu_fusion must be 0, 1 or 2, not " +
                        Twine(fusion));
  if (node.node.hasAttribute("swiglu_limit")) {
    SLUICE_TRY(limit, node.node.getFloat("swiglu_limit"));
    result.limit = limit;
  }
  result.k = k;
  result.normalises = normalises != 0;
  result.activation = std::move(activation);
  result.alpha = alpha;
  result.beta = beta;
  if (result.isGlu())
    result.fusion = static_cast<Fusion>(fusion);
  return result;
}

llvm::Error ExpertsComposition::checkShape(size_t input, llvm::StringRef name,
                                           ArrayRef<int64_t> wanted) {
  if (!node.hasInput(input))
    return llvm::Error::success();
  ArrayRef<int64_t> shape = shapeOf(node.input(input));
  auto fits = [](auto sizes) {
    auto [size, other] = sizes;
    return ShapedType::isDynamic(size) || ShapedType::isDynamic(other) ||
           size == other;
  };
  if (shape.size() == wanted.size() &&
      llvm::all_of(llvm::zip(shape, wanted), fits))
    return llvm::Error::success();
  std::string text;
  llvm::raw_string_ostream os(text);
  auto print = [&](ArrayRef<int64_t> sizes) {
    os << '[';
    llvm::interleaveComma(sizes, os, [&](int64_t size) {
      ShapedType::isDynamic(size) ? os << '?' : os << size;
    });
    os << ']';
  };
  os << name << " is ";
  print(shape);
  os << " and must be ";
  print(wanted);
  return node.invalid(text);
}

llvm::Error ExpertsComposition::checkShapes() {
  // What is before it is optional.
  if (!node.hasInput(4))
    return node.invalid("input 4 is missing");
  int64_t rank = node.rank(node.input(0));
  if (rank != 2 && rank != 3)
    return node.invalid(
        "the input must be [tokens, hidden] or [batch, sequence, hidden]");
  constexpr int64_t any = ShapedType::kDynamic;
  for (auto [input, name] :
       {std::pair<size_t, StringRef>{2, "fc1"}, {4, "fc2"}})
    if (auto error = checkShape(input, (name + "_experts_weights").str(),
                                {any, any, any}))
      return error;
  if (auto error = checkShape(1, "router_probs", {any, any}))
    return error;
  ArrayRef<int64_t> first = shapeOf(node.input(2)),
                    second = shapeOf(node.input(4));
  int64_t hidden =
      knownSize({shapeOf(node.input(0)).back(), first[2], second[1]});
  experts = knownSize({shapeOf(node.input(1))[1], first[0], second[0]});
  if (ShapedType::isDynamic(experts))
    return node.unsupported("the number of experts is not known at compile "
                            "time");
  bool isFused = attributes.fusion != Fusion::None;
  inner = second[2];
  int64_t columns =
      isFused && !ShapedType::isDynamic(inner) ? 2 * inner : inner;
  int64_t tokens = rank == 2 ? shapeOf(node.input(0))[0] : any;
  bool hasGate = node.hasInput(6);
  if (hasGate && isFused)
    return node.invalid("fc3_experts_weights beside a fused swiglu");
  if (!hasGate && attributes.isGlu() && !isFused)
    return node.invalid("swiglu needs fc3_experts_weights or swiglu_fusion");
  if (!hasGate && node.hasInput(7))
    return node.invalid("fc3_experts_bias without fc3_experts_weights");
  struct Wanted {
    size_t input;
    StringRef name;
    SmallVector<int64_t> shape;
  };
  for (const Wanted &wanted : std::initializer_list<Wanted>{
           {1, "router_probs", {tokens, experts}},
           {2, "fc1_experts_weights", {experts, columns, hidden}},
           {3, "fc1_experts_bias", {experts, columns}},
           {4, "fc2_experts_weights", {experts, hidden, inner}},
           {5, "fc2_experts_bias", {experts, hidden}},
           {6, "fc3_experts_weights", {experts, inner, hidden}},
           {7, "fc3_experts_bias", {experts, inner}}})
    if (auto error = checkShape(wanted.input, wanted.name, wanted.shape))
      return error;
  if (isFused && ShapedType::isDynamic(inner))
    return node.unsupported("the size of fused weights is not known at compile "
                            "time");
  return llvm::Error::success();
}

void ExpertsComposition::route(Value scores) {
  OpBuilder &builder = node.builder;
  auto choice = [&](StringRef name, auto value) {
    return node.attribute(name,
                          builder.getI32IntegerAttr(static_cast<int>(value)));
  };
  SmallVector<NamedAttribute> how{
      node.integer("k", attributes.k),
      choice("activation", RouteActivation::Softmax)};
  if (attributes.normalises)
    how.push_back(choice("normalization", RouteNormalization::Sum));
  // Weights of half floats are not rounded.
  scores = ops.cast(scores, getComputeType(elementTypeOf(scores)));
  auto routed = node.createOp<RouteOp>(scores, how);
  if (!routed) {
    ops.fail(routed.takeError());
    return;
  }
  pairWeights = (*routed)->getResult(0);
  Value ids = ops.reshape((*routed)->getResult(1), {ShapedType::kDynamic});
  if (!ids)
    return;
  auto grouped =
      node.createOp<GroupRowsOp>(ids, node.integer("groups", experts));
  if (!grouped) {
    ops.fail(grouped.takeError());
    return;
  }
  order = (*grouped)->getResult(0);
  offsets = (*grouped)->getResult(1);
}

Value ExpertsComposition::multiply(Value rows, const Layer &layer,
                                   bool isFirst) {
  SmallVector<Value> operands{rows, layer.weights, offsets, order};
  SmallVector<int32_t> segments{1, 1, 1, isFirst, !isFirst, 0};
  if (layer.bias) {
    operands.push_back(layer.bias);
    segments.back() = 1;
  }
  SmallVector<NamedAttribute> how{
      node.flag("transpose_rhs"),
      node.attribute("operandSegmentSizes",
                     node.builder.getDenseI32ArrayAttr(segments))};
  if (isFirst)
    how.push_back(node.integer("repeat", attributes.k));
  return ops.make<GroupedMatmulOp>(operands, how);
}

Value ExpertsComposition::slicePart(Value value, int64_t axis, bool isGate) {
  if (attributes.fusion == Fusion::Interleaved)
    return ops.slice(value, axis, isGate ? 0 : 1, 2 * inner, 2);
  return isGate ? ops.slice(value, axis, 0, inner)
                : ops.slice(value, axis, inner, 2 * inner);
}

Layer ExpertsComposition::part(const Layer &both, bool isGate) {
  Layer result{slicePart(both.weights, 1, isGate), Value()};
  if (both.bias)
    result.bias = slicePart(both.bias, 1, isGate);
  return result;
}

Value ExpertsComposition::activate(Value x) {
  if (attributes.activation == "relu")
    return ops.make<ReluOp>(x);
  if (attributes.activation == "gelu")
    return ops.make<GeluOp>(x, node.flag("tanh_approximation"));
  if (attributes.activation == "silu")
    return ops.make<SwishOp>(x, node.real("alpha", 1));
  return x;
}

/// min(gate, limit) * sigmoid(alpha * .) * (clip(factor, limit) + beta).
Value ExpertsComposition::applyGlu(Value gate, Value factor) {
  if (attributes.limit) {
    Value limit = ops.number(gate, *attributes.limit);
    gate = ops.make<MinOp>({gate, limit});
    factor = ops.make<ClipOp>(
        {factor, ops.number(factor, -*attributes.limit), limit});
  }
  gate = ops.make<SwishOp>(gate, node.real("alpha", attributes.alpha));
  if (attributes.beta != 0)
    factor = ops.add(factor, ops.number(factor, attributes.beta));
  return ops.mul(gate, factor);
}

Value ExpertsComposition::computeHidden(Value tokens) {
  Layer first{node.input(2), node.optionalInput(3)};
  if (node.hasInput(6)) {
    Layer third{node.input(6), node.optionalInput(7)};
    Value gate = multiply(tokens, first, true);
    Value factor = multiply(tokens, third, true);
    if (attributes.isGlu())
      return applyGlu(gate, factor);
    return ops.mul(activate(gate), factor);
  }
  if (attributes.fusion == Fusion::None)
    return activate(multiply(tokens, first, true));
  // Parts of weights are made once where these are constants, parts of the
  // product in every run.
  if (first.weights.getDefiningOp<ConstantOp>())
    return applyGlu(multiply(tokens, part(first, true), true),
                    multiply(tokens, part(first, false), true));
  Value both = multiply(tokens, first, true);
  return applyGlu(slicePart(both, 1, true), slicePart(both, 1, false));
}

/// The sums over the experts of each token.
Value ExpertsComposition::combine(Value rows) {
  if (ops.failed())
    return nullptr;
  Type type = elementTypeOf(rows);
  Value weights = pairWeights;
  rows = ops.cast(rows, elementTypeOf(weights));
  if (attributes.k == 1)
    return ops.cast(ops.mul(rows, weights), type);
  Value width = ops.size(rows, 1);
  Value perToken =
      ops.reshapeTo(rows, {node.constantVector(-1),
                           node.constantVector(attributes.k), width});
  Value products = ops.mul(perToken, ops.unsqueeze(weights, {2}));
  return ops.cast(
      ops.reduce(products, ReductionKind::Sum, 1, /*keepDims=*/false), type);
}

llvm::Expected<Values> ExpertsComposition::compose() {
  if (auto error = checkShapes())
    return error;
  Value tokens = node.input(0);
  bool hasBatch = node.rank(tokens) == 3;
  if (hasBatch)
    tokens =
        ops.reshapeTo(tokens, {node.constantVector(-1), ops.size(tokens, 2)});
  demand(ops, arith::CmpIPredicate::eq, ops.size(node.input(1), 0),
         ops.size(tokens, 0), "router_probs has not a row for each token");
  route(node.input(1));
  if (ops.failed())
    return ops.finish({});
  Layer second{node.input(4), node.optionalInput(5)};
  Value result = combine(multiply(computeHidden(tokens), second, false));
  if (hasBatch)
    result = ops.reshapeLike(result, node.input(0));
  return ops.finish({result});
}

static llvm::Expected<Values> importMixtureOfExperts(NodeContext &node) {
  SLUICE_TRY(attributes, ExpertsAttributes::read(node));
  return ExpertsComposition(node, std::move(attributes)).compose();
}

void sluice::registerExpertsImports(ImportRegistry &registry) {
  registry.add("com.microsoft.MoE", {3, 8}, importMixtureOfExperts, 1);
}
