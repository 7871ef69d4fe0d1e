//===- QuantisedConstant.cpp - Weights of eight bits ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/QuantisedConstant.h"

using namespace mlir;
using namespace sluice;

/// The integer that all elements of a value are, if that is known.
static std::optional<int64_t> getUniformInteger(Value value) {
  if (auto cast = value.getDefiningOp<CastOp>())
    value = cast->getOperand(0);
  auto constant = value.getDefiningOp<ConstantOp>();
  auto dense = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue())
                        : DenseIntElementsAttr();
  if (!dense || !dense.isSplat() || dense.getElementType().isInteger(1))
    return std::nullopt;
  APInt number = dense.getSplatValue<APInt>();
  return isUnsignedType(dense.getElementType())
             ? static_cast<int64_t>(number.getZExtValue())
             : number.getSExtValue();
}

std::optional<QuantisedConstant> sluice::getQuantisedConstant(Value value) {
  // What a zero point of eight bits may be.
  constexpr int64_t lowest = -128, highest = 255;
  QuantisedConstant result;
  if (auto difference = value.getDefiningOp<SubOp>()) {
    auto zero = getUniformInteger(difference->getOperand(1));
    if (!zero || *zero < lowest || *zero > highest ||
        difference->getOperand(0).getType() != value.getType())
      return std::nullopt;
    result.zero = *zero;
    value = difference->getOperand(0);
  }
  auto cast = value.getDefiningOp<CastOp>();
  if (!cast || !elementTypeOf(value).isSignlessInteger(32) ||
      !elementTypeOf(cast->getOperand(0)).isInteger(8))
    return std::nullopt;
  result.constant = cast->getOperand(0).getDefiningOp<ConstantOp>();
  if (!result.constant)
    return std::nullopt;
  return result;
}
