//===- Weights.cpp - Constant weights of ops ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Weights.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

ElementsAttr sluice::getConstantElements(Value value) {
  if (auto constant = value.getDefiningOp<ConstantOp>())
    return constant.getValueAttr();
  if (auto narrow = value.getDefiningOp<NarrowConstantOp>())
    return narrow.getValueAttr();
  return nullptr;
}

RankedTensorType sluice::getKeptType(Value value) {
  if (auto narrow = value.getDefiningOp<NarrowConstantOp>())
    return cast<RankedTensorType>(narrow.getValueAttr().getType());
  return cast<RankedTensorType>(value.getType());
}

bool sluice::arePackable(WeightsOpInterface op, Value weights) {
  return getConstantElements(weights) &&
         op.explainUnpacked(getKeptType(weights)).empty();
}

bool sluice::hasPackableWeights(Operation *op) {
  auto weights = dyn_cast<WeightsOpInterface>(op);
  return weights && arePackable(weights, weights.getWeightsOperand().get());
}

//===----------------------------------------------------------------------===//
// NarrowConstantOp
//===----------------------------------------------------------------------===//

LogicalResult NarrowConstantOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  types.push_back(RankedTensorType::get(
      adaptor.getValue().getShapedType().getShape(), adaptor.getElementType()));
  return success();
}

LogicalResult
NarrowConstantOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(getContext(), getType().getShape()));
  return success();
}

LogicalResult NarrowConstantOp::verify() {
  auto wide = dyn_cast<IntegerType>(getElementType());
  auto narrow = dyn_cast<IntegerType>(getValue().getElementType());
  if (!wide || !narrow || !wide.isSignless() || !narrow.isSignless() ||
      narrow.getWidth() >= wide.getWidth())
    return emitOpError("must hold narrower integers than ") << getElementType();
  return success();
}
