//===- GraphBuilder.cpp - Formulas in graph ops ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Transforms/Graph/GraphBuilder.h"
#include <cmath>

using namespace mlir;

namespace sluice {

static double toDouble(APFloat number) {
  bool losesInfo;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return number.convertToDouble();
}

std::optional<double> getSplatNumber(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant)
    return std::nullopt;
  auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!dense || !dense.isSplat())
    return std::nullopt;
  if (isa<FloatType>(dense.getElementType()))
    return toDouble(dense.getSplatValue<APFloat>());
  APInt number = dense.getSplatValue<APInt>();
  return isUnsignedType(dense.getElementType()) ? number.roundToDouble(false)
                                                : number.roundToDouble(true);
}

bool isAbout(Value value, double number) {
  std::optional<double> splat = getSplatNumber(value);
  if (!splat)
    return false;
  bool isHalf = elementTypeOf(value).isF16() || elementTypeOf(value).isBF16();
  double tolerance = isHalf ? 4e-3 : 1e-5;
  return std::abs(*splat - number) <= tolerance * std::abs(number);
}

static bool isConstantExpression(Value value, unsigned depth) {
  // Longer chains are rare; the bound keeps the search cheap.
  constexpr unsigned maxDepth = 12;
  Operation *op = value.getDefiningOp();
  if (!op || depth > maxDepth)
    return false;
  if (isa<ConstantOp>(op))
    return true;
  if (!isa<SluiceDialect>(op->getDialect()) || op->getNumOperands() == 0)
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return isConstantExpression(operand, depth + 1);
  });
}

bool isConstantExpression(Value value) {
  return isConstantExpression(value, 0);
}

bool isOnlyReadBy(Value value, Operation *user) {
  return llvm::all_of(value.getUsers(),
                      [&](Operation *other) { return other == user; });
}

bool broadcastsTo(Value value, ArrayRef<int64_t> target) {
  ArrayRef<int64_t> shape = shapeOf(value);
  if (shape.size() > target.size())
    return false;
  ArrayRef<int64_t> tail = target.take_back(shape.size());
  return llvm::all_of(llvm::zip(shape, tail), [](auto sizes) {
    auto [size, other] = sizes;
    return size == 1 || (size == other && !ShapedType::isDynamic(size));
  });
}

Value GraphBuilder::number(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  Attribute element =
      isa<FloatType>(elementType)
          ? Attribute(FloatAttr::get(elementType, value))
          : IntegerAttr::get(elementType, static_cast<int64_t>(value));
  return make<ConstantOp>(DenseElementsAttr::get(type, element));
}

Value GraphBuilder::cast(Value value, Type elementType) {
  if (elementTypeOf(value) == elementType)
    return value;
  return make<CastOp>(value, TypeAttr::get(elementType));
}

Value GraphBuilder::reshape(Value value, ArrayRef<int64_t> shape) {
  if (shapeOf(value) == shape)
    return value;
  auto sizes = llvm::to_vector(shape);
  llvm::replace(sizes, ShapedType::kDynamic, int64_t(-1));
  return make<ReshapeOp>(value, createShapeConstant(builder, loc, sizes),
                         builder.getUnitAttr());
}

Value GraphBuilder::transpose(Value value, ArrayRef<int64_t> permutation) {
  return make<TransposeOp>(value, builder.getDenseI64ArrayAttr(permutation));
}

Value GraphBuilder::reduce(Value value, ReductionKind kind,
                           ArrayRef<int64_t> axes, bool keepDims) {
  return make<ReduceOp>(value,
                        ReductionKindAttr::get(builder.getContext(), kind),
                        builder.getDenseI64ArrayAttr(axes),
                        keepDims ? builder.getUnitAttr() : UnitAttr());
}

} // namespace sluice
