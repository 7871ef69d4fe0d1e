//===- PadOps.cpp - Something around a tensor ----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/PadToConvolution.h"
#include "dialects/Sluice/PadToPool.h"
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
// PadOp and ExtendOp
//===----------------------------------------------------------------------===//

static LogicalResult inferPadded(std::optional<Location> location,
                                 Value operand, ValueRange widths,
                                 ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                                 SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(operand.getType());
  int64_t rank = type.getRank();
  size_t attributeSize = widths.empty() ? rank : 0;
  bool fits = widths.size() < 2 && low.size() == attributeSize &&
              high.size() == attributeSize;
  for (Value vector : widths)
    fits &= shapeOf(vector) == ArrayRef<int64_t>(2 * rank) &&
            isa<IntegerType>(elementTypeOf(vector));
  if (!fits)
    return emitOptionalError(location,
                             "needs a low and a high width for each "
                             "of ",
                             rank, " dimensions");
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < rank; ++i) {
    auto before =
        widths.empty() ? low[i] : evaluateConstantElement(widths[0], i);
    auto after =
        widths.empty() ? high[i] : evaluateConstantElement(widths[0], i + rank);
    int64_t size = type.getDimSize(i);
    if (!before || !after || ShapedType::isDynamic(size)) {
      shape.push_back(before == 0 && after == 0 ? size : ShapedType::kDynamic);
      continue;
    }
    if (__builtin_add_overflow(size, *before, &size) ||
        __builtin_add_overflow(size, *after, &size))
      return emitOptionalUnsupported(location, "the size overflows");
    if (size < 0)
      return emitOptionalError(location, "dimension ", i, " of ", type,
                               " cannot be padded by ", *before, " and ",
                               *after);
    shape.push_back(size);
  }
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

template <typename OpTy>
static LogicalResult reifyPadded(OpTy op, OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  Location loc = op.getLoc();
  SizeBuilder size{builder, loc};
  int64_t rank = op.getType().getRank();
  shapes.push_back(size.ofType(op.getType(), [&](int64_t i) {
    OpFoldResult before, after;
    if (op.getWidths().empty()) {
      before = size.constant(op.getLow()[i]);
      after = size.constant(op.getHigh()[i]);
    } else {
      before = readElement(builder, loc, op.getWidths()[0], i);
      after = readElement(builder, loc, op.getWidths()[0], i + rank);
    }
    OpFoldResult sum =
        size.add(size.add(size.of(op.getOperand(), i), before), after);
    return size.max(sum, size.constant(0));
  }));
  return success();
}

/// Dimensions around which nothing is put.
template <typename OpTy>
static std::optional<OperandDimension> getUnpaddedSource(OpTy op,
                                                         int64_t dimension) {
  if (!op.getWidths().empty() || op.getLow()[dimension] != 0 ||
      op.getHigh()[dimension] != 0)
    return std::nullopt;
  return OperandDimension{&op.getOperandMutable(), dimension};
}

std::optional<OperandDimension> PadOp::getSizeSource(unsigned,
                                                     int64_t dimension) {
  return getUnpaddedSource(*this, dimension);
}

std::optional<OperandDimension> ExtendOp::getSizeSource(unsigned,
                                                        int64_t dimension) {
  return getUnpaddedSource(*this, dimension);
}

LogicalResult
PadOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                        ValueRange operands, DictionaryAttr attributes,
                        OpaqueProperties properties, RegionRange regions,
                        SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto value = cast<RankedTensorType>(operands[1].getType());
  if (!value.hasStaticShape() || value.getNumElements() != 1 ||
      value.getElementType() != elementTypeOf(operands[0]))
    return emitOptionalError(location, "the value must be one element of the "
                                       "operand's type");
  return inferPadded(location, operands[0], operands.drop_front(2),
                     adaptor.getLow(), adaptor.getHigh(), types);
}

LogicalResult PadOp::reifyResultShapes(OpBuilder &builder,
                                       ReifiedRankedShapedTypeDims &shapes) {
  return reifyPadded(*this, builder, shapes);
}

LogicalResult PadOp::verify() { return success(); }

OpFoldResult PadOp::fold(FoldAdaptor) {
  auto isZero = [](int64_t width) { return width == 0; };
  if (getWidths().empty() && llvm::all_of(getLow(), isZero) &&
      llvm::all_of(getHigh(), isZero) && getOperand().getType() == getType())
    return getOperand();
  return {};
}

namespace {
template <typename OpTy> struct KnownWidths : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (op.getWidths().empty())
      return failure();
    auto known = evaluateConstantElements(op.getWidths()[0]);
    if (!known)
      return failure();
    ArrayRef<int64_t> widths = *known;
    rewriter.modifyOpInPlace(op, [&] {
      op.setLow(widths.take_front(widths.size() / 2));
      op.setHigh(widths.drop_front(widths.size() / 2));
      op.getWidthsMutable().clear();
    });
    return success();
  }
};
} // namespace

void PadOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<KnownWidths<PadOp>>(context);
  addPadToConvolution(patterns);
  addPadToPool(patterns);
}

LogicalResult ExtendOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(inferPadded(location, operands[0], operands.drop_front(),
                         adaptor.getLow(), adaptor.getHigh(), types)))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(operands[0]),
                    padded = cast<RankedTensorType>(types[0]).getShape();
  if (llvm::is_contained(padded, 0))
    return success();
  for (int64_t i = 0, rank = shape.size(); i < rank; ++i) {
    if (ShapedType::isDynamic(shape[i]) || ShapedType::isDynamic(padded[i]))
      continue;
    // Negative widths cut before anything is repeated.
    int64_t low = adaptor.getLow().empty() ? 0 : adaptor.getLow()[i],
            high = adaptor.getHigh().empty() ? 0 : adaptor.getHigh()[i];
    if (shape[i] + std::min<int64_t>(low, 0) + std::min<int64_t>(high, 0) <= 0)
      return emitOptionalError(location,
                               "an empty tensor has nothing to repeat");
  }
  return success();
}

LogicalResult ExtendOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  return reifyPadded(*this, builder, shapes);
}

LogicalResult ExtendOp::verify() { return success(); }

void ExtendOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<KnownWidths<ExtendOp>>(context);
}

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

template <typename OpTy>
static void requireWidths(OpTy pad, SizeConditions &conditions) {
  SizeBuilder at = conditions.sizes();
  int64_t rank = conditions.rankOf(pad.getOperand());
  for (int64_t i = 0; i < rank; ++i) {
    OpFoldResult low, high;
    if (pad.getWidths().empty()) {
      low = conditions.number(pad.getLow()[i]);
      high = conditions.number(pad.getHigh()[i]);
    } else {
      low = conditions.element(pad.getWidths()[0], i);
      high = conditions.element(pad.getWidths()[0], rank + i);
    }
    OpFoldResult size = conditions.sizeOf(pad.getOperand(), i);
    if (getConstantIntValue(low) && getConstantIntValue(high) &&
        getConstantIntValue(size))
      continue;
    for (OpFoldResult width : {low, high})
      conditions.requireModest(width, "a pad is out of range");
    conditions.requireNotNegative(at.add(at.add(size, low), high),
                                  "negative pads cut more than there is");
  }
}

void PadOp::requireSizes(SizeConditions &conditions) {
  requireWidths(*this, conditions);
}

void ExtendOp::requireSizes(SizeConditions &conditions) {
  requireWidths(*this, conditions);
}

//===----------------------------------------------------------------------===//
// Dimensions in another order
//===----------------------------------------------------------------------===//

bool PadOp::hasDimensions(unsigned operand) { return operand == 0; }

std::optional<SmallVector<int64_t>>
PadOp::permuteResult(ArrayRef<int64_t> permutation) {
  // The widths would have to be permuted in the run.
  if (!getWidths().empty())
    return std::nullopt;
  return SmallVector<int64_t>(permutation);
}

void PadOp::permuteAttributes(ArrayRef<int64_t> permutation) {
  setLow(applyPermutation(getLow(), permutation));
  setHigh(applyPermutation(getHigh(), permutation));
}
