//===- ElementwiseElements.cpp - Shape arithmetic by elementwise ops ------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ElementEvaluator.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include <cmath>
#include <functional>

using namespace mlir;
using namespace sluice;

using Known = std::optional<int64_t>;

/// Computes two elements' size by an op on index values.
template <typename OpTy>
static OpFoldResult makeIndexOp(OpBuilder &builder, Location loc,
                                OpFoldResult lhs, OpFoldResult rhs) {
  return OpTy::create(builder, loc,
                      getValueOrCreateConstantIndexOp(builder, loc, lhs),
                      getValueOrCreateConstantIndexOp(builder, loc, rhs))
      .getResult();
}

OpFoldResult AddOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  return evaluator.combine(
      *this, index,
      [](int64_t a, int64_t b) -> Known {
        int64_t r;
        return __builtin_add_overflow(a, b, &r) ? Known() : Known(r);
      },
      makeIndexOp<arith::AddIOp>);
}

std::optional<double> AddOp::evaluateNumber(ElementEvaluator &evaluator,
                                            int64_t index) {
  return evaluator.combineNumbers(*this, index,
                                  [](double a, double b) { return a + b; });
}

OpFoldResult SubOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  return evaluator.combine(
      *this, index,
      [](int64_t a, int64_t b) -> Known {
        int64_t r;
        return __builtin_sub_overflow(a, b, &r) ? Known() : Known(r);
      },
      makeIndexOp<arith::SubIOp>);
}

std::optional<double> SubOp::evaluateNumber(ElementEvaluator &evaluator,
                                            int64_t index) {
  return evaluator.combineNumbers(*this, index,
                                  [](double a, double b) { return a - b; });
}

OpFoldResult MulOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  return evaluator.combine(
      *this, index,
      [](int64_t a, int64_t b) -> Known {
        int64_t r;
        return __builtin_mul_overflow(a, b, &r) ? Known() : Known(r);
      },
      makeIndexOp<arith::MulIOp>);
}

std::optional<double> MulOp::evaluateNumber(ElementEvaluator &evaluator,
                                            int64_t index) {
  return evaluator.combineNumbers(*this, index,
                                  [](double a, double b) { return a * b; });
}

OpFoldResult DivOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  Type type = getType().getElementType();
  bool isFloat = isa<FloatType>(type);
  return evaluator.combine(
      *this, index,
      [&](int64_t a, int64_t b) -> Known {
        if (b == 0 || (b == -1 && a == INT64_MIN) || (isFloat && a % b != 0))
          return std::nullopt;
        return a / b;
      },
      [&](OpBuilder &builder, Location loc, OpFoldResult lhs,
          OpFoldResult rhs) -> OpFoldResult {
        // A division by what may be zero stays in the tensor world, where it is
        // defined; so does one with a fraction.
        auto divisor = getConstantIntValue(rhs);
        if (!divisor || *divisor <= 0 || !isa<IntegerType>(type))
          return {};
        return makeIndexOp<arith::DivSIOp>(builder, loc, lhs, rhs);
      });
}

std::optional<double> DivOp::evaluateNumber(ElementEvaluator &evaluator,
                                            int64_t index) {
  return evaluator.combineNumbers(*this, index,
                                  [](double a, double b) { return a / b; });
}

OpFoldResult ModOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  if (isa<FloatType>(getType().getElementType()))
    return {};
  return evaluator.combineKnown(
      *this, index, [&](int64_t a, int64_t b) -> Known {
        if (b == 0 || b == -1)
          return std::nullopt;
        int64_t rest = a % b;
        return !getFmod() && rest != 0 && (rest < 0) != (b < 0) ? rest + b
                                                                : rest;
      });
}

/// The one of two elements that is ahead of the other: `Ahead` tells for any
/// type of numbers, `IndexOp` in the run.
template <typename Ahead, typename IndexOp>
static OpFoldResult pickElement(Operation *op, ElementEvaluator &evaluator,
                                int64_t index) {
  return evaluator.combine(
      op, index,
      [](int64_t a, int64_t b) -> Known { return Ahead()(b, a) ? b : a; },
      makeIndexOp<IndexOp>);
}

template <typename Ahead>
static std::optional<double>
pickNumber(Operation *op, ElementEvaluator &evaluator, int64_t index) {
  return evaluator.combineNumbers(
      op, index, [](double a, double b) { return Ahead()(b, a) ? b : a; });
}

OpFoldResult MaxOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  return pickElement<std::greater<>, arith::MaxSIOp>(*this, evaluator, index);
}

std::optional<double> MaxOp::evaluateNumber(ElementEvaluator &evaluator,
                                            int64_t index) {
  return pickNumber<std::greater<>>(*this, evaluator, index);
}

OpFoldResult MinOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  return pickElement<std::less<>, arith::MinSIOp>(*this, evaluator, index);
}

std::optional<double> MinOp::evaluateNumber(ElementEvaluator &evaluator,
                                            int64_t index) {
  return pickNumber<std::less<>>(*this, evaluator, index);
}

OpFoldResult NegOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  return evaluator.map(
      *this, index,
      [](int64_t a) { return a == INT64_MIN ? Known() : Known(-a); },
      [&](OpBuilder &builder, Location loc, OpFoldResult element) {
        return makeIndexOp<arith::SubIOp>(builder, loc, evaluator.constant(0),
                                          element);
      });
}

OpFoldResult AbsOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  return evaluator.mapKnown(*this, index, [](int64_t a) {
    return a == INT64_MIN ? Known() : Known(std::abs(a));
  });
}

OpFoldResult FloorOp::evaluateElement(ElementEvaluator &evaluator,
                                      int64_t index) {
  // Elements are whole numbers.
  return evaluator.element(getOperand(), index);
}

OpFoldResult CeilOp::evaluateElement(ElementEvaluator &evaluator,
                                     int64_t index) {
  // Elements are whole numbers.
  return evaluator.element(getOperand(), index);
}

OpFoldResult RoundOp::evaluateElement(ElementEvaluator &evaluator,
                                      int64_t index) {
  // Elements are whole numbers.
  return evaluator.element(getOperand(), index);
}

std::optional<double> FloorOp::evaluateNumber(ElementEvaluator &evaluator,
                                              int64_t index) {
  return evaluator.mapNumber(*this, index,
                             [](double a) { return std::floor(a); });
}

std::optional<double> CeilOp::evaluateNumber(ElementEvaluator &evaluator,
                                             int64_t index) {
  return evaluator.mapNumber(*this, index,
                             [](double a) { return std::ceil(a); });
}

OpFoldResult NotOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  if (!getType().getElementType().isInteger(1))
    return {};
  return evaluator.mapKnown(*this, index,
                            [](int64_t a) -> Known { return a == 0; });
}

OpFoldResult AndOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  return evaluator.combineKnown(
      *this, index, [](int64_t a, int64_t b) -> Known { return a & b; });
}

OpFoldResult OrOp::evaluateElement(ElementEvaluator &evaluator, int64_t index) {
  return evaluator.combineKnown(
      *this, index, [](int64_t a, int64_t b) -> Known { return a | b; });
}

OpFoldResult XorOp::evaluateElement(ElementEvaluator &evaluator,
                                    int64_t index) {
  return evaluator.combineKnown(
      *this, index, [](int64_t a, int64_t b) -> Known { return a ^ b; });
}

OpFoldResult EqualOp::evaluateElement(ElementEvaluator &evaluator,
                                      int64_t index) {
  std::optional<int64_t> known[2];
  bool isSize[2] = {false, false};
  for (unsigned i : {0u, 1u}) {
    auto place =
        findBroadcastPlace(getOperation()->getOperand(i), getResult(), index);
    if (!place)
      return {};
    known[i] = evaluator.knownElement(place);
    ElementPlace source = evaluator.follow(*place);
    isSize[i] = static_cast<bool>(source.tensor.getDefiningOp<ShapeOp>());
  }
  if (known[0] && known[1])
    return evaluator.constant(*known[0] == *known[1]);
  // Sizes are not negative, whatever they are; differences of them may be.
  for (unsigned i : {0u, 1u})
    if (known[i] && *known[i] < 0 && isSize[1 - i])
      return evaluator.constant(0);
  return {};
}

OpFoldResult LessOp::evaluateElement(ElementEvaluator &evaluator,
                                     int64_t index) {
  return evaluator.combineKnown(
      *this, index, [](int64_t a, int64_t b) -> Known { return a < b; });
}

OpFoldResult LessEqualOp::evaluateElement(ElementEvaluator &evaluator,
                                          int64_t index) {
  return evaluator.combineKnown(
      *this, index, [](int64_t a, int64_t b) -> Known { return a <= b; });
}

OpFoldResult GreaterOp::evaluateElement(ElementEvaluator &evaluator,
                                        int64_t index) {
  return evaluator.combineKnown(
      *this, index, [](int64_t a, int64_t b) -> Known { return a > b; });
}

OpFoldResult GreaterEqualOp::evaluateElement(ElementEvaluator &evaluator,
                                             int64_t index) {
  return evaluator.combineKnown(
      *this, index, [](int64_t a, int64_t b) -> Known { return a >= b; });
}

OpFoldResult SelectOp::evaluateElement(ElementEvaluator &evaluator,
                                       int64_t index) {
  auto known = evaluator.knownElement(
      findBroadcastPlace(getCondition(), getResult(), index));
  if (!known)
    return {};
  return evaluator.element(findBroadcastPlace(
      *known ? getOnTrue() : getOnFalse(), getResult(), index));
}

OpFoldResult CastOp::evaluateElement(ElementEvaluator &evaluator,
                                     int64_t index) {
  Type from = elementTypeOf(getOperand()), to = getTo();
  OpFoldResult whole = evaluator.element(getOperand(), index);
  if (to.isInteger(1)) {
    auto known = whole ? getConstantIntValue(whole) : std::nullopt;
    return known ? evaluator.constant(*known != 0) : OpFoldResult();
  }
  // Widening and the usual i64 <-> i32 casts of sizes keep values; `element`
  // sees to it that those of constants do.
  if (to.getIntOrFloatBitWidth() < 32)
    return {};
  // From 2^24 on, single precision has not every whole number.
  auto known = whole ? getConstantIntValue(whole) : std::nullopt;
  if (known && to.isF32() && std::abs(*known) < (int64_t(1) << 62))
    return evaluator.constant(static_cast<int64_t>(static_cast<float>(*known)));
  if (whole)
    return whole;
  if (isa<FloatType>(from) && isa<IntegerType>(to))
    if (auto known = evaluator.number(getOperand(), index))
      if (std::abs(*known) < 9e15)
        return evaluator.constant(static_cast<int64_t>(*known));
  return {};
}

std::optional<double> CastOp::evaluateNumber(ElementEvaluator &evaluator,
                                             int64_t index) {
  return evaluator.mapNumber(*this, index, [](double a) { return a; });
}
