//===- GraphMatching.cpp - What graph passes ask of values ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Support/ConstantBytes.h"
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

int64_t getBytes(RankedTensorType type) {
  return type.getNumElements() *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

int64_t getSourceBytes(ValueRange values) {
  int64_t bytes = 0;
  SmallVector<Value> pending(values);
  DenseSet<Value> seen;
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (auto constant = value.getDefiningOp<ConstantOp>())
      bytes += getStoredBytes(constant.getValue());
    else
      llvm::append_range(pending, value.getDefiningOp()->getOperands());
  }
  return bytes;
}

bool isWorthStoring(Value value) {
  int64_t bytes = getBytes(cast<RankedTensorType>(value.getType()));
  // Looking at the sources of all small ones would take long.
  return isWorthStoring(bytes, 0) ||
         isWorthStoring(bytes, getSourceBytes(value));
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

} // namespace sluice
