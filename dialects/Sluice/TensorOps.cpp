//===- TensorOps.cpp - Constants, shapes and data movement ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ElementEvaluator.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/SizeInference.h"
#include "dialects/Sluice/Sluice.h"
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

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

void BroadcastOp::requireSizes(SizeConditions &conditions) {
  Value operand = getOperand(), shape = getShape();
  int64_t own = conditions.rankOf(operand), wanted = shapeOf(shape)[0];
  for (int64_t i = 1; i <= wanted; ++i) {
    OpFoldResult size = conditions.element(shape, wanted - i);
    conditions.requireNotNegative(size, negativeSizeMessage);
    if (i <= own)
      conditions.requireBroadcast(conditions.sizeOf(operand, own - i), size);
  }
  // With no other sizes than before, nothing is repeated.
  if (operand.getType() == getType() && getType().hasStaticShape())
    conditions.makeSame(getResult(), operand);
}

bool ConstantOp::hasPlaces() {
  auto dense = dyn_cast<DenseElementsAttr>(getValue());
  return dense && dense.isSplat();
}

SmallVector<PlaceIndex>
TransposeOp::getOperandPlace(unsigned, ArrayRef<PlaceIndex> result,
                             ArrayRef<PlaceIndex>) {
  SmallVector<PlaceIndex> place(result.size());
  for (auto [i, from] : llvm::enumerate(getPermutation()))
    place[from] = result[i];
  return place;
}

std::optional<Work> ConstantOp::getWork() { return Work(); }

std::optional<Work> TransposeOp::getWork() { return workOnOperands(*this, 0); }

std::optional<Work> BroadcastOp::getWork() { return workOnOperands(*this, 0); }

//===----------------------------------------------------------------------===//
// Elements of shape arithmetic
//===----------------------------------------------------------------------===//

OpFoldResult ShapeOp::evaluateElement(ElementEvaluator &evaluator,
                                      int64_t index) {
  int64_t dimension = getStart() + index;
  if (index < 0 ||
      dimension >= static_cast<int64_t>(shapeOf(getOperand()).size()))
    return {};
  int64_t size = shapeOf(getOperand())[dimension];
  if (!ShapedType::isDynamic(size))
    return evaluator.constant(size);
  if (!evaluator.getBuilder())
    return {};
  return getDimension(*evaluator.getBuilder(), evaluator.getLoc(), getOperand(),
                      dimension);
}

std::optional<ElementPlace> TransposeOp::findSource(ElementEvaluator &,
                                                    int64_t index) {
  auto positions = getPositions(shapeOf(getResult()), index);
  if (!positions)
    return std::nullopt;
  SmallVector<int64_t> place(positions->size());
  for (auto [i, dimension] : llvm::enumerate(getPermutation()))
    place[dimension] = (*positions)[i];
  return findPlace(getOperand(), place);
}

std::optional<ElementPlace> BroadcastOp::findSource(ElementEvaluator &,
                                                    int64_t index) {
  return findBroadcastPlace(getOperand(), getResult(), index);
}
