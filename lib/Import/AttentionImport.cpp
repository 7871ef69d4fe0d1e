//===- AttentionImport.cpp - Attention ------------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionComposition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

namespace {

/// Reads an Attention node of the standard. A query that sees no key gives
/// zeros.
class AttentionReader {
public:
  explicit AttentionReader(NodeContext &node) : node(node), ops(node) {}
  llvm::Expected<Values> read();

private:
  llvm::Error readTensors();
  void readPast();
  llvm::Error readMasks();
  llvm::Error readPlaces();
  llvm::Expected<Values> finish();

  NodeContext &node;
  Composition ops;
  AttentionParts parts;
  bool isMerged = false; ///< heads and their elements are one dimension
  Value presentKey, presentValue;
};

} // namespace

llvm::Error AttentionReader::readTensors() {
  Value query = node.input(0), key = node.input(1), value = node.input(2);
  int64_t rank = node.rank(query);
  if ((rank != 3 && rank != 4) || node.rank(key) != rank ||
      node.rank(value) != rank)
    return node.invalid("Q, K and V must all have rank 3 or 4");
  isMerged = rank == 3;
  if (isMerged) {
    SLUICE_TRY(queryHeads, node.node.getInt("q_num_heads"));
    SLUICE_TRY(keyHeads, node.node.getInt("kv_num_heads"));
    if (queryHeads < 1 || keyHeads < 1)
      return node.invalid("the numbers of heads must be positive");
    parts.setQuery(splitHeads(ops, query, queryHeads));
    parts.setKey(splitHeads(ops, key, keyHeads));
    parts.setValue(splitHeads(ops, value, keyHeads));
    parts.setResultOrder();
  } else {
    parts.query = query;
    parts.key = key;
    parts.value = value;
  }
  if (node.node.hasAttribute("scale")) {
    SLUICE_TRY(scale, node.node.getFloat("scale"));
    parts.scale = scale;
  }
  SLUICE_TRY(softcap, node.node.getFloat("softcap", 0.0f));
  parts.softcap = std::max(softcap, 0.0f);
  // Softmax is computed in f32, or f64 for f64, whatever is asked for.
  SLUICE_TRY(precision, node.node.getInt("softmax_precision", 0));
  if (precision != 0 &&
      !isa_and_present<FloatType>(node.elementType(precision)))
    return node.unsupported("this softmax_precision");
  return llvm::Error::success();
}

/// Keys and values of earlier runs come in front. Caches are [B, H, T, D].
void AttentionReader::readPast() {
  bool hasPast = node.hasInput(4);
  if (!hasPast && !node.isUsed(1) && !node.isUsed(2))
    return;
  presentKey = isMerged ? swapHeads(ops, parts.key) : parts.key;
  presentValue = isMerged ? swapHeads(ops, parts.value) : parts.value;
  if (!hasPast)
    return;
  presentKey = ops.concat({node.input(4), presentKey}, 2);
  presentValue = ops.concat({node.input(5), presentValue}, 2);
  parts.key = presentKey;
  parts.value = presentValue;
  parts.keyOrder = parts.valueOrder = {0, 1, 2, 3};
}

llvm::Error AttentionReader::readMasks() {
  if (!node.hasInput(3))
    return llvm::Error::success();
  Value mask = node.input(3);
  ArrayRef<int64_t> shape = shapeOf(mask);
  if (shape.size() > 4)
    return node.invalid("the mask has more than four dimensions");
  if (shape.size() == 4 && !ops.failed()) {
    int64_t batch = shapeOf(parts.query)[0];
    if (!ShapedType::isDynamic(shape[0]) && !ShapedType::isDynamic(batch) &&
        shape[0] != 1 && shape[0] != batch)
      return node.invalid("the mask is for a batch of " + Twine(shape[0]) +
                          ", not " + Twine(batch));
  }
  bool isBias = !elementTypeOf(mask).isInteger(1);
  // A mask may cover the first keys only, and the others do not count.
  // Broadcasting was all there is at first.
  if (node.opset() >= 24)
    mask = coverKeys(ops, parts, mask, "the mask",
                     isBias ? -std::numeric_limits<double>::infinity() : 0);
  (isBias ? parts.bias : parts.mask) = mask;
  return llvm::Error::success();
}

/// Which keys a query sees from where it stands, and how many there are.
llvm::Error AttentionReader::readPlaces() {
  SLUICE_TRY(causal, node.node.getInt("is_causal", 0));
  SLUICE_TRY(left, node.node.getInt("left_window_size", -1));
  SLUICE_TRY(right, node.node.getInt("right_window_size", -1));
  if (left < -1 || right < -1)
    return node.invalid("a window's size must be -1 or more");
  if (left >= 0)
    parts.left = left;
  if (right >= 0)
    parts.right = right;
  if (causal)
    parts.right = 0;
  if (node.hasInput(6))
    parts.lengths = withShape(ops, perBatch(ops, node.input(6)),
                              ops.size(parts.query, parts.queryOrder[0]),
                              "nonpad_kv_seqlen");
  if (!parts.left && !parts.right)
    return llvm::Error::success();
  // Queries come after the cached keys.
  if (node.hasInput(4))
    parts.position = scalarSize(ops, node.input(4), 2);
  else if (parts.lengths)
    parts.position = ops.sub(parts.lengths,
                             scalarSize(ops, parts.query, parts.queryOrder[2]));
  return llvm::Error::success();
}

llvm::Expected<Values> AttentionReader::finish() {
  SLUICE_TRY(mode, node.node.getInt("qk_matmul_output_mode", 0));
  Value result, shown;
  if (node.isUsed(3)) {
    if (mode < 0 || mode > 3)
      return node.invalid("qk_matmul_output_mode must be 0 to 3");
    AttentionStages stages = makeAttentionStages(ops, parts);
    result = stages.result;
    Value shownStages[] = {stages.product, stages.capped, stages.scores,
                           stages.weights};
    shown = ops.cast(shownStages[mode], elementTypeOf(node.input(0)));
  } else {
    result = makeAttention(ops, parts);
  }
  if (isMerged)
    result = mergeHeads(ops, result);
  return ops.finish({result, presentKey, presentValue, shown});
}

llvm::Expected<Values> AttentionReader::read() {
  if (node.hasInput(4) != node.hasInput(5))
    return node.invalid("past_key and past_value must be given together");
  if (node.hasInput(4) && node.hasInput(6))
    return node.invalid("nonpad_kv_seqlen does not go with past keys");
  if (llvm::Error error = readTensors())
    return error;
  if (!ops.failed())
    readPast();
  if (llvm::Error error = readMasks())
    return error;
  if (llvm::Error error = readPlaces())
    return error;
  return finish();
}

static llvm::Expected<Values> importAttention(NodeContext &node) {
  return AttentionReader(node).read();
}

void sluice::registerAttentionImports(ImportRegistry &registry) {
  registry.add("Attention", {3, 7, 4}, importAttention);
}
