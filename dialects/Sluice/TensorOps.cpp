//===- TensorOps.cpp - Constants, shapes and data movement ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeInference.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/TensorExtent.h"
#include "dialects/Sluice/Unsupported.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sluice;

Value sluice::createShapeConstant(OpBuilder &builder, Location loc,
                                  ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())},
                                    builder.getI64Type());
  return ConstantOp::create(builder, loc,
                            DenseIntElementsAttr::get(type, values));
}

//===----------------------------------------------------------------------===//
// ConstantOp
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ConstantOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  types.push_back(adaptor.getValue().getShapedType());
  return success();
}

LogicalResult
ConstantOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(getContext(), getType().getShape()));
  return success();
}

//===----------------------------------------------------------------------===//
// ShapeOp
//===----------------------------------------------------------------------===//

LogicalResult ShapeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  int64_t rank = shapeOf(operands[0]).size();
  int64_t start = adaptor.getStart(), end = adaptor.getEnd();
  if (start < 0 || end > rank)
    return emitOptionalError(location, "dimensions [", start, ", ", end,
                             ") are not within rank ", rank);
  types.push_back(RankedTensorType::get({std::max<int64_t>(0, end - start)},
                                        IntegerType::get(context, 64)));
  return success();
}

LogicalResult ShapeOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(getContext(), getType().getShape()));
  return success();
}

//===----------------------------------------------------------------------===//
// ReshapeOp
//===----------------------------------------------------------------------===//

/// Checks the shape of the vector that holds a result's sizes.
static LogicalResult verifyShapeVector(std::optional<Location> location,
                                       ArrayRef<int64_t> shape) {
  if (shape.size() != 1)
    return emitOptionalError(location,
                             "the wanted shape must be a vector, not "
                             "a tensor of rank ",
                             shape.size());
  if (ShapedType::isDynamic(shape[0]))
    return emitOptionalUnsupported(
        location, "the number of result dimensions is not known at compile "
                  "time; it is where the model declares the result's rank or "
                  "--shape fixes the inputs'");
  if (shape[0] > maxRank)
    return emitOptionalUnsupported(location, "a tensor of ", shape[0],
                                   " dimensions; the limit is ", maxRank);
  return success();
}

LogicalResult ReshapeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto type = cast<RankedTensorType>(operands[0].getType());
  ArrayRef<int64_t> shapeShape = shapeOf(operands[1]);
  if (failed(verifyShapeVector(location, shapeShape)))
    return failure();
  SmallVector<int64_t> shape;
  int64_t known = 1, wildcard = -1;
  bool allKnown = true;
  for (int64_t i = 0; i < shapeShape[0]; ++i) {
    auto wanted = inferSize(location, operands[1], i, "size", /*least=*/-1);
    if (failed(wanted))
      return failure();
    int64_t size = *wanted;
    if (size == 0 && !adaptor.getAllowZero()) {
      if (i >= type.getRank())
        return emitOptionalError(
            location, "size ", i,
            " copies a dimension that the operand of rank ", type.getRank(),
            " does not have");
      size = type.getDimSize(i);
    } else if (size == -1) {
      if (wildcard >= 0)
        return emitOptionalError(location, "more than one size is -1");
      wildcard = i;
      size = ShapedType::kDynamic;
    }
    shape.push_back(size);
    if (!ShapedType::isDynamic(size)) {
      if (__builtin_mul_overflow(known, size, &known))
        return emitOptionalError(location, "the shape's size overflows");
    } else if (i != wildcard) {
      allKnown = false;
    }
  }
  if (allKnown && type.hasStaticShape()) {
    int64_t count = type.getNumElements();
    if (wildcard >= 0) {
      if (known == 0 ? count != 0 : count % known != 0)
        return emitOptionalError(location, "cannot reshape ", type, " to ",
                                 known, " times a whole number of elements");
      shape[wildcard] = known == 0 ? 0 : count / known;
    } else if (count != known) {
      return emitOptionalError(location, "cannot reshape ", type, " to ", known,
                               " elements");
    }
  }
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

LogicalResult
ReshapeOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  int64_t rank = getType().getRank();
  SmallVector<OpFoldResult> sizes(rank);
  // Places that hold -1, or may hold it at run time.
  SmallVector<Value> isWildcard(rank);
  SmallVector<bool> surelyWildcard(rank, false);
  SmallVector<OpFoldResult> others;
  auto index = [&](int64_t number) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, number);
  };
  auto equals = [&](Value value, int64_t number) -> Value {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, value,
                                 index(number));
  };
  for (int64_t i = 0; i < rank; ++i) {
    int64_t known = getType().getDimSize(i);
    if (!ShapedType::isDynamic(known)) {
      sizes[i] = builder.getIndexAttr(known);
      others.push_back(sizes[i]);
      continue;
    }
    OpFoldResult element = evaluateElement(builder, loc, getShape(), i);
    auto constant = element ? getConstantIntValue(element) : std::nullopt;
    if (constant && *constant == -1) {
      surelyWildcard[i] = true;
      continue;
    }
    if (constant && *constant == 0 && !getAllowZero()) {
      element = getDimension(builder, loc, getOperand(), i);
    } else if (!element) {
      // Known only at run time: it may be -1, or 0 for a copy.
      Value size = cast<Value>(readElement(builder, loc, getShape(), i));
      if (!getAllowZero() && i < (int64_t)shapeOf(getOperand()).size()) {
        Value copied = getValueOrCreateConstantIndexOp(
            builder, loc, getDimension(builder, loc, getOperand(), i));
        size = arith::SelectOp::create(builder, loc, equals(size, 0), copied,
                                       size);
      }
      isWildcard[i] = equals(size, -1);
      others.push_back(
          arith::SelectOp::create(builder, loc, isWildcard[i], index(1), size)
              .getResult());
      sizes[i] = size;
      continue;
    }
    sizes[i] = element;
    others.push_back(element);
  }
  auto rest = [&]() -> Value {
    Value count = getValueOrCreateConstantIndexOp(
        builder, loc,
        multiplySizes(builder, loc, getDimensions(builder, loc, getOperand())));
    Value known = getValueOrCreateConstantIndexOp(
        builder, loc, multiplySizes(builder, loc, others));
    // An empty tensor has nothing left to divide.
    known = arith::MaxSIOp::create(builder, loc, known, index(1));
    return arith::DivSIOp::create(builder, loc, count, known);
  };
  for (int64_t i = 0; i < rank; ++i) {
    if (surelyWildcard[i])
      sizes[i] = rest();
    else if (isWildcard[i])
      sizes[i] = arith::SelectOp::create(builder, loc, isWildcard[i], rest(),
                                         cast<Value>(sizes[i]))
                     .getResult();
  }
  shapes.push_back(std::move(sizes));
  return success();
}

/// Does a reshape of a tensor to its own type keep its sizes? What a shape says
/// that only a run knows has to be looked at.
static bool keepsSizes(ReshapeOp op) {
  RankedTensorType type = op.getType();
  auto shape = evaluateConstantElements(op.getShape());
  if (op.getOperand().getType() != type || !shape)
    return false;
  if (type.hasStaticShape())
    return true;
  return type.getRank() == 1 &&
         ((*shape)[0] == -1 || ((*shape)[0] == 0 && !op.getAllowZero()));
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (keepsSizes(*this))
    return getOperand();
  if (auto dense = dyn_cast_if_present<DenseElementsAttr>(adaptor.getOperand()))
    if (getType().hasStaticShape() &&
        dense.getNumElements() == getType().getNumElements())
      return dense.reshape(getType());
  return {};
}

namespace {
/// reshape(reshape(x)) is one reshape where the outer shape does not refer to
/// the inner result's sizes, and no run can find that these do not fit.
struct MergeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getOperand().getDefiningOp<ReshapeOp>();
    if (!inner || !op.getType().hasStaticShape() ||
        !evaluateConstantElements(op.getShape()) ||
        !evaluateConstantElements(inner.getShape()))
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op, op.getType(), inner.getOperand(),
        createShapeConstant(rewriter, op.getLoc(), op.getType().getShape()),
        /*allow_zero=*/true);
    return success();
  }
};
} // namespace

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<MergeReshapes>(context);
}

//===----------------------------------------------------------------------===//
// TransposeOp
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto type = cast<RankedTensorType>(operands[0].getType());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  if (static_cast<int64_t>(permutation.size()) != type.getRank() ||
      !isPermutationVector(permutation))
    return emitOptionalError(location, "not a permutation of ", type.getRank(),
                             " dimensions");
  SmallVector<int64_t> shape;
  for (int64_t dimension : permutation)
    shape.push_back(type.getDimSize(dimension));
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

LogicalResult
TransposeOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t dimension : getPermutation())
    sizes.push_back(getDimension(builder, getLoc(), getOperand(), dimension));
  shapes.push_back(std::move(sizes));
  return success();
}

std::optional<OperandDimension> TransposeOp::getSizeSource(unsigned,
                                                           int64_t dimension) {
  return OperandDimension{&getOperandMutable(), getPermutation()[dimension]};
}

LogicalResult TransposeOp::verify() {
  if (!isPermutationVector(getPermutation()))
    return emitOpError("permutation must hold each dimension once");
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (llvm::equal(getPermutation(),
                  llvm::seq<int64_t>(0, getPermutation().size())) &&
      getOperand().getType() == getType())
    return getOperand();
  return {};
}

namespace {
struct MergeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getOperand().getDefiningOp<TransposeOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> permutation;
    for (int64_t dimension : op.getPermutation())
      permutation.push_back(inner.getPermutation()[dimension]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(),
                                             inner.getOperand(), permutation);
    return success();
  }
};

/// A transpose that only moves dimensions of size one is a reshape, which
/// costs nothing.
struct TransposeToReshape : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().hasStaticShape())
      return failure();
    ArrayRef<int64_t> shape = shapeOf(op.getOperand());
    int64_t last = -1;
    for (int64_t dimension : op.getPermutation()) {
      if (shape[dimension] == 1)
        continue;
      if (dimension < last)
        return failure();
      last = dimension;
    }
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op, op.getType(), op.getOperand(),
        createShapeConstant(rewriter, op.getLoc(), op.getType().getShape()),
        /*allow_zero=*/true);
    return success();
  }
};
} // namespace

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<MergeTransposes, TransposeToReshape>(context);
}

//===----------------------------------------------------------------------===//
// UnsqueezeOp and SqueezeOp
//===----------------------------------------------------------------------===//

/// Are the axes ascending and within [0, rank)?
static bool areAxesSorted(ArrayRef<int64_t> axes, int64_t rank) {
  int64_t last = -1;
  for (int64_t axis : axes) {
    if (axis <= last || axis >= rank)
      return false;
    last = axis;
  }
  return true;
}

LogicalResult UnsqueezeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> axes = adaptor.getAxes(), old = shapeOf(operands[0]);
  int64_t rank = old.size() + axes.size();
  if (!areAxesSorted(axes, rank))
    return emitOptionalError(location, "axes must ascend within rank ", rank);
  SmallVector<int64_t> shape(old);
  for (int64_t axis : axes)
    shape.insert(shape.begin() + axis, 1);
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
UnsqueezeOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getOperand());
  for (int64_t axis : getAxes())
    sizes.insert(sizes.begin() + axis, builder.getIndexAttr(1));
  shapes.push_back(std::move(sizes));
  return success();
}

std::optional<OperandDimension> UnsqueezeOp::getSizeSource(unsigned,
                                                           int64_t dimension) {
  if (llvm::is_contained(getAxes(), dimension))
    return std::nullopt;
  int64_t inserted =
      llvm::lower_bound(getAxes(), dimension) - getAxes().begin();
  return OperandDimension{&getOperandMutable(), dimension - inserted};
}

LogicalResult SqueezeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> axes = adaptor.getAxes(), old = shapeOf(operands[0]);
  if (!areAxesSorted(axes, old.size()))
    return emitOptionalError(location, "axes must ascend within rank ",
                             old.size());
  SmallVector<int64_t> shape;
  for (int64_t i = 0, rank = old.size(); i < rank; ++i) {
    if (!llvm::is_contained(axes, i))
      shape.push_back(old[i]);
    else if (!ShapedType::isDynamic(old[i]) && old[i] != 1)
      return emitOptionalError(location, "cannot drop dimension ", i,
                               " of size ", old[i]);
  }
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
SqueezeOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0, rank = shapeOf(getOperand()).size(); i < rank; ++i)
    if (!llvm::is_contained(getAxes(), i))
      sizes.push_back(getDimension(builder, getLoc(), getOperand(), i));
  shapes.push_back(std::move(sizes));
  return success();
}

void SqueezeOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  for (int64_t axis : getAxes())
    demand({&getOperandMutable(), axis}, 1);
}

std::optional<OperandDimension> SqueezeOp::getSizeSource(unsigned,
                                                         int64_t dimension) {
  for (int64_t axis : getAxes())
    if (axis <= dimension)
      ++dimension;
  return OperandDimension{&getOperandMutable(), dimension};
}

/// A small dense constant keeps its elements under another static shape.
static OpFoldResult foldViewOfConstant(Attribute operand,
                                       RankedTensorType type) {
  auto dense = dyn_cast_if_present<DenseElementsAttr>(operand);
  if (!dense || !type.hasStaticShape() ||
      dense.getNumElements() != type.getNumElements())
    return {};
  return dense.reshape(type);
}

OpFoldResult UnsqueezeOp::fold(FoldAdaptor adaptor) {
  if (getAxes().empty() && getOperand().getType() == getType())
    return getOperand();
  return foldViewOfConstant(adaptor.getOperand(), getType());
}

OpFoldResult SqueezeOp::fold(FoldAdaptor adaptor) {
  if (getAxes().empty() && getOperand().getType() == getType())
    return getOperand();
  return foldViewOfConstant(adaptor.getOperand(), getType());
}

namespace {
/// With static shapes the general reshape says the same.
template <typename OpTy> struct ViewToReshape : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().hasStaticShape())
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op, op.getType(), op.getOperand(),
        createShapeConstant(rewriter, op.getLoc(), op.getType().getShape()),
        /*allow_zero=*/true);
    return success();
  }
};
} // namespace

void UnsqueezeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<ViewToReshape<UnsqueezeOp>>(context);
}

void SqueezeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<ViewToReshape<SqueezeOp>>(context);
}

//===----------------------------------------------------------------------===//
// BroadcastOp
//===----------------------------------------------------------------------===//

LogicalResult BroadcastOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(operands[0].getType());
  ArrayRef<int64_t> shapeShape = shapeOf(operands[1]);
  if (failed(verifyShapeVector(location, shapeShape)))
    return failure();
  SmallVector<int64_t> target;
  for (int64_t i = 0; i < shapeShape[0]; ++i) {
    auto size = inferSize(location, operands[1], i);
    if (failed(size))
      return failure();
    target.push_back(*size);
  }
  auto shape = broadcastShapes(type.getShape(), target);
  if (!shape)
    return emitOptionalError(location, "cannot broadcast ", type,
                             " to the wanted shape");
  types.push_back(RankedTensorType::get(*shape, type.getElementType()));
  return success();
}

LogicalResult
BroadcastOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  int64_t rank = getType().getRank();
  int64_t operandRank = shapeOf(getOperand()).size();
  int64_t targetRank = shapeOf(getShape())[0];
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < rank; ++i) {
    if (!getType().isDynamicDim(i)) {
      sizes.push_back(builder.getIndexAttr(getType().getDimSize(i)));
      continue;
    }
    OpFoldResult size = builder.getIndexAttr(1);
    if (i >= rank - operandRank)
      size = getDimension(builder, loc, getOperand(), i - rank + operandRank);
    if (i >= rank - targetRank)
      size = broadcastSizes(
          builder, loc, size,
          readElement(builder, loc, getShape(), i - rank + targetRank));
    sizes.push_back(size);
  }
  shapes.push_back(std::move(sizes));
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  // A shape that only a run knows may not fit.
  if (getOperand().getType() == getType() && getType().hasStaticShape() &&
      evaluateConstantElements(getShape()))
    return getOperand();
  return {};
}
