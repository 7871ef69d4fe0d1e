//===- RandomOps.cpp - Pseudo-random numbers ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/SizeInference.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// RandomKeyOp
//===----------------------------------------------------------------------===//

LogicalResult RandomKeyOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  types.push_back(RankedTensorType::get({2}, IntegerType::get(context, 64)));
  return success();
}

LogicalResult
RandomKeyOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({builder.getIndexAttr(2)});
  return success();
}

/// A key that nothing reads need not be drawn.
LogicalResult RandomKeyOp::canonicalize(RandomKeyOp op,
                                        PatternRewriter &rewriter) {
  if (!op->use_empty())
    return failure();
  rewriter.eraseOp(op);
  return success();
}

//===----------------------------------------------------------------------===//
// RandomOp
//===----------------------------------------------------------------------===//

LogicalResult RandomOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> shapeShape = shapeOf(adaptor.getShape());
  if (shapeShape.size() != 1 || ShapedType::isDynamic(shapeShape[0]))
    return emitOptionalError(location,
                             "the shape must be a vector of known length");
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < shapeShape[0]; ++i) {
    auto size = inferSize(location, adaptor.getShape(), i);
    if (failed(size))
      return failure();
    shape.push_back(*size);
  }
  types.push_back(RankedTensorType::get(shape, adaptor.getElementType()));
  return success();
}

LogicalResult RandomOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  for (auto [i, size] : llvm::enumerate(shapeOf(getResult())))
    sizes.push_back(ShapedType::isDynamic(size)
                        ? readElement(builder, getLoc(), getShape(), i)
                        : OpFoldResult(builder.getIndexAttr(size)));
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult RandomOp::verify() {
  if (!isa<FloatType>(getElementType()))
    return emitOpError("makes floating-point numbers, not ")
           << getElementType();
  if (shapeOf(getKey()) != ArrayRef<int64_t>({2}) ||
      !elementTypeOf(getKey()).isSignlessInteger(64))
    return emitOpError("the key must be two 64-bit integers");
  return success();
}

namespace {
/// Random numbers are finite, so zero times any of them is zero: exporters
/// switch noise off that way.
struct DropSilencedNoise : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const final {
    for (auto [noise, factor] : {std::pair(op.getLhs(), op.getRhs()),
                                 std::pair(op.getRhs(), op.getLhs())}) {
      auto random = noise.getDefiningOp<RandomOp>();
      if (!random || !matchPattern(factor, m_AnyZeroFloat()) ||
          !shapeOf(factor).empty())
        continue;
      rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), factor,
                                               random.getShape());
      return success();
    }
    return failure();
  }
};
} // namespace

void RandomOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<DropSilencedNoise>(context);
}

void RandomOp::requireSizes(SizeConditions &conditions) {
  for (int64_t i = 0, rank = conditions.rankOf(getResult()); i < rank; ++i)
    conditions.requireNotNegative(conditions.element(getShape(), i),
                                  negativeSizeMessage);
}
