//===- SpectralOps.cpp - Discrete Fourier transforms ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sluice;

std::optional<SmallVector<int64_t>> FourierTransformOp::factorise(int64_t n) {
  SmallVector<int64_t> radices;
  auto divide = [&](int64_t radix) {
    for (; n > 1 && n % radix == 0; n /= radix)
      radices.push_back(radix);
  };
  divide(4);
  divide(2);
  for (int64_t radix = 3; radix <= maxOddRadix; radix += 2)
    divide(radix);
  if (n != 1)
    return std::nullopt;
  return radices;
}

LogicalResult FourierTransformOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> shape = shapeOf(adaptor.getOperand());
  if (shape.size() != 3 || (shape[1] != 1 && shape[1] != 2))
    return emitOptionalError(
        location, "the operand must be [n, 1, batch] or [n, 2, batch]");
  int64_t bins = shape[0];
  if (adaptor.getOnesided() && !ShapedType::isDynamic(bins))
    bins = bins / 2 + 1;
  types.push_back(RankedTensorType::get({bins, 2, shape[2]},
                                        elementTypeOf(adaptor.getOperand())));
  return success();
}

LogicalResult
FourierTransformOp::reifyResultShapes(OpBuilder &builder,
                                      ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder sizes{builder, getLoc()};
  SizeBuilder::Size bins = sizes.of(getOperand(), 0);
  if (getOnesided())
    // n / 2 + 1 is (n + 1) / 2, rounded up.
    bins = sizes.ceilDiv(sizes.add(bins, sizes.constant(1)), sizes.constant(2));
  shapes.push_back({bins, sizes.constant(2), sizes.of(getOperand(), 2)});
  return success();
}

LogicalResult FourierTransformOp::verify() {
  Type elementType = elementTypeOf(getOperand());
  int64_t length = shapeOf(getOperand())[0];
  if (failed(verifyCompatibleShape(shapeOf(getRoots()), {length, 2})) ||
      elementTypeOf(getRoots()) != elementType)
    return emitOpError("roots must be [n, 2] of the operand's element type");
  if (length == 0)
    return emitOpError("has nothing to transform");
  if (getRadices().empty()) {
    if (!ShapedType::isDynamic(length) && !llvm::isPowerOf2_64(length))
      return emitOpError("without radices n must be a power of two");
    return success();
  }
  int64_t product = 1;
  for (int64_t radix : getRadices()) {
    bool isOdd = radix > 1 && radix <= maxOddRadix && radix % 2 == 1;
    if (radix != 2 && radix != 4 && !isOdd)
      return emitOpError("has no steps of radix ") << radix;
    if (llvm::MulOverflow(product, radix, product))
      return emitOpError("has radices whose product overflows");
  }
  if (product != length)
    return emitOpError("has radices whose product is not n");
  return success();
}

namespace {
/// A power of two that has become known is split at compile time.
struct SplitKnownLength : OpRewritePattern<FourierTransformOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(FourierTransformOp op,
                                PatternRewriter &rewriter) const final {
    int64_t length = shapeOf(op.getOperand())[0];
    if (!op.getRadices().empty() || ShapedType::isDynamic(length) ||
        length == 1)
      return failure();
    auto radices = FourierTransformOp::factorise(length);
    if (!radices)
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.setRadices(*radices); });
    return success();
  }
};
} // namespace

void FourierTransformOp::getCanonicalizationPatterns(
    RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<SplitKnownLength>(context);
}

void FourierTransformOp::requireSizes(SizeConditions &conditions) {
  constexpr StringLiteral message = "the roots do not fit the signal";
  conditions.requireShape(
      getRoots(), {conditions.sizeOf(getOperand(), 0), conditions.number(2)},
      message);
}
