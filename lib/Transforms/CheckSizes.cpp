//===- CheckSizes.cpp - Fail where dynamic sizes do not fit ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels rely on what ops demand of their operands' sizes. Type inference
// checks what types say; the rest is checked here, before the first kernel that
// would read outside of a buffer.
//
//===----------------------------------------------------------------------===//

#include "SizeChecker.h"
#include "TypeRefinement.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CHECKSIZESPASS
#include "sluice/Transforms/Passes.h.inc"

using Size = OpFoldResult;
using Predicate = arith::CmpIPredicate;

namespace {

/// Can a size computed this way not be negative?
bool isSurelyNotNegative(Size size, unsigned depth = 0) {
  if (auto known = getConstantIntValue(size))
    return *known >= 0;
  Operation *op = cast<Value>(size).getDefiningOp();
  if (!op || depth > 8)
    return false;
  auto operand = [&](unsigned i) {
    return isSurelyNotNegative(op->getOperand(i), depth + 1);
  };
  if (isa<tensor::DimOp>(op))
    return true;
  if (isa<arith::MaxSIOp>(op))
    return operand(0) || operand(1);
  if (isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::DivSIOp,
          arith::DivUIOp>(op))
    return operand(0) && operand(1);
  if (isa<arith::SelectOp>(op))
    return operand(1) && operand(2);
  return false;
}

} // namespace

void Checker::require(Value condition, StringRef message) {
  auto known = getConstantIntValue(condition);
  if (known && *known != 0)
    return;
  cf::AssertOp::create(builder, loc, condition, message);
  ++count;
}

void Checker::requireEqual(Size lhs, Size rhs, StringRef message) {
  if (lhs == rhs)
    return;
  require(compare(Predicate::eq, lhs, rhs), message);
}

void Checker::requireNotNegative(Size size, StringRef message) {
  if (!isSurelyNotNegative(size))
    require(compare(Predicate::sge, size, number(0)), message);
}

void Checker::requireModest(Size size, StringRef message) {
  if (getConstantIntValue(size))
    return;
  constexpr int64_t limit = int64_t(1) << 60;
  Size shifted = sizes().add(size, number(limit));
  require(compare(Predicate::ule, shifted, number(2 * limit)), message);
}

void Checker::requireProduct(Size lhs, Size rhs, StringRef message) {
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if ((left && *left <= 1) || (right && *right <= 1) || (left && right))
    return;
  // The divisor is the operand, whose size is that of memory there is.
  Size most = builder.createOrFold<arith::DivSIOp>(
      loc, sizes().value(number(INT64_MAX)),
      sizes().value(sizes().max(lhs, number(1))));
  require(compare(Predicate::sle, rhs, most), message);
}

Size Checker::requireBroadcast(Size lhs, Size rhs) {
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if (left == 1)
    return rhs;
  if (right == 1 || lhs == rhs)
    return lhs;
  Value fits = compare(Predicate::eq, lhs, rhs);
  for (Size size : {lhs, rhs})
    if (!getConstantIntValue(size))
      fits = either(fits, compare(Predicate::eq, size, number(1)));
  require(fits, broadcastMessage);
  return broadcastSizes(builder, loc, lhs, rhs);
}

void Checker::requireShape(Value tensor, ArrayRef<Size> shape,
                           StringRef message) {
  for (auto [i, size] : llvm::enumerate(shape))
    requireEqual(sizeOf(tensor, i), size, message);
}

Value Checker::isProduct(ArrayRef<Size> factors, Size product) {
  Type wide = builder.getI64Type();
  auto toWide = [&](Size size) -> Value {
    return builder.createOrFold<arith::IndexCastOp>(loc, wide,
                                                    sizes().value(size));
  };
  Value zero = toWide(number(0)), noOverflow;
  Value result = toWide(factors.empty() ? number(1) : factors.front());
  for (Size factor : factors.drop_front(factors.empty() ? 0 : 1)) {
    auto next =
        arith::MulSIExtendedOp::create(builder, loc, result, toWide(factor));
    result = next.getLow();
    // The high half of a small number is its sign, and sizes have none.
    Value isSmall = arith::CmpIOp::create(builder, loc, Predicate::eq,
                                          next.getHigh(), zero);
    Value hasNoSign =
        arith::CmpIOp::create(builder, loc, Predicate::sge, result, zero);
    Value fits = both(isSmall, hasNoSign);
    noOverflow = noOverflow ? both(noOverflow, fits) : fits;
  }
  Value equal = builder.createOrFold<arith::CmpIOp>(loc, Predicate::eq, result,
                                                    toWide(product));
  return noOverflow ? both(noOverflow, equal) : equal;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void Checker::checkElementwise() {
  int64_t rank = rankOf(op->getResult(0));
  SmallVector<Size> joined(rank, number(1));
  for (Value operand : op->getOperands())
    for (int64_t i = 0, own = rankOf(operand); i < own; ++i) {
      Size &size = joined[rank - own + i];
      size = requireBroadcast(size, sizeOf(operand, i));
    }
}

void Checker::checkMatmul(MatmulOp matmul) {
  Value lhs = matmul.getLhs(), rhs = matmul.getRhs();
  int64_t left = rankOf(lhs), right = rankOf(rhs);
  requireEqual(sizeOf(lhs, left - (matmul.getTransposeLhs() ? 2 : 1)),
               sizeOf(rhs, right - (matmul.getTransposeRhs() ? 1 : 2)),
               "the inner dimensions of the product differ");
  for (int64_t i = 3; i <= std::min(left, right); ++i)
    requireBroadcast(sizeOf(lhs, left - i), sizeOf(rhs, right - i));
}

void Checker::checkReshape(ReshapeOp reshape) {
  SmallVector<Size> from, to;
  for (int64_t i = 0, rank = rankOf(reshape.getOperand()); i < rank; ++i)
    from.push_back(sizeOf(reshape.getOperand(), i));
  for (int64_t i = 0, rank = rankOf(reshape.getResult()); i < rank; ++i)
    to.push_back(sizeOf(reshape.getResult(), i));
  constexpr StringLiteral message =
      "the tensor's elements do not fill the wanted shape";
  for (Size size : to)
    requireNotNegative(size, message);
  // Dimensions that stay say nothing about the others.
  SmallVector<Size> moved(from), made;
  for (Size size : to) {
    auto same = llvm::find(moved, size);
    if (same == moved.end())
      made.push_back(size);
    else
      moved.erase(same);
  }
  auto left = getConstantIntValue(multiplySizes(builder, loc, moved)),
       right = getConstantIntValue(multiplySizes(builder, loc, made));
  if (left && right && *left == *right)
    return;
  require(isProduct(to, multiplySizes(builder, loc, from)), message);
}

void Checker::checkBroadcast(BroadcastOp broadcast) {
  Value operand = broadcast.getOperand(), shape = broadcast.getShape();
  int64_t own = rankOf(operand), wanted = shapeOf(shape)[0];
  for (int64_t i = 1; i <= wanted; ++i) {
    Size size = element(shape, wanted - i);
    requireNotNegative(size, "a wanted size is negative");
    if (i <= own)
      requireBroadcast(sizeOf(operand, own - i), size);
  }
}

void Checker::checkConcat(ConcatOp concat) {
  int64_t axis = concat.getAxis();
  for (Value operand : concat.getOperands())
    for (int64_t i = 0, rank = rankOf(operand); i < rank; ++i) {
      Size lhs = sizeOf(operand, i), rhs = sizeOf(concat.getResult(), i);
      if (i == axis || lhs == rhs)
        continue;
      require(compare(Predicate::eq, lhs, rhs),
              "the operands differ in a dimension other than the axis");
    }
}

constexpr StringLiteral elementMessage =
    "what a loop collects does not have the same sizes in every step";

void Checker::checkElement(SetElementOp set) {
  Value list = set.getList(), element = set.getElement();
  for (int64_t i = 0, rank = rankOf(element); i < rank; ++i)
    requireEqual(sizeOf(list, i + 1), sizeOf(element, i), elementMessage);
}

void Checker::checkElement(AppendOp append) {
  Value list = append.getList(), element = append.getElement();
  for (int64_t i = 0, rank = rankOf(element); i < rank; ++i) {
    Size lhs = sizeOf(list, i + 1), rhs = sizeOf(element, i);
    if (lhs == rhs)
      continue;
    // The empty start of a list has no sensible sizes.
    require(either(compare(Predicate::eq, lhs, rhs),
                   compare(Predicate::eq, sizeOf(list, 0), number(0))),
            elementMessage);
  }
}

template <typename OpTy> void Checker::checkWidths(OpTy pad) {
  SizeBuilder at = sizes();
  int64_t rank = rankOf(pad.getOperand());
  for (int64_t i = 0; i < rank; ++i) {
    Size low, high;
    if (pad.getWidths().empty()) {
      low = number(pad.getLow()[i]);
      high = number(pad.getHigh()[i]);
    } else {
      low = element(pad.getWidths()[0], i);
      high = element(pad.getWidths()[0], rank + i);
    }
    Size size = sizeOf(pad.getOperand(), i);
    if (getConstantIntValue(low) && getConstantIntValue(high) &&
        getConstantIntValue(size))
      continue;
    for (Size width : {low, high})
      requireModest(width, "a pad is out of range");
    requireNotNegative(at.add(at.add(size, low), high),
                       "negative pads cut more than there is");
  }
}

void Checker::checkResize(ResizeOp resize) {
  for (auto [i, axis] : llvm::enumerate(resize.getAxes())) {
    Size wanted = element(resize.getSizes(), i);
    requireNotNegative(wanted, "a wanted size is negative");
    Size size = sizeOf(resize.getOperand(), axis);
    if (getConstantIntValue(size) && getConstantIntValue(size) != 0)
      continue;
    require(either(compare(Predicate::sgt, size, number(0)),
                   compare(Predicate::eq, wanted, number(0))),
            "an empty tensor has no elements to interpolate");
  }
}

template <typename OpTy> void Checker::checkNorm(OpTy norm) {
  int64_t rank = rankOf(norm.getOperand());
  int64_t normalised = rank - static_cast<int64_t>(norm.getAxis());
  for (Value parameter : norm.getParameters()) {
    // There may be dimensions of one in front.
    int64_t own = rankOf(parameter);
    for (int64_t i = 1; i <= std::min(own, normalised); ++i)
      requireEqual(sizeOf(parameter, own - i),
                   sizeOf(norm.getOperand(), rank - i),
                   "scale or bias does not fit the normalized dimensions");
  }
}

void Checker::checkRecurrence(RecurrenceOp recurrence) {
  constexpr StringLiteral message =
      "weights, states and inputs do not fit each other";
  Value projected = recurrence.getProjected(),
        weights = recurrence.getWeights();
  Size directions =
      number(static_cast<int64_t>(recurrence.getReverse().size()));
  Size batch = sizeOf(projected, 2), units = sizeOf(weights, 1);
  RecurrentCell cell = recurrence.getCell();
  int64_t gates = cell == RecurrentCell::Lstm  ? 4
                  : cell == RecurrentCell::Gru ? 3
                                               : 1;
  Size width = sizes().mul(units, number(gates));
  requireEqual(sizeOf(projected, 0), directions, message);
  requireEqual(sizeOf(projected, 3), width, message);
  requireShape(weights, {directions, units, width}, message);
  for (Value state : {recurrence.getHidden(), recurrence.getCellState()})
    if (state)
      requireShape(state, {directions, batch, units}, message);
  if (Value lengths = recurrence.getLengths())
    requireShape(lengths, {batch}, message);
  if (Value peepholes = recurrence.getPeepholes())
    requireShape(peepholes, {directions, sizes().mul(units, number(3))},
                 message);
  if (Value bias = recurrence.getHiddenBias())
    requireShape(bias, {directions, units}, message);
}

/// A cast to sizes that only its readers know. Where the op in front of it can
/// be told in time, its result gets them.
void Checker::checkCast(tensor::CastOp cast) {
  auto source = dyn_cast<RankedTensorType>(cast.getSource().getType());
  auto known = dyn_cast<RankedTensorType>(cast.getType());
  if (!source || !known)
    return;
  Operation *producer = cast.getSource().getDefiningOp();
  bool isTold = producer && isa<SluiceDialect>(producer->getDialect()) &&
                llvm::all_of(cast.getSource().getUsers(), [&](Operation *user) {
                  return user->getBlock() == cast->getBlock() &&
                         acceptsRefinedOperands(user);
                });
  SmallVector<int64_t> places;
  for (int64_t i = 0; i < known.getRank(); ++i) {
    if (!source.isDynamicDim(i) || known.isDynamicDim(i))
      continue;
    places.push_back(i);
    // A size that is asked of the tensor itself is known too late.
    auto size = dyn_cast<Value>(sizeOf(cast.getSource(), i));
    auto question =
        size ? size.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
    isTold &= !question || question.getSource() != cast.getSource();
  }
  if (places.empty())
    return;
  SmallVector<Size> sizes;
  for (int64_t i : places)
    sizes.push_back(sizeOf(cast.getSource(), i));
  if (isTold)
    builder.setInsertionPoint(producer);
  for (auto [i, size] : llvm::zip(places, sizes)) {
    int64_t wanted = known.getDimSize(i);
    requireEqual(size, number(wanted),
                 "a size must be " + std::to_string(wanted) +
                     " to fit what else the node reads");
  }
  if (isTold && refineType(cast.getSource(), intersectTypes(source, known)))
    cast.getResult().replaceAllUsesWith(cast.getSource());
}

void Checker::checkOthers() {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](SqueezeOp squeeze) {
        for (int64_t axis : squeeze.getAxes())
          requireEqual(sizeOf(squeeze.getOperand(), axis), number(1),
                       "a dimension that is dropped is not one");
      })
      .Case([&](SliceOp slice) {
        if (slice.getBounds().empty())
          return;
        for (int64_t i = 0, rank = rankOf(slice.getOperand()); i < rank; ++i) {
          Size step = element(slice.getBounds()[2], i);
          if (!getConstantIntValue(step))
            require(compare(Predicate::ne, step, number(0)), "a step is zero");
        }
      })
      .Case([&](TileOp tile) {
        for (int64_t i = 0, rank = rankOf(tile.getOperand()); i < rank; ++i) {
          Size repeats = element(tile.getRepeats(), i);
          requireNotNegative(repeats, "negative repeats");
          requireProduct(sizeOf(tile.getOperand(), i), repeats,
                         "the size overflows");
        }
      })
      .Case([&](RangeOp range) {
        if (!isa<IntegerType>(range.getType().getElementType()))
          return;
        Size delta = element(range.getDelta(), 0);
        if (!getConstantIntValue(delta))
          require(compare(Predicate::ne, delta, number(0)), "delta is zero");
      })
      .Case([&](OneHotOp hot) {
        if (isa<IntegerType>(elementTypeOf(hot.getDepth())))
          requireNotNegative(element(hot.getDepth(), 0), "negative depth");
      })
      .Case([&](TopKOp top) {
        constexpr StringLiteral message = "k does not fit the dimension";
        Size k = element(top.getK(), 0);
        requireNotNegative(k, message);
        Size size = sizeOf(top.getOperand(), top.getAxis());
        if (!getConstantIntValue(k) || !getConstantIntValue(size))
          require(compare(Predicate::sle, k, size), message);
      })
      .Case([&](GridSampleOp sample) {
        constexpr StringLiteral message = "image and grid do not fit";
        int64_t rank = rankOf(sample.getOperand());
        requireEqual(sizeOf(sample.getOperand(), 0),
                     sizeOf(sample.getGrid(), 0), message);
        requireEqual(sizeOf(sample.getGrid(), rank - 1), number(rank - 2),
                     message);
      })
      .Case([&](RoiAlignOp align) {
        constexpr StringLiteral message = "regions and batches do not fit";
        requireEqual(sizeOf(align.getRois(), 1), number(4), message);
        requireEqual(sizeOf(align.getRois(), 0), sizeOf(align.getBatches(), 0),
                     message);
      })
      .Case([&](NonMaxSuppressionOp suppression) {
        Value boxes = suppression.getBoxes(), scores = suppression.getScores();
        requireShape(boxes, {sizeOf(scores, 0), sizeOf(scores, 2), number(4)},
                     "boxes and scores do not fit");
      })
      .Case([&](TreeEnsembleOp trees) {
        Size features = sizeOf(trees.getOperand(), 1);
        if (!getConstantIntValue(features))
          require(compare(Predicate::sge, features,
                          number(static_cast<int64_t>(trees.getFeatures()))),
                  "the rows have fewer features than the trees look at");
      })
      .Case([&](ReverseSequenceOp reverse) {
        requireEqual(sizeOf(reverse.getLengths(), 0),
                     sizeOf(reverse.getOperand(), reverse.getBatchAxis()),
                     "there must be one length for each sequence");
      })
      .Case([&](BatchNormOp norm) {
        int64_t rank = rankOf(norm.getOperand());
        Size channels = number(1);
        if (norm.getChannelsLast() || rank > 1)
          channels =
              sizeOf(norm.getOperand(), norm.getChannelsLast() ? rank - 1 : 1);
        for (Value parameter : norm->getOperands().drop_front())
          requireEqual(sizeOf(parameter, 0), channels, channelsMessage);
      });
}

int64_t Checker::check() {
  builder.setInsertionPoint(op);
  Operation *before = op->getPrevNode();
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](ElementwiseOpInterface) { checkElementwise(); })
      .Case([&](MatmulOp matmul) { checkMatmul(matmul); })
      .Case([&](ConvOp conv) { checkConv(conv); })
      .Case([&](ConvTransposeOp conv) { checkConvTranspose(conv); })
      .Case([&](DeformConvOp conv) { checkDeformConv(conv); })
      .Case<MaxPoolOp, MaxPoolIndicesOp, AveragePoolOp, LpPoolOp>(
          [&](auto pool) { checkPool(pool); })
      .Case([&](ReshapeOp reshape) { checkReshape(reshape); })
      .Case([&](BroadcastOp broadcast) { checkBroadcast(broadcast); })
      .Case([&](ConcatOp concat) { checkConcat(concat); })
      .Case<SetElementOp, AppendOp>([&](auto list) { checkElement(list); })
      .Case<PadOp, ExtendOp>([&](auto pad) { checkWidths(pad); })
      .Case([&](ResizeOp resize) { checkResize(resize); })
      .Case([&](ColumnsToImageOp columns) { checkColumnsToImage(columns); })
      .Case<LayerNormOp, RmsNormOp>([&](auto norm) { checkNorm(norm); })
      .Case([&](RecurrenceOp recurrence) { checkRecurrence(recurrence); })
      .Case([&](tensor::CastOp cast) { checkCast(cast); })
      .Default([&](Operation *) { checkOthers(); });
  // Reading an element may have asked for sizes.
  resolver.resolve(before, op);
  return count;
}

int64_t Checker::refuse() {
  builder.setInsertionPoint(op);
  require(arith::ConstantIntOp::create(builder, loc, 0, /*width=*/1),
          "the sizes of the operands do not fit together");
  return count;
}

namespace {

/// Sizes that were found after the op was made may contradict each other.
bool isContradictory(Operation *op) {
  auto inference = dyn_cast<InferTypeOpInterface>(op);
  SmallVector<Type> inferred;
  return inference &&
         (failed(inference.inferReturnTypes(
              op->getContext(), std::nullopt, op->getOperands(),
              op->getAttrDictionary(), op->getPropertiesStorage(),
              op->getRegions(), inferred)) ||
          !inference.isCompatibleReturnTypes(inferred, op->getResultTypes()));
}

class CheckSizesPass final : public impl::CheckSizesPassBase<CheckSizesPass> {
public:
  using CheckSizesPassBase::CheckSizesPassBase;

  void runOnOperation() final {
    SmallVector<Operation *> ops;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<SluiceDialect>(op->getDialect()) || isa<tensor::CastOp>(op))
        ops.push_back(op);
    });
    OpBuilder builder(&getContext());
    SizeResolver resolver(builder);
    auto isStatic = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return !tensor || tensor.hasStaticShape();
    };
    for (Operation *op : ops) {
      (void)resolver.visit(op);
      if (isContradictory(op)) {
        numChecks += Checker(builder, resolver, op).refuse();
        continue;
      }
      // What types say has been checked by inference.
      if (!llvm::all_of(op->getOperandTypes(), isStatic) ||
          !llvm::all_of(op->getResultTypes(), isStatic))
        numChecks += Checker(builder, resolver, op).check();
    }
  }
};

} // namespace
} // namespace sluice
