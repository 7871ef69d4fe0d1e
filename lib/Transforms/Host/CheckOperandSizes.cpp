//===- CheckOperandSizes.cpp - What ops demand of sizes -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "SizeChecker.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Transforms/Graph/TypeRefinement.h"

using namespace mlir;

namespace sluice {

using Size = OpFoldResult;
using Predicate = arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Shapes and places
//===----------------------------------------------------------------------===//

void Checker::checkBroadcasting() {
  int64_t rank = rankOf(op->getResult(0));
  SmallVector<Size> joined(rank, number(1));
  for (Value operand : op->getOperands())
    for (int64_t i = 0, own = rankOf(operand); i < own; ++i) {
      Size &size = joined[rank - own + i];
      size = requireBroadcast(size, sizeOf(operand, i));
    }
}

void Checker::demand(MatmulOp matmul) {
  Value lhs = matmul.getLhs(), rhs = matmul.getRhs();
  int64_t left = rankOf(lhs), right = rankOf(rhs);
  requireEqual(sizeOf(lhs, left - (matmul.getTransposeLhs() ? 2 : 1)),
               sizeOf(rhs, right - (matmul.getTransposeRhs() ? 1 : 2)),
               "the inner dimensions of the product differ");
  for (int64_t i = 3; i <= std::min(left, right); ++i)
    requireBroadcast(sizeOf(lhs, left - i), sizeOf(rhs, right - i));
}

void Checker::demand(ReshapeOp reshape) {
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
  if (!left || !right || *left != *right)
    require(isProduct(to, multiplySizes(builder, loc, from)), message);
  // A tensor with as many elements in one dimension is the same.
  if (reshape.getOperand().getType() == reshape.getType() && to.size() <= 1)
    reshape.getResult().replaceAllUsesWith(reshape.getOperand());
}

void Checker::demand(BroadcastOp broadcast) {
  Value operand = broadcast.getOperand(), shape = broadcast.getShape();
  int64_t own = rankOf(operand), wanted = shapeOf(shape)[0];
  for (int64_t i = 1; i <= wanted; ++i) {
    Size size = element(shape, wanted - i);
    requireNotNegative(size, "a wanted size is negative");
    if (i <= own)
      requireBroadcast(sizeOf(operand, own - i), size);
  }
  // With no other sizes than before, nothing is repeated.
  if (operand.getType() == broadcast.getType() &&
      broadcast.getType().hasStaticShape())
    broadcast.getResult().replaceAllUsesWith(operand);
}

void Checker::demand(ConcatOp concat) {
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

void Checker::demand(SetElementOp set) {
  Value list = set.getList(), element = set.getElement();
  for (int64_t i = 0, rank = rankOf(element); i < rank; ++i)
    requireEqual(sizeOf(list, i + 1), sizeOf(element, i), elementMessage);
}

void Checker::demand(AppendOp append) {
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
template void Checker::checkWidths(PadOp);
template void Checker::checkWidths(ExtendOp);

void Checker::demand(SqueezeOp squeeze) {
  for (int64_t axis : squeeze.getAxes())
    requireEqual(sizeOf(squeeze.getOperand(), axis), number(1),
                 "a dimension that is dropped is not one");
}

void Checker::demand(SliceOp slice) {
  if (slice.getBounds().empty())
    return;
  for (int64_t i = 0, rank = rankOf(slice.getOperand()); i < rank; ++i) {
    Size step = element(slice.getBounds()[2], i);
    if (!getConstantIntValue(step))
      require(compare(Predicate::ne, step, number(0)), "a step is zero");
  }
}

void Checker::demand(TileOp tile) {
  for (int64_t i = 0, rank = rankOf(tile.getOperand()); i < rank; ++i) {
    Size repeats = element(tile.getRepeats(), i);
    requireNotNegative(repeats, "negative repeats");
    requireProduct(sizeOf(tile.getOperand(), i), repeats, "the size overflows");
  }
}

void Checker::demand(ReverseSequenceOp reverse) {
  requireEqual(sizeOf(reverse.getLengths(), 0),
               sizeOf(reverse.getOperand(), reverse.getBatchAxis()),
               "there must be one length for each sequence");
}

/// A cast to sizes that only its readers know. Where the op in front of it can
/// be told in time, its result gets them.
void Checker::demand(tensor::CastOp cast) {
  auto source = dyn_cast<RankedTensorType>(cast.getSource().getType());
  auto known = dyn_cast<RankedTensorType>(cast.getType());
  if (!source || !known)
    return;
  Operation *producer = cast.getSource().getDefiningOp();
  bool isTold = producer && isa<SluiceDialect>(producer->getDialect()) &&
                llvm::all_of(cast.getSource().getUsers(), [&](Operation *user) {
                  return user->getBlock() == cast->getBlock() &&
                         acceptsRefinedOperands(user) &&
                         !isa<scf::YieldOp>(user);
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

//===----------------------------------------------------------------------===//
// Elements chosen by indices
//===----------------------------------------------------------------------===//

void Checker::demand(GatherNDOp gather) {
  for (int64_t i = 0, count = gather.getBatchDims(); i < count; ++i)
    requireEqual(sizeOf(gather.getOperand(), i), sizeOf(gather.getIndices(), i),
                 "batch dimensions differ");
}

void Checker::demand(ScatterElementsOp scatter) {
  for (int64_t i = 0, rank = rankOf(scatter.getIndices()); i < rank; ++i)
    requireEqual(sizeOf(scatter.getIndices(), i),
                 sizeOf(scatter.getUpdates(), i),
                 "updates and indices differ in size");
}

void Checker::demand(ScatterNDOp scatter) {
  Value data = scatter.getOperand(), indices = scatter.getIndices();
  SmallVector<Size> wanted;
  int64_t last = rankOf(indices) - 1;
  for (int64_t i = 0; i < last; ++i)
    wanted.push_back(sizeOf(indices, i));
  for (int64_t i = shapeOf(indices)[last], rank = rankOf(data); i < rank; ++i)
    wanted.push_back(sizeOf(data, i));
  requireShape(scatter.getUpdates(), wanted,
               "the updates do not fit the indices");
}

void Checker::demand(OneHotOp hot) {
  if (isa<IntegerType>(elementTypeOf(hot.getDepth())))
    requireNotNegative(element(hot.getDepth(), 0), "negative depth");
}

void Checker::demand(TopKOp top) {
  constexpr StringLiteral message = "k does not fit the dimension";
  Size k = element(top.getK(), 0);
  requireNotNegative(k, message);
  Size size = sizeOf(top.getOperand(), top.getAxis());
  if (!getConstantIntValue(k) || !getConstantIntValue(size))
    require(compare(Predicate::sle, k, size), message);
}

void Checker::demand(NonMaxSuppressionOp suppression) {
  Value boxes = suppression.getBoxes(), scores = suppression.getScores();
  requireShape(boxes, {sizeOf(scores, 0), sizeOf(scores, 2), number(4)},
               "boxes and scores do not fit");
}

/// Nothing has no largest element; but nothing may be asked for either.
template <typename OpTy> void Checker::checkChoice(OpTy choice) {
  Value operand = choice.getOperand();
  int64_t axis = choice.getAxis();
  if (getConstantIntValue(sizeOf(operand, axis)).value_or(0) != 0)
    return;
  SmallVector<Size> others;
  for (int64_t i = 0, rank = rankOf(operand); i < rank; ++i)
    if (i != axis)
      others.push_back(sizeOf(operand, i));
  Value isFilled = compare(Predicate::ne, sizeOf(operand, axis), number(0));
  for (Size size : others)
    isFilled = either(isFilled, compare(Predicate::eq, size, number(0)));
  require(isFilled, "an empty dimension has no largest or smallest element");
}
template void Checker::checkChoice(ArgMaxOp);
template void Checker::checkChoice(ArgMinOp);

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

void Checker::demand(ResizeOp resize) {
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

void Checker::demand(GridSampleOp sample) {
  constexpr StringLiteral message = "image and grid do not fit";
  int64_t rank = rankOf(sample.getOperand());
  requireEqual(sizeOf(sample.getOperand(), 0), sizeOf(sample.getGrid(), 0),
               message);
  requireEqual(sizeOf(sample.getGrid(), rank - 1), number(rank - 2), message);
}

void Checker::demand(RoiAlignOp align) {
  constexpr StringLiteral message = "regions and batches do not fit";
  requireEqual(sizeOf(align.getRois(), 1), number(4), message);
  requireEqual(sizeOf(align.getRois(), 0), sizeOf(align.getBatches(), 0),
               message);
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

void Checker::demand(BatchNormOp norm) {
  int64_t rank = rankOf(norm.getOperand());
  Size channels = number(1);
  if (norm.getChannelsLast() || rank > 1)
    channels = sizeOf(norm.getOperand(), norm.getChannelsLast() ? rank - 1 : 1);
  for (Value parameter : norm->getOperands().drop_front())
    requireEqual(sizeOf(parameter, 0), channels, channelsMessage);
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

template void Checker::checkNorm(LayerNormOp);
template void Checker::checkNorm(RmsNormOp);

template <typename OpTy> void Checker::checkSquare(OpTy op) {
  int64_t rank = rankOf(op.getOperand());
  requireEqual(sizeOf(op.getOperand(), rank - 2),
               sizeOf(op.getOperand(), rank - 1),
               "the matrices are not square");
}
template void Checker::checkSquare(DeterminantOp);
template void Checker::checkSquare(InverseOp);

void Checker::demand(RecurrenceOp recurrence) {
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

void Checker::demand(FourierTransformOp transform) {
  constexpr StringLiteral message = "the roots do not fit the signal";
  requireShape(transform.getRoots(),
               {sizeOf(transform.getOperand(), 0), number(2)}, message);
}

void Checker::demand(RangeOp range) {
  if (!isa<IntegerType>(range.getType().getElementType()))
    return;
  Size delta = element(range.getDelta(), 0);
  if (!getConstantIntValue(delta))
    require(compare(Predicate::ne, delta, number(0)), "delta is zero");
}

void Checker::demand(RandomOp random) {
  for (int64_t i = 0, rank = rankOf(random.getResult()); i < rank; ++i)
    requireNotNegative(element(random.getShape(), i),
                       "a wanted size is negative");
}

void Checker::demand(TreeEnsembleOp trees) {
  Size features = sizeOf(trees.getOperand(), 1);
  if (!getConstantIntValue(features))
    require(compare(Predicate::sge, features,
                    number(static_cast<int64_t>(trees.getFeatures()))),
            "the rows have fewer features than the trees look at");
}

void Checker::demand(PairwiseCouplingOp coupling) {
  int64_t classes = coupling.getClasses();
  requireEqual(sizeOf(coupling.getOperand(), 1),
               number(classes * (classes - 1) / 2),
               "there must be a number for each pair of classes");
}

} // namespace sluice
