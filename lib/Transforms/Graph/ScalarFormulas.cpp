//===- ScalarFormulas.cpp - Numbers that constants make -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ScalarFormulas.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include <cmath>

using namespace mlir;

namespace sluice {

/// As a tensor of the type has it.
static double roundTo(Type type, double number) {
  if (!type.isF32())
    return number;
  return static_cast<float>(number);
}

static std::optional<double> getScalarNumber(Value value, unsigned depth) {
  constexpr unsigned maxDepth = 12;
  if (auto splat = getSplatNumber(value))
    return splat;
  Operation *op = value.getDefiningOp();
  auto type = cast<RankedTensorType>(value.getType());
  if (!op || depth > maxDepth)
    return std::nullopt;
  auto operand = [&](unsigned i) {
    return getScalarNumber(op->getOperand(i), depth + 1);
  };
  if (op->hasTrait<trait::IsView>() || isa<BroadcastOp, TransposeOp>(op))
    return operand(0);
  bool isNumber = type.hasStaticShape() && type.getNumElements() == 1;
  if (isa<IntegerType>(type.getElementType())) {
    if (!isNumber)
      return std::nullopt;
    auto known = evaluateConstantElement(value, 0);
    return known ? std::optional<double>(*known) : std::nullopt;
  }
  if (!isa<CastOp, SqrtOp, ReciprocalOp, NegOp, AddOp, SubOp, MulOp, DivOp,
           PowOp>(op))
    return isNumber ? evaluateConstantNumber(value, 0) : std::nullopt;
  auto first = operand(0);
  if (!first)
    return std::nullopt;
  std::optional<double> second;
  if (op->getNumOperands() == 2) {
    second = operand(1);
    if (!second)
      return std::nullopt;
  }
  double result = *first;
  if (isa<SqrtOp>(op))
    result = std::sqrt(*first);
  else if (isa<ReciprocalOp>(op))
    result = 1 / *first;
  else if (isa<NegOp>(op))
    result = -*first;
  else if (isa<AddOp>(op))
    result = *first + *second;
  else if (isa<SubOp>(op))
    result = *first - *second;
  else if (isa<MulOp>(op))
    result = *first * *second;
  else if (isa<DivOp>(op))
    result = *first / *second;
  else if (isa<PowOp>(op))
    result = std::pow(*first, *second);
  return roundTo(type.getElementType(), result);
}

std::optional<double> getScalarNumber(Value value) {
  return getScalarNumber(value, 0);
}

} // namespace sluice
