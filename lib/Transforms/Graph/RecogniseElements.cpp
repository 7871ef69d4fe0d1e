//===- RecogniseElements.cpp - What a step of a loop reads ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Analysis/SymbolicShapes.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_RECOGNISEELEMENTSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// What one op reads of a tensor: the part at an index of one dimension.
struct Reading {
  Value tensor;
  int64_t axis = 0;
  bool isBackwards = false;
};

/// The symbols of a function's sizes, once they are asked for. Ops are visited
/// in order, so that no question follows the graph.
class FunctionSymbols {
public:
  explicit FunctionSymbols(Operation *function) : function(function) {}

  SymbolicShapes::Symbol dimension(Value tensor, int64_t place) {
    if (!isVisited)
      function->walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (isa<SluiceDialect>(op->getDialect()))
          symbols.visit(op);
      });
    isVisited = true;
    return symbols.dimension(tensor, place);
  }

private:
  Operation *function;
  SymbolicShapes symbols;
  bool isVisited = false;
};

class ElementRecogniser {
public:
  ElementRecogniser(scf::ForOp loop, FunctionSymbols &symbols)
      : loop(loop), symbols(symbols) {}

  void run();

private:
  std::optional<Reading> match(GatherOp gather);
  std::optional<Reading> match(SliceOp slice);
  /// Whether a number is the step's, or counts from the last step down.
  std::optional<bool> matchStep(OpFoldResult number);
  /// Is there an element for every step?
  bool hasElements(Value tensor, int64_t axis);
  /// The dimension that the loop counts to, if it does; null otherwise.
  Value findLength();

  /// The tensor with the axis in front and as many elements as steps.
  Value makeList(Value tensor, int64_t axis);
  Value makeElement(Operation *op, const Reading &reading);
  void replaceGather(GatherOp gather, Value element);
  void replaceSlice(SliceOp slice, Value element, int64_t axis);

  scf::ForOp loop;
  FunctionSymbols &symbols;
  DenseMap<std::pair<Value, int64_t>, Value> lists;
};

/// The number behind casts between integers and indices.
Value stripCasts(Value number) {
  while (number && number.getDefiningOp<arith::IndexCastOp>())
    number = number.getDefiningOp()->getOperand(0);
  return number;
}

/// `number` = `of` + `summand`.
bool isSum(Value number, Value of, int64_t summand) {
  auto sum = stripCasts(number).getDefiningOp<arith::AddIOp>();
  if (!sum)
    return false;
  auto isOther = [&](Value value) {
    return getConstantIntValue(stripCasts(value)) == summand;
  };
  return (stripCasts(sum.getLhs()) == of && isOther(sum.getRhs())) ||
         (stripCasts(sum.getRhs()) == of && isOther(sum.getLhs()));
}

} // namespace

std::optional<bool> ElementRecogniser::matchStep(OpFoldResult number) {
  auto value = dyn_cast_if_present<Value>(number);
  value = stripCasts(value);
  if (!value)
    return std::nullopt;
  if (value == loop.getInductionVar())
    return false;
  auto difference = value.getDefiningOp<arith::SubIOp>();
  auto count = getConstantIntValue(loop.getUpperBound());
  if (!difference || !count ||
      stripCasts(difference.getRhs()) != loop.getInductionVar())
    return std::nullopt;
  auto last = getConstantIntValue(stripCasts(difference.getLhs()));
  return last && *last == *count - 1 ? std::optional<bool>(true) : std::nullopt;
}

std::optional<Reading> ElementRecogniser::match(GatherOp gather) {
  auto type = cast<RankedTensorType>(gather.getIndices().getType());
  if (!type.hasStaticShape() || type.getNumElements() != 1 ||
      !loop.isDefinedOutsideOfLoop(gather.getOperand()))
    return std::nullopt;
  OpBuilder builder(gather);
  auto isBackwards =
      matchStep(readElement(builder, gather.getLoc(), gather.getIndices(), 0));
  if (!isBackwards)
    return std::nullopt;
  return Reading{gather.getOperand(), static_cast<int64_t>(gather.getAxis()),
                 *isBackwards};
}

/// x[:, i:i+1] takes one dimension in part.
std::optional<Reading> ElementRecogniser::match(SliceOp slice) {
  if (slice.getBounds().size() != 3 ||
      !loop.isDefinedOutsideOfLoop(slice.getOperand()))
    return std::nullopt;
  OpBuilder builder(slice);
  std::optional<Reading> found;
  for (auto [i, size] : llvm::enumerate(shapeOf(slice.getOperand()))) {
    auto bound = [&, axis = i](unsigned which) {
      return readElement(builder, slice.getLoc(), slice.getBounds()[which],
                         axis);
    };
    OpFoldResult start = bound(0), end = bound(1);
    if (getConstantIntValue(bound(2)) != 1)
      return std::nullopt;
    auto from = getConstantIntValue(start), to = getConstantIntValue(end);
    if (from == 0 && to &&
        (*to == INT64_MAX || (!ShapedType::isDynamic(size) && *to >= size)))
      continue;
    auto isBackwards = matchStep(start);
    auto last = dyn_cast<Value>(end);
    if (found || isBackwards != false || !last ||
        !isSum(last, loop.getInductionVar(), 1))
      return std::nullopt;
    found = Reading{slice.getOperand(), static_cast<int64_t>(i), false};
  }
  return found;
}

Value ElementRecogniser::findLength() {
  Value count = loop.getUpperBound();
  // Sizes are not negative.
  if (auto atLeast = count.getDefiningOp<arith::MaxSIOp>();
      atLeast && getConstantIntValue(atLeast.getRhs()) == 0)
    count = atLeast.getLhs();
  count = stripCasts(count);
  if (auto read = count.getDefiningOp<tensor::ExtractOp>()) {
    auto type = cast<RankedTensorType>(read.getTensor().getType());
    if (!type.hasStaticShape() || type.getNumElements() != 1)
      return {};
    OpBuilder builder(read);
    count = stripCasts(dyn_cast_if_present<Value>(
        readElement(builder, read.getLoc(), read.getTensor(), 0)));
  }
  return count && count.getDefiningOp<tensor::DimOp>() ? count : Value();
}

bool ElementRecogniser::hasElements(Value tensor, int64_t axis) {
  auto count = getConstantIntValue(loop.getUpperBound());
  int64_t length = shapeOf(tensor)[axis];
  if (count)
    return !ShapedType::isDynamic(length) && length >= *count;
  Value size = findLength();
  auto counted = size ? size.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  if (!ShapedType::isDynamic(length) || !counted ||
      !counted.getConstantIndex() ||
      symbols.dimension(counted.getSource(), *counted.getConstantIndex()) !=
          symbols.dimension(tensor, axis))
    return false;
  // Now that it is known to be one, the loop counts to it.
  if (loop.getUpperBound() != size)
    loop.getUpperBound().replaceAllUsesWith(size);
  return true;
}

Value ElementRecogniser::makeList(Value tensor, int64_t axis) {
  Value &list = lists[{tensor, axis}];
  if (list)
    return list;
  OpBuilder builder(loop);
  GraphBuilder graph(builder, loop.getLoc());
  int64_t rank = shapeOf(tensor).size();
  list = tensor;
  auto count = getConstantIntValue(loop.getUpperBound());
  if (count && shapeOf(tensor)[axis] > *count) {
    SmallVector<int64_t> starts(rank, 0), ends(rank, INT64_MAX), steps(rank, 1);
    ends[axis] = *count;
    list = graph.make<SliceOp>(list, ValueRange(), starts, ends, steps);
  }
  SmallVector<int64_t> order{axis};
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      order.push_back(i);
  if (axis != 0)
    list = graph.transpose(list, order);
  return list;
}

Value ElementRecogniser::makeElement(Operation *op, const Reading &reading) {
  Value list = makeList(reading.tensor, reading.axis);
  OpBuilder builder(op);
  GraphBuilder graph(builder, op->getLoc());
  Value index = loop.getInductionVar();
  if (reading.isBackwards) {
    Value last = arith::ConstantIndexOp::create(
        builder, op->getLoc(), *getConstantIntValue(loop.getUpperBound()) - 1);
    index = graph.make<arith::SubIOp>(last, index);
  }
  return graph.make<ElementOp>(list, index);
}

/// Replaces a tensor by another one whose type may say more. The op stays until
/// dead code goes: symbols know its result.
static void replaceTensor(Operation *op, Value value) {
  if (value.getType() != op->getResult(0).getType()) {
    OpBuilder builder(op);
    value = tensor::CastOp::create(builder, op->getLoc(),
                                   op->getResult(0).getType(), value);
  }
  op->replaceAllUsesWith(ValueRange(value));
}

void ElementRecogniser::replaceGather(GatherOp gather, Value element) {
  OpBuilder builder(gather);
  SmallVector<int64_t> axes;
  for (size_t i = 0; i < shapeOf(gather.getIndices()).size(); ++i)
    axes.push_back(gather.getAxis() + i);
  if (!axes.empty())
    element = UnsqueezeOp::create(builder, gather.getLoc(), element, axes);
  replaceTensor(gather, element);
}

void ElementRecogniser::replaceSlice(SliceOp slice, Value element,
                                     int64_t axis) {
  // Most drop the dimension at once.
  for (Operation *user : llvm::make_early_inc_range(slice->getUsers())) {
    bool isElement = false;
    if (auto squeeze = dyn_cast<SqueezeOp>(user))
      isElement = squeeze.getAxes() == ArrayRef<int64_t>(axis);
    else if (auto reshape = dyn_cast<ReshapeOp>(user))
      isElement = reshape.getOperand() == slice.getResult() &&
                  reshape.getType() == element.getType() &&
                  reshape.getType().hasStaticShape();
    if (isElement)
      replaceTensor(user, element);
  }
  OpBuilder builder(slice);
  replaceTensor(slice, UnsqueezeOp::create(builder, slice.getLoc(), element,
                                           ArrayRef<int64_t>(axis)));
}

void ElementRecogniser::run() {
  if (getConstantIntValue(loop.getLowerBound()) != 0 ||
      getConstantIntValue(loop.getStep()) != 1)
    return;
  SmallVector<Operation *> readers;
  loop.getBody()->walk([&](Operation *op) {
    if (isa<GatherOp, SliceOp>(op))
      readers.push_back(op);
  });
  for (Operation *op : readers) {
    auto gather = dyn_cast<GatherOp>(op);
    auto slice = dyn_cast<SliceOp>(op);
    auto reading = gather ? match(gather) : match(slice);
    if (!reading || !hasElements(reading->tensor, reading->axis))
      continue;
    Value element = makeElement(op, *reading);
    if (gather)
      replaceGather(gather, element);
    else
      replaceSlice(slice, element, reading->axis);
  }
}

namespace {
class RecogniseElementsPass final
    : public impl::RecogniseElementsPassBase<RecogniseElementsPass> {
public:
  using RecogniseElementsPassBase::RecogniseElementsPassBase;

  void runOnOperation() final {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    FunctionSymbols symbols(getOperation());
    for (scf::ForOp loop : loops)
      ElementRecogniser(loop, symbols).run();
  }
};
} // namespace
} // namespace sluice
