//===- AttentionImport.cpp - Attention and RotaryEmbedding ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

namespace {

/// Builds softmax(Q K^T * scale + mask) V as the operator defines it. Where
/// keys are excluded, scores are -inf, and a row without any key gives zeros.
class AttentionBuilder {
public:
  explicit AttentionBuilder(NodeContext &node) : node(node), ops(node) {}
  llvm::Expected<Values> build();

private:
  llvm::Error readInputs();
  Value splitHeads(Value value, int64_t heads);
  Value repeatHeads(Value value);
  llvm::Error addMasks();
  void allow(Value condition) {
    allowed = allowed ? ops.make<AndOp>({allowed, condition}) : condition;
  }
  Value padMask(Value mask);
  /// 0, 1, ... over dimension 2 of a tensor, as a row or a column.
  Value countUp(Value tensor, bool asColumn);

  NodeContext &node;
  Composition ops;
  Value query, key, value;
  /// Which scores count, and what is added to them; null where nothing is said.
  Value allowed, addend;
  double scale = 0;
};

} // namespace

Value AttentionBuilder::splitHeads(Value tensor, int64_t heads) {
  return ops.transpose(ops.reshapeCopying(tensor, {0, 0, heads, -1}),
                       {0, 2, 1, 3});
}

llvm::Error AttentionBuilder::readInputs() {
  query = node.input(0);
  key = node.input(1);
  value = node.input(2);
  int64_t rank = node.rank(query);
  if ((rank != 3 && rank != 4) || node.rank(key) != rank ||
      node.rank(value) != rank)
    return node.invalid("Q, K and V must all have rank 3 or 4");
  if (rank == 3) {
    SLUICE_TRY(queryHeads, node.node.getInt("q_num_heads"));
    SLUICE_TRY(keyHeads, node.node.getInt("kv_num_heads"));
    if (queryHeads < 1 || keyHeads < 1)
      return node.invalid("the numbers of heads must be positive");
    query = splitHeads(query, queryHeads);
    key = splitHeads(key, keyHeads);
    value = splitHeads(value, keyHeads);
  }
  if (ops.failed())
    return llvm::Error::success();
  if (node.node.hasAttribute("scale")) {
    SLUICE_TRY(given, node.node.getFloat("scale"));
    scale = given;
  } else {
    int64_t size = shapeOf(query).back();
    if (ShapedType::isDynamic(size) || size == 0)
      scale = 0; // Taken from the run's size.
    else
      scale = 1 / std::sqrt(static_cast<double>(size));
  }
  return llvm::Error::success();
}

/// With fewer key heads than query heads, each serves several queries' heads.
Value AttentionBuilder::repeatHeads(Value tensor) {
  if (ops.failed())
    return nullptr;
  int64_t queryHeads = shapeOf(query)[1], heads = shapeOf(tensor)[1];
  if (queryHeads == heads && !ShapedType::isDynamic(heads))
    return tensor;
  Value one = node.constantVector(1);
  Value wanted = ops.size(query, 1);
  Value times = ops.div(wanted, ops.size(tensor, 1));
  if (ops.failed())
    return nullptr;
  Value target = ops.unwrap(joinVectors(node, {one, one, times, one, one}));
  Value repeated = ops.make<BroadcastOp>({ops.unsqueeze(tensor, {2}), target});
  return ops.reshapeTo(repeated, {ops.size(tensor, 0), wanted,
                                  ops.size(tensor, 2), ops.size(tensor, 3)});
}

Value AttentionBuilder::countUp(Value tensor, bool asColumn) {
  Value numbers = ops.make<IotaOp>(tensor, node.integer("dimension", 2));
  return asColumn ? ops.unsqueeze(numbers, {1}) : numbers;
}

/// A mask may cover the first keys only; the others are excluded.
Value AttentionBuilder::padMask(Value mask) {
  if (ops.failed() || shapeOf(mask).empty())
    return mask;
  int64_t last = shapeOf(mask).size() - 1;
  int64_t given = shapeOf(mask)[last], wanted = shapeOf(key)[2];
  if (given == wanted && !ShapedType::isDynamic(given))
    return mask;
  if (given == 1)
    return mask;
  Value widths = ops.sub(ops.size(key, 2), ops.size(mask, last));
  if (last > 0 && !ops.failed())
    widths = ops.unwrap(joinVectors(
        node, {node.constantVector(SmallVector<int64_t>(last, 0)), widths}));
  if (ops.failed())
    return nullptr;
  Type type = elementTypeOf(mask);
  double filler =
      isa<FloatType>(type) ? -std::numeric_limits<double>::infinity() : 0;
  return ops.unwrap(padEnd(node, mask, node.scalar(type, filler), widths));
}

llvm::Error AttentionBuilder::addMasks() {
  SLUICE_TRY(causal, node.node.getInt("is_causal", 0));
  SLUICE_TRY(left, node.node.getInt("left_window_size", -1));
  SLUICE_TRY(right, node.node.getInt("right_window_size", -1));
  if (node.hasInput(3)) {
    Value mask = padMask(node.input(3));
    if (ops.failed())
      return llvm::Error::success();
    if (elementTypeOf(mask).isInteger(1))
      allow(mask);
    else
      addend = ops.cast(mask, elementTypeOf(query));
  }
  Value lengths;
  if (node.hasInput(6)) {
    // [B] as [B, 1, 1, 1].
    lengths = ops.unsqueeze(ops.cast(node.input(6), node.builder.getI64Type()),
                            {1, 2, 3});
    allow(ops.make<LessOp>({countUp(key, false), lengths}));
  }
  if (!causal && left < 0 && right < 0)
    return llvm::Error::success();
  // How far the query stands from the key; queries come after the cached keys.
  Value place = countUp(query, true);
  if (node.hasInput(4))
    place = ops.add(place, ops.size(node.input(4), 2));
  else if (lengths)
    place = ops.add(place, ops.sub(lengths, ops.size(query, 2)));
  Value distance = ops.sub(place, countUp(key, false));
  auto number = [&](int64_t n) { return node.constantVector(n); };
  if (causal)
    allow(ops.make<GreaterEqualOp>({distance, number(0)}));
  if (left >= 0)
    allow(ops.make<LessEqualOp>({distance, number(left)}));
  if (right >= 0)
    allow(ops.make<GreaterEqualOp>({distance, number(-right)}));
  return llvm::Error::success();
}

llvm::Expected<Values> AttentionBuilder::build() {
  SLUICE_TRY(softcap, node.node.getFloat("softcap", 0.0f));
  SLUICE_TRY(mode, node.node.getInt("qk_matmul_output_mode", 0));
  SLUICE_TRY(precision, node.node.getInt("softmax_precision", 0));
  bool isRank3 = node.rank(node.input(0)) == 3;
  if (llvm::Error error = readInputs())
    return error;
  if (node.hasInput(4) != node.hasInput(5))
    return node.invalid("past_key and past_value must be given together");
  if (node.hasInput(4)) {
    key = ops.concat({node.input(4), key}, 2);
    value = ops.concat({node.input(5), value}, 2);
  }
  Value presentKey = key, presentValue = value;
  if (llvm::Error error = addMasks())
    return error;
  if (ops.failed())
    return ops.finish({});

  Type type = elementTypeOf(query);
  Value scores =
      ops.make<MatmulOp>({query, repeatHeads(key)}, node.flag("transpose_rhs"));
  if (scale != 0) {
    scores = ops.mul(scores, ops.number(scores, scale));
  } else {
    Value size = ops.cast(ops.size(query, 3), type);
    scores = ops.div(scores, ops.make<SqrtOp>(size));
  }
  Value shown = scores;
  if (softcap > 0) {
    Value cap = ops.number(scores, softcap);
    scores = ops.mul(ops.make<TanhOp>(ops.div(scores, cap)), cap);
    shown = scores;
  }
  Value lowest = node.scalar(type, -std::numeric_limits<double>::infinity());
  if (addend)
    scores = ops.add(scores, addend);
  if (allowed)
    scores = ops.select(allowed, scores, lowest);
  if (mode == 2)
    shown = scores;
  Type softmaxType = precision ? node.elementType(precision) : type;
  if (!softmaxType || !isa<FloatType>(softmaxType))
    return node.unsupported("this softmax_precision");
  Value weights = ops.make<SoftmaxOp>(ops.cast(scores, softmaxType),
                                      node.integer("axis", 3));
  weights = ops.cast(weights, type);
  if (allowed || addend) {
    Value bias = addend ? addend : node.scalar(type, 0);
    if (allowed)
      bias = ops.select(allowed, bias, lowest);
    if (ops.failed())
      return ops.finish({});
    int64_t rank = node.rank(bias);
    if (rank > 0) {
      Value most = ops.reduce(bias, ReductionKind::Max, {rank - 1});
      weights = ops.select(ops.make<EqualOp>({most, lowest}),
                           node.scalar(type, 0), weights);
    }
  }
  if (mode == 3)
    shown = weights;
  Value result = ops.make<MatmulOp>({weights, repeatHeads(value)});
  if (isRank3)
    result =
        ops.reshapeCopying(ops.transpose(result, {0, 2, 1, 3}), {0, 0, -1});
  return ops.finish({result, presentKey, presentValue, shown});
}

static llvm::Expected<Values> importAttention(NodeContext &node) {
  return AttentionBuilder(node).build();
}

//===----------------------------------------------------------------------===//
// RotaryEmbedding
//===----------------------------------------------------------------------===//

/// The two parts of the last dimension that rotate against each other.
static std::pair<Value, Value> splitPairs(Composition &ops, Value x,
                                          int64_t size, bool interleaved) {
  if (interleaved)
    return {ops.slice(x, 3, 0, size, 2), ops.slice(x, 3, 1, size, 2)};
  return {ops.slice(x, 3, 0, size / 2), ops.slice(x, 3, size / 2, size)};
}

namespace {
/// What rotary embeddings are made of, in either domain.
struct RotaryEmbedding {
  Value input;
  /// For each position: [batch, sequence, half], or broadcast to that.
  Value cosine, sine;
  int64_t heads = 0;   ///< For inputs [batch, sequence, heads * size].
  int64_t rotated = 0; ///< Of each head; 0 for all of it.
  bool interleaved = false;
};
} // namespace

static llvm::Expected<Values> rotate(NodeContext &node,
                                     const RotaryEmbedding &embedding) {
  int64_t rank = node.rank(embedding.input), rotated = embedding.rotated;
  Composition ops(node);
  // As [batch, sequence, heads, head size].
  Value x = rank == 4 ? ops.transpose(embedding.input, {0, 2, 1, 3})
                      : ops.reshapeCopying(embedding.input,
                                           {0, 0, embedding.heads, -1});
  if (ops.failed())
    return ops.finish({});
  int64_t size = rotated;
  if (size == 0) {
    size = shapeOf(x)[3];
    int64_t half = shapeOf(embedding.cosine).back();
    if (ShapedType::isDynamic(size) && !ShapedType::isDynamic(half))
      size = 2 * half;
    if (ShapedType::isDynamic(size))
      return node.unsupported("the head size is not known at compile time");
  }
  if (size < 2 || size % 2 != 0)
    return node.invalid("the rotated size must be even");
  Value cosine = ops.unsqueeze(embedding.cosine, {2});
  Value sine = ops.unsqueeze(embedding.sine, {2});
  auto [first, second] = splitPairs(ops, x, size, embedding.interleaved);
  Value real = ops.sub(ops.mul(cosine, first), ops.mul(sine, second));
  Value imaginary = ops.add(ops.mul(sine, first), ops.mul(cosine, second));
  Value result;
  if (embedding.interleaved) {
    // [..., half, 2] as [..., size].
    Value pairs = ops.concat(
        {ops.unsqueeze(real, {4}), ops.unsqueeze(imaginary, {4})}, 4);
    result = ops.reshapeCopying(pairs, {0, 0, 0, size});
  } else {
    result = ops.concat({real, imaginary}, 3);
  }
  if (rotated != 0)
    result = ops.concat({result, ops.slice(x, 3, size, INT64_MAX)}, 3);
  if (rank == 4)
    return ops.finish({ops.transpose(result, {0, 2, 1, 3})});
  return ops.finish({ops.reshapeLike(result, embedding.input)});
}

/// The attributes, and the input with its rank checked.
static llvm::Expected<RotaryEmbedding> readRotaryEmbedding(NodeContext &node) {
  RotaryEmbedding embedding;
  SLUICE_TRY(interleaved, node.node.getInt("interleaved", 0));
  SLUICE_TRY(rotated, node.node.getInt("rotary_embedding_dim", 0));
  SLUICE_TRY(heads, node.node.getInt("num_heads", 0));
  embedding.interleaved = interleaved != 0;
  embedding.rotated = rotated;
  embedding.heads = heads;
  embedding.input = node.input(0);
  int64_t rank = node.rank(embedding.input);
  if (rank != 3 && rank != 4)
    return node.invalid("the input must have rank 3 or 4");
  return embedding;
}

static llvm::Expected<Values> importRotaryEmbedding(NodeContext &node) {
  SLUICE_TRY(embedding, readRotaryEmbedding(node));
  if (node.rank(embedding.input) == 3 && embedding.heads < 1)
    return node.invalid("num_heads must be positive");
  if (node.rank(node.input(1)) < 1 || node.rank(node.input(2)) < 1)
    return node.invalid("the caches must have dimensions");
  Composition ops(node);
  auto angles = [&](size_t index) {
    Value cache = node.input(index);
    if (node.hasInput(3))
      cache =
          ops.make<GatherOp>({cache, node.input(3)}, node.integer("axis", 0));
    return cache;
  };
  embedding.cosine = angles(1);
  embedding.sine = angles(2);
  if (ops.failed())
    return ops.finish({});
  return rotate(node, embedding);
}

/// ONNX Runtime's form: positions come second, and one position is that of the
/// first token of every sequence.
static llvm::Expected<Values> importContribRotaryEmbedding(NodeContext &node) {
  SLUICE_TRY(embedding, readRotaryEmbedding(node));
  SLUICE_TRY(packed, node.node.getInt("is_packed_batching", 0));
  if (packed)
    return node.unsupported("packed batches");
  Value positions = node.input(1);
  bool isOffset = node.rank(positions) == 1;
  if (!isOffset && node.rank(positions) != 2)
    return node.invalid("the positions must be [1] or [batch, sequence]");
  if (node.rank(node.input(2)) != 2 || node.rank(node.input(3)) != 2)
    return node.invalid("the caches must be matrices");
  bool isRank3 = node.rank(embedding.input) == 3;
  if (isRank3 && embedding.heads < 1) {
    // All of each head is rotated then, so the caches tell its size.
    int64_t half = shapeOf(node.input(2))[1],
            width = shapeOf(embedding.input)[2];
    if (ShapedType::isDynamic(half) || ShapedType::isDynamic(width))
      return node.unsupported("the number of heads is not known at compile "
                              "time");
    if (half < 1 || width % (2 * half) != 0)
      return node.invalid("the heads do not fit the caches");
    embedding.heads = width / (2 * half);
  }
  Composition ops(node);
  if (isOffset) {
    Type wide = node.builder.getI64Type();
    Value length = ops.reshape(ops.size(embedding.input, isRank3 ? 1 : 2), {});
    Value steps =
        ops.make<RangeOp>({node.scalar(wide, 0), length, node.scalar(wide, 1)});
    positions = ops.unsqueeze(ops.add(steps, positions), {0});
  }
  auto angles = [&](size_t index) {
    return ops.make<GatherOp>({node.input(index), positions},
                              node.integer("axis", 0));
  };
  embedding.cosine = angles(2);
  embedding.sine = angles(3);
  if (ops.failed())
    return ops.finish({});
  return rotate(node, embedding);
}

void sluice::registerAttentionImports(ImportRegistry &registry) {
  registry.add("Attention", {3, 7, 4}, importAttention);
  registry.add("RotaryEmbedding", {3, 4}, importRotaryEmbedding);
  registry.add("com.microsoft.RotaryEmbedding", 4, importContribRotaryEmbedding,
               1);
}
