//===- ElementwiseFolds.cpp - Folds of elementwise ops --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Only identities: values are computed by constant evaluation, which runs the
// compiler's own CPU code.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Sluice.h"
#include "mlir/IR/PatternMatch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace sluice;

/// Is the attribute a splat of `number`?
static bool isSplatOf(Attribute attribute, double number) {
  auto dense = dyn_cast_if_present<DenseElementsAttr>(attribute);
  if (!dense || !dense.isSplat())
    return false;
  if (isa<FloatType>(dense.getElementType()))
    return dense.getSplatValue<APFloat>().convertToDouble() == number &&
           !(number == 0 && dense.getSplatValue<APFloat>().isNegative());
  auto integer = dyn_cast<IntegerType>(dense.getElementType());
  if (!integer || integer.getWidth() > 64 || std::trunc(number) != number ||
      std::abs(number) > 1e9)
    return false;
  APInt value = dense.getSplatValue<APInt>();
  bool isSigned = !integer.isUnsigned() && integer.getWidth() > 1;
  int64_t whole = static_cast<int64_t>(number);
  return isSigned ? value.getSExtValue() == whole
                  : whole >= 0 && value == static_cast<uint64_t>(whole);
}

// x + 0 keeps x for integers; for floats -0 + 0 is 0, so only -0 would do.
OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  if (getLhs().getType() == getType() &&
      isa<IntegerType>(getType().getElementType()) &&
      isSplatOf(adaptor.getRhs(), 0) && getType().hasStaticShape())
    return getLhs();
  return {};
}

OpFoldResult SubOp::fold(FoldAdaptor adaptor) {
  if (getLhs().getType() == getType() && isSplatOf(adaptor.getRhs(), 0) &&
      getType().hasStaticShape())
    return getLhs();
  return {};
}

OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  if (getLhs().getType() == getType() && isSplatOf(adaptor.getRhs(), 1) &&
      getType().hasStaticShape())
    return getLhs();
  return {};
}

OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  if (getLhs().getType() == getType() && isSplatOf(adaptor.getRhs(), 1) &&
      getType().hasStaticShape())
    return getLhs();
  return {};
}

OpFoldResult MaxOp::fold(FoldAdaptor adaptor) {
  if (getLhs().getType() == getType() && getType().hasStaticShape() &&
      isa<FloatType>(getType().getElementType()) &&
      isSplatOf(adaptor.getRhs(), -std::numeric_limits<double>::infinity()))
    return getLhs();
  return {};
}

OpFoldResult MinOp::fold(FoldAdaptor adaptor) {
  if (getLhs().getType() == getType() && getType().hasStaticShape() &&
      isa<FloatType>(getType().getElementType()) &&
      isSplatOf(adaptor.getRhs(), std::numeric_limits<double>::infinity()))
    return getLhs();
  return {};
}

OpFoldResult BitCastOp::fold(FoldAdaptor) {
  if (getOperand().getType() == getType())
    return getOperand();
  return {};
}

LogicalResult BitCastOp::verify() {
  // A bool takes a byte.
  auto width = [](Type type) {
    return std::max(type.getIntOrFloatBitWidth(), 8u);
  };
  Type from = elementTypeOf(getOperand());
  if (!from.isIntOrFloat() || !getTo().isIntOrFloat() ||
      width(from) != width(getTo()))
    return emitOpError("cannot read the bits of ") << from << " as " << getTo();
  return success();
}

LogicalResult SelectOp::verify() {
  if (!elementTypeOf(getCondition()).isInteger(1))
    return emitOpError("the condition must be a boolean");
  Type onTrue = elementTypeOf(getOnTrue()),
       onFalse = elementTypeOf(getOnFalse());
  if (onTrue != onFalse)
    return emitOpError("the operands have different element types, ")
           << onTrue << " and " << onFalse;
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  if (getOperand().getType() == getType())
    return getOperand();
  return {};
}

namespace {
/// Powers that exporters write for squares and roots.
struct ExpandPow : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PowOp op,
                                PatternRewriter &rewriter) const override {
    auto constant = op.getRhs().getDefiningOp<ConstantOp>();
    if (!constant || !isa<FloatType>(elementTypeOf(op.getLhs())))
      return failure();
    if (shapeOf(op.getRhs()).size() > shapeOf(op.getLhs()).size() ||
        cast<RankedTensorType>(op.getRhs().getType()).getNumElements() != 1)
      return failure();
    if (isSplatOf(constant.getValue(), 2))
      rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), op.getLhs(),
                                         op.getLhs());
    else if (isSplatOf(constant.getValue(), 0.5))
      rewriter.replaceOpWithNewOp<SqrtOp>(op, op.getType(), op.getLhs());
    else if (isSplatOf(constant.getValue(), 1))
      rewriter.replaceOp(op, op.getLhs());
    else
      return failure();
    return success();
  }
};
} // namespace

void PowOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<ExpandPow>(context);
}
