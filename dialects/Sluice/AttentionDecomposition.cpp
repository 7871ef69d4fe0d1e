//===- AttentionDecomposition.cpp - Attention, step by step ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/AttentionStages.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace sluice;

namespace {

/// Builds the whole of the scores, [B, H, S, T], and what follows from them.
class AttentionSteps {
public:
  AttentionSteps(AttentionOp op, OpBuilder &builder)
      : op(op), steps(builder, op.getLoc()), type(op.getScoreType()) {}

  AttentionStages run();

private:
  /// In the order [batch, heads, positions, elements] and the scores' type.
  Value arrange(Value tensor, ArrayRef<int64_t> order) {
    return steps.cast(steps.transpose(tensor, order), type);
  }
  Value repeatHeads(Value tensor);
  Value regroup(Value rows, int64_t heads, int64_t times);
  Value multiplyHeads(Value rows, Value ofKeyHeads, bool transposed);
  Value repeatBatch(Value tensor);
  Value spreadBias();
  Value getProduct();
  Value capped(Value product);
  Value countUp(Value tensor, int64_t dimension, ArrayRef<int64_t> axes);
  Value perBatch(Value integers);
  void hide(Value visible) {
    counts = counts ? steps.make<AndOp>(counts, visible) : visible;
  }
  void hideByMasks(Value bias);
  void hideByPlace();
  Value spreadBlocks(Value blocks, int64_t dimension, Value places,
                     int64_t size);
  void hideByBlocks();
  /// exp(scores - shift) and their sum over the keys, with the sinks.
  struct Exponentials {
    Value powers, sum, shift;
  };
  Exponentials exponentiate(Value scores, Value sees);

  Value lowest() {
    return steps.number(type, -std::numeric_limits<double>::infinity());
  }
  Value integer(int64_t number) {
    return steps.number(steps.builder.getI64Type(), number);
  }

  AttentionOp op;
  GraphBuilder steps;
  Type type;
  /// Which keys count; null for all.
  Value counts;
};

} // namespace

/// Key heads as often as query heads read them.
Value AttentionSteps::repeatHeads(Value tensor) {
  int64_t group = op.getGroupSize().value_or(1);
  if (group == 1)
    return tensor;
  SmallVector<int64_t> heads(op.getQueryHeads());
  for (auto [i, head] : llvm::enumerate(heads))
    head = i / group;
  return steps.make<GatherOp>(
      tensor, createShapeConstant(steps.builder, steps.loc, heads),
      steps.builder.getI64IntegerAttr(1));
}

/// [batch, heads, rows, elements] with another number of heads, each of which
/// has `times` as many rows, or as many times fewer where it is negative.
Value AttentionSteps::regroup(Value tensor, int64_t heads, int64_t times) {
  ArrayRef<int64_t> shape = shapeOf(tensor);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < 4; ++i) {
    int64_t size = shape[i];
    if (i == 1)
      size = heads;
    else if (i == 2 && !ShapedType::isDynamic(size))
      size = times > 0 ? size * times : size / -times;
    if (!ShapedType::isDynamic(size)) {
      sizes.push_back(createShapeConstant(steps.builder, steps.loc, {size}));
      continue;
    }
    Value read = steps.make<ShapeOp>(tensor, i, i + 1);
    if (i == 2)
      read = times > 0 ? steps.mul(read, integer(times))
                       : steps.div(read, integer(-times));
    sizes.push_back(read);
  }
  return steps.make<ReshapeOp>(tensor, steps.make<ConcatOp>(sizes, 0),
                               /*allow_zero=*/true);
}

/// The product of rows of query heads with what their key heads have, which is
/// not repeated: rows of heads that share one are multiplied with it together.
Value AttentionSteps::multiplyHeads(Value rows, Value ofKeyHeads,
                                    bool transposed) {
  int64_t group = op.getGroupSize().value_or(1);
  if (group != 1)
    rows = regroup(rows, op.getKeyHeads(), group);
  Value product = steps.make<MatmulOp>(rows, ofKeyHeads,
                                       /*transpose_lhs=*/false, transposed);
  return group != 1 ? regroup(product, op.getQueryHeads(), -group) : product;
}

/// A batch of fewer entries repeats.
Value AttentionSteps::repeatBatch(Value tensor) {
  if (!tensor || shapeOf(tensor).size() < 4)
    return tensor;
  int64_t entries = shapeOf(tensor).front(), batch = op.getBatchSize();
  if (entries == 1 || (entries == batch && !ShapedType::isDynamic(batch)))
    return tensor;
  auto size = [&](Value of, int64_t dimension) -> Value {
    return steps.make<ShapeOp>(of, dimension, dimension + 1);
  };
  Value times =
      steps.div(size(op.getQuery(), op.getQueryOrder()[0]), size(tensor, 0));
  Value ones = createShapeConstant(steps.builder, steps.loc, {1, 1, 1});
  Value repeats = steps.make<ConcatOp>(ValueRange{times, ones}, 0);
  return steps.make<TileOp>(tensor, repeats);
}

Value AttentionSteps::getProduct() {
  Value query = arrange(op.getQuery(), op.getQueryOrder());
  Value key = arrange(op.getKey(), op.getKeyOrder());
  Value scores = multiplyHeads(query, key, /*transposed=*/true);
  double scale = op.getScale().convertToDouble();
  return scale == 1 ? scores : steps.mul(scores, steps.number(type, scale));
}

/// The bias, with an element for each score.
Value AttentionSteps::spreadBias() {
  Value bias = op.getBias();
  if (!bias || !op.getRelativeBias())
    return bias;
  Value query = countUp(op.getQuery(), op.getQueryOrder()[2], {1});
  Value key = countUp(op.getKey(), op.getKeyOrder()[2], {});
  Value last = steps.make<ShapeOp>(op.getQuery(), op.getQueryOrder()[2],
                                   op.getQueryOrder()[2] + 1);
  Value place = steps.add(steps.sub(key, query), steps.sub(last, integer(1)));
  int64_t rank = shapeOf(bias).size();
  bias = steps.squeeze(bias, {rank - 2});
  return steps.make<GatherOp>(bias, place, rank - 2);
}

Value AttentionSteps::capped(Value scores) {
  double cap = op.getSoftcap().convertToDouble();
  if (cap == 0)
    return scores;
  Value bound = steps.number(type, cap);
  return steps.mul(steps.make<TanhOp>(steps.div(scores, bound)), bound);
}

/// 0, 1, ... along a dimension of a tensor, with dimensions put in at `axes`.
Value AttentionSteps::countUp(Value tensor, int64_t dimension,
                              ArrayRef<int64_t> axes) {
  Value numbers = steps.make<IotaOp>(tensor, dimension);
  return axes.empty() ? numbers : steps.unsqueeze(numbers, axes);
}

/// [] or [B] as what broadcasts to the scores.
Value AttentionSteps::perBatch(Value integers) {
  if (shapeOf(integers).empty())
    return integers;
  return steps.unsqueeze(integers, {1, 2, 3});
}

void AttentionSteps::hideByMasks(Value bias) {
  if (bias) {
    double bound = -std::numeric_limits<double>::infinity();
    if (op.getMaskedBelow())
      bound = op.getMaskedBelow()->convertToDouble();
    // So that a NaN counts.
    Value isMasked = steps.make<LessEqualOp>(bias, steps.number(bias, bound));
    hide(steps.make<NotOp>(isMasked));
  }
  if (op.getMask())
    hide(repeatBatch(op.getMask()));
}

void AttentionSteps::hideByPlace() {
  Value keys = countUp(op.getKey(), op.getKeyOrder()[2], {});
  if (op.getLengths())
    hide(steps.make<LessOp>(keys, perBatch(op.getLengths())));
  std::optional<int64_t> left = op.getLeftReach(), right = op.getRightReach();
  if (!left && !right)
    return;
  Value places = countUp(op.getQuery(), op.getQueryOrder()[2], {1});
  if (op.getPosition())
    places = steps.add(places, perBatch(op.getPosition()));
  Value distance = steps.sub(keys, places);
  if (left)
    hide(steps.make<GreaterEqualOp>(distance, integer(-*left)));
  if (right)
    hide(steps.make<LessEqualOp>(distance, integer(*right)));
}

/// Each block of a dimension as often as it has places; a single one serves
/// all.
Value AttentionSteps::spreadBlocks(Value blocks, int64_t dimension,
                                   Value places, int64_t size) {
  int64_t count = shapeOf(blocks)[dimension];
  if (count == 1)
    return blocks;
  Value numbers = steps.div(places, integer(size));
  if (ShapedType::isDynamic(count)) {
    Value last = steps.sub(
        steps.make<ShapeOp>(blocks, dimension, dimension + 1), integer(1));
    numbers = steps.make<MinOp>(numbers, last);
  }
  return steps.make<GatherOp>(blocks, numbers, dimension);
}

void AttentionSteps::hideByBlocks() {
  if (!op.getBlocks())
    return;
  int64_t rows = op.getBlockSizes()[0], columns = op.getBlockSizes()[1];
  Value query = countUp(op.getQuery(), op.getQueryOrder()[2], {});
  Value key = countUp(op.getKey(), op.getKeyOrder()[2], {});
  // What is said of each pair's block.
  Value blocks = repeatBatch(op.getBlocks());
  int64_t rank = shapeOf(blocks).size();
  blocks = spreadBlocks(blocks, rank - 2, query, rows);
  blocks = spreadBlocks(blocks, rank - 1, key, columns);
  auto number = [&](double n) { return steps.number(blocks, n); };
  hide(steps.make<NotOp>(steps.make<EqualOp>(blocks, number(0))));
  if (!op.getTiles())
    return;
  Value tile =
      steps.cast(steps.make<MaxOp>(steps.sub(blocks, number(2)), number(0)),
                 steps.builder.getI64Type());
  Value row =
      steps.unsqueeze(steps.make<ModOp>(query, integer(rows), false), {1});
  Value column = steps.make<ModOp>(key, integer(columns), false);
  Value place =
      steps.add(steps.mul(steps.add(steps.mul(tile, integer(rows)), row),
                          integer(columns)),
                column);
  Value all = steps.reshape(op.getTiles(), {-1});
  Value ofTile = steps.make<GatherOp>(all, place, 0);
  Value hasNone = steps.make<LessOp>(blocks, number(2));
  hide(steps.make<OrOp>(hasNone, ofTile));
}

AttentionSteps::Exponentials AttentionSteps::exponentiate(Value scores,
                                                          Value sees) {
  Exponentials result;
  result.shift = steps.reduce(scores, ReductionKind::Max, {3});
  Value sinks = op.getSinks();
  if (sinks) {
    sinks = steps.cast(steps.unsqueeze(sinks, {1, 2}), type);
    result.shift = steps.make<MaxOp>(result.shift, sinks);
  }
  // Not -inf less -inf, which is NaN.
  if (sees)
    result.shift = steps.select(sees, result.shift, steps.number(type, 0));
  result.powers = steps.make<ExpOp>(steps.sub(scores, result.shift));
  result.sum = steps.reduce(result.powers, ReductionKind::Sum, {3});
  if (sinks)
    result.sum = steps.add(result.sum,
                           steps.make<ExpOp>(steps.sub(sinks, result.shift)));
  return result;
}

AttentionStages AttentionSteps::run() {
  AttentionStages stages;
  stages.product = getProduct();
  stages.capped = capped(stages.product);
  Value scores = stages.capped;
  Value bias = repeatBatch(spreadBias());
  if (bias)
    scores = steps.add(scores, steps.cast(bias, type));
  hideByMasks(bias);
  hideByPlace();
  hideByBlocks();
  Value sees;
  if (counts) {
    scores = steps.select(counts, scores, lowest());
    // What hides keys may have fewer dimensions than the scores.
    if (shapeOf(counts).empty())
      counts = steps.unsqueeze(counts, {0});
    Value one = steps.number(type, 1), zero = steps.number(type, 0);
    int64_t last = shapeOf(counts).size() - 1;
    Value most = steps.reduce(steps.select(counts, one, zero),
                              ReductionKind::Max, {last});
    sees = steps.make<GreaterOp>(most, zero);
  }
  Exponentials parts = exponentiate(scores, sees);
  Value weights = steps.div(parts.powers, parts.sum);
  Value logarithm = steps.add(steps.make<LogOp>(parts.sum), parts.shift);
  if (sees && op.getFallback()) {
    Value fallback = steps.cast(repeatBatch(op.getFallback()), type);
    Exponentials all =
        exponentiate(steps.add(stages.capped, fallback), nullptr);
    weights = steps.select(sees, weights, steps.div(all.powers, all.sum));
    logarithm = steps.select(sees, logarithm,
                             steps.add(steps.make<LogOp>(all.sum), all.shift));
  } else if (sees && !op.getNanRows()) {
    weights = steps.select(sees, weights, steps.number(type, 0));
  }
  stages.scores = scores;
  stages.weights = weights;
  Value value = arrange(op.getValue(), op.getValueOrder());
  // Room of a cache behind its keys may hold anything.
  if (op.getLengths() && !op.getFallback()) {
    Value place = countUp(op.getKey(), op.getKeyOrder()[2], {1});
    Value exists = steps.make<LessOp>(place, perBatch(op.getLengths()));
    value = steps.select(exists, value, steps.number(value, 0));
  }
  stages.value = repeatHeads(value);
  Value result = multiplyHeads(weights, value, /*transposed=*/false);
  result = steps.cast(result, elementTypeOf(op.getResult()));
  // Dimension i of the list has to come to place order[i].
  stages.result =
      steps.transpose(result, invertPermutationVector(op.getResultOrder()));
  stages.result.setType(op.getResult().getType());
  if (op.getLogSumExp()) {
    stages.logSumExp = steps.squeeze(logarithm, {3});
    stages.logSumExp.setType(op.getLogSumExp().getType());
  }
  return stages;
}

AttentionStages sluice::decomposeInStages(AttentionOp op, OpBuilder &builder) {
  return AttentionSteps(op, builder).run();
}

SmallVector<Value> AttentionOp::decompose(OpBuilder &builder) {
  AttentionStages stages = decomposeInStages(*this, builder);
  SmallVector<Value> results = {stages.result};
  if (stages.logSumExp)
    results.push_back(stages.logSumExp);
  return results;
}
