//===- ReductionOps.cpp - Reductions over dimensions ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Unsupported.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// ReduceOp
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto type = cast<RankedTensorType>(operands[0].getType());
  SmallVector<int64_t> shape;
  ArrayRef<int64_t> axes = adaptor.getAxes();
  for (auto [i, axis] : llvm::enumerate(axes))
    if (axis < 0 || axis >= type.getRank() || (i > 0 && axis <= axes[i - 1]))
      return emitOptionalError(location, "axes must ascend within rank ",
                               type.getRank());
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    bool reduced = llvm::is_contained(axes, static_cast<int64_t>(i));
    if (!reduced)
      shape.push_back(size);
    else if (adaptor.getKeepDims())
      shape.push_back(1);
  }
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

LogicalResult ReduceOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0, rank = shapeOf(getOperand()).size(); i < rank; ++i) {
    if (!llvm::is_contained(getAxes(), i))
      sizes.push_back(getDimension(builder, getLoc(), getOperand(), i));
    else if (getKeepDims())
      sizes.push_back(builder.getIndexAttr(1));
  }
  shapes.push_back(std::move(sizes));
  return success();
}

std::optional<OperandDimension> ReduceOp::getSizeSource(unsigned,
                                                        int64_t dimension) {
  for (int64_t axis : getAxes()) {
    if (axis == dimension && getKeepDims())
      return std::nullopt;
    if (axis <= dimension && !getKeepDims())
      ++dimension;
  }
  return OperandDimension{&getOperandMutable(), dimension};
}

OpFoldResult ReduceOp::fold(FoldAdaptor) {
  // Without axes only kinds that keep a single element are the identity.
  switch (getKind()) {
  case ReductionKind::Sum:
  case ReductionKind::Mean:
  case ReductionKind::Max:
  case ReductionKind::Min:
  case ReductionKind::Prod:
    if (getAxes().empty() && getOperand().getType() == getType())
      return getOperand();
    return {};
  default:
    return {};
  }
}

//===----------------------------------------------------------------------===//
// ReduceAxesOp
//===----------------------------------------------------------------------===//

LogicalResult ReduceAxesOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  int64_t rank = shapeOf(operands[0]).size();
  ArrayRef<int64_t> axes = shapeOf(operands[1]);
  if (axes.size() != 1 || !elementTypeOf(operands[1]).isInteger())
    return emitOptionalError(location, "axes must be a vector of integers");
  if (!ShapedType::isDynamic(axes[0]) && axes[0] > rank)
    return emitOptionalError(location, "there are more axes than dimensions");
  if (!adaptor.getKeepDims()) {
    if (ShapedType::isDynamic(axes[0]))
      return emitOptionalUnsupported(
          location, "the number of axes is not known at compile time");
    rank -= axes[0];
  }
  types.push_back(
      RankedTensorType::get(SmallVector<int64_t>(rank, ShapedType::kDynamic),
                            elementTypeOf(operands[0])));
  return success();
}

LogicalResult
ReduceAxesOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  int64_t rank = shapeOf(getOperand()).size();
  int64_t count = shapeOf(getAxes())[0];
  if (ShapedType::isDynamic(count))
    return failure();
  auto index = [&](int64_t number) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, number);
  };
  auto equals = [&](Value value, int64_t number) -> Value {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, value,
                                 index(number));
  };
  // Which dimensions are reduced?
  SmallVector<Value> reduced(rank);
  for (int64_t i = 0; i < rank; ++i)
    reduced[i] = arith::ConstantIntOp::create(builder, loc, 0, 1);
  for (int64_t i = 0; i < count; ++i) {
    Value axis = getValueOrCreateConstantIndexOp(
        builder, loc, readElement(builder, loc, getAxes(), i));
    for (int64_t j = 0; j < rank; ++j)
      for (int64_t spelling : {j, j - rank})
        reduced[j] = arith::OrIOp::create(builder, loc, reduced[j],
                                          equals(axis, spelling));
  }
  SmallVector<OpFoldResult> sizes;
  if (getKeepDims()) {
    for (int64_t i = 0; i < rank; ++i) {
      Value size = getValueOrCreateConstantIndexOp(
          builder, loc, getDimension(builder, loc, getOperand(), i));
      sizes.push_back(
          arith::SelectOp::create(builder, loc, reduced[i], index(1), size)
              .getResult());
    }
  } else {
    // Kept dimension number `next` goes to the result's place `next`.
    SmallVector<Value> kept(getType().getRank(), index(1));
    Value next = index(0);
    for (int64_t i = 0; i < rank; ++i) {
      Value size = getValueOrCreateConstantIndexOp(
          builder, loc, getDimension(builder, loc, getOperand(), i));
      for (auto [place, value] : llvm::enumerate(kept)) {
        Value isHere = arith::AndIOp::create(
            builder, loc, equals(next, place),
            arith::XOrIOp::create(
                builder, loc, reduced[i],
                arith::ConstantIntOp::create(builder, loc, 1, 1)));
        value = arith::SelectOp::create(builder, loc, isHere, size, value);
      }
      Value step =
          arith::SelectOp::create(builder, loc, reduced[i], index(0), index(1));
      next = arith::AddIOp::create(builder, loc, next, step);
    }
    for (Value size : kept)
      sizes.push_back(size);
  }
  shapes.push_back(std::move(sizes));
  return success();
}

namespace {
/// Axes that turn out constant make an ordinary reduction.
struct FixAxes : OpRewritePattern<ReduceAxesOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceAxesOp op,
                                PatternRewriter &rewriter) const override {
    auto axes = evaluateConstantElements(op.getAxes());
    if (!axes)
      return failure();
    int64_t rank = shapeOf(op.getOperand()).size();
    for (int64_t &axis : *axes) {
      if (axis < -rank || axis >= rank)
        return failure();
      axis += axis < 0 ? rank : 0;
    }
    llvm::sort(*axes);
    if (std::adjacent_find(axes->begin(), axes->end()) != axes->end())
      return failure();
    rewriter.replaceOpWithNewOp<ReduceOp>(op, op.getType(), op.getOperand(),
                                          op.getKind(), *axes,
                                          op.getKeepDims());
    return success();
  }
};
} // namespace

void ReduceAxesOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                               MLIRContext *context) {
  patterns.add<FixAxes>(context);
}

//===----------------------------------------------------------------------===//
// ArgMaxOp and ArgMinOp
//===----------------------------------------------------------------------===//

template <typename AdaptorTy>
static LogicalResult inferArgument(std::optional<Location> location,
                                   AdaptorTy adaptor, MLIRContext *context,
                                   SmallVectorImpl<Type> &types) {
  SmallVector<int64_t> shape(shapeOf(adaptor.getOperand()));
  int64_t axis = adaptor.getAxis(), rank = shape.size();
  if (axis < 0 || axis >= rank)
    return emitOptionalError(location, "axis ", axis,
                             " is not a dimension of a tensor of rank ", rank);
  bool isEmpty = shape[axis] == 0;
  if (adaptor.getKeepDims())
    shape[axis] = 1;
  else
    shape.erase(shape.begin() + axis);
  if (isEmpty && llvm::all_of(shape, [](int64_t size) {
        return !ShapedType::isDynamic(size) && size != 0;
      }))
    return emitOptionalError(location, "an empty dimension has no largest or "
                                       "smallest element");
  types.push_back(RankedTensorType::get(shape, IntegerType::get(context, 64)));
  return success();
}

template <typename OpTy>
static LogicalResult reifyArgument(OpTy op, OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, op.getLoc(), op.getOperand());
  if (op.getKeepDims())
    sizes[op.getAxis()] = builder.getIndexAttr(1);
  else
    sizes.erase(sizes.begin() + op.getAxis());
  shapes.push_back(std::move(sizes));
  return success();
}

#define SLUICE_ARGUMENT_INFERENCE(OP)                                          \
  LogicalResult OP::inferReturnTypes(                                          \
      MLIRContext *context, std::optional<Location> location,                  \
      ValueRange operands, DictionaryAttr attributes,                          \
      OpaqueProperties properties, RegionRange regions,                        \
      SmallVectorImpl<Type> &types) {                                          \
    return inferArgument(location,                                             \
                         Adaptor(operands, attributes, properties, regions),   \
                         context, types);                                      \
  }                                                                            \
  LogicalResult OP::reifyResultShapes(OpBuilder &builder,                      \
                                      ReifiedRankedShapedTypeDims &shapes) {   \
    return reifyArgument(*this, builder, shapes);                              \
  }
SLUICE_ARGUMENT_INFERENCE(ArgMaxOp)
SLUICE_ARGUMENT_INFERENCE(ArgMinOp)
#undef SLUICE_ARGUMENT_INFERENCE

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

/// Nothing has no largest element; but nothing may be asked for either.
template <typename OpTy>
static void requireChoice(OpTy choice, SizeConditions &conditions) {
  Value operand = choice.getOperand();
  int64_t axis = choice.getAxis();
  if (getConstantIntValue(conditions.sizeOf(operand, axis)).value_or(0) != 0)
    return;
  SmallVector<OpFoldResult> others;
  for (int64_t i = 0, rank = conditions.rankOf(operand); i < rank; ++i)
    if (i != axis)
      others.push_back(conditions.sizeOf(operand, i));
  Value isFilled = conditions.compare(SizeConditions::Predicate::ne,
                                      conditions.sizeOf(operand, axis),
                                      conditions.number(0));
  for (OpFoldResult size : others)
    isFilled = conditions.either(
        isFilled, conditions.compare(SizeConditions::Predicate::eq, size,
                                     conditions.number(0)));
  conditions.require(isFilled,
                     "an empty dimension has no largest or smallest element");
}

void ArgMaxOp::requireSizes(SizeConditions &conditions) {
  requireChoice(*this, conditions);
}

void ArgMinOp::requireSizes(SizeConditions &conditions) {
  requireChoice(*this, conditions);
}

//===----------------------------------------------------------------------===//
// Dimensions in another order
//===----------------------------------------------------------------------===//

std::optional<SmallVector<int64_t>>
ReduceOp::permuteResult(ArrayRef<int64_t> permutation) {
  if (getKeepDims())
    return SmallVector<int64_t>(permutation);
  return dropFromPermutation(getAxes(), permutation);
}

void ReduceOp::permuteAttributes(ArrayRef<int64_t> permutation) {
  setAxes(permuteAxes(getAxes(), permutation));
}

bool ReduceOp::takesPrologue(unsigned) { return true; }

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

bool ReduceOp::hasPlaces() {
  return getKind() == ReductionKind::Sum &&
         isa<FloatType>(elementTypeOf(getOperand()));
}

SmallVector<std::pair<unsigned, unsigned>> ReduceOp::getReducedDimensions() {
  SmallVector<std::pair<unsigned, unsigned>> dimensions;
  for (int64_t axis : getAxes())
    dimensions.push_back({0, axis});
  return dimensions;
}

SmallVector<PlaceIndex>
ReduceOp::getOperandPlace(unsigned, ArrayRef<PlaceIndex> result,
                          ArrayRef<PlaceIndex> reduced) {
  SmallVector<PlaceIndex> place;
  for (int64_t i = 0, rank = shapeOf(getOperand()).size(); i < rank; ++i) {
    bool isReduced = llvm::is_contained(getAxes(), i);
    ArrayRef<PlaceIndex> &from = isReduced ? reduced : result;
    place.push_back(from.front());
    from = from.drop_front();
    if (isReduced && getKeepDims())
      result = result.drop_front();
  }
  return place;
}
