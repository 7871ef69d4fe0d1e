//===- LinearAlgebraOps.cpp - Determinants and inverses -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

/// Are the last two dimensions equal, as far as they are known?
static LogicalResult verifySquare(std::optional<Location> location,
                                  Value operand) {
  ArrayRef<int64_t> shape = shapeOf(operand);
  if (shape.size() < 2)
    return emitOptionalError(location, "the operand must be a matrix");
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  if (!ShapedType::isDynamic(rows) && !ShapedType::isDynamic(columns) &&
      rows != columns)
    return emitOptionalError(location, "the matrices must be square, not ",
                             rows, "x", columns);
  return success();
}

LogicalResult DeterminantOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  if (failed(verifySquare(location, operands[0])))
    return failure();
  types.push_back(RankedTensorType::get(shapeOf(operands[0]).drop_back(2),
                                        elementTypeOf(operands[0])));
  return success();
}

LogicalResult
DeterminantOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getOperand());
  sizes.truncate(sizes.size() - 2);
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult InverseOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  if (failed(verifySquare(location, operands[0])))
    return failure();
  types.push_back(operands[0].getType());
  return success();
}

LogicalResult
InverseOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getDimensions(builder, getLoc(), getOperand()));
  return success();
}

template <typename OpTy>
static void requireSquare(OpTy op, SizeConditions &conditions) {
  int64_t rank = conditions.rankOf(op.getOperand());
  conditions.requireEqual(conditions.sizeOf(op.getOperand(), rank - 2),
                          conditions.sizeOf(op.getOperand(), rank - 1),
                          "the matrices are not square");
}

void DeterminantOp::requireSizes(SizeConditions &conditions) {
  requireSquare(*this, conditions);
}

void InverseOp::requireSizes(SizeConditions &conditions) {
  requireSquare(*this, conditions);
}
