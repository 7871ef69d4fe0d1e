//===- GroupQueryAttentionImport.cpp - GroupQueryAttention ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// ONNX Runtime's operator of language models: causal attention with caches that
// have room for more tokens than there are, or that grow with each run.
//
//===----------------------------------------------------------------------===//

#include "AttentionComposition.h"
#include "ImportRegistry.h"
#include "RotaryEmbedding.h"

using namespace mlir;
using namespace sluice;

namespace {

class GroupQueryReader {
public:
  explicit GroupQueryReader(NodeContext &node) : node(node), ops(node) {}
  llvm::Expected<Values> read();

private:
  /// Numbers of inputs.
  enum Input : unsigned {
    queryInput,
    keyInput,
    valueInput,
    pastKeyInput,
    pastValueInput,
    lengthsInput,
    totalLengthInput,
    cosinesInput,
    sinesInput,
    positionsInput,
    biasInput,
    sinksInput,
    keyScaleInput,
    valueScaleInput,
    queryNormInput,
    keyNormInput
  };

  llvm::Error checkSupport();
  llvm::Error readHeads();
  void readTensors();
  llvm::Error normalise();
  void readLengths();
  llvm::Error rotateHeads();
  Value tokenPositions();
  llvm::Error readVisibility();
  void extendCaches();
  Value extendCache(Value past, Value updates, unsigned output);
  void readBias();
  llvm::Error readSinks();
  llvm::Expected<Values> finish();

  bool hasPast() const;
  Value integer(int64_t number) {
    return node.scalar(node.builder.getI64Type(), number);
  }

  NodeContext &node;
  Composition ops;
  AttentionParts parts;
  int64_t queryHeads = 0, keyHeads = 0;
  /// [B, S, H, D], of this run's tokens.
  Value query, key, value;
  Value presentKey, presentValue;
  /// [1]: this run's tokens, and the most that there are with the past's.
  Value count, total;
  Value isPrompt; ///< are there no others?
};

} // namespace

llvm::Error GroupQueryReader::checkSupport() {
  if (node.hasInput(keyScaleInput) || node.hasInput(valueScaleInput))
    return node.unsupported("quantised caches");
  for (const char *name : {"k_quant_type", "v_quant_type"}) {
    SLUICE_TRY(kind, node.node.getString(name, "NONE"));
    if (kind != "NONE")
      return node.unsupported("quantised caches");
  }
  SLUICE_TRY(slides, node.node.getInt("sliding_window_cache", 0));
  if (slides)
    return node.unsupported("caches of a window's size");
  if (!node.hasInput(lengthsInput) || !node.hasInput(totalLengthInput))
    return node.invalid("seqlens_k or total_sequence_length is missing");
  if (node.hasInput(keyInput) != node.hasInput(valueInput))
    return node.invalid("key and value must be given together");
  if (node.hasInput(pastKeyInput) != node.hasInput(pastValueInput))
    return node.invalid("past_key and past_value must be given together");
  return llvm::Error::success();
}

llvm::Error GroupQueryReader::readHeads() {
  SLUICE_TRY(heads, node.node.getInt("num_heads"));
  SLUICE_TRY(shared, node.node.getInt("kv_num_heads"));
  if (heads < 1 || shared < 1)
    return node.invalid("the numbers of heads must be positive");
  if (heads % shared != 0)
    return node.invalid(Twine(heads) + " query heads are no multiple of " +
                        Twine(shared) + " key heads");
  queryHeads = heads;
  keyHeads = shared;
  return llvm::Error::success();
}

void GroupQueryReader::readTensors() {
  if (node.hasInput(keyInput)) {
    query = splitHeads(ops, node.input(queryInput), queryHeads);
    key = splitHeads(ops, node.input(keyInput), keyHeads);
    value = splitHeads(ops, node.input(valueInput), keyHeads);
    return;
  }
  int64_t keysEnd = queryHeads + keyHeads, all = keysEnd + keyHeads;
  Value packed = splitHeads(ops, node.input(queryInput), all);
  query = ops.slice(packed, 2, 0, queryHeads);
  key = ops.slice(packed, 2, queryHeads, keysEnd);
  value = ops.slice(packed, 2, keysEnd, all);
}

llvm::Error GroupQueryReader::normalise() {
  if (node.hasInput(queryNormInput) != node.hasInput(keyNormInput))
    return node.invalid(
        "q_norm_weight and k_norm_weight must be given together");
  if (!node.hasInput(queryNormInput))
    return llvm::Error::success();
  SLUICE_TRY(epsilon, node.node.getFloat("qk_norm_epsilon", 1e-6f));
  auto normalised = [&](Value heads, size_t weight) {
    return ops.make<RmsNormOp>(
        {heads, node.input(weight)},
        {node.integer("axis", 3), node.real("epsilon", epsilon)});
  };
  query = normalised(query, queryNormInput);
  key = normalised(key, keyNormInput);
  return llvm::Error::success();
}

bool GroupQueryReader::hasPast() const {
  return node.hasInput(pastKeyInput) &&
         (node.rank(node.input(pastKeyInput)) != 4 ||
          shapeOf(node.input(pastKeyInput))[2] != 0);
}

/// Where this run's tokens stand. In a prompt all sequences start at the
/// beginning, and the shorter ones are padded behind.
void GroupQueryReader::readLengths() {
  count = ops.size(query, 1);
  Value last = perBatch(ops, node.input(lengthsInput));
  parts.lengths = ops.add(last, integer(1));
  total = hasPast() ? ops.reshape(ops.cast(node.input(totalLengthInput),
                                           node.builder.getI64Type()),
                                  {1})
                    : count;
  last = ops.reshape(last, {-1});
  StringRef message = "seqlens_k is not within total_sequence_length";
  demand(ops, arith::CmpIPredicate::sge,
         ops.reduce(last, ReductionKind::Min, {0}), node.constantVector(0),
         message);
  demand(ops, arith::CmpIPredicate::slt,
         ops.reduce(last, ReductionKind::Max, {0}), total, message);
  if (!hasPast())
    return;
  isPrompt = ops.make<EqualOp>({total, count});
  parts.position =
      ops.select(isPrompt, integer(0), ops.sub(parts.lengths, count));
}

/// [batch or 1, tokens]. Of the positions that are given for a prompt only the
/// first one counts.
Value GroupQueryReader::tokenPositions() {
  Value first = node.constantVector(0);
  if (!node.hasInput(positionsInput)) {
    if (parts.position)
      first = parts.position;
    return countPositions(ops, first, count);
  }
  Value given = ops.cast(node.input(positionsInput), node.builder.getI64Type());
  if (ops.failed())
    return nullptr;
  if (node.rank(given) != 2)
    return ops.fail(node.invalid("the positions must be [batch, sequence]"));
  demandShape(ops, given, {ops.size(query, 0), count}, "position_ids");
  Value start = ops.slice(ops.slice(given, 0, 0, 1), 1, 0, 1);
  Value counted = countPositions(ops, ops.squeeze(start, {1}), count);
  Value positions = isPrompt ? ops.select(isPrompt, counted, given) : counted;
  demandPositions(ops, positions);
  return positions;
}

llvm::Error GroupQueryReader::rotateHeads() {
  SLUICE_TRY(isRotary, node.node.getInt("do_rotary", 0));
  if (!isRotary)
    return llvm::Error::success();
  if (!node.hasInput(cosinesInput) || !node.hasInput(sinesInput))
    return node.invalid("do_rotary needs cos_cache and sin_cache");
  SLUICE_TRY(interleaved, node.node.getInt("rotary_interleaved", 0));
  RotaryEmbedding embedding;
  embedding.interleaved = interleaved != 0;
  if (node.rank(node.input(cosinesInput)) == 2) {
    int64_t half = shapeOf(node.input(cosinesInput))[1];
    if (ShapedType::isDynamic(half))
      half = node.rank(node.input(sinesInput)) == 2
                 ? shapeOf(node.input(sinesInput))[1]
                 : half;
    if (!ShapedType::isDynamic(half))
      embedding.rotated = 2 * half;
  }
  Value positions = tokenPositions();
  embedding.cosine = gatherAngles(ops, node.input(cosinesInput), positions);
  embedding.sine = gatherAngles(ops, node.input(sinesInput), positions);
  query = rotate(ops, embedding, query);
  key = rotate(ops, embedding, key);
  return llvm::Error::success();
}

llvm::Error GroupQueryReader::readVisibility() {
  SLUICE_TRY(causal, node.node.getInt("causal", 1));
  SLUICE_TRY(window, node.node.getInt("local_window_size", -1));
  if (causal != 0)
    parts.right = 0;
  else if (window != -1)
    return node.invalid("local_window_size goes with causal attention");
  if (window > 0)
    parts.left = window - 1;
  SLUICE_TRY(scale, node.node.getFloat("scale", 0.0f));
  if (scale != 0)
    parts.scale = scale;
  SLUICE_TRY(softcap, node.node.getFloat("softcap", 0.0f));
  parts.softcap = std::max(softcap, 0.0f);
  return llvm::Error::success();
}

/// A cache with this run's tokens in it, [B, H, T, D]. One with room for them
/// stays as large as it is; any other grows.
Value GroupQueryReader::extendCache(Value past, Value updates,
                                    unsigned output) {
  if (ops.failed())
    return nullptr;
  if (node.rank(past) != 4)
    return ops.fail(node.invalid("the caches must have four dimensions"));
  int64_t room = shapeOf(past)[2];
  auto known = evaluateConstantElement(total, 0);
  auto declared = node.declaredSize(output, 2);
  bool hasRoom = !ShapedType::isDynamic(room) &&
                 ((known && *known <= room) || declared == room);
  // A wrong number must not make a cache of any size.
  demand(ops, arith::CmpIPredicate::sle, total,
         hasRoom ? ops.size(past, 2) : ops.add(ops.size(past, 2), count),
         "total_sequence_length is beyond the past and this run's tokens");
  if (!hasRoom) {
    Value more = ops.make<MaxOp>(
        {ops.sub(total, ops.size(past, 2)), node.constantVector(0)});
    Value none = node.constantVector({0, 0});
    if (ops.failed())
      return nullptr;
    Value widths =
        ops.unwrap(joinVectors(node, {none, more, node.constantVector(0)}));
    if (ops.failed())
      return nullptr;
    past = ops.unwrap(
        padEnd(node, past, node.scalar(elementTypeOf(past), 0), widths));
  }
  return writeToCache(ops, past, updates, parts.position);
}

void GroupQueryReader::extendCaches() {
  parts.setQuery(query);
  parts.setResultOrder();
  if (hasPast()) {
    presentKey = extendCache(node.input(pastKeyInput), swapHeads(ops, key),
                             /*output=*/1);
    presentValue = extendCache(node.input(pastValueInput),
                               swapHeads(ops, value), /*output=*/2);
    parts.key = presentKey;
    parts.value = presentValue;
    return;
  }
  parts.setKey(key);
  parts.setValue(value);
  presentKey = swapHeads(ops, key);
  presentValue = swapHeads(ops, value);
}

/// The bias covers the tokens that there are; a cache may have room for more.
void GroupQueryReader::readBias() {
  if (!node.hasInput(biasInput))
    return;
  Value bias = node.input(biasInput);
  if (node.rank(bias) != 4) {
    ops.fail(node.invalid("attention_bias must have four dimensions"));
    return;
  }
  parts.bias = coverKeys(ops, parts, bias, "attention_bias", 0, total);
}

llvm::Error GroupQueryReader::readSinks() {
  SLUICE_TRY(isSmooth, node.node.getInt("smooth_softmax", 0));
  if (node.hasInput(sinksInput))
    parts.sinks = node.input(sinksInput);
  else if (isSmooth == 1)
    parts.sinks = ops.make<BroadcastOp>({node.scalar(elementTypeOf(query), 0),
                                         node.constantVector(queryHeads)});
  return llvm::Error::success();
}

llvm::Expected<Values> GroupQueryReader::finish() {
  SLUICE_TRY(kind, node.node.getInt("qk_output", 0));
  if (!node.isUsed(3) || kind == 0) {
    Value result = mergeHeads(ops, makeAttention(ops, parts));
    return ops.finish({result, presentKey, presentValue, Value()});
  }
  AttentionStages stages = makeAttentionStages(ops, parts);
  Value shown = stages.weights;
  if (kind == 1 && !ops.failed()) {
    // Scores that do not count are zeros.
    Value lowest =
        ops.number(stages.scores, -std::numeric_limits<double>::infinity());
    shown = ops.select(ops.make<EqualOp>({stages.scores, lowest}),
                       ops.number(stages.scores, 0), stages.scores);
  }
  if (hasPast() && !ops.failed())
    shown =
        ops.unwrap(sliceAxis(node, shown, 3, node.constantVector(0), total));
  shown = ops.cast(shown, elementTypeOf(node.input(queryInput)));
  Value result = mergeHeads(ops, stages.result);
  return ops.finish({result, presentKey, presentValue, shown});
}

llvm::Expected<Values> GroupQueryReader::read() {
  if (llvm::Error error = checkSupport())
    return error;
  if (llvm::Error error = readHeads())
    return error;
  readTensors();
  if (ops.failed())
    return ops.finish({});
  if (llvm::Error error = normalise())
    return error;
  readLengths();
  if (llvm::Error error = rotateHeads())
    return error;
  if (llvm::Error error = readVisibility())
    return error;
  extendCaches();
  readBias();
  if (ops.failed())
    return ops.finish({});
  if (llvm::Error error = readSinks())
    return error;
  return finish();
}

static llvm::Expected<Values> importGroupQueryAttention(NodeContext &node) {
  return GroupQueryReader(node).read();
}

void sluice::registerGroupQueryAttentionImports(ImportRegistry &registry) {
  registry.add("com.microsoft.GroupQueryAttention", {1, 16, 4},
               importGroupQueryAttention, 1);
}
