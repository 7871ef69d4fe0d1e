//===- IndexingOps.cpp - Elements chosen by run-time indices --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ElementEvaluator.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/SizeInference.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Unsupported.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sluice;

static LogicalResult checkIndices(std::optional<Location> location,
                                  Value indices) {
  if (isa<IntegerType>(elementTypeOf(indices)))
    return success();
  return emitOptionalError(location, "indices must be integers");
}

static LogicalResult checkAxis(std::optional<Location> location, int64_t axis,
                               int64_t rank) {
  if (axis >= 0 && axis < rank)
    return success();
  return emitOptionalError(location, "axis ", axis, " is not within rank ",
                           rank);
}

/// The indices of single elements along an axis.
static LogicalResult checkElementIndices(std::optional<Location> location,
                                         Value data, Value indices,
                                         int64_t axis) {
  ArrayRef<int64_t> dataShape = shapeOf(data), shape = shapeOf(indices);
  if (failed(checkIndices(location, indices)) ||
      failed(checkAxis(location, axis, dataShape.size())))
    return failure();
  if (shape.size() != dataShape.size())
    return emitOptionalError(location, "data and indices differ in rank");
  for (auto [i, size] : llvm::enumerate(dataShape))
    if (static_cast<int64_t>(i) != axis && !ShapedType::isDynamic(size) &&
        shape[i] > size)
      return emitOptionalError(location, "indices are larger than the data");
  return success();
}

static RankedTensorType int64Tensor(MLIRContext *context,
                                    ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, IntegerType::get(context, 64));
}

static SmallVector<OpFoldResult> staticSizes(OpBuilder &builder, Value value) {
  return getAsIndexOpFoldResult(builder.getContext(), shapeOf(value));
}

//===----------------------------------------------------------------------===//
// Gathering
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> data = shapeOf(operands[0]), indices = shapeOf(operands[1]);
  int64_t axis = adaptor.getAxis();
  if (failed(checkIndices(location, operands[1])) ||
      failed(checkAxis(location, axis, data.size())))
    return failure();
  SmallVector<int64_t> shape(data.take_front(axis));
  llvm::append_range(shape, indices);
  llvm::append_range(shape, data.drop_front(axis + 1));
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult GatherOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  SmallVector<OpFoldResult> sizes;
  int64_t axis = getAxis(), rank = shapeOf(getOperand()).size();
  for (int64_t i = 0; i < axis; ++i)
    sizes.push_back(size.of(getOperand(), i));
  llvm::append_range(sizes, getDimensions(builder, getLoc(), getIndices()));
  for (int64_t i = axis + 1; i < rank; ++i)
    sizes.push_back(size.of(getOperand(), i));
  shapes.push_back(std::move(sizes));
  return success();
}

std::optional<OperandDimension> GatherOp::getSizeSource(unsigned,
                                                        int64_t dimension) {
  int64_t axis = getAxis(), indexRank = shapeOf(getIndices()).size();
  if (dimension < axis)
    return OperandDimension{&getOperandMutable(), dimension};
  if (dimension < axis + indexRank)
    return OperandDimension{&getIndicesMutable(), dimension - axis};
  return OperandDimension{&getOperandMutable(), dimension - indexRank + 1};
}

namespace {
/// One index that is known is a slice, which needs no look at run-time data.
struct GatherToSlice : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GatherOp op,
                                PatternRewriter &rewriter) const override {
    auto indices = cast<RankedTensorType>(op.getIndices().getType());
    ArrayRef<int64_t> data = shapeOf(op.getOperand());
    int64_t axis = op.getAxis(), size = data[axis];
    if (!indices.hasStaticShape() || indices.getNumElements() != 1 ||
        ShapedType::isDynamic(size))
      return failure();
    auto index = evaluateConstantElement(op.getIndices(), 0);
    if (!index || *index < -size || *index >= size)
      return failure();
    int64_t start = *index < 0 ? *index + size : *index;
    SmallVector<int64_t> starts(data.size(), 0), ends(data.size(), INT64_MAX),
        steps(data.size(), 1);
    starts[axis] = start;
    ends[axis] = start + 1;
    SmallVector<int64_t> shape(data);
    shape[axis] = 1;
    Value slice = SliceOp::create(
        rewriter, op.getLoc(),
        RankedTensorType::get(shape, elementTypeOf(op.getOperand())),
        op.getOperand(), ValueRange{}, starts, ends, steps);
    if (indices.getRank() == 0) {
      rewriter.replaceOpWithNewOp<SqueezeOp>(op, op.getType(), slice,
                                             ArrayRef<int64_t>(axis));
      return success();
    }
    SmallVector<int64_t> axes;
    for (int64_t i = 1; i < indices.getRank(); ++i)
      axes.push_back(axis + i);
    rewriter.replaceOpWithNewOp<UnsqueezeOp>(op, op.getType(), slice, axes);
    return success();
  }
};
} // namespace

void GatherOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<GatherToSlice>(context);
}

LogicalResult GatherElementsOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(checkElementIndices(location, operands[0], operands[1],
                                 adaptor.getAxis())))
    return failure();
  types.push_back(
      RankedTensorType::get(shapeOf(operands[1]), elementTypeOf(operands[0])));
  return success();
}

LogicalResult
GatherElementsOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getDimensions(builder, getLoc(), getIndices()));
  return success();
}

LogicalResult GatherNDOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> data = shapeOf(operands[0]), indices = shapeOf(operands[1]);
  int64_t batch = adaptor.getBatchDims(), rank = data.size(),
          indicesRank = indices.size();
  if (failed(checkIndices(location, operands[1])))
    return failure();
  if (indicesRank == 0 || batch < 0 || batch >= indicesRank || batch >= rank)
    return emitOptionalError(location, "batch dimensions do not fit");
  int64_t depth = indices.back();
  if (ShapedType::isDynamic(depth))
    return emitOptionalUnsupported(
        location, "the length of the index tuples is not known at compile "
                  "time; it is where the model declares the result's rank or "
                  "--shape fixes the inputs'");
  if (depth > rank - batch)
    return emitOptionalError(location, "index tuples are longer than the rank");
  if (failed(verifyCompatibleShape(data.take_front(batch),
                                   indices.take_front(batch))))
    return emitOptionalError(location, "batch dimensions do not fit");
  SmallVector<int64_t> shape(indices.drop_back());
  llvm::append_range(shape, data.drop_front(batch + depth));
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
GatherNDOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getIndices());
  sizes.pop_back();
  int64_t rank = shapeOf(getOperand()).size();
  for (int64_t i = getBatchDims() + shapeOf(getIndices()).back(); i < rank; ++i)
    sizes.push_back(size.of(getOperand(), i));
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// Scattering
//===----------------------------------------------------------------------===//

LogicalResult ScatterElementsOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(checkElementIndices(location, operands[0], operands[1],
                                 adaptor.getAxis())))
    return failure();
  if (failed(
          verifyCompatibleShape(shapeOf(operands[1]), shapeOf(operands[2]))) ||
      elementTypeOf(operands[0]) != elementTypeOf(operands[2]))
    return emitOptionalError(location, "updates do not fit");
  types.push_back(operands[0].getType());
  return success();
}

LogicalResult
ScatterElementsOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getDimensions(builder, getLoc(), getOperand()));
  return success();
}

LogicalResult ScatterNDOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  ArrayRef<int64_t> data = shapeOf(operands[0]), indices = shapeOf(operands[1]);
  if (failed(checkIndices(location, operands[1])))
    return failure();
  if (indices.empty())
    return emitOptionalError(location, "the indices must have a dimension");
  if (ShapedType::isDynamic(indices.back()))
    return emitOptionalUnsupported(location,
                                   "the length of the index tuples is not "
                                   "known at compile time");
  if (indices.back() > static_cast<int64_t>(data.size()))
    return emitOptionalError(location, "index tuples do not fit the rank");
  SmallVector<int64_t> expected(indices.drop_back());
  llvm::append_range(expected, data.drop_front(indices.back()));
  if (failed(verifyCompatibleShape(expected, shapeOf(operands[2]))) ||
      elementTypeOf(operands[0]) != elementTypeOf(operands[2]))
    return emitOptionalError(location, "updates do not fit");
  types.push_back(operands[0].getType());
  return success();
}

LogicalResult
ScatterNDOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getDimensions(builder, getLoc(), getOperand()));
  return success();
}

LogicalResult TensorScatterOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  Value data = adaptor.getOperand(), updates = adaptor.getUpdates(),
        positions = adaptor.getPositions();
  ArrayRef<int64_t> shape = shapeOf(data), added = shapeOf(updates);
  int64_t axis = adaptor.getAxis();
  if (failed(checkAxis(location, axis, shape.size())))
    return failure();
  if (axis == 0)
    return emitOptionalError(location, "the first dimension is the batch");
  SmallVector<int64_t> expected(shape);
  if (added.size() == shape.size())
    expected[axis] = added[axis];
  if (failed(verifyCompatibleShape(expected, added)) ||
      elementTypeOf(data) != elementTypeOf(updates) ||
      (!ShapedType::isDynamic(shape[axis]) && added[axis] > shape[axis]))
    return emitOptionalError(location, "updates do not fit");
  if (positions && failed(checkIndices(location, positions)))
    return failure();
  if (positions &&
      failed(verifyCompatibleShape(shape.take_front(1), shapeOf(positions))))
    return emitOptionalError(location, "needs a place for each of the batch");
  types.push_back(data.getType());
  return success();
}

LogicalResult
TensorScatterOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getDimensions(builder, getLoc(), getOperand()));
  return success();
}

// Kernels copy the tensor, if it is not there already, and then write what is
// updated, of which they read at most the element at its place.

OpOperand *ScatterElementsOp::findUpdatedOperand(unsigned) {
  return &getOperandMutable();
}

OpOperand *ScatterNDOp::findUpdatedOperand(unsigned) {
  return &getOperandMutable();
}

OpOperand *TensorScatterOp::findUpdatedOperand(unsigned) {
  return &getOperandMutable();
}

//===----------------------------------------------------------------------===//
// OneHotOp and TopKOp
//===----------------------------------------------------------------------===//

static bool hasOneElement(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.hasStaticShape() && type.getNumElements() == 1;
}

LogicalResult OneHotOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  SmallVector<int64_t> shape(shapeOf(operands[0]));
  int64_t axis = adaptor.getAxis();
  if (failed(checkAxis(location, axis, shape.size() + 1)))
    return failure();
  if (!hasOneElement(operands[1]) ||
      shapeOf(operands[2]) != ArrayRef<int64_t>(2))
    return emitOptionalError(location, "needs one depth and two values");
  auto depth = inferSize(location, operands[1], 0, "depth");
  if (failed(depth))
    return failure();
  shape.insert(shape.begin() + axis, *depth);
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[2])));
  return success();
}

LogicalResult OneHotOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getIndices());
  OpFoldResult depth = size.constant(getType().getDimSize(getAxis()));
  if (getType().isDynamicDim(getAxis()))
    depth = size.max(readElement(builder, getLoc(), getDepth(), 0),
                     size.constant(0));
  sizes.insert(sizes.begin() + getAxis(), depth);
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult
TopKOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  SmallVector<int64_t> shape(shapeOf(operands[0]));
  int64_t axis = adaptor.getAxis();
  if (failed(checkAxis(location, axis, shape.size())))
    return failure();
  if (!hasOneElement(operands[1]))
    return emitOptionalError(location, "k must be one element");
  auto known = inferSize(location, operands[1], 0, "k");
  if (failed(known))
    return failure();
  int64_t k = *known;
  if (!ShapedType::isDynamic(shape[axis]) && k > shape[axis])
    return emitOptionalError(location, "k is ", k,
                             ", but the dimension's size is ", shape[axis]);
  shape[axis] = k;
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  types.push_back(int64Tensor(context, shape));
  return success();
}

LogicalResult TopKOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  auto type = cast<RankedTensorType>(getValues().getType());
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getOperand());
  OpFoldResult whole = sizes[getAxis()];
  sizes[getAxis()] = size.constant(type.getDimSize(getAxis()));
  if (type.isDynamicDim(getAxis()))
    sizes[getAxis()] = size.min(
        size.max(readElement(builder, getLoc(), getK(), 0), size.constant(0)),
        whole);
  shapes.push_back(sizes);
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// NonZeroCountOp, NonZeroOp and UniqueOp
//===----------------------------------------------------------------------===//

LogicalResult NonZeroCountOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  types.push_back(int64Tensor(context, {1}));
  return success();
}

LogicalResult
NonZeroCountOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(staticSizes(builder, getResult()));
  return success();
}

LogicalResult NonZeroOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  int64_t rank = shapeOf(operands[0]).size();
  if (!hasOneElement(operands[1]))
    return emitOptionalError(location, "count must be one element");
  auto count = inferSize(location, operands[1], 0, "count");
  if (failed(count))
    return failure();
  types.push_back(int64Tensor(context, {rank, *count}));
  return success();
}

LogicalResult
NonZeroOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = staticSizes(builder, getResult());
  if (getType().isDynamicDim(1))
    sizes[1] = readElement(builder, getLoc(), getCount(), 0);
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult UniqueOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  ArrayRef<int64_t> shape = shapeOf(operands[0]);
  if (shape.size() != 2)
    return emitOptionalError(location, "needs a matrix");
  types.push_back(int64Tensor(context, {1}));
  types.append(3, int64Tensor(context, {shape[0]}));
  return success();
}

LogicalResult UniqueOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult rows = getDimension(builder, getLoc(), getOperand(), 0);
  shapes.push_back({builder.getIndexAttr(1)});
  shapes.append(3, {rows});
  return success();
}

//===----------------------------------------------------------------------===//
// NonMaxSuppressionOp
//===----------------------------------------------------------------------===//

LogicalResult NonMaxSuppressionOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  ArrayRef<int64_t> boxes = shapeOf(operands[0]), scores = shapeOf(operands[1]);
  if (boxes.size() != 3 || scores.size() != 3 ||
      failed(verifyCompatibleShape({scores[0], scores[2], 4}, boxes)) ||
      !llvm::all_of(operands.drop_front(2), hasOneElement))
    return emitOptionalError(location, "boxes and scores do not fit");
  types.push_back(int64Tensor(context, {1}));
  types.push_back(int64Tensor(context, {ShapedType::kDynamic, 3}));
  return success();
}

LogicalResult
NonMaxSuppressionOp::reifyResultShapes(OpBuilder &builder,
                                       ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  OpFoldResult perClass =
      size.min(size.max(readElement(builder, getLoc(), getMaxBoxes(), 0),
                        size.constant(0)),
               size.of(getScores(), 2));
  OpFoldResult rows = size.mul(
      perClass, size.mul(size.of(getScores(), 0), size.of(getScores(), 1)));
  shapes.push_back({size.constant(1)});
  shapes.push_back({rows, size.constant(3)});
  return success();
}

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

void GatherNDOp::requireSizes(SizeConditions &conditions) {
  for (int64_t i = 0, count = getBatchDims(); i < count; ++i)
    conditions.requireEqual(conditions.sizeOf(getOperand(), i),
                            conditions.sizeOf(getIndices(), i),
                            "batch dimensions differ");
}

void ScatterElementsOp::requireSizes(SizeConditions &conditions) {
  for (int64_t i = 0, rank = conditions.rankOf(getIndices()); i < rank; ++i)
    conditions.requireEqual(conditions.sizeOf(getIndices(), i),
                            conditions.sizeOf(getUpdates(), i),
                            "updates and indices differ in size");
}

void ScatterNDOp::requireSizes(SizeConditions &conditions) {
  Value data = getOperand(), indices = getIndices();
  SmallVector<OpFoldResult> wanted;
  int64_t last = conditions.rankOf(indices) - 1;
  for (int64_t i = 0; i < last; ++i)
    wanted.push_back(conditions.sizeOf(indices, i));
  for (int64_t i = shapeOf(indices)[last], rank = conditions.rankOf(data);
       i < rank; ++i)
    wanted.push_back(conditions.sizeOf(data, i));
  conditions.requireShape(getUpdates(), wanted,
                          "the updates do not fit the indices");
}

void TensorScatterOp::requireSizes(SizeConditions &conditions) {
  constexpr StringLiteral message = "the updates do not fit the tensor";
  auto axis = static_cast<int64_t>(getAxis());
  for (int64_t i = 0, rank = conditions.rankOf(getOperand()); i < rank; ++i) {
    OpFoldResult own = conditions.sizeOf(getOperand(), i),
                 added = conditions.sizeOf(getUpdates(), i);
    if (i != axis)
      conditions.requireEqual(own, added, message);
    else if (!getConstantIntValue(own) || !getConstantIntValue(added))
      conditions.require(
          conditions.compare(SizeConditions::Predicate::sle, added, own),
          message);
  }
  if (getPositions())
    conditions.requireShape(getPositions(),
                            {conditions.sizeOf(getOperand(), 0)},
                            "needs a place for each of the batch");
}

void OneHotOp::requireSizes(SizeConditions &conditions) {
  if (isa<IntegerType>(elementTypeOf(getDepth())))
    conditions.requireNotNegative(conditions.element(getDepth(), 0),
                                  "negative depth");
}

void TopKOp::requireSizes(SizeConditions &conditions) {
  constexpr StringLiteral message = "k does not fit the dimension";
  OpFoldResult k = conditions.element(getK(), 0);
  conditions.requireNotNegative(k, message);
  OpFoldResult size = conditions.sizeOf(getOperand(), getAxis());
  if (!getConstantIntValue(k) || !getConstantIntValue(size))
    conditions.require(
        conditions.compare(SizeConditions::Predicate::sle, k, size), message);
}

void NonMaxSuppressionOp::requireSizes(SizeConditions &conditions) {
  Value boxes = getBoxes(), scores = getScores();
  conditions.requireShape(boxes,
                          {conditions.sizeOf(scores, 0),
                           conditions.sizeOf(scores, 2), conditions.number(4)},
                          "boxes and scores do not fit");
}

//===----------------------------------------------------------------------===//
// Elements of shape arithmetic
//===----------------------------------------------------------------------===//

std::optional<ElementPlace> GatherOp::findSource(ElementEvaluator &evaluator,
                                                 int64_t index) {
  auto positions = getPositions(shapeOf(getResult()), index);
  if (!positions)
    return std::nullopt;
  ArrayRef<int64_t> shape = shapeOf(getOperand());
  int64_t axis = getAxis(), indicesRank = shapeOf(getIndices()).size();
  ArrayRef<int64_t> all = *positions;
  auto which = findPlace(getIndices(), all.slice(axis, indicesRank));
  if (!which)
    return std::nullopt;
  auto known = evaluator.knownElement(which);
  if (!known || (*known < 0 && ShapedType::isDynamic(shape[axis])))
    return std::nullopt;
  SmallVector<int64_t> place(all.take_front(axis));
  place.push_back(*known < 0 ? *known + shape[axis] : *known);
  llvm::append_range(place, all.drop_front(axis + indicesRank));
  return findPlace(getOperand(), place);
}
