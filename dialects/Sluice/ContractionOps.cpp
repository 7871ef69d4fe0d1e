//===- ContractionOps.cpp - Matrix products -------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Weights.h"

using namespace mlir;
using namespace sluice;

LogicalResult MatmulOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> lhs = shapeOf(operands[0]), rhs = shapeOf(operands[1]);
  if (lhs.size() < 2 || rhs.size() < 2)
    return emitOptionalError(location, "operands must have rank two or more");
  auto batch = broadcastShapes(lhs.drop_back(2), rhs.drop_back(2));
  if (!batch)
    return emitOptionalError(
        location, "batch dimensions do not broadcast: ", operands.getTypes());
  bool swapLhs = adaptor.getTransposeLhs(), swapRhs = adaptor.getTransposeRhs();
  int64_t lhsK = lhs[lhs.size() - (swapLhs ? 2 : 1)];
  int64_t rhsK = rhs[rhs.size() - (swapRhs ? 1 : 2)];
  if (failed(verifyCompatibleShape(ArrayRef(lhsK), ArrayRef(rhsK))))
    return emitOptionalError(location, "inner dimensions differ: ", lhsK,
                             " and ", rhsK);
  SmallVector<int64_t> shape = std::move(*batch);
  shape.push_back(lhs[lhs.size() - (swapLhs ? 1 : 2)]);
  shape.push_back(rhs[rhs.size() - (swapRhs ? 2 : 1)]);
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult MatmulOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  int64_t lhsRank = shapeOf(getLhs()).size(),
          rhsRank = shapeOf(getRhs()).size();
  int64_t rank = getType().getRank();
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < rank - 2; ++i) {
    OpFoldResult size = builder.getIndexAttr(1);
    if (i >= rank - lhsRank)
      size = getDimension(builder, loc, getLhs(), i - rank + lhsRank);
    if (i >= rank - rhsRank)
      size = broadcastSizes(
          builder, loc, size,
          getDimension(builder, loc, getRhs(), i - rank + rhsRank));
    sizes.push_back(size);
  }
  sizes.push_back(getDimension(builder, loc, getLhs(),
                               lhsRank - (getTransposeLhs() ? 1 : 2)));
  sizes.push_back(getDimension(builder, loc, getRhs(),
                               rhsRank - (getTransposeRhs() ? 2 : 1)));
  shapes.push_back(std::move(sizes));
  return success();
}

/// The inner dimension of both operands is one.
void MatmulOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  ArrayRef<int64_t> lhs = shapeOf(getLhs()), rhs = shapeOf(getRhs());
  int64_t left = lhs.size() - (getTransposeLhs() ? 2 : 1);
  int64_t right = rhs.size() - (getTransposeRhs() ? 1 : 2);
  demand({&getLhsMutable(), left}, rhs[right]);
  demand({&getRhsMutable(), right}, lhs[left]);
}

std::optional<OperandDimension> MatmulOp::getSizeSource(unsigned,
                                                        int64_t dimension) {
  int64_t lhsRank = shapeOf(getLhs()).size(),
          rhsRank = shapeOf(getRhs()).size(), rank = getType().getRank();
  if (dimension == rank - 2)
    return OperandDimension{&getLhsMutable(),
                            lhsRank - (getTransposeLhs() ? 1 : 2)};
  if (dimension == rank - 1)
    return OperandDimension{&getRhsMutable(),
                            rhsRank - (getTransposeRhs() ? 2 : 1)};
  // The batches broadcast as in elementwise ops.
  return getElementwiseSizeSource(getOperation(), dimension);
}

LogicalResult MatmulOp::verify() {
  if (elementTypeOf(getLhs()) != elementTypeOf(getRhs()))
    return emitOpError("operands must have one element type");
  return success();
}

void MatmulOp::requireSizes(SizeConditions &conditions) {
  Value lhs = getLhs(), rhs = getRhs();
  int64_t left = conditions.rankOf(lhs), right = conditions.rankOf(rhs);
  conditions.requireEqual(
      conditions.sizeOf(lhs, left - (getTransposeLhs() ? 2 : 1)),
      conditions.sizeOf(rhs, right - (getTransposeRhs() ? 1 : 2)),
      "the inner dimensions of the product differ");
  for (int64_t i = 3; i <= std::min(left, right); ++i)
    conditions.requireBroadcast(conditions.sizeOf(lhs, left - i),
                                conditions.sizeOf(rhs, right - i));
}

bool MatmulOp::takesEpilogue() {
  return static_cast<bool>(getSumType(elementTypeOf(getLhs()),
                                      elementTypeOf(getRhs()),
                                      elementTypeOf(getResult())));
}

OpOperand &MatmulOp::getWeightsOperand() { return getRhsMutable(); }

StringRef MatmulOp::explainUnpacked(RankedTensorType weights) {
  ArrayRef<int64_t> shape = weights.getShape(), lhs = shapeOf(getLhs());
  if (!getSumType(elementTypeOf(getLhs()), weights.getElementType(),
                  elementTypeOf(getResult())))
    return noDotUnit;
  if (llvm::is_contained(shape, 0))
    return "there are none";
  // One matrix for all batches.
  if (llvm::any_of(shape.drop_back(2), [](int64_t size) { return size != 1; }))
    return "each batch has its own";
  if (shape.size() > lhs.size())
    return "they have more dimensions than the other operand";
  // The kernel takes the depth from the operand's type.
  if (ShapedType::isDynamic(lhs[lhs.size() - (getTransposeLhs() ? 2 : 1)]))
    return "the depth of the other operand is not known";
  return {};
}

std::optional<LinearChannels> MatmulOp::getLinearChannels() {
  // Each matrix of a batch has columns of its own.
  if (shapeOf(getRhs()).size() != 2)
    return std::nullopt;
  LinearChannels channels;
  int64_t rank = shapeOf(getLhs()).size();
  channels.inputDimension = rank - (getTransposeLhs() ? 2 : 1);
  channels.resultDimension = rank - 1;
  channels.weightInputDimension = getTransposeRhs() ? 1 : 0;
  channels.weightResultDimension = getTransposeRhs() ? 0 : 1;
  return channels;
}

std::optional<Work> MatmulOp::getWork() {
  ArrayRef<int64_t> lhs = shapeOf(getLhs());
  double depth = lhs[lhs.size() - (getTransposeLhs() ? 2 : 1)];
  return workOnOperands(*this, countElements(getResult()) * 2.0 * depth);
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

bool MatmulOp::hasPlaces() {
  return isa<FloatType>(elementTypeOf(getResult())) &&
         elementTypeOf(getLhs()) == elementTypeOf(getResult());
}

SmallVector<std::pair<unsigned, unsigned>> MatmulOp::getReducedDimensions() {
  unsigned rank = shapeOf(getLhs()).size();
  return {{0, rank - (getTransposeLhs() ? 2 : 1)}};
}

SmallVector<PlaceIndex>
MatmulOp::getOperandPlace(unsigned number, ArrayRef<PlaceIndex> result,
                          ArrayRef<PlaceIndex> reduced) {
  size_t batches = shapeOf(getOperand(number)).size() - 2;
  SmallVector<PlaceIndex> place(result.drop_back(2).take_back(batches));
  PlaceIndex row = result[result.size() - 2], column = result.back();
  PlaceIndex outer = number == 0 ? row : reduced[0];
  PlaceIndex inner = number == 0 ? reduced[0] : column;
  if (number == 0 ? getTransposeLhs() : getTransposeRhs())
    std::swap(outer, inner);
  place.append({outer, inner});
  return place;
}
