//===- AttentionOps.cpp - Softmax attention -------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Work.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

namespace {
/// A dimension that several tensors share.
struct SharedSize {
  Value tensor;
  int64_t dimension;
};
} // namespace

/// The size that one of them knows.
static int64_t findSize(std::initializer_list<SharedSize> places) {
  for (auto [tensor, dimension] : places)
    if (int64_t size = shapeOf(tensor)[dimension]; !ShapedType::isDynamic(size))
      return size;
  return ShapedType::kDynamic;
}

/// What sizes that are one or equal broadcast to.
static int64_t broadcastKnown(std::initializer_list<SharedSize> places) {
  int64_t result = 1;
  for (auto [tensor, dimension] : places) {
    int64_t size = shapeOf(tensor)[dimension];
    if (!ShapedType::isDynamic(size) && size != 1)
      return size;
    if (ShapedType::isDynamic(size))
      result = size;
  }
  return result;
}

int64_t AttentionOp::getBatchSize() {
  return broadcastKnown({{getQuery(), getQueryOrder()[0]},
                         {getKey(), getKeyOrder()[0]},
                         {getValue(), getValueOrder()[0]}});
}
int64_t AttentionOp::getQueryHeads() {
  return shapeOf(getQuery())[getQueryOrder()[1]];
}
int64_t AttentionOp::getKeyHeads() {
  return findSize(
      {{getKey(), getKeyOrder()[1]}, {getValue(), getValueOrder()[1]}});
}
int64_t AttentionOp::getQueryCount() {
  return shapeOf(getQuery())[getQueryOrder()[2]];
}
int64_t AttentionOp::getKeyCount() {
  return findSize(
      {{getKey(), getKeyOrder()[2]}, {getValue(), getValueOrder()[2]}});
}
int64_t AttentionOp::getDepth() {
  return findSize(
      {{getQuery(), getQueryOrder()[3]}, {getKey(), getKeyOrder()[3]}});
}
int64_t AttentionOp::getValueDepth() {
  return shapeOf(getValue())[getValueOrder()[3]];
}

std::optional<int64_t> AttentionOp::getGroupSize() {
  int64_t queryHeads = getQueryHeads(), keyHeads = getKeyHeads();
  if (ShapedType::isDynamic(queryHeads) || ShapedType::isDynamic(keyHeads) ||
      keyHeads == 0)
    return std::nullopt;
  return queryHeads / keyHeads;
}

static std::optional<int64_t> asSigned(std::optional<uint64_t> number) {
  if (!number)
    return std::nullopt;
  return static_cast<int64_t>(*number);
}

std::optional<int64_t> AttentionOp::getLeftReach() {
  return asSigned(getLeft());
}
std::optional<int64_t> AttentionOp::getRightReach() {
  return asSigned(getRight());
}

Type AttentionOp::getScoreType() {
  return getComputeType(elementTypeOf(getQuery()));
}

static bool isOrder(ArrayRef<int64_t> order) {
  return order.size() == 4 && isPermutationVector(order);
}

/// What everything else that asks for sizes relies on.
template <typename OpOrAdaptor>
static LogicalResult checkOrders(OpOrAdaptor op,
                                 std::optional<Location> location) {
  for (Value tensor : {op.getQuery(), op.getKey(), op.getValue()})
    if (shapeOf(tensor).size() != 4)
      return emitOptionalError(location,
                               "query, key and value must have rank 4");
  for (ArrayRef<int64_t> order : {op.getQueryOrder(), op.getKeyOrder(),
                                  op.getValueOrder(), op.getResultOrder()})
    if (!isOrder(order))
      return emitOptionalError(
          location, "an order must have each of the dimensions 0 to 3 once");
  return success();
}

LogicalResult AttentionOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(checkOrders(adaptor, location)))
    return failure();
  ArrayRef<int64_t> query = adaptor.getQueryOrder(),
                    key = adaptor.getKeyOrder(),
                    value = adaptor.getValueOrder();
  int64_t batch = broadcastKnown({{adaptor.getQuery(), query[0]},
                                  {adaptor.getKey(), key[0]},
                                  {adaptor.getValue(), value[0]}});
  int64_t heads = shapeOf(adaptor.getQuery())[query[1]];
  int64_t queries = shapeOf(adaptor.getQuery())[query[2]];
  int64_t depth = shapeOf(adaptor.getValue())[value[3]];
  int64_t sizes[] = {batch, heads, queries, depth};
  SmallVector<int64_t> shape(4);
  for (auto [i, dimension] : llvm::enumerate(adaptor.getResultOrder()))
    shape[dimension] = sizes[i];
  Type element = elementTypeOf(adaptor.getQuery());
  types.push_back(RankedTensorType::get(shape, element));
  if (adaptor.getKeepLogSumExp())
    types.push_back(RankedTensorType::get({batch, heads, queries},
                                          getComputeType(element)));
  return success();
}

LogicalResult
AttentionOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  ArrayRef<int64_t> query = getQueryOrder();
  OpFoldResult batch = size.of(getQuery(), query[0]);
  batch = sluice::broadcastSizes(builder, getLoc(), batch,
                                 size.of(getKey(), getKeyOrder()[0]));
  batch = sluice::broadcastSizes(builder, getLoc(), batch,
                                 size.of(getValue(), getValueOrder()[0]));
  OpFoldResult sizes[] = {batch, size.of(getQuery(), query[1]),
                          size.of(getQuery(), query[2]),
                          size.of(getValue(), getValueOrder()[3])};
  SmallVector<OpFoldResult> shape(4);
  for (auto [i, dimension] : llvm::enumerate(getResultOrder()))
    shape[dimension] = sizes[i];
  shapes.push_back(std::move(shape));
  if (getKeepLogSumExp())
    shapes.push_back({sizes[0], sizes[1], sizes[2]});
  return success();
}

void AttentionOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  OpOperand *query = &getQueryMutable(), *key = &getKeyMutable(),
            *value = &getValueMutable();
  int64_t depth = getDepth(), keys = getKeyCount(), keyHeads = getKeyHeads();
  demand({key, getKeyOrder()[1]}, keyHeads);
  demand({value, getValueOrder()[1]}, keyHeads);
  demand({key, getKeyOrder()[2]}, keys);
  demand({value, getValueOrder()[2]}, keys);
  demand({query, getQueryOrder()[3]}, depth);
  demand({key, getKeyOrder()[3]}, depth);
}

std::optional<OperandDimension> AttentionOp::getSizeSource(unsigned result,
                                                           int64_t dimension) {
  int64_t logical = result == 1 ? dimension
                                : llvm::find(getResultOrder(), dimension) -
                                      getResultOrder().begin();
  // The batches broadcast.
  if (logical == 0)
    return std::nullopt;
  if (logical == 3)
    return OperandDimension{&getValueMutable(), getValueOrder()[3]};
  return OperandDimension{&getQueryMutable(), getQueryOrder()[logical]};
}

/// What broadcasts to the scores, with the name that messages give it.
static SmallVector<std::pair<Value, StringRef>>
getScoreOperands(AttentionOp op) {
  SmallVector<std::pair<Value, StringRef>> operands;
  for (auto [operand, name] : {std::pair(op.getBias(), "the bias"),
                               std::pair(op.getMask(), "the mask"),
                               std::pair(op.getFallback(), "the fallback")})
    if (operand)
      operands.push_back({operand, name});
  return operands;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static LogicalResult verifyHeads(AttentionOp op) {
  int64_t queryHeads = op.getQueryHeads(), keyHeads = op.getKeyHeads();
  if (ShapedType::isDynamic(queryHeads) || ShapedType::isDynamic(keyHeads))
    return success();
  if (keyHeads == 0 ? queryHeads != 0 : queryHeads % keyHeads != 0)
    return op.emitOpError("the number of query heads, ")
           << queryHeads << ", is no multiple of that of key heads, "
           << keyHeads;
  return success();
}

static LogicalResult verifyElements(AttentionOp op) {
  Type element = elementTypeOf(op.getQuery());
  if (!isa<FloatType>(element) || elementTypeOf(op.getKey()) != element ||
      elementTypeOf(op.getValue()) != element)
    return op.emitOpError("query, key and value must be floats of one type");
  for (Value floats : {op.getBias(), op.getSinks(), op.getFallback()})
    if (floats && !isa<FloatType>(elementTypeOf(floats)))
      return op.emitOpError("bias, sinks and fallback must be floats");
  for (Value bools : {op.getMask(), op.getTiles()})
    if (bools && !elementTypeOf(bools).isInteger(1))
      return op.emitOpError("mask and tiles must be bools");
  for (Value integers : {op.getPosition(), op.getLengths()})
    if (integers && !elementTypeOf(integers).isSignlessInteger(64))
      return op.emitOpError("position and lengths must be 64-bit integers");
  if (op.getBlocks() && !elementTypeOf(op.getBlocks()).isSignlessInteger(32))
    return op.emitOpError("blocks must be 32-bit integers");
  return success();
}

static LogicalResult verifyRanks(AttentionOp op) {
  for (auto [operand, name] : getScoreOperands(op))
    if (shapeOf(operand).size() > 4)
      return op.emitOpError() << name << " has more than four dimensions";
  for (Value perBatch : {op.getPosition(), op.getLengths()})
    if (perBatch && shapeOf(perBatch).size() > 1)
      return op.emitOpError(
          "position and lengths must be scalars or have one dimension");
  if (op.getSinks() && shapeOf(op.getSinks()).size() != 1)
    return op.emitOpError("sinks must have one dimension");
  return success();
}

static LogicalResult verifyBlocks(AttentionOp op) {
  ArrayRef<int64_t> sizes = op.getBlockSizes();
  if (!op.getBlocks()) {
    if (op.getTiles() || !sizes.empty())
      return op.emitOpError("tiles and block_sizes go with blocks");
    return success();
  }
  if (sizes.size() != 2 || sizes[0] < 1 || sizes[1] < 1)
    return op.emitOpError("block_sizes must be two positive numbers");
  size_t rank = shapeOf(op.getBlocks()).size();
  if (rank < 2 || rank > 4)
    return op.emitOpError("blocks must have two to four dimensions");
  if (!op.getTiles())
    return success();
  ArrayRef<int64_t> tiles = shapeOf(op.getTiles());
  if (tiles.size() != 3 ||
      failed(verifyCompatibleShape(tiles.drop_front(), sizes)))
    return op.emitOpError("tiles must be [n, ")
           << sizes[0] << ", " << sizes[1] << "]";
  return success();
}

/// Sizes that types contradict.
static LogicalResult verifySizes(AttentionOp op) {
  constexpr int64_t any = ShapedType::kDynamic;
  auto permuted = [](ArrayRef<int64_t> order, ArrayRef<int64_t> sizes) {
    SmallVector<int64_t> shape(4);
    for (auto [i, dimension] : llvm::enumerate(order))
      shape[dimension] = sizes[i];
    return shape;
  };
  int64_t batch = op.getBatchSize(), depth = op.getDepth(),
          keys = op.getKeyCount(), keyHeads = op.getKeyHeads();
  auto fits = [&](Value tensor, ArrayRef<int64_t> order,
                  ArrayRef<int64_t> sizes) {
    int64_t own = shapeOf(tensor)[order[0]];
    return (own == 1 || ShapedType::isDynamic(own) ||
            ShapedType::isDynamic(batch) || own == batch) &&
           succeeded(
               verifyCompatibleShape(shapeOf(tensor), permuted(order, sizes)));
  };
  if (!fits(op.getQuery(), op.getQueryOrder(), {any, any, any, depth}) ||
      !fits(op.getKey(), op.getKeyOrder(), {any, keyHeads, keys, depth}) ||
      !fits(op.getValue(), op.getValueOrder(), {any, keyHeads, keys, any}))
    return op.emitOpError("the sizes of query, key and value do not fit");
  int64_t scores[] = {batch, op.getQueryHeads(), op.getQueryCount(), keys};
  int64_t distances[] = {
      batch, op.getQueryHeads(), 1,
      ShapedType::isDynamic(scores[2] | keys) ? any : scores[2] + keys - 1};
  for (auto [operand, name] : getScoreOperands(op)) {
    ArrayRef<int64_t> shape = shapeOf(operand);
    bool isRelative = op.getRelativeBias() && operand == op.getBias();
    for (size_t i = 1; i <= shape.size(); ++i) {
      int64_t size = shape[shape.size() - i];
      int64_t score = (isRelative ? distances : scores)[4 - i];
      if (ShapedType::isDynamic(size) || ShapedType::isDynamic(score) ||
          size == 1 || size == score)
        continue;
      if (i == 4 && size != 0 && score % size == 0)
        continue;
      return op.emitOpError()
             << name << " does not broadcast to the scores: " << size << " and "
             << score << " in dimension " << 4 - i;
    }
  }
  if (op.getSinks() &&
      failed(verifyCompatibleShape(shapeOf(op.getSinks()), {scores[1]})))
    return op.emitOpError("there must be a sink for each query head");
  return success();
}

LogicalResult AttentionOp::verify() {
  if (failed(checkOrders(*this, getLoc())))
    return failure();
  if (getRelativeBias() && (!getBias() || shapeOf(getBias()).size() < 2))
    return emitOpError(
        "relative_bias goes with a bias of two dimensions or more");
  if (getKeepLogSumExp() != static_cast<bool>(getLogSumExp()))
    return emitOpError("keep_log_sum_exp goes with a second result");
  for (auto check :
       {verifyElements, verifyRanks, verifyHeads, verifyBlocks, verifySizes})
    if (failed(check(*this)))
      return failure();
  // Sums with places stay within 64 bits.
  constexpr int64_t limit = int64_t(1) << 60;
  for (std::optional<int64_t> reach : {getLeftReach(), getRightReach()})
    if (reach && (*reach > limit || *reach < -limit))
      return emitOpError("left and right must be below 2^60");
  return success();
}

void AttentionOp::requireSizes(SizeConditions &conditions) {
  using Size = SizeConditions::Size;
  auto size = [&](Value tensor, ArrayRef<int64_t> order, int64_t i) {
    return conditions.sizeOf(tensor, order[i]);
  };
  ArrayRef<int64_t> query = getQueryOrder(), key = getKeyOrder(),
                    value = getValueOrder();
  Size batch = size(getQuery(), query, 0), heads = size(getQuery(), query, 1),
       queries = size(getQuery(), query, 2);
  Size keyHeads = size(getKey(), key, 1), keys = size(getKey(), key, 2);
  batch = conditions.requireBroadcast(batch, size(getKey(), key, 0));
  batch = conditions.requireBroadcast(batch, size(getValue(), value, 0));
  conditions.requireEqual(size(getValue(), value, 1), keyHeads,
                          "keys and values have different heads");
  conditions.requireEqual(size(getValue(), value, 2), keys,
                          "there are not as many values as keys");
  conditions.requireEqual(size(getKey(), key, 3), size(getQuery(), query, 3),
                          "queries and keys have different depths");
  if (!getGroupSize())
    conditions.requireEqual(keyHeads, heads,
                            "the heads of queries and keys do not fit");
  // One size fits another one that it divides; the others are equal, or one.
  auto requireScoreSize = [&](Size own, Size wanted, bool repeats) {
    auto known = getConstantIntValue(own), target = getConstantIntValue(wanted);
    if (known == 1 || own == wanted)
      return;
    if (known && target && repeats && *known != 0 && *target % *known == 0)
      return;
    Value fits = conditions.compare(SizeConditions::Predicate::eq, own, wanted);
    if (!known)
      fits = conditions.either(fits,
                               conditions.compare(SizeConditions::Predicate::eq,
                                                  own, conditions.number(1)));
    if (repeats) {
      SizeBuilder sizes = conditions.sizes();
      Size divisor = sizes.max(own, sizes.constant(1));
      fits = conditions.either(fits,
                               conditions.compare(SizeConditions::Predicate::eq,
                                                  sizes.rem(wanted, divisor),
                                                  sizes.constant(0)));
    }
    conditions.require(fits, broadcastMessage);
  };
  auto requireScores = [&](Value tensor, ArrayRef<Size> scores) {
    int64_t rank = SizeConditions::rankOf(tensor);
    for (int64_t i = 0; i < rank; ++i)
      requireScoreSize(conditions.sizeOf(tensor, i), scores[4 - rank + i],
                       rank - i == 4);
  };
  for (auto [operand, name] : getScoreOperands(*this)) {
    SmallVector<Size, 4> sizes = {batch, heads, queries, keys};
    if (getRelativeBias() && operand == getBias()) {
      SizeBuilder size = conditions.sizes();
      sizes[2] = size.constant(1);
      // Without queries and keys there are no distances.
      sizes[3] = size.max(size.sub(size.add(queries, keys), size.constant(1)),
                          size.constant(0));
    }
    requireScores(operand, sizes);
  }
  if (getBlocks()) {
    SizeBuilder sizes = conditions.sizes();
    auto count = [&](Size size, int64_t block) {
      return sizes.ceilDiv(size, sizes.constant(block));
    };
    requireScores(getBlocks(),
                  {batch, heads, count(queries, getBlockSizes()[0]),
                   count(keys, getBlockSizes()[1])});
  }
  for (Value perBatch : {getPosition(), getLengths()})
    if (perBatch && SizeConditions::rankOf(perBatch) == 1)
      requireScoreSize(conditions.sizeOf(perBatch, 0), batch,
                       /*repeats=*/false);
  if (getSinks())
    conditions.requireEqual(conditions.sizeOf(getSinks(), 0), heads,
                            "there must be a sink for each query head");
}

//===----------------------------------------------------------------------===//
// What it computes
//===----------------------------------------------------------------------===//

bool AttentionOp::mayHaveEmptyRows() {
  if (getBias() || getMask() || getLengths() || getBlocks())
    return true;
  std::optional<int64_t> left = getLeftReach(), right = getRightReach();
  if (!left && !right)
    return false;
  if (getPosition() || right.value_or(0) < 0)
    return true;
  // Queries from place 0 on see the first key, or that of their own place.
  if (!left)
    return false;
  int64_t queries = getQueryCount(), keys = getKeyCount();
  return ShapedType::isDynamic(queries) || ShapedType::isDynamic(keys) ||
         queries > keys || *left < 0;
}

/// How many pairs of queries and keys count, as far as places tell.
static double countPairs(AttentionOp op, double queries, double keys) {
  if (op.getPosition() || (!op.getLeft() && !op.getRight()))
    return queries * keys;
  std::optional<int64_t> left = op.getLeftReach(), right = op.getRightReach();
  double first = 0, pairs = 0;
  // A few queries stand for all.
  constexpr int samples = 64;
  for (int i = 0; i < samples; ++i) {
    double place = queries * (i + 0.5) / samples, last = keys;
    if (left)
      first = std::max(0.0, place - static_cast<double>(*left));
    if (right)
      last = std::min(keys, place + static_cast<double>(*right) + 0.5);
    pairs += std::max(0.0, last - first);
  }
  return pairs * queries / samples;
}

std::optional<Work> AttentionOp::getWork() {
  int64_t sizes[] = {getBatchSize(), getQueryHeads(), getQueryCount(),
                     getKeyCount(),  getDepth(),      getValueDepth()};
  if (llvm::any_of(sizes, ShapedType::isDynamic))
    return std::nullopt;
  double rows = static_cast<double>(sizes[0]) * sizes[1];
  double pairs = countPairs(*this, sizes[2], sizes[3]);
  return workOnOperands(*this, 2 * rows * pairs * (sizes[4] + sizes[5]));
}

namespace {
/// A fallback is for queries for which no key counts.
struct DropFallback : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const final {
    if (!op.getFallback() || op.mayHaveEmptyRows())
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getFallbackMutable().clear(); });
    return success();
  }
};
} // namespace

void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<DropFallback>(context);
}

//===----------------------------------------------------------------------===//
// MaskBlocksOp
//===----------------------------------------------------------------------===//

LogicalResult MaskBlocksOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> blocks = adaptor.getBlockSizes();
  Type element = elementTypeOf(adaptor.getOperand());
  auto shape = llvm::to_vector(shapeOf(adaptor.getOperand()));
  if (shape.size() < 2)
    return emitOptionalError(location,
                             "the operand must have rank two or more");
  if (!element.isInteger(1) && !isa<FloatType>(element))
    return emitOptionalError(location, "the operand must be bools or floats");
  if (blocks.size() != 2 || blocks[0] < 1 || blocks[1] < 1)
    return emitOptionalError(location,
                             "block_sizes must be two positive numbers");
  for (auto [size, block] :
       llvm::zip_equal(MutableArrayRef(shape).take_back(2), blocks))
    if (!ShapedType::isDynamic(size))
      size = llvm::divideCeil(size, block);
  types.push_back(RankedTensorType::get(shape, IntegerType::get(context, 32)));
  return success();
}

LogicalResult
MaskBlocksOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  auto shape = getDimensions(builder, getLoc(), getOperand());
  for (auto [own, block] :
       llvm::zip_equal(MutableArrayRef(shape).take_back(2), getBlockSizes()))
    own = size.ceilDiv(own, size.constant(block));
  shapes.push_back(std::move(shape));
  return success();
}
