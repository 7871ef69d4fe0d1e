//===- StepFormula.cpp - A step of a scan as sums of products -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "StepFormula.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;
using namespace sluice;

/// What takes more is no attention.
static constexpr size_t mostTerms = 16;
static constexpr size_t mostFactors = 16;
static constexpr unsigned mostVisits = 512;

static std::optional<StepTerm> multiply(const StepTerm &a, const StepTerm &b) {
  if ((a.sum && b.sum) || a.factors.size() + b.factors.size() > mostFactors)
    return std::nullopt;
  StepTerm product = a;
  product.coefficient *= b.coefficient;
  llvm::append_range(product.factors, b.factors);
  if (b.sum)
    product.sum = b.sum;
  return product;
}

static std::optional<StepFormula> multiply(const StepFormula &a,
                                           const StepFormula &b) {
  if (a.size() * b.size() > mostTerms)
    return std::nullopt;
  StepFormula products;
  for (const StepTerm &left : a)
    for (const StepTerm &right : b) {
      auto product = multiply(left, right);
      if (!product)
        return std::nullopt;
      products.push_back(std::move(*product));
    }
  return products;
}

/// A matrix product or a sum over one dimension of several elements.
std::optional<StepFormula>
StepExpander::expandSum(Operation *op, const ScanPlaces::Place &place) {
  auto reduce = dyn_cast<ReduceOp>(op);
  if (!isa<MatmulOp>(op) && !(reduce && reduce.getKind() == ReductionKind::Sum))
    return StepFormula{StepTerm{1, {{op->getResult(0), place}}, std::nullopt}};
  ScanPlaces::Place reduced;
  ScanPlaces::Index index = nullptr;
  for (auto [operand, dimension] : ScanPlaces::reducedDimensions(op)) {
    ScanPlaces::Index next = nullptr;
    if (shapeOf(op->getOperand(operand))[dimension] != 1) {
      if (index)
        return std::nullopt;
      next = index = reinterpret_cast<ScanPlaces::Index>(nextIndex++);
    }
    reduced.push_back(next);
  }
  std::optional<StepFormula> product = StepFormula{StepTerm()};
  for (OpOperand &operand : ScanPlaces::readOperands(op)) {
    auto factor = expandValue(
        operand.get(),
        ScanPlaces::inOperand(op, operand.getOperandNumber(), place, reduced));
    if (!factor)
      return std::nullopt;
    product = multiply(*product, *factor);
    if (!product)
      return std::nullopt;
  }
  if (!index)
    return product;
  for (StepTerm &term : *product) {
    if (term.sum)
      return std::nullopt;
    StepSum sum{index, {}};
    llvm::erase_if(term.factors, [&](const StepFactor &factor) {
      if (!factor.dependsOn(index))
        return false;
      sum.factors.push_back(factor);
      return true;
    });
    term.sum = std::move(sum);
  }
  return product;
}

std::optional<StepFormula> StepExpander::expand(Value value,
                                                const ScanPlaces::Place &place,
                                                Value stopAt) {
  stop = stopAt;
  visits = 0;
  return expandValue(value, place);
}

std::optional<StepFormula>
StepExpander::expandValue(Value value, const ScanPlaces::Place &place) {
  StepFormula self{StepTerm{1, {{value, place}}, std::nullopt}};
  Operation *op = value.getDefiningOp();
  if (!op || value == stop)
    return self;
  if (++visits > mostVisits)
    return std::nullopt;
  if (auto number = getSplatNumber(value))
    return StepFormula{StepTerm{*number, {}, std::nullopt}};
  auto inOperand = [&](unsigned number) {
    return expandValue(op->getOperand(number),
                       ScanPlaces::inOperand(op, number, place, {}));
  };
  if (isa<AddOp, SubOp>(op)) {
    auto left = inOperand(0), right = inOperand(1);
    if (!left || !right || left->size() + right->size() > mostTerms)
      return std::nullopt;
    for (StepTerm &term : *right) {
      if (isa<SubOp>(op))
        term.coefficient = -term.coefficient;
      left->push_back(std::move(term));
    }
    return left;
  }
  if (isa<MulOp>(op)) {
    auto left = inOperand(0), right = inOperand(1);
    if (!left || !right)
      return std::nullopt;
    return multiply(*left, *right);
  }
  if (isa<NegOp>(op)) {
    auto operand = inOperand(0);
    if (!operand)
      return std::nullopt;
    for (StepTerm &term : *operand)
      term.coefficient = -term.coefficient;
    return operand;
  }
  if (isa<DivOp>(op)) {
    auto divisor = getSplatNumber(op->getOperand(1));
    if (!divisor || *divisor == 0)
      return self;
    auto operand = inOperand(0);
    if (!operand)
      return std::nullopt;
    for (StepTerm &term : *operand)
      term.coefficient /= *divisor;
    return operand;
  }
  if (!ScanPlaces::reducedDimensions(op).empty())
    return expandSum(op, place);
  if (isa<PlacesOpInterface>(op) && ScanPlaces::readOperands(op).size() == 1)
    return inOperand(0);
  return self;
}
