//===- MaskFormulas.cpp - What masks say ----------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "MaskFormulas.h"
#include "ConstantNumbers.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include <cmath>

using namespace mlir;

namespace sluice {

constexpr unsigned maxDepth = 24;

bool MaskFormulas::knowsOperands(const Element &element) {
  Operation *op = element.tensor.getDefiningOp();
  return llvm::all_of(
      llvm::seq<unsigned>(0, op->getNumOperands()),
      [&](unsigned i) { return positions.operandOf(element, i).has_value(); });
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

/// lhs - rhs - slack >= 0 says that the comparison holds.
static std::optional<std::pair<bool, int64_t>> getDifference(Operation *op,
                                                             bool isNegated) {
  // Is the difference turned round, and what is it larger than?
  std::pair<bool, int64_t> result;
  if (isa<GreaterEqualOp>(op))
    result = {false, 0};
  else if (isa<GreaterOp>(op))
    result = {false, 1};
  else if (isa<LessEqualOp>(op))
    result = {true, 0};
  else if (isa<LessOp>(op))
    result = {true, 1};
  else
    return std::nullopt;
  // not (d >= n) is -d >= 1 - n.
  if (isNegated)
    result = {!result.first, 1 - result.second};
  return result;
}

bool MaskFormulas::splitComparison(Operation *op, const Element &element,
                                   bool isNegated,
                                   std::vector<KeyCondition> &conditions) {
  auto difference = getDifference(op, isNegated);
  if (!difference || !isa<IntegerType>(elementTypeOf(op->getOperand(0))))
    return false;
  auto lhs = positions.getNumber(*positions.operandOf(element, 0));
  auto rhs = lhs ? positions.getNumber(*positions.operandOf(element, 1))
                 : std::nullopt;
  if (!rhs)
    return false;
  auto [isTurned, least] = *difference;
  LinearForm form = isTurned ? rhs->plus(*lhs, -1) : lhs->plus(*rhs, -1);
  form.number -= least;
  conditions.push_back({form, element, isNegated});
  return true;
}

namespace {
/// The diagonals of a matrix on which it is true, from the lowest to the
/// highest: diagonal d has the elements with column - row = d.
struct Band {
  int64_t low, high;
};
} // namespace

static std::optional<Band> findBand(const std::vector<bool> &bits, int64_t rows,
                                    int64_t columns) {
  std::optional<Band> band;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      if (bits[i * columns + j])
        band =
            band ? Band{std::min(band->low, j - i), std::max(band->high, j - i)}
                 : Band{j - i, j - i};
  if (!band)
    return std::nullopt;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      if (bits[i * columns + j] != (j - i >= band->low && j - i <= band->high))
        return std::nullopt;
  return band;
}

bool MaskFormulas::splitConstant(ConstantOp op, const Element &element,
                                 bool isNegated,
                                 std::vector<KeyCondition> &conditions) {
  ArrayRef<int64_t> shape = shapeOf(op);
  constexpr int64_t maxElements = int64_t(1) << 26;
  if (shape.size() < 2 || op.getType().getNumElements() > maxElements ||
      llvm::any_of(shape.drop_back(2), [](int64_t size) { return size != 1; }))
    return false;
  std::vector<bool> bits;
  if (!forEachNumber(op.getValue(), [&](double number) {
        bits.push_back((number != 0) != isNegated);
      }))
    return false;
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  auto band = findBand(bits, rows, columns);
  if (!band)
    return false;
  const LinearForm &row = element.place[shape.size() - 2],
                   &column = element.place.back();
  if (band->low > -(rows - 1)) {
    LinearForm form = column.plus(row, -1);
    form.number -= band->low;
    conditions.push_back({form, element, isNegated});
  }
  if (band->high < columns - 1) {
    LinearForm form = row.plus(column, -1);
    form.number += band->high;
    conditions.push_back({form, element, isNegated});
  }
  return true;
}

void MaskFormulas::splitInto(const Element &start, bool isNegated,
                             unsigned depth,
                             std::vector<KeyCondition> &conditions) {
  Element element = positions.follow(start);
  Operation *op = element.tensor.getDefiningOp();
  auto keep = [&] { conditions.push_back({std::nullopt, element, isNegated}); };
  if (!op || depth > maxDepth || !elementTypeOf(element.tensor).isInteger(1))
    return keep();
  auto splitOperand = [&](unsigned i, bool negated) {
    splitInto(*positions.operandOf(element, i), negated, depth + 1, conditions);
  };
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    auto splat = getSplatNumber(constant);
    if (splat) {
      if ((*splat != 0) == isNegated)
        keep();
      return;
    }
    if (!splitConstant(constant, element, isNegated, conditions))
      keep();
    return;
  }
  if (!isa<ElementwiseOpInterface>(op) || !knowsOperands(element))
    return keep();
  if (isa<NotOp>(op))
    return splitOperand(0, !isNegated);
  if ((isa<AndOp>(op) && !isNegated) || (isa<OrOp>(op) && isNegated)) {
    splitOperand(0, isNegated);
    return splitOperand(1, isNegated);
  }
  if (auto select = dyn_cast<SelectOp>(op)) {
    // c ? x : false, and what is like it.
    for (bool isTrue : {true, false}) {
      auto other =
          getSplatNumber(isTrue ? select.getOnFalse() : select.getOnTrue());
      if (!other || (*other != 0) != isNegated)
        continue;
      splitOperand(0, !isTrue);
      return splitOperand(isTrue ? 1 : 2, isNegated);
    }
    return keep();
  }
  if (splitComparison(op, element, isNegated, conditions))
    return;
  // A comparison, or conversion, of a number that depends on one bool.
  if (auto bits = getTwoValuedBool(element, 0);
      bits && bits->condition.tensor && !(bits->condition == element)) {
    bool onFalse = bits->onFalse != 0, onTrue = bits->onTrue != 0;
    if (onFalse != onTrue)
      return splitInto(bits->condition, isNegated != onFalse, depth + 1,
                       conditions);
  }
  keep();
}

std::vector<KeyCondition> MaskFormulas::split(const Element &element,
                                              bool isNegated) {
  std::vector<KeyCondition> conditions;
  splitInto(element, isNegated, 0, conditions);
  return conditions;
}

//===----------------------------------------------------------------------===//
// Numbers made of a bool
//===----------------------------------------------------------------------===//

static TwoValued swapped(TwoValued value) {
  std::swap(value.onFalse, value.onTrue);
  return value;
}

std::optional<TwoValued>
MaskFormulas::combine(const Element &element, unsigned depth,
                      llvm::function_ref<double(double, double)> function) {
  Operation *op = element.tensor.getDefiningOp();
  auto lhs = getTwoValued(*positions.operandOf(element, 0), depth + 1);
  if (!lhs)
    return std::nullopt;
  TwoValued result = *lhs, rhs;
  if (op->getNumOperands() == 2) {
    auto second = getTwoValued(*positions.operandOf(element, 1), depth + 1);
    if (!second)
      return std::nullopt;
    rhs = *second;
    if (!lhs->condition.tensor) {
      result.condition = rhs.condition;
    } else if (rhs.condition.tensor && !(rhs.condition == lhs->condition)) {
      return std::nullopt;
    }
  }
  result.onFalse = function(result.onFalse, rhs.onFalse);
  result.onTrue = function(result.onTrue, rhs.onTrue);
  return result;
}

/// As a tensor of the type has it.
static double roundTo(Type type, double number) {
  if (type.isF32())
    return static_cast<float>(number);
  if (type.isF16() && std::abs(number) > 65519)
    return std::copysign(INFINITY, number);
  return number;
}

std::optional<TwoValued> MaskFormulas::getTwoValuedBool(const Element &element,
                                                        unsigned depth) {
  Operation *op = element.tensor.getDefiningOp();
  TwoValued itself{element, 0, 1};
  if (!op || depth > maxDepth || !isa<ElementwiseOpInterface>(op) ||
      !knowsOperands(element))
    return itself;
  std::optional<TwoValued> result;
  if (isa<NotOp>(op)) {
    result = getTwoValued(*positions.operandOf(element, 0), depth + 1);
    return result ? swapped(*result) : result;
  }
  if (auto cast = dyn_cast<CastOp>(op)) {
    Type from = elementTypeOf(cast.getOperand());
    result = combine(element, depth, [](double x, double) { return x != 0; });
    // The bool of a token is the token's own.
    bool isToken = result && result->condition.tensor &&
                   !elementTypeOf(result->condition.tensor).isInteger(1);
    if (isToken && isa<IntegerType>(from))
      return itself;
  } else if (isa<EqualOp>(op)) {
    result = combine(element, depth, [](double x, double y) { return x == y; });
  } else if (isa<LessOp>(op)) {
    result = combine(element, depth, [](double x, double y) { return x < y; });
  } else if (isa<GreaterOp>(op)) {
    result = combine(element, depth, [](double x, double y) { return x > y; });
  } else if (isa<LessEqualOp>(op)) {
    result = combine(element, depth, [](double x, double y) { return x <= y; });
  } else if (isa<GreaterEqualOp>(op)) {
    result = combine(element, depth, [](double x, double y) { return x >= y; });
  }
  if (!result || !result->condition.tensor)
    return itself;
  // Of a token a comparison knows more than that it is zero or one.
  bool isToken = !elementTypeOf(result->condition.tensor).isInteger(1);
  bool isZero = isa<EqualOp>(op) && getSplatNumber(op->getOperand(1)) == 0.0 &&
                isa<IntegerType>(elementTypeOf(op->getOperand(0)));
  if (isToken && !isa<CastOp>(op) && !isZero)
    return itself;
  return result;
}

std::optional<TwoValued> MaskFormulas::getTwoValued(const Element &start,
                                                    unsigned depth) {
  Element element = positions.follow(start);
  Operation *op = element.tensor.getDefiningOp();
  Type type = elementTypeOf(element.tensor);
  if (auto splat = getSplatNumber(element.tensor))
    return TwoValued{{}, *splat, *splat};
  if (depth > maxDepth)
    return std::nullopt;
  if (type.isInteger(1))
    return getTwoValuedBool(element, depth);
  // What follows from places is no token.
  bool isToken = isa<IntegerType>(type) && !positions.getNumber(element);
  TwoValued token{element, 0, 1};
  if (!op || !isa<ElementwiseOpInterface>(op) || !knowsOperands(element))
    return isToken ? std::optional(token) : std::nullopt;
  std::optional<TwoValued> result;
  if (isa<CastOp>(op))
    result = combine(element, depth, [](double x, double) { return x; });
  else if (isa<NegOp>(op))
    result = combine(element, depth, [](double x, double) { return -x; });
  else if (isa<AddOp>(op))
    result = combine(element, depth, [](double x, double y) { return x + y; });
  else if (isa<SubOp>(op))
    result = combine(element, depth, [](double x, double y) { return x - y; });
  else if (isa<MulOp>(op))
    result = combine(element, depth, [](double x, double y) { return x * y; });
  else if (isa<DivOp>(op) && isa<FloatType>(type))
    result = combine(element, depth, [](double x, double y) { return x / y; });
  else if (isa<SelectOp>(op)) {
    auto condition = getTwoValued(*positions.operandOf(element, 0), depth + 1);
    auto onTrue = getTwoValued(*positions.operandOf(element, 1), depth + 1);
    auto onFalse = getTwoValued(*positions.operandOf(element, 2), depth + 1);
    if (!condition || !onTrue || !onFalse)
      return std::nullopt;
    TwoValued choice = *condition;
    for (const TwoValued &side : {*onTrue, *onFalse}) {
      if (!side.condition.tensor)
        continue;
      if (!choice.condition.tensor)
        choice.condition = side.condition;
      else if (!(choice.condition == side.condition))
        return std::nullopt;
    }
    choice.onFalse =
        condition->onFalse != 0 ? onTrue->onFalse : onFalse->onFalse;
    choice.onTrue = condition->onTrue != 0 ? onTrue->onTrue : onFalse->onTrue;
    result = choice;
  }
  if (!result)
    return isToken ? std::optional(token) : std::nullopt;
  result->onFalse = roundTo(type, result->onFalse);
  result->onTrue = roundTo(type, result->onTrue);
  return result;
}

} // namespace sluice
