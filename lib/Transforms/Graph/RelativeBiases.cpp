//===- RelativeBiases.cpp - Biases of the distance alone ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A bias that is a function of the distance between query and key (T5, ALiBi,
// any table of relative distances) has S + T - 1 different elements instead of
// S x T. What computes it is written anew with one dimension for the distance
// in place of the two: from constants whose diagonals are constant, through
// elementwise ops, lookups in tables and moves of dimensions.
//
//===----------------------------------------------------------------------===//

#include "ConstantNumbers.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/TypeRefinement.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_RELATIVEBIASESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Where a tensor has the dimensions of queries and of keys; -1 where it has
/// none.
struct Axes {
  int64_t query, key;
};

class DistanceRewriter {
public:
  explicit DistanceRewriter(MLIRContext *context) : builder(context) {}

  /// The tensor with one query and, for keys, all distances from the largest
  /// one back to the largest one ahead; null where it is no function of these.
  /// What layers share is written once.
  Value rewrite(Value tensor, Axes axes, unsigned depth = 0);

private:
  Value rewriteDependent(Value tensor, Axes axes, unsigned depth);
  Value rewriteConstant(ConstantOp constant, Axes axes);
  Value rewriteDifference(Operation *op, Axes axes);
  Value rewriteElements(Operation *op, Axes axes, unsigned depth);
  Value rewriteGather(GatherOp op, Axes axes, unsigned depth);
  Value rewriteBroadcast(BroadcastOp op, Axes axes);
  Value rewriteReshape(ReshapeOp op, Axes axes, unsigned depth);
  Value rewriteMove(Operation *op, Axes axes, unsigned depth);
  Value cloneWith(Operation *op, ValueRange operands);
  bool dependsOn(Value tensor, int64_t axis) const {
    return axis >= 0 && shapeOf(tensor)[axis] != 1;
  }
  /// The number of an element of a constant that varies along one dimension
  /// alone and in equal steps.
  struct Progression {
    double first, step;
  };
  std::optional<Progression> getProgression(Value tensor, int64_t axis);

  OpBuilder builder;
  int64_t queries = 0, keys = 0;
  /// What has been written of which tensors and axes.
  DenseMap<std::pair<Value, std::pair<int64_t, int64_t>>, Value> known;
};

class RelativeBiasesPass final
    : public impl::RelativeBiasesPassBase<RelativeBiasesPass> {
public:
  using RelativeBiasesPassBase::RelativeBiasesPassBase;

  void runOnOperation() final {
    DistanceRewriter rewriter(&getContext());
    getOperation().walk([&](AttentionOp op) { run(op, rewriter); });
  }

private:
  void run(AttentionOp op, DistanceRewriter &rewriter);
};

} // namespace

Value DistanceRewriter::cloneWith(Operation *op, ValueRange operands) {
  builder.setInsertionPointAfter(op);
  return cloneWithOperands(builder, op, operands);
}

/// Constants have the same element along each diagonal.
Value DistanceRewriter::rewriteConstant(ConstantOp constant, Axes axes) {
  std::vector<char> scratch;
  auto bytes = getConstantBytes(constant.getValueAttr(), scratch);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return nullptr;
  }
  RankedTensorType type = cast<RankedTensorType>(constant.getType());
  ArrayRef<int64_t> shape = type.getShape();
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  int64_t count = type.getNumElements(), distances = queries + keys - 1;
  int64_t width = count ? bytes->size() / count : 0;
  // Not of one element for all.
  if (width == 0 || static_cast<int64_t>(bytes->size()) != width * count)
    return nullptr;
  SmallVector<int64_t> small(shape);
  small[axes.query] = 1;
  small[axes.key] = distances;
  std::vector<char> table(count / (queries * keys) * distances * width);
  std::vector<bool> isKnown(table.size() / width);
  SmallVector<int64_t> smallStrides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    smallStrides[i - 1] = smallStrides[i] * small[i];
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = 0;
    for (size_t d = 0; d < shape.size(); ++d)
      if (static_cast<int64_t>(d) != axes.query &&
          static_cast<int64_t>(d) != axes.key)
        place += i / strides[d] % shape[d] * smallStrides[d];
    int64_t query = i / strides[axes.query] % queries,
            key = i / strides[axes.key] % keys;
    place += (queries - 1 + key - query) * smallStrides[axes.key];
    const char *from = bytes->data() + i * width;
    char *to = table.data() + place * width;
    if (!isKnown[place])
      std::copy_n(from, width, to);
    else if (!std::equal(from, from + width, to))
      return nullptr;
    isKnown[place] = true;
  }
  DenseElementsAttr value;
  if (type.getElementType().isInteger(1))
    value = DenseElementsAttr::get(
        type.clone(small), llvm::to_vector(llvm::map_range(
                               table, [](char bit) { return bit != 0; })));
  else
    value = DenseElementsAttr::getFromRawBuffer(type.clone(small), table);
  return ConstantOp::create(builder, constant.getLoc(), value);
}

std::optional<DistanceRewriter::Progression>
DistanceRewriter::getProgression(Value tensor, int64_t axis) {
  auto constant = tensor.getDefiningOp<ConstantOp>();
  ArrayRef<int64_t> shape = shapeOf(tensor);
  if (!constant || axis < 0 ||
      cast<RankedTensorType>(tensor.getType()).getNumElements() != shape[axis])
    return std::nullopt;
  std::vector<double> numbers;
  if (!forEachNumber(constant.getValueAttr(),
                     [&](double number) { numbers.push_back(number); }) ||
      numbers.size() < 2)
    return std::nullopt;
  Progression result{numbers[0], numbers[1] - numbers[0]};
  for (auto [i, number] : llvm::enumerate(numbers))
    if (number != result.first + result.step * static_cast<double>(i))
      return std::nullopt;
  return result;
}

/// Places of keys less those of queries, or the other way round.
Value DistanceRewriter::rewriteDifference(Operation *op, Axes axes) {
  if (!isa<SubOp, AddOp>(op))
    return nullptr;
  double signs[] = {1, isa<SubOp>(op) ? -1.0 : 1.0};
  double first = 0, ofKeys = 0, ofQueries = 0;
  int64_t rank = shapeOf(op->getResult(0)).size();
  for (auto [sign, operand] : llvm::zip(signs, op->getOperands())) {
    int64_t missing = rank - shapeOf(operand).size();
    Axes own = {axes.query - missing, axes.key - missing};
    bool isOfKeys = dependsOn(operand, own.key);
    if (isOfKeys == dependsOn(operand, own.query))
      return nullptr;
    auto numbers = getProgression(operand, isOfKeys ? own.key : own.query);
    if (!numbers)
      return nullptr;
    first += sign * numbers->first;
    (isOfKeys ? ofKeys : ofQueries) += sign * numbers->step;
  }
  if (ofKeys == 0 || ofKeys != -ofQueries)
    return nullptr;
  Type element = elementTypeOf(op->getResult(0));
  SmallVector<Attribute> values;
  for (int64_t i = 0; i < queries + keys - 1; ++i) {
    double number = first + ofKeys * static_cast<double>(i - (queries - 1));
    if (isa<FloatType>(element))
      values.push_back(builder.getFloatAttr(element, number));
    else
      values.push_back(
          builder.getIntegerAttr(element, static_cast<int64_t>(number)));
  }
  SmallVector<int64_t> shape(rank, 1);
  shape[axes.key] = queries + keys - 1;
  return ConstantOp::create(
      builder, op->getLoc(),
      DenseElementsAttr::get(RankedTensorType::get(shape, element), values));
}

Value DistanceRewriter::rewriteElements(Operation *op, Axes axes,
                                        unsigned depth) {
  if (Value difference = rewriteDifference(op, axes))
    return difference;
  SmallVector<Value> operands;
  int64_t rank = shapeOf(op->getResult(0)).size();
  for (Value operand : op->getOperands()) {
    int64_t missing = rank - shapeOf(operand).size();
    operands.push_back(rewrite(
        operand, {axes.query - missing, axes.key - missing}, depth + 1));
    if (!operands.back())
      return nullptr;
  }
  return cloneWith(op, operands);
}

/// What a table has for each distance.
Value DistanceRewriter::rewriteGather(GatherOp op, Axes axes, unsigned depth) {
  Value index = op->getOperand(1);
  int64_t before = op.getAxis(), rank = shapeOf(index).size();
  Axes own = {axes.query - before, axes.key - before};
  if (own.query < 0 || own.key < 0 || own.query >= rank || own.key >= rank)
    return nullptr;
  index = rewrite(index, own, depth + 1);
  return index ? cloneWith(op, {op->getOperand(0), index}) : Value();
}

/// Dimensions of size one that come or go.
Value DistanceRewriter::rewriteReshape(ReshapeOp op, Axes axes,
                                       unsigned depth) {
  ArrayRef<int64_t> from = shapeOf(op->getOperand(0)), to = shapeOf(op);
  SmallVector<int64_t> large, axis;
  for (auto [i, size] : llvm::enumerate(from))
    if (size != 1) {
      large.push_back(size);
      axis.push_back(i);
    }
  SmallVector<int64_t> rest(to);
  llvm::erase(rest, 1);
  if (ArrayRef(rest) != ArrayRef(large))
    return nullptr;
  auto move = [&](int64_t own) {
    return axis[llvm::count_if(to.take_front(own),
                               [](int64_t size) { return size != 1; })];
  };
  Value moved =
      rewrite(op->getOperand(0), {move(axes.query), move(axes.key)}, depth + 1);
  if (!moved)
    return nullptr;
  SmallVector<int64_t> shape(to);
  shape[axes.query] = 1;
  shape[axes.key] = queries + keys - 1;
  builder.setInsertionPointAfter(op);
  return GraphBuilder(builder, op.getLoc()).reshape(moved, shape);
}

Value DistanceRewriter::rewriteMove(Operation *op, Axes axes, unsigned depth) {
  Axes own = axes;
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    own = {transpose.getPermutation()[axes.query],
           transpose.getPermutation()[axes.key]};
  } else if (auto unsqueeze = dyn_cast<UnsqueezeOp>(op)) {
    auto move = [&](int64_t axis) {
      return axis - llvm::count_if(unsqueeze.getAxes(),
                                   [&](int64_t put) { return put < axis; });
    };
    own = {move(axes.query), move(axes.key)};
  } else if (auto squeeze = dyn_cast<SqueezeOp>(op)) {
    for (int64_t dropped : squeeze.getAxes()) {
      own.query += dropped <= own.query;
      own.key += dropped <= own.key;
    }
  } else {
    return nullptr;
  }
  Value moved = rewrite(op->getOperand(0), own, depth + 1);
  return moved ? cloneWith(op, moved) : moved;
}

/// What is repeated for all pairs is the same for all distances.
Value DistanceRewriter::rewriteBroadcast(BroadcastOp op, Axes axes) {
  Value operand = op.getOperand();
  ArrayRef<int64_t> from = shapeOf(operand), to = shapeOf(op.getResult());
  int64_t added = to.size() - from.size();
  for (int64_t i = 0, rank = to.size(); i < rank; ++i) {
    int64_t own = i < added ? 1 : from[i - added];
    bool isPlace = i == axes.query || i == axes.key;
    if (own != (isPlace ? 1 : to[i]))
      return nullptr;
  }
  if (added == 0)
    return operand;
  return GraphBuilder(builder, op.getLoc())
      .unsqueeze(operand, llvm::to_vector(llvm::seq<int64_t>(0, added)));
}

Value DistanceRewriter::rewriteDependent(Value tensor, Axes axes,
                                         unsigned depth) {
  Operation *op = tensor.getDefiningOp();
  // Where the op is, its operands and all that reads it can be reached.
  builder.setInsertionPointAfter(op);
  if (auto constant = dyn_cast<ConstantOp>(op))
    return rewriteConstant(constant, axes);
  if (isa<ElementwiseOpInterface>(op))
    return rewriteElements(op, axes, depth);
  if (auto gather = dyn_cast<GatherOp>(op))
    return rewriteGather(gather, axes, depth);
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return rewriteReshape(reshape, axes, depth);
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return rewriteBroadcast(broadcast, axes);
  return rewriteMove(op, axes, depth);
}

Value DistanceRewriter::rewrite(Value tensor, Axes axes, unsigned depth) {
  constexpr unsigned farthest = 64;
  bool ofQueries = dependsOn(tensor, axes.query),
       ofKeys = dependsOn(tensor, axes.key);
  if (!ofQueries && !ofKeys)
    return tensor;
  if (!ofQueries || !ofKeys || !tensor.getDefiningOp() || depth > farthest ||
      tensor.getDefiningOp()->getNumResults() != 1 ||
      !cast<RankedTensorType>(tensor.getType()).hasStaticShape())
    return nullptr;
  if (depth == 0) {
    queries = shapeOf(tensor)[axes.query];
    keys = shapeOf(tensor)[axes.key];
  }
  if (shapeOf(tensor)[axes.query] != queries ||
      shapeOf(tensor)[axes.key] != keys)
    return nullptr;
  auto key = std::pair(tensor, std::pair(axes.query, axes.key));
  if (auto it = known.find(key); it != known.end())
    return it->second;
  Value written = rewriteDependent(tensor, axes, depth);
  return known[key] = written;
}

/// Does a constant hide keys? It is rather a mask, whose blocks are skipped.
static bool hidesKeys(AttentionOp op, Value bias) {
  double bound = -std::numeric_limits<double>::infinity();
  if (op.getMaskedBelow())
    bound = op.getMaskedBelow()->convertToDouble();
  bool hides = false;
  auto constant = bias.getDefiningOp<ConstantOp>();
  return constant &&
         (!forEachNumber(constant.getValueAttr(),
                         [&](double number) { hides |= number <= bound; }) ||
          hides);
}

void RelativeBiasesPass::run(AttentionOp op, DistanceRewriter &rewriter) {
  Value bias = op.getBias();
  int64_t queries = op.getQueryCount(), keys = op.getKeyCount();
  if (!bias || op.getRelativeBias() || op.getBlocks() ||
      ShapedType::isDynamic(queries) || ShapedType::isDynamic(keys) ||
      queries < 2 || keys < 2)
    return;
  int64_t rank = shapeOf(bias).size();
  if (rank < 2 || shapeOf(bias)[rank - 2] != queries ||
      shapeOf(bias)[rank - 1] != keys)
    return;
  Value relative = rewriter.rewrite(bias, {rank - 2, rank - 1});
  if (!relative || hidesKeys(op, relative))
    return;
  op.getBiasMutable().assign(relative);
  op.setRelativeBias(true);
  remarks::applied(op, remarks::attention)
      << "the bias depends on the distance between query and key alone";
}

} // namespace sluice
