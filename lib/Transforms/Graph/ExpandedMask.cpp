//===- ExpandedMask.cpp - Masks that repeat a smaller one -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ExpandedMask.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace sluice;

/// What the value is a broadcast of; null where it is none. Repeating a
/// dimension of one element is broadcasting it.
static Value getBroadcastSource(Value value) {
  if (auto broadcast = value.getDefiningOp<BroadcastOp>())
    return broadcast.getOperand();
  auto tile = value.getDefiningOp<TileOp>();
  if (!tile)
    return nullptr;
  ArrayRef<int64_t> source = shapeOf(tile.getOperand()), result = shapeOf(tile);
  for (auto [before, after] : llvm::zip_equal(source, result))
    if (before != 1 && (before != after || ShapedType::isDynamic(before)))
      return nullptr;
  return tile.getOperand();
}

/// Do two neighbouring dimensions of `whole`, of which the second is known,
/// make dimension `place` of `joined`?
static bool isJoined(ArrayRef<int64_t> whole, int64_t first, int64_t joined) {
  if (ShapedType::isDynamic(whole[first + 1]))
    return false;
  if (ShapedType::isDynamic(whole[first]) || ShapedType::isDynamic(joined))
    return true;
  return joined == whole[first] * whole[first + 1];
}

/// [.., S, r, T, c] or [.., S, r, T], whose places r and c have one element
/// that was repeated, as [.., S * r, T * c].
static std::optional<ExpandedMask> matchReshape(ReshapeOp reshape) {
  Value spread = reshape.getOperand(), source = getBroadcastSource(spread);
  ArrayRef<int64_t> whole = shapeOf(spread), joined = shapeOf(reshape);
  if (!source || joined.size() < 2 || shapeOf(source).size() != whole.size())
    return std::nullopt;
  ArrayRef<int64_t> before = shapeOf(source);
  int64_t batches = joined.size() - 2, extra = whole.size() - joined.size();
  if (extra < 1 || extra > 2)
    return std::nullopt;
  // Batches stay as they are, but for those that are broadcast anyway.
  for (int64_t i = 0; i < batches; ++i)
    if (whole[i] != joined[i] || ShapedType::isDynamic(whole[i]) ||
        (before[i] != whole[i] && before[i] != 1))
      return std::nullopt;
  ExpandedMask result;
  SmallVector<int64_t> dropped;
  int64_t place = batches;
  for (int64_t *factor : {&result.rows, &result.columns}) {
    int64_t size = joined[factor == &result.rows ? batches : batches + 1];
    int64_t left = static_cast<int64_t>(whole.size()) - place;
    int64_t needed = factor == &result.rows ? 1 : 0;
    bool isRepeated = left >= 2 + needed && before[place + 1] == 1 &&
                      whole[place + 1] != 1 && isJoined(whole, place, size);
    // Of three dimensions the first two are the rows, or the last two columns.
    if (before[place] == 1 && whole[place] != 1)
      return std::nullopt;
    if (isRepeated) {
      *factor = whole[place + 1];
      dropped.push_back(place + 1);
    }
    place += isRepeated ? 2 : 1;
  }
  if (place != static_cast<int64_t>(whole.size()) || dropped.empty())
    return std::nullopt;
  auto inserted = source.getDefiningOp<UnsqueezeOp>();
  if (inserted && inserted.getAxes() == ArrayRef(dropped)) {
    result.blocks = inserted.getOperand();
    return result;
  }
  OpBuilder builder(reshape);
  result.blocks = SqueezeOp::create(builder, reshape.getLoc(), source,
                                    builder.getDenseI64ArrayAttr(dropped));
  return result;
}

/// How often each element is taken where these are the numbers of blocks 0, 0,
/// .., 1, 1, .. up to `count`; none where they are not.
static std::optional<int64_t> getRepeats(Value indices, int64_t count) {
  DenseIntElementsAttr numbers;
  if (!matchPattern(indices, m_Constant(&numbers)) ||
      numbers.getType().getRank() != 1 || numbers.empty() || count < 2)
    return std::nullopt;
  auto values = llvm::to_vector(numbers.getValues<APInt>());
  int64_t repeats = 0;
  while (repeats < static_cast<int64_t>(values.size()) &&
         values[repeats].isZero())
    ++repeats;
  if (repeats < 2)
    return std::nullopt;
  for (auto [i, value] : llvm::enumerate(values))
    if (value.getSExtValue() != static_cast<int64_t>(i) / repeats)
      return std::nullopt;
  int64_t blocks = (values.size() + repeats - 1) / repeats;
  return blocks == count ? std::optional(repeats) : std::nullopt;
}

static std::optional<ExpandedMask> matchGather(GatherOp gather) {
  ArrayRef<int64_t> shape = shapeOf(gather.getOperand());
  int64_t rank = shape.size(), axis = gather.getAxis();
  if (rank < 2 || axis < rank - 2 || ShapedType::isDynamic(shape[axis]))
    return std::nullopt;
  auto repeats = getRepeats(gather.getIndices(), shape[axis]);
  if (!repeats)
    return std::nullopt;
  ExpandedMask result;
  result.blocks = gather.getOperand();
  (axis == rank - 1 ? result.columns : result.rows) = *repeats;
  return result;
}

/// A function of elements whose other operands are single numbers.
static std::optional<ExpandedMask> matchFunction(Operation *op) {
  if (!isa<ElementwiseOpInterface>(op) || op->getNumResults() != 1)
    return std::nullopt;
  OpOperand *matrix = nullptr;
  for (OpOperand &operand : op->getOpOperands()) {
    ArrayRef<int64_t> shape = shapeOf(operand.get());
    if (llvm::all_of(shape, [](int64_t size) { return size == 1; }) &&
        shape.size() <= shapeOf(op->getResult(0)).size())
      continue;
    if (matrix)
      return std::nullopt;
    matrix = &operand;
  }
  if (!matrix)
    return std::nullopt;
  auto result = findExpandedMask(matrix->get());
  if (!result)
    return std::nullopt;
  OpBuilder builder(op);
  Operation *copy = builder.clone(*op);
  copy->setOperand(matrix->getOperandNumber(), result->blocks);
  copy->getResult(0).setType(RankedTensorType::get(
      shapeOf(result->blocks), elementTypeOf(op->getResult(0))));
  result->blocks = copy->getResult(0);
  return result;
}

std::optional<ExpandedMask> sluice::findExpandedMask(Value mask) {
  Operation *op = mask.getDefiningOp();
  if (!op)
    return std::nullopt;
  std::optional<ExpandedMask> outer;
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    outer = matchReshape(reshape);
  else if (auto gather = dyn_cast<GatherOp>(op))
    outer = matchGather(gather);
  else
    return matchFunction(op);
  if (!outer)
    return std::nullopt;
  // The other dimension, or a part of the factor, may have come before.
  auto inner = findExpandedMask(outer->blocks);
  if (!inner)
    return outer;
  inner->rows *= outer->rows;
  inner->columns *= outer->columns;
  return inner;
}
