//===- GraphBuilder.cpp - Formulas in graph ops ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include <cmath>

using namespace mlir;
using namespace sluice;

/// What an integer type has for a number; its largest or smallest number for
/// those that no 64 bits hold.
static APInt toInteger(double value, Type type) {
  constexpr double limit = 0x1p63;
  unsigned width = type.getIntOrFloatBitWidth();
  bool isUnsigned = type.isUnsignedInteger();
  if (value >= limit)
    return isUnsigned ? APInt::getMaxValue(width)
                      : APInt::getSignedMaxValue(width);
  if (value < -limit)
    return isUnsigned ? APInt::getZero(width) : APInt::getSignedMinValue(width);
  int64_t integer = std::isnan(value) ? 0 : static_cast<int64_t>(value);
  return APInt(width, integer, /*isSigned=*/true, /*implicitTrunc=*/true);
}

Value sluice::createScalar(OpBuilder &builder, Location loc, Type elementType,
                           double value) {
  auto type = RankedTensorType::get({}, elementType);
  Attribute element;
  if (auto floatType = dyn_cast<FloatType>(elementType))
    element = builder.getFloatAttr(floatType, value);
  else
    element =
        builder.getIntegerAttr(elementType, toInteger(value, elementType));
  return ConstantOp::create(builder, loc,
                            DenseElementsAttr::get(type, element));
}
