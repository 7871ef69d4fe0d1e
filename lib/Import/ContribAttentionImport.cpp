//===- ContribAttentionImport.cpp - Attention in ONNX Runtime's domain ----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionComposition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

/// Padding with this much less than its score does not count, as it does not in
/// decomposed attention. Other numbers are added.
static constexpr double hidingFiller = -1e4;

namespace {

/// What the operators have in common: heads, padding, causality and caches.
class ContribAttention {
public:
  explicit ContribAttention(NodeContext &node) : node(node), ops(node) {}

protected:
  llvm::Error readAttributes();
  /// `mask` in any of its forms; null for none.
  llvm::Error readPadding(Value mask);
  llvm::Error readBias(Value bias);
  /// Keys and values [B, H, S, D] of earlier runs come in front. Where
  /// `pastLength` is given, the caches have room for this run's.
  void readCaches(Value pastKey, Value pastValue, Value pastLength);
  void readCausality();
  void finishPadding();
  /// The attention's result as [B, S, H * D].
  Value finishResult() { return mergeHeads(ops, makeAttention(ops, parts)); }

  NodeContext &node;
  Composition ops;
  AttentionParts parts;
  int64_t heads = 0;
  double filler = -10000; ///< added to the scores of padding
  bool isCausal = false;
  Value presentKey, presentValue;

private:
  llvm::Error readLengths(Value lengths);
  void hide(Value visible) {
    parts.mask = parts.mask ? ops.make<AndOp>({parts.mask, visible}) : visible;
  }
  /// Keys from there on are padding.
  void endSequences(Value lengths) {
    if (filler <= hidingFiller)
      limitKeys(lengths);
    else
      hide(ops.make<LessOp>({countKeys(), ops.unsqueeze(lengths, {1, 2, 3})}));
  }
  void limitKeys(Value lengths) {
    parts.lengths =
        parts.lengths ? ops.make<MinOp>({parts.lengths, lengths}) : lengths;
  }
  Value countKeys() {
    return ops.make<IotaOp>(parts.key,
                            node.integer("dimension", parts.keyOrder[2]));
  }

  /// How many keys masks are for: a cache may have room for more.
  Value countMasked() {
    return filled ? filled : ops.size(parts.key, parts.keyOrder[2]);
  }

  bool hasPadding = false;
  Value filled; ///< [1]: the keys of a cache that has room for more
};

} // namespace

llvm::Error ContribAttention::readAttributes() {
  SLUICE_TRY(number, node.node.getInt("num_heads"));
  if (number < 1)
    return node.invalid("num_heads must be positive");
  heads = number;
  SLUICE_TRY(scale, node.node.getFloat("scale", 0.0f));
  if (scale != 0)
    parts.scale = scale;
  SLUICE_TRY(fill, node.node.getFloat("mask_filter_value", -10000.0f));
  filler = fill;
  SLUICE_TRY(causal, node.node.getInt("unidirectional", 0));
  isCausal = causal != 0;
  return llvm::Error::success();
}

/// The ends of the sequences, then maybe their beginnings, or what only other
/// kernels than CPUs' read.
llvm::Error ContribAttention::readLengths(Value lengths) {
  int64_t count = shapeOf(lengths)[0],
          batch = shapeOf(parts.query)[parts.queryOrder[0]];
  Value wide = perBatch(ops, lengths);
  if (ShapedType::isDynamic(count) || ShapedType::isDynamic(batch) ||
      count == batch) {
    endSequences(wide);
    return llvm::Error::success();
  }
  if (count != 2 * batch && count != 3 * batch + 2)
    return node.invalid("a mask of one dimension must have " + Twine(batch) +
                        ", " + Twine(2 * batch) + " or " +
                        Twine(3 * batch + 2) + " elements");
  endSequences(ops.slice(wide, 0, 0, batch));
  if (count == 2 * batch) {
    Value begin = ops.slice(wide, 0, batch, 2 * batch);
    hide(ops.make<GreaterEqualOp>(
        {countKeys(), ops.unsqueeze(begin, {1, 2, 3})}));
  }
  return llvm::Error::success();
}

llvm::Error ContribAttention::readPadding(Value mask) {
  if (!mask || ops.failed())
    return llvm::Error::success();
  ArrayRef<int64_t> shape = shapeOf(mask);
  hasPadding = true;
  switch (shape.size()) {
  case 1:
    return readLengths(mask);
  case 2:
    // One element for all keys has no effect.
    if (shape[1] == 1 && shapeOf(parts.key)[parts.keyOrder[2]] != 1) {
      hasPadding = false;
      return llvm::Error::success();
    }
    break;
  case 3:
    break;
  case 4:
    return node.unsupported("masks with four dimensions");
  default:
    return node.invalid("the mask must have one to four dimensions");
  }
  Value visible = ops.make<GreaterOp>({mask, ops.number(mask, 0)});
  visible = shape.size() == 2 ? ops.unsqueeze(visible, {1, 2})
                              : ops.unsqueeze(visible, {1});
  hide(coverKeys(ops, parts, visible, "the mask", 0, countMasked()));
  return llvm::Error::success();
}

llvm::Error ContribAttention::readBias(Value bias) {
  if (!bias)
    return llvm::Error::success();
  if (node.rank(bias) != 4)
    return node.invalid("the attention bias must have four dimensions");
  parts.bias =
      coverKeys(ops, parts, bias, "the attention bias", 0, countMasked());
  return llvm::Error::success();
}

void ContribAttention::readCaches(Value pastKey, Value pastValue,
                                  Value pastLength) {
  auto inHeads = [&](Value tensor, ArrayRef<int64_t> order) {
    return order[1] == 1 ? tensor : swapHeads(ops, tensor);
  };
  presentKey = inHeads(parts.key, parts.keyOrder);
  presentValue = inHeads(parts.value, parts.valueOrder);
  if (!pastKey || ops.failed())
    return;
  if (node.rank(pastKey) != 4 || node.rank(pastValue) != 4) {
    ops.fail(node.invalid("the past keys and values must have four "
                          "dimensions"));
    return;
  }
  if (pastLength) {
    Value length =
        ops.reshape(ops.cast(pastLength, node.builder.getI64Type()), {});
    filled = ops.add(ops.reshape(length, {1}), ops.size(presentKey, 2));
    limitKeys(ops.reshape(filled, {}));
    presentKey = writeToCache(ops, pastKey, presentKey, length);
    presentValue = writeToCache(ops, pastValue, presentValue, length);
    parts.position = length;
  } else {
    presentKey = ops.concat({pastKey, presentKey}, 2);
    presentValue = ops.concat({pastValue, presentValue}, 2);
    parts.position = scalarSize(ops, pastKey, 2);
  }
  parts.key = presentKey;
  parts.value = presentValue;
  parts.keyOrder = parts.valueOrder = {0, 1, 2, 3};
}

void ContribAttention::readCausality() {
  if (isCausal)
    parts.right = 0;
  else
    parts.position = nullptr;
}

/// Padding is a large number less than the other scores, and what comes later
/// the lowest one. So a query that only sees padding has a softmax over that.
void ContribAttention::finishPadding() {
  if (!hasPadding || ops.failed())
    return;
  Type f32 = node.builder.getF32Type();
  if (filler > hidingFiller) {
    Value fill =
        ops.select(parts.mask, node.scalar(f32, 0), node.scalar(f32, filler));
    parts.bias = parts.bias ? ops.add(ops.cast(parts.bias, f32), fill) : fill;
    parts.mask = nullptr;
    return;
  }
  double lowest = std::numeric_limits<float>::lowest();
  // A softmax over nothing but -inf is NaN.
  if (std::isinf(filler) && !isCausal) {
    parts.nanRows = true;
    return;
  }
  // Scores vanish beside numbers that are large enough.
  bool swallows = filler < -1e30;
  Value fallback = node.scalar(f32, filler);
  if (parts.bias && !swallows)
    fallback = ops.add(ops.cast(parts.bias, f32), fallback);
  if (isCausal && filler > lowest) {
    Value place = ops.unsqueeze(
        ops.make<IotaOp>(parts.query,
                         node.integer("dimension", parts.queryOrder[2])),
        {1});
    if (parts.position)
      place = ops.add(place, parts.position);
    fallback = ops.select(ops.make<LessEqualOp>({countKeys(), place}), fallback,
                          node.scalar(f32, lowest));
  }
  parts.fallback = fallback;
}

//===----------------------------------------------------------------------===//
// Attention and QAttention
//===----------------------------------------------------------------------===//

namespace {

/// Projects the input to queries, keys and values with one weight.
class ProjectedAttention : public ContribAttention {
public:
  using ContribAttention::ContribAttention;

  /// `mask`, `past` and `bias` may be null; past keys and values are stacked.
  llvm::Expected<Values> read(Value projected, Value mask, Value past,
                              Value bias);
  /// What is read in front of the projection.
  llvm::Error check();
  /// Makes `projected` in the same composition.
  Composition &steps() { return ops; }

private:
  llvm::Error split(Value projected);
};

} // namespace

llvm::Error ProjectedAttention::check() {
  for (const char *name : {"do_rotary", "past_present_share_buffer"}) {
    SLUICE_TRY(flag, node.node.getInt(name, 0));
    if (flag)
      return node.unsupported("'" + Twine(name) + "'");
  }
  if (node.rank(node.input(0)) != 3)
    return node.invalid("the input must have three dimensions");
  if (node.rank(node.input(1)) != 2)
    return node.invalid("the weights must be a matrix");
  return readAttributes();
}

llvm::Error ProjectedAttention::split(Value projected) {
  int64_t width = shapeOf(projected)[2];
  SLUICE_TRY(sizes, node.node.getInts("qkv_hidden_sizes", {}));
  if (sizes.empty()) {
    if (ShapedType::isDynamic(width))
      return node.unsupported("the weights' sizes are not known at compile "
                              "time");
    if (width % 3 != 0)
      return node.invalid(Twine(width) + " columns of the weights are not "
                                         "three parts");
    sizes.assign(3, width / 3);
  }
  if (sizes.size() != 3 || sizes[0] < 0 || sizes[1] != sizes[0] || sizes[2] < 0)
    return node.invalid("qkv_hidden_sizes must be three sizes, and those of "
                        "queries and keys equal");
  int64_t keysEnd = 2 * sizes[0], end = keysEnd + sizes[2];
  if (!ShapedType::isDynamic(width) && width != end)
    return node.invalid("the weights have " + Twine(width) +
                        " columns, and qkv_hidden_sizes makes " + Twine(end));
  parts.setQuery(splitHeads(ops, ops.slice(projected, 2, 0, sizes[0]), heads));
  parts.setKey(
      splitHeads(ops, ops.slice(projected, 2, sizes[0], keysEnd), heads));
  parts.setValue(splitHeads(ops, ops.slice(projected, 2, keysEnd, end), heads));
  parts.setResultOrder();
  return llvm::Error::success();
}

llvm::Expected<Values> ProjectedAttention::read(Value projected, Value mask,
                                                Value past, Value bias) {
  if (ops.failed())
    return ops.finish({});
  if (llvm::Error error = split(projected))
    return error;
  if (ops.failed())
    return ops.finish({});
  Value pastKey, pastValue;
  if (past) {
    if (node.rank(past) != 5)
      return node.invalid("the past must have five dimensions");
    auto half = [&](int64_t i) {
      return ops.squeeze(ops.slice(past, 0, i, i + 1), {0});
    };
    pastKey = half(0);
    pastValue = half(1);
  }
  if (past || node.isUsed(1))
    readCaches(pastKey, pastValue, nullptr);
  if (llvm::Error error = readPadding(mask))
    return error;
  if (llvm::Error error = readBias(bias))
    return error;
  readCausality();
  finishPadding();
  Value present;
  if (node.isUsed(1))
    present = ops.concat(
        {ops.unsqueeze(presentKey, {0}), ops.unsqueeze(presentValue, {0})}, 0);
  return ops.finish({finishResult(), present});
}

static llvm::Expected<Values> importContribAttention(NodeContext &node) {
  ProjectedAttention attention(node);
  if (llvm::Error error = attention.check())
    return error;
  if (node.hasInput(6))
    return node.unsupported("'past_sequence_length'");
  Composition &ops = attention.steps();
  Value projected = ops.make<MatmulOp>({node.input(0), node.input(1)});
  if (node.hasInput(2))
    projected = ops.add(projected, node.input(2));
  return attention.read(projected, node.optionalInput(3), node.optionalInput(4),
                        node.optionalInput(5));
}

/// The projection is one of integers.
static llvm::Expected<Values> importQAttention(NodeContext &node) {
  ProjectedAttention attention(node);
  if (llvm::Error error = attention.check())
    return error;
  Composition &ops = attention.steps();
  Type f32 = node.builder.getF32Type();
  auto centred = [&](size_t tensor, size_t zeroPoint) {
    Type i32 = node.builder.getI32Type();
    Value wide = ops.cast(node.input(tensor), i32);
    Value zero = node.optionalInput(zeroPoint);
    return zero ? ops.sub(wide, ops.cast(zero, i32)) : wide;
  };
  Value sum = ops.make<MatmulOp>({centred(0, 6), centred(1, 7)});
  Value scale =
      ops.mul(ops.cast(node.input(3), f32), ops.cast(node.input(4), f32));
  Value projected = ops.mul(ops.cast(sum, f32), scale);
  projected =
      ops.add(ops.cast(projected, elementTypeOf(node.input(2))), node.input(2));
  return attention.read(projected, node.optionalInput(5), node.optionalInput(8),
                        nullptr);
}

//===----------------------------------------------------------------------===//
// MultiHeadAttention and DecoderMaskedMultiHeadAttention
//===----------------------------------------------------------------------===//

namespace {

/// Which inputs of a node are what, beside query, key and value.
struct MultiHeadInputs {
  size_t bias, mask, attentionBias, pastKey, pastValue, pastLength,
      beams; ///< where the tokens of a beam lie in the caches
};

class MultiHeadAttention : public ContribAttention {
public:
  MultiHeadAttention(NodeContext &node, const MultiHeadInputs &inputs)
      : ContribAttention(node), inputs(inputs) {}

  llvm::Expected<Values> read();

private:
  /// Part `number` of as many `parts` of an input.
  struct Place {
    size_t input;
    int64_t parts, number;
  };

  llvm::Error readTensors();
  Place findPart(unsigned part) const;
  Value readPart(unsigned part);
  Value partOfBias(unsigned part);
  llvm::Expected<Values> finish();

  MultiHeadInputs inputs;
  int64_t width = 0; ///< of queries and of keys
};

} // namespace

/// The bias of the queries, the keys or the values.
Value MultiHeadAttention::partOfBias(unsigned part) {
  Value bias = node.optionalInput(inputs.bias);
  if (!bias)
    return nullptr;
  if (node.rank(bias) != 1)
    return ops.fail(node.invalid("the bias must have one dimension"));
  int64_t begin = part * width;
  return ops.slice(bias, 0, begin, part == 2 ? INT64_MAX : begin + width);
}

/// Keys may hold the values, too, and queries all three.
MultiHeadAttention::Place MultiHeadAttention::findPart(unsigned part) const {
  if (!node.hasInput(1))
    return {0, 3, part};
  if (part > 0 && !node.hasInput(2))
    return {1, 2, part - 1};
  return {part, 1, 0};
}

/// Queries, keys or values as [B, S, H, D].
Value MultiHeadAttention::readPart(unsigned part) {
  Place place = findPart(part);
  Value tensor = node.input(place.input), bias = partOfBias(part);
  int64_t rank = node.rank(tensor);
  if (rank == 5) {
    // [B, S, H, parts, D]
    ArrayRef<int64_t> shape = shapeOf(tensor);
    if (place.parts == 1 || shape[3] != place.parts || shape[2] != heads)
      return ops.fail(node.invalid(
          "what has five dimensions must hold keys and values, or queries, "
          "too: [batch, sequence, " +
          Twine(heads) + ", 2 or 3, head size]"));
    Value own =
        ops.squeeze(ops.slice(tensor, 3, place.number, place.number + 1), {3});
    return bias ? ops.add(own, ops.reshape(bias, {heads, -1})) : own;
  }
  if (rank != 3 || place.parts == 2)
    return ops.fail(
        node.invalid("query, key and value must have three dimensions, and "
                     "keys without values five"));
  if (place.parts == 3)
    tensor =
        ops.slice(tensor, 2, place.number * width, (place.number + 1) * width);
  if (bias)
    tensor = ops.add(tensor, bias);
  return splitHeads(ops, tensor, heads);
}

llvm::Error MultiHeadAttention::readTensors() {
  Value query = node.input(0);
  int64_t rank = node.rank(query);
  if (rank != 3 && rank != 5)
    return node.invalid("the query must have three or five dimensions");
  if (!node.hasInput(1) && node.hasInput(2))
    return node.invalid("a value needs a key");
  bool isPacked = !node.hasInput(1);
  width = shapeOf(query).back();
  if (rank == 5 && !ShapedType::isDynamic(width))
    width *= heads;
  else if (isPacked && !ShapedType::isDynamic(width))
    width /= 3;
  if (ShapedType::isDynamic(width) && (isPacked || node.hasInput(inputs.bias)))
    return node.unsupported("the hidden size is not known at compile time");
  parts.setQuery(readPart(0));
  parts.setResultOrder();
  if (node.hasInput(1) && node.rank(node.input(1)) == 4) {
    // Keys and values of another sequence, [B, H, T, D].
    if (!node.hasInput(2) || node.rank(node.input(2)) != 4 ||
        node.hasInput(inputs.pastKey))
      return node.invalid("keys of four dimensions go with such values and "
                          "without a past");
    parts.key = node.input(1);
    parts.value = node.input(2);
    return llvm::Error::success();
  }
  parts.setKey(readPart(1));
  parts.setValue(readPart(2));
  return llvm::Error::success();
}

llvm::Expected<Values> MultiHeadAttention::finish() {
  if (!node.isUsed(3))
    return ops.finish({finishResult(), presentKey, presentValue, Value()});
  if (isCausal)
    return node.unsupported("the scores of causal attention");
  // The scores of padding are given out with its large number.
  AttentionStages stages = makeAttentionStages(ops, parts);
  Value shown = stages.scores;
  if (parts.fallback) {
    Value lowest = ops.number(shown, -std::numeric_limits<double>::infinity());
    shown = ops.select(ops.make<EqualOp>({shown, lowest}),
                       ops.add(stages.capped, parts.fallback), shown);
  }
  shown = ops.cast(shown, elementTypeOf(node.input(0)));
  Value result = mergeHeads(ops, stages.result);
  return ops.finish({result, presentKey, presentValue, shown});
}

llvm::Expected<Values> MultiHeadAttention::read() {
  if (node.hasInput(inputs.beams))
    return node.unsupported("caches of several beams");
  Value pastKey = node.optionalInput(inputs.pastKey),
        pastValue = node.optionalInput(inputs.pastValue);
  if (!pastKey != !pastValue)
    return node.invalid("past_key and past_value must be given together");
  if (llvm::Error error = readAttributes())
    return error;
  if (llvm::Error error = readTensors())
    return error;
  if (ops.failed())
    return ops.finish({});
  if (pastKey || node.isUsed(1) || node.isUsed(2))
    readCaches(pastKey, pastValue, node.optionalInput(inputs.pastLength));
  if (llvm::Error error = readPadding(node.optionalInput(inputs.mask)))
    return error;
  if (llvm::Error error = readBias(node.optionalInput(inputs.attentionBias)))
    return error;
  readCausality();
  finishPadding();
  return finish();
}

static llvm::Expected<Values> importMultiHeadAttention(NodeContext &node) {
  MultiHeadInputs inputs{/*bias=*/3,          /*mask=*/4,
                         /*attentionBias=*/5, /*pastKey=*/6,
                         /*pastValue=*/7,     /*pastLength=*/8,
                         /*beams=*/9};
  return MultiHeadAttention(node, inputs).read();
}

static llvm::Expected<Values>
importDecoderMaskedMultiHeadAttention(NodeContext &node) {
  MultiHeadInputs inputs{/*bias=*/10,         /*mask=*/3,
                         /*attentionBias=*/4, /*pastKey=*/5,
                         /*pastValue=*/6,     /*pastLength=*/7,
                         /*beams=*/9};
  return MultiHeadAttention(node, inputs).read();
}

void sluice::registerContribAttentionImports(ImportRegistry &registry) {
  auto add = [&](const char *name, Arity arity,
                 ImportEntry::Function function) {
    registry.add(std::string("com.microsoft.") + name, arity, function, 1);
  };
  add("Attention", {2, 7, 2}, importContribAttention);
  add("DecoderMaskedMultiHeadAttention", {1, 11, 4},
      importDecoderMaskedMultiHeadAttention);
  add("MultiHeadAttention", {1, 10, 4}, importMultiHeadAttention);
  add("QAttention", {5, 9, 2}, importQAttention);
}
