//===- RotaryEmbeddingImport.cpp - Rotary embeddings ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionComposition.h"
#include "ImportRegistry.h"
#include "RotaryEmbedding.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// Rotation
//===----------------------------------------------------------------------===//

/// The two parts of the last dimension that rotate against each other.
static std::pair<Value, Value> splitPairs(Composition &ops, Value x,
                                          const RotaryEmbedding &embedding) {
  NodeContext &node = ops.node;
  int64_t size = embedding.rotated;
  if (size == 0)
    size = shapeOf(x)[3];
  if (!ShapedType::isDynamic(size)) {
    if (embedding.interleaved)
      return {ops.slice(x, 3, 0, size, 2), ops.slice(x, 3, 1, size, 2)};
    return {ops.slice(x, 3, 0, size / 2), ops.slice(x, 3, size / 2, size)};
  }
  if (embedding.interleaved)
    return {ops.slice(x, 3, 0, INT64_MAX, 2), ops.slice(x, 3, 1, INT64_MAX, 2)};
  Value whole = ops.size(x, 3);
  Value half = ops.div(whole, node.constantVector(2));
  if (ops.failed())
    return {};
  return {ops.unwrap(sliceAxis(node, x, 3, node.constantVector(0), half)),
          ops.unwrap(sliceAxis(node, x, 3, half, whole))};
}

Value sluice::rotate(Composition &ops, const RotaryEmbedding &embedding,
                     Value x) {
  if (ops.failed())
    return nullptr;
  NodeContext &node = ops.node;
  int64_t rotated = embedding.rotated, size = shapeOf(x)[3];
  if (rotated != 0)
    size = rotated;
  if (!ShapedType::isDynamic(size) && (size < 2 || size % 2 != 0))
    return ops.fail(node.invalid("the rotated size must be even"));
  if (rotated != 0 && !ShapedType::isDynamic(shapeOf(x)[3]) &&
      rotated > shapeOf(x)[3])
    return ops.fail(node.invalid("more is rotated than a head has"));
  Value cosine = ops.unsqueeze(embedding.cosine, {2});
  Value sine = ops.unsqueeze(embedding.sine, {2});
  auto [first, second] = splitPairs(ops, x, embedding);
  Value real = ops.sub(ops.mul(cosine, first), ops.mul(sine, second));
  Value imaginary = ops.add(ops.mul(sine, first), ops.mul(cosine, second));
  Value result;
  if (embedding.interleaved)
    result = ops.make<InterleaveOp>({real, imaginary});
  else
    result = ops.concat({real, imaginary}, 3);
  if (rotated != 0 && rotated != shapeOf(x)[3])
    result = ops.concat({result, ops.slice(x, 3, size, INT64_MAX)}, 3);
  return result;
}

void sluice::demandPositions(Composition &ops, Value positions) {
  if (ops.failed())
    return;
  if (!elementTypeOf(positions).isInteger()) {
    ops.fail(ops.node.invalid("the positions must be integers"));
    return;
  }
  Value least =
      ops.reduce(ops.reshape(positions, {-1}), ReductionKind::Min, {0});
  demand(ops, arith::CmpIPredicate::sge, least, ops.node.constantVector(0),
         "a position is negative");
}

Value sluice::gatherAngles(Composition &ops, Value cache, Value positions) {
  if (ops.failed())
    return nullptr;
  if (ops.node.rank(cache) != 2)
    return ops.fail(ops.node.invalid("the caches must be matrices"));
  return ops.make<GatherOp>({cache, positions}, ops.node.integer("axis", 0));
}

Value sluice::countPositions(Composition &ops, Value first, Value length) {
  Type wide = ops.node.builder.getI64Type();
  Value steps =
      ops.make<RangeOp>({ops.node.scalar(wide, 0), ops.reshape(length, {}),
                         ops.node.scalar(wide, 1)});
  return ops.add(ops.unsqueeze(first, {1}), steps);
}

//===----------------------------------------------------------------------===//
// RotaryEmbedding
//===----------------------------------------------------------------------===//

namespace {
/// A RotaryEmbedding node of either domain.
struct RotaryNode {
  RotaryEmbedding embedding;
  int64_t rank = 0;
  int64_t heads = 0; ///< For inputs [batch, sequence, heads * size].
};
} // namespace

/// The attributes, and the input's rank, checked.
static llvm::Expected<RotaryNode> readRotaryNode(NodeContext &node) {
  RotaryNode rotary;
  SLUICE_TRY(interleaved, node.node.getInt("interleaved", 0));
  SLUICE_TRY(rotated, node.node.getInt("rotary_embedding_dim", 0));
  SLUICE_TRY(heads, node.node.getInt("num_heads", 0));
  if (rotated < 0)
    return node.invalid("rotary_embedding_dim must not be negative");
  rotary.embedding.interleaved = interleaved != 0;
  rotary.embedding.rotated = rotated;
  rotary.heads = heads;
  rotary.rank = node.rank(node.input(0));
  if (rotary.rank != 3 && rotary.rank != 4)
    return node.invalid("the input must have rank 3 or 4");
  return rotary;
}

/// Positions [batch, sequence], one of each token.
static Value readPositions(Composition &ops, const RotaryNode &rotary,
                           size_t index) {
  Value input = ops.node.input(0);
  int64_t sequence = rotary.rank == 3 ? 1 : 2;
  // What becomes of them stays the same for queries and keys.
  demandShape(ops, ops.node.input(index),
              {ops.size(input, 0), ops.size(input, sequence)}, "position_ids");
  demandPositions(ops, ops.node.input(index));
  return ops.node.input(index);
}

/// Input 0 rotated, in its own order of dimensions.
static llvm::Expected<Values> finishRotaryNode(Composition &ops,
                                               const RotaryNode &rotary) {
  Value input = ops.node.input(0);
  if (rotary.rank == 4)
    return ops.finish(
        {swapHeads(ops, rotate(ops, rotary.embedding, swapHeads(ops, input)))});
  Value rotated =
      rotate(ops, rotary.embedding, splitHeads(ops, input, rotary.heads));
  return ops.finish({ops.reshapeLike(rotated, input)});
}

static llvm::Expected<Values> importRotaryEmbedding(NodeContext &node) {
  SLUICE_TRY(rotary, readRotaryNode(node));
  if (rotary.rank == 3 && rotary.heads < 1)
    return node.invalid("num_heads must be positive");
  Composition ops(node);
  Value positions;
  if (node.hasInput(3) && node.rank(node.input(3)) != 2)
    return node.invalid("the positions must be [batch, sequence]");
  if (node.hasInput(3))
    positions = readPositions(ops, rotary, 3);
  auto angles = [&](size_t index) -> Value {
    Value cache = node.input(index);
    if (positions)
      return gatherAngles(ops, cache, positions);
    if (node.rank(cache) != 3)
      return ops.fail(node.invalid("without positions, the caches must have "
                                   "three dimensions"));
    return cache;
  };
  rotary.embedding.cosine = angles(1);
  rotary.embedding.sine = angles(2);
  return finishRotaryNode(ops, rotary);
}

/// ONNX Runtime's form: positions come second, and one position is that of the
/// first token of every sequence.
static llvm::Expected<Values> importContribRotaryEmbedding(NodeContext &node) {
  SLUICE_TRY(rotary, readRotaryNode(node));
  SLUICE_TRY(packed, node.node.getInt("is_packed_batching", 0));
  if (packed)
    return node.unsupported("packed batches");
  Value positions = node.input(1);
  bool isOffset = node.rank(positions) == 1;
  if (!isOffset && node.rank(positions) != 2)
    return node.invalid("the positions must be [1] or [batch, sequence]");
  if (node.rank(node.input(2)) != 2 || node.rank(node.input(3)) != 2)
    return node.invalid("the caches must be matrices");
  bool isMerged = rotary.rank == 3;
  if (isMerged && rotary.heads < 1) {
    // All of each head is rotated then, so the caches tell its size.
    int64_t half = shapeOf(node.input(2))[1], width = shapeOf(node.input(0))[2];
    if (ShapedType::isDynamic(half) || ShapedType::isDynamic(width))
      return node.unsupported("the number of heads is not known at compile "
                              "time");
    if (half < 1 || width % (2 * half) != 0)
      return node.invalid("the heads do not fit the caches");
    rotary.heads = width / (2 * half);
  }
  Composition ops(node);
  if (isOffset) {
    demandShape(ops, positions, node.constantVector(1), "position_ids");
    demandPositions(ops, positions);
    positions = countPositions(ops, positions,
                               ops.size(node.input(0), isMerged ? 1 : 2));
  } else {
    positions = readPositions(ops, rotary, 1);
  }
  rotary.embedding.cosine = gatherAngles(ops, node.input(2), positions);
  rotary.embedding.sine = gatherAngles(ops, node.input(3), positions);
  return finishRotaryNode(ops, rotary);
}

void sluice::registerRotaryEmbeddingImports(ImportRegistry &registry) {
  registry.add("RotaryEmbedding", {3, 4}, importRotaryEmbedding);
  registry.add("com.microsoft.RotaryEmbedding", 4, importContribRotaryEmbedding,
               1);
}
