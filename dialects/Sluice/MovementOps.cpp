//===- MovementOps.cpp - Elements in other places -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ElementEvaluator.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Unsupported.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// ConcatOp
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (operands.empty())
    return emitOptionalError(location, "nothing to concatenate");
  int64_t axis = adaptor.getAxis(), rank = shapeOf(operands[0]).size();
  if (axis < 0 || axis >= rank)
    return emitOptionalError(location, "axis ", axis, " is not within rank ",
                             rank);
  SmallVector<int64_t> shape(rank, ShapedType::kDynamic);
  shape[axis] = 0;
  for (Value operand : operands) {
    ArrayRef<int64_t> sizes = shapeOf(operand);
    if (static_cast<int64_t>(sizes.size()) != rank ||
        elementTypeOf(operand) != elementTypeOf(operands[0]))
      return emitOptionalError(
          location, "operands do not fit together: ", operands.getTypes());
    for (int64_t i = 0; i < rank; ++i) {
      if (i == axis) {
        if (ShapedType::isDynamic(sizes[i]) || ShapedType::isDynamic(shape[i]))
          shape[i] = ShapedType::kDynamic;
        else if (__builtin_add_overflow(shape[i], sizes[i], &shape[i]))
          return emitOptionalUnsupported(location, "the size overflows");
      } else if (ShapedType::isDynamic(shape[i])) {
        shape[i] = sizes[i];
      } else if (!ShapedType::isDynamic(sizes[i]) && sizes[i] != shape[i]) {
        return emitOptionalError(
            location, "operands do not fit together: ", operands.getTypes());
      }
    }
  }
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult ConcatOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  // One operand speaks for the other dimensions.
  Value speaker = getOperands().back();
  shapes.push_back(size.ofType(getType(), [&](int64_t i) {
    bool isAxis = i == static_cast<int64_t>(getAxis());
    OpFoldResult total = size.of(isAxis ? getOperands().front() : speaker, i);
    if (isAxis)
      for (Value operand : getOperands().drop_front())
        total = size.add(total, size.of(operand, i));
    return total;
  }));
  return success();
}

/// All operands have one size in every other dimension than the axis.
void ConcatOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  for (auto [i, size] : llvm::enumerate(getType().getShape()))
    if (i != getAxis() && !ShapedType::isDynamic(size))
      for (OpOperand &operand : getOperation()->getOpOperands())
        demand({&operand, static_cast<int64_t>(i)}, size);
}

std::optional<OperandDimension> ConcatOp::getSizeSource(unsigned,
                                                        int64_t dimension) {
  if (dimension == static_cast<int64_t>(getAxis()))
    return std::nullopt;
  return OperandDimension{&getOperation()->getOpOperand(0), dimension};
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  if (getNumOperands() == 1 && getOperand(0).getType() == getType())
    return getOperand(0);
  return {};
}

namespace {
/// Takes over the operands of inner concatenations along the same dimension,
/// and leaves out empty ones.
struct FlattenConcat : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<Value> operands;
    for (Value operand : op.getOperands()) {
      auto inner = operand.getDefiningOp<ConcatOp>();
      if (inner && inner.getAxis() == op.getAxis() && inner->hasOneUse())
        llvm::append_range(operands, inner.getOperands());
      else if (shapeOf(operand)[op.getAxis()] != 0)
        operands.push_back(operand);
    }
    if (operands.empty() || llvm::equal(operands, op.getOperands()))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op->setOperands(operands); });
    return success();
  }
};
} // namespace

void ConcatOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<FlattenConcat>(context);
}

//===----------------------------------------------------------------------===//
// InterleaveOp
//===----------------------------------------------------------------------===//

LogicalResult InterleaveOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  ArrayRef<int64_t> lhs = shapeOf(operands[0]), rhs = shapeOf(operands[1]);
  if (lhs.empty() || failed(verifyCompatibleShape(lhs, rhs)) ||
      elementTypeOf(operands[0]) != elementTypeOf(operands[1]))
    return emitOptionalError(
        location, "operands do not fit together: ", operands.getTypes());
  SmallVector<int64_t> shape;
  for (auto [left, right] : llvm::zip(lhs, rhs))
    shape.push_back(knownSize({left, right}));
  int64_t &last = shape.back();
  if (!ShapedType::isDynamic(last) && __builtin_mul_overflow(last, 2, &last))
    return emitOptionalUnsupported(location, "the size overflows");
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
InterleaveOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  int64_t last = getType().getRank() - 1;
  shapes.push_back(size.ofType(getType(), [&](int64_t i) {
    OpFoldResult operand = size.of(getLhs(), i);
    return i == last ? size.mul(operand, size.constant(2)) : operand;
  }));
  return success();
}

void InterleaveOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  auto [lhs, rhs] = std::pair(shapeOf(getLhs()), shapeOf(getRhs()));
  for (int64_t i = 0, rank = lhs.size(); i < rank; ++i) {
    demand({&getLhsMutable(), i}, rhs[i]);
    demand({&getRhsMutable(), i}, lhs[i]);
  }
}

std::optional<OperandDimension> InterleaveOp::getSizeSource(unsigned,
                                                            int64_t dimension) {
  if (dimension == getType().getRank() - 1)
    return std::nullopt;
  return OperandDimension{&getLhsMutable(), dimension};
}

//===----------------------------------------------------------------------===//
// SliceOp
//===----------------------------------------------------------------------===//

/// Entry `i` of a bound: the attribute's, or the operand's if it is known.
static std::optional<int64_t> boundAt(ArrayRef<int64_t> values,
                                      ValueRange bounds, unsigned which,
                                      int64_t i) {
  return bounds.empty() ? values[i] : evaluateConstantElement(bounds[which], i);
}

LogicalResult SliceOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto type = cast<RankedTensorType>(operands[0].getType());
  int64_t rank = type.getRank();
  ValueRange bounds = operands.drop_front();
  bool fits = bounds.empty() || bounds.size() == 3;
  for (Value bound : bounds)
    fits &= shapeOf(bound) == ArrayRef<int64_t>(rank) &&
            isa<IntegerType>(elementTypeOf(bound));
  for (ArrayRef<int64_t> values :
       {adaptor.getStarts(), adaptor.getEnds(), adaptor.getSteps()})
    fits &= static_cast<int64_t>(values.size()) == (bounds.empty() ? rank : 0);
  if (!fits)
    return emitOptionalError(location,
                             "needs a start, end and step for each "
                             "of ",
                             rank, " dimensions");
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < rank; ++i) {
    auto start = boundAt(adaptor.getStarts(), bounds, 0, i);
    auto end = boundAt(adaptor.getEnds(), bounds, 1, i);
    auto step = boundAt(adaptor.getSteps(), bounds, 2, i);
    if (step && *step == 0)
      return emitOptionalError(location, "step is zero");
    int64_t size = ShapedType::kDynamic;
    if (start && end && step)
      size = slicedSize(*start, *end, *step, type.getDimSize(i));
    shape.push_back(size);
  }
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

LogicalResult SliceOp::verify() {
  if (llvm::is_contained(getSteps(), 0))
    return emitOpError("step is zero");
  return success();
}

bool SliceOp::takesWhole(int64_t dimension) {
  return getBounds().empty() && getStarts()[dimension] == 0 &&
         getEnds()[dimension] == INT64_MAX && getSteps()[dimension] == 1;
}

std::optional<OperandDimension> SliceOp::getSizeSource(unsigned,
                                                       int64_t dimension) {
  if (!takesWhole(dimension))
    return std::nullopt;
  return OperandDimension{&getOperandMutable(), dimension};
}

LogicalResult SliceOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  shapes.push_back(size.ofType(getType(), [&](int64_t i) {
    // A whole dimension has its size, and no formula for it.
    if (takesWhole(i))
      return size.of(getOperand(), i);
    auto bound = [&](ArrayRef<int64_t> values, unsigned which) {
      if (getBounds().empty())
        return size.constant(values[i]);
      return readElement(builder, getLoc(), getBounds()[which], i);
    };
    return size.sliced(bound(getStarts(), 0), bound(getEnds(), 1),
                       bound(getSteps(), 2), size.of(getOperand(), i));
  }));
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  if (!getBounds().empty() || getOperand().getType() != getType())
    return {};
  // The whole tensor, whatever its dynamic sizes are.
  for (int64_t i = 0, rank = getType().getRank(); i < rank; ++i)
    if (getSteps()[i] != 1 || (getType().isDynamicDim(i) && !takesWhole(i)))
      return {};
  return getOperand();
}

/// The vectors of an op as attributes, once all of them are known.
static std::optional<SmallVector<SmallVector<int64_t>>>
knownVectors(ValueRange operands) {
  SmallVector<SmallVector<int64_t>> result;
  for (Value operand : operands) {
    auto values = evaluateConstantElements(operand);
    if (!values)
      return std::nullopt;
    result.push_back(std::move(*values));
  }
  return result;
}

namespace {
struct KnownSliceBounds : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto known = knownVectors(op.getBounds());
    if (op.getBounds().empty() || !known || llvm::is_contained((*known)[2], 0))
      return failure();
    rewriter.replaceOpWithNewOp<SliceOp>(op, op.getType(), op.getOperand(),
                                         ValueRange{}, (*known)[0], (*known)[1],
                                         (*known)[2]);
    return success();
  }
};
} // namespace

void SliceOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<KnownSliceBounds>(context);
}

//===----------------------------------------------------------------------===//
// TileOp
//===----------------------------------------------------------------------===//

LogicalResult
TileOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(operands[0].getType());
  if (shapeOf(operands[1]) != ArrayRef<int64_t>(type.getRank()))
    return emitOptionalError(location, "needs a number of repeats for each of ",
                             type.getRank(), " dimensions");
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    auto repeats = evaluateConstantElement(operands[1], i);
    int64_t size = type.getDimSize(i);
    if (repeats && *repeats < 0)
      return emitOptionalError(location, "negative repeats");
    if (!repeats || ShapedType::isDynamic(size))
      size = repeats == 1 ? size : ShapedType::kDynamic;
    else if (__builtin_mul_overflow(size, *repeats, &size))
      return emitOptionalUnsupported(location, "the size overflows");
    shape.push_back(size);
  }
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

LogicalResult TileOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  shapes.push_back(size.ofType(getType(), [&](int64_t i) {
    OpFoldResult repeats = size.max(
        readElement(builder, getLoc(), getRepeats(), i), size.constant(0));
    return size.mul(size.of(getOperand(), i), repeats);
  }));
  return success();
}

//===----------------------------------------------------------------------===//
// ReverseSequenceOp and CumulateOp: the operand's type
//===----------------------------------------------------------------------===//

LogicalResult ReverseSequenceOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> shape = shapeOf(operands[0]);
  int64_t rank = shape.size();
  int64_t batch = adaptor.getBatchAxis(), time = adaptor.getTimeAxis();
  if (batch < 0 || batch >= rank || time < 0 || time >= rank || batch == time)
    return emitOptionalError(location, "axes do not fit rank ", rank);
  ArrayRef<int64_t> lengths = shapeOf(operands[1]);
  if (lengths.size() != 1 ||
      failed(verifyCompatibleDims({lengths[0], shape[batch]})))
    return emitOptionalError(location, "needs one length for each sequence");
  SmallVector<int64_t> result(shape);
  result[batch] = knownSize({shape[batch], lengths[0]});
  types.push_back(RankedTensorType::get(result, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
ReverseSequenceOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getDimensions(builder, getLoc(), getOperand()));
  return success();
}

LogicalResult CumulateOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  int64_t rank = shapeOf(operands[0]).size(), axis = adaptor.getAxis();
  if (axis < 0 || axis >= rank)
    return emitOptionalError(location, "axis ", axis, " is not within rank ",
                             rank);
  types.push_back(operands[0].getType());
  return success();
}

LogicalResult
CumulateOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getDimensions(builder, getLoc(), getOperand()));
  return success();
}

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

void ConcatOp::requireSizes(SizeConditions &conditions) {
  int64_t axis = getAxis();
  for (Value operand : getOperands())
    for (int64_t i = 0, rank = conditions.rankOf(operand); i < rank; ++i) {
      OpFoldResult lhs = conditions.sizeOf(operand, i),
                   rhs = conditions.sizeOf(getResult(), i);
      if (i == axis || lhs == rhs)
        continue;
      conditions.require(
          conditions.compare(SizeConditions::Predicate::eq, lhs, rhs),
          "the operands differ in a dimension other than the axis");
    }
}

void InterleaveOp::requireSizes(SizeConditions &conditions) {
  for (int64_t i = 0, rank = conditions.rankOf(getLhs()); i < rank; ++i)
    conditions.requireEqual(conditions.sizeOf(getLhs(), i),
                            conditions.sizeOf(getRhs(), i),
                            "the operands differ in their sizes");
}

void SliceOp::requireSizes(SizeConditions &conditions) {
  if (getBounds().empty())
    return;
  for (int64_t i = 0, rank = conditions.rankOf(getOperand()); i < rank; ++i) {
    OpFoldResult step = conditions.element(getBounds()[2], i);
    if (!getConstantIntValue(step))
      conditions.require(conditions.compare(SizeConditions::Predicate::ne, step,
                                            conditions.number(0)),
                         "a step is zero");
  }
}

void TileOp::requireSizes(SizeConditions &conditions) {
  for (int64_t i = 0, rank = conditions.rankOf(getOperand()); i < rank; ++i) {
    OpFoldResult repeats = conditions.element(getRepeats(), i);
    conditions.requireNotNegative(repeats, "negative repeats");
    conditions.requireProduct(conditions.sizeOf(getOperand(), i), repeats,
                              "the size overflows");
  }
}

void ReverseSequenceOp::requireSizes(SizeConditions &conditions) {
  conditions.requireEqual(conditions.sizeOf(getLengths(), 0),
                          conditions.sizeOf(getOperand(), getBatchAxis()),
                          "there must be one length for each sequence");
}

//===----------------------------------------------------------------------===//
// Dimensions in another order
//===----------------------------------------------------------------------===//

void ConcatOp::permuteAttributes(ArrayRef<int64_t> permutation) {
  setAxis(permuteAxis(getAxis(), permutation));
}

/// Elements in turns stay along the last dimension.
std::optional<SmallVector<int64_t>>
InterleaveOp::permuteResult(ArrayRef<int64_t> permutation) {
  if (permutation.back() != static_cast<int64_t>(permutation.size()) - 1)
    return std::nullopt;
  return SmallVector<int64_t>(permutation);
}

std::optional<SmallVector<int64_t>>
SliceOp::permuteResult(ArrayRef<int64_t> permutation) {
  // The vectors would have to be permuted in the run.
  if (!getBounds().empty())
    return std::nullopt;
  return SmallVector<int64_t>(permutation);
}

void SliceOp::permuteAttributes(ArrayRef<int64_t> permutation) {
  setStarts(applyPermutation(getStarts(), permutation));
  setEnds(applyPermutation(getEnds(), permutation));
  setSteps(applyPermutation(getSteps(), permutation));
}

//===----------------------------------------------------------------------===//
// Elements of shape arithmetic
//===----------------------------------------------------------------------===//

std::optional<ElementPlace> ConcatOp::findSource(ElementEvaluator &,
                                                 int64_t index) {
  auto positions = getPositions(shapeOf(getResult()), index);
  if (!positions)
    return std::nullopt;
  int64_t axis = getAxis();
  for (Value operand : getOperands()) {
    int64_t size = shapeOf(operand)[axis];
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    if ((*positions)[axis] < size)
      return findPlace(operand, *positions);
    (*positions)[axis] -= size;
  }
  return std::nullopt;
}

std::optional<ElementPlace> InterleaveOp::findSource(ElementEvaluator &,
                                                     int64_t index) {
  return ElementPlace{getOperand(index % 2), index / 2};
}

std::optional<ElementPlace> SliceOp::findSource(ElementEvaluator &evaluator,
                                                int64_t index) {
  auto positions = getPositions(shapeOf(getResult()), index);
  if (!positions)
    return std::nullopt;
  ArrayRef<int64_t> shape = shapeOf(getOperand());
  for (int64_t i = 0, rank = shape.size(); i < rank; ++i) {
    auto bound = [&](ArrayRef<int64_t> values, unsigned which) {
      if (getBounds().empty())
        return evaluator.constant(values[i]);
      return evaluator.element(getBounds()[which], i);
    };
    OpFoldResult startElement = bound(getStarts(), 0);
    OpFoldResult stepElement = bound(getSteps(), 2);
    if (!startElement || !stepElement)
      return std::nullopt;
    auto start = getConstantIntValue(startElement);
    auto step = getConstantIntValue(stepElement);
    if (!start || !step)
      return std::nullopt;
    int64_t first = *start;
    bool isOpen = ShapedType::isDynamic(shape[i]);
    if (shape[i] == 0 || (isOpen && (first < 0 || *step < 0)))
      return std::nullopt;
    if (!isOpen)
      first = std::clamp<int64_t>(first < 0 ? first + shape[i] : first, 0,
                                  *step < 0 ? shape[i] - 1 : shape[i]);
    int64_t offset;
    if (__builtin_mul_overflow((*positions)[i], *step, &offset) ||
        __builtin_add_overflow(first, offset, &(*positions)[i]))
      return std::nullopt;
  }
  return findPlace(getOperand(), *positions);
}
