//===- SizeFormula.cpp - Sizes in terms of the inputs' sizes --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/SizeFormula.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace sluice;

/// Longer formulas say nothing to a reader.
static constexpr unsigned mostNodes = 40;

SizeFormula SizeFormula::number(int64_t value) {
  return make(Kind::Number, value, {});
}

SizeFormula SizeFormula::inputSize(unsigned input, unsigned dimension) {
  SizeFormula formula = make(Kind::InputSize, input, {});
  formula.dimension = dimension;
  return formula;
}

SizeFormula SizeFormula::make(Kind kind, int64_t value,
                              std::vector<SizeFormula> operands) {
  SizeFormula formula;
  for (const SizeFormula &operand : operands) {
    if (!operand.isKnown())
      return {};
    formula.nodes += operand.nodes;
  }
  // The smallest number has no magnitude, and no literal in C.
  if (formula.nodes > mostNodes || value == INT64_MIN)
    return {};
  formula.kind = kind;
  formula.value = value;
  formula.operands = std::move(operands);
  return formula;
}

bool SizeFormula::operator==(const SizeFormula &other) const {
  return kind == other.kind && comparison == other.comparison &&
         dimension == other.dimension && value == other.value &&
         nodes == other.nodes && operands == other.operands;
}

bool SizeFormula::isAtLeast(int64_t bound) const {
  auto all = [&](int64_t least) {
    return all_of(operands, [&](const SizeFormula &operand) {
      return operand.isAtLeast(least);
    });
  };
  switch (kind) {
  case Kind::Unknown:
    return false;
  case Kind::Number:
    return value >= bound;
  case Kind::InputSize:
    return bound <= 0;
  case Kind::Sum:
    return value >= bound && all(0);
  case Kind::Product:
    return bound <= 1 && value >= bound && value >= 0 &&
           all(bound <= 0 ? 0 : 1);
  case Kind::Quotient:
  case Kind::Remainder:
    return bound <= 0 && all(0);
  case Kind::Minimum:
    return all(bound);
  case Kind::Maximum:
    return operands[0].isAtLeast(bound) || operands[1].isAtLeast(bound);
  case Kind::Select:
    return operands[2].isAtLeast(bound) && operands[3].isAtLeast(bound);
  }
  return false;
}

SizeFormula::Terms SizeFormula::split(const SizeFormula &formula) {
  Terms result;
  auto addTerm = [&](const SizeFormula &term) {
    if (term.kind != Kind::Product) {
      result.terms.push_back({term, 1});
      return;
    }
    SizeFormula core = term.operands.size() == 1
                           ? term.operands.front()
                           : make(Kind::Product, 1, term.operands);
    result.terms.push_back({std::move(core), term.value});
  };
  if (formula.kind == Kind::Number) {
    result.constant = formula.value;
  } else if (formula.kind == Kind::Sum) {
    result.constant = formula.value;
    for (const SizeFormula &term : formula.operands)
      addTerm(term);
  } else {
    addTerm(formula);
  }
  return result;
}

SizeFormula SizeFormula::join(Terms terms) {
  std::vector<SizeFormula> operands;
  for (auto &[core, coefficient] : terms.terms) {
    if (coefficient == 0)
      continue;
    if (coefficient == 1)
      operands.push_back(core);
    else if (core.kind == Kind::Product)
      operands.push_back(make(Kind::Product, coefficient, core.operands));
    else
      operands.push_back(make(Kind::Product, coefficient, {core}));
  }
  if (operands.empty())
    return number(terms.constant);
  if (operands.size() == 1 && terms.constant == 0)
    return operands.front();
  return make(Kind::Sum, terms.constant, std::move(operands));
}

SizeFormula SizeFormula::add(const SizeFormula &lhs, const SizeFormula &rhs) {
  if (!lhs.isKnown() || !rhs.isKnown())
    return {};
  Terms sum = split(lhs), other = split(rhs);
  if (AddOverflow(sum.constant, other.constant, sum.constant))
    return {};
  for (auto &[core, coefficient] : other.terms) {
    auto same = find_if(sum.terms,
                        [&](const auto &term) { return term.first == core; });
    if (same == sum.terms.end())
      sum.terms.push_back({core, coefficient});
    else if (AddOverflow(same->second, coefficient, same->second))
      return {};
  }
  return join(std::move(sum));
}

SizeFormula SizeFormula::multiply(const SizeFormula &lhs,
                                  const SizeFormula &rhs) {
  if (!lhs.isKnown() || !rhs.isKnown())
    return {};
  if (lhs.kind == Kind::Number && rhs.kind != Kind::Number)
    return multiply(rhs, lhs);
  if (rhs.kind == Kind::Number) {
    Terms product = split(lhs);
    if (MulOverflow(product.constant, rhs.value, product.constant))
      return {};
    for (auto &[core, coefficient] : product.terms)
      if (MulOverflow(coefficient, rhs.value, coefficient))
        return {};
    return join(std::move(product));
  }
  // Sums stay factors.
  int64_t coefficient = 1;
  std::vector<SizeFormula> factors;
  for (const SizeFormula *side : {&lhs, &rhs}) {
    if (side->kind != Kind::Product) {
      factors.push_back(*side);
      continue;
    }
    if (MulOverflow(coefficient, side->value, coefficient))
      return {};
    append_range(factors, side->operands);
  }
  // One order, so that equal products are equal.
  Spelling spelling;
  spelling.inputSize = [](unsigned input, unsigned dimension) {
    return std::to_string(input) + "." + std::to_string(dimension);
  };
  sort(factors, [&](const SizeFormula &left, const SizeFormula &right) {
    return left.print(spelling) < right.print(spelling);
  });
  return make(Kind::Product, coefficient, std::move(factors));
}

SizeFormula SizeFormula::divide(const SizeFormula &lhs,
                                const SizeFormula &rhs) {
  if (!lhs.isKnown() || !rhs.isAtLeast(1))
    return {};
  if (lhs == rhs)
    return number(1);
  if (rhs.kind == Kind::Number) {
    Terms quotient = split(lhs);
    auto divides = [&](int64_t number) { return number % rhs.value == 0; };
    if (divides(quotient.constant) &&
        all_of(quotient.terms,
               [&](const auto &term) { return divides(term.second); })) {
      quotient.constant /= rhs.value;
      for (auto &[core, coefficient] : quotient.terms)
        coefficient /= rhs.value;
      return join(std::move(quotient));
    }
  }
  if (lhs.kind == Kind::Number && rhs.kind == Kind::Number)
    return number(lhs.value / rhs.value);
  // Rounding once is as good as rounding twice.
  int64_t divisor = 0;
  if (lhs.kind == Kind::Quotient && rhs.kind == Kind::Number &&
      lhs.operands[1].kind == Kind::Number &&
      !MulOverflow(lhs.operands[1].value, rhs.value, divisor))
    return divide(lhs.operands[0], number(divisor));
  return make(Kind::Quotient, 0, {lhs, rhs});
}

SizeFormula SizeFormula::remainder(const SizeFormula &lhs,
                                   const SizeFormula &rhs) {
  if (!lhs.isKnown() || !rhs.isAtLeast(1))
    return {};
  if (lhs.kind == Kind::Number && rhs.kind == Kind::Number)
    return number(lhs.value % rhs.value);
  return make(Kind::Remainder, 0, {lhs, rhs});
}

/// Is the left-hand side surely not below the right-hand one?
static bool isNotBelow(const SizeFormula &lhs, const SizeFormula &rhs) {
  return SizeFormula::add(lhs,
                          SizeFormula::multiply(rhs, SizeFormula::number(-1)))
      .isAtLeast(0);
}

SizeFormula SizeFormula::minimum(const SizeFormula &lhs,
                                 const SizeFormula &rhs) {
  if (isNotBelow(lhs, rhs))
    return rhs;
  return isNotBelow(rhs, lhs) ? lhs : make(Kind::Minimum, 0, {lhs, rhs});
}

SizeFormula SizeFormula::maximum(const SizeFormula &lhs,
                                 const SizeFormula &rhs) {
  if (isNotBelow(lhs, rhs))
    return lhs;
  if (isNotBelow(rhs, lhs))
    return rhs;
  // An inner bound that the outer one makes superfluous:
  // max(max(a, 0) - 1, 0) is max(a - 1, 0).
  Terms terms = lhs.isKnown() ? split(lhs) : Terms();
  if (terms.terms.size() == 1 && terms.terms[0].second == 1 &&
      terms.terms[0].first.kind == Kind::Maximum) {
    const SizeFormula &inner = terms.terms[0].first;
    SizeFormula shift = number(terms.constant);
    if (isNotBelow(rhs, add(inner.operands[1], shift)))
      return maximum(add(inner.operands[0], shift), rhs);
  }
  return make(Kind::Maximum, 0, {lhs, rhs});
}

SizeFormula SizeFormula::select(Comparison comparison, const SizeFormula &lhs,
                                const SizeFormula &rhs,
                                const SizeFormula &onTrue,
                                const SizeFormula &onFalse) {
  if (onTrue == onFalse)
    return onTrue;
  // All comparisons as how far one side is above the other.
  SizeFormula above = add(rhs, multiply(lhs, number(-1)));
  SizeFormula below = multiply(above, number(-1));
  bool isTrue = false, isFalse = false;
  switch (comparison) {
  case Comparison::Equal:
  case Comparison::NotEqual:
    isTrue = above.isNumber(0);
    isFalse = above.isAtLeast(1) || below.isAtLeast(1);
    if (comparison == Comparison::NotEqual)
      std::swap(isTrue, isFalse);
    break;
  case Comparison::Less:
    isTrue = above.isAtLeast(1);
    isFalse = below.isAtLeast(0);
    break;
  case Comparison::LessEqual:
    isTrue = above.isAtLeast(0);
    isFalse = below.isAtLeast(1);
    break;
  }
  if (isTrue || isFalse)
    return isTrue ? onTrue : onFalse;
  SizeFormula formula = make(Kind::Select, 0, {lhs, rhs, onTrue, onFalse});
  if (formula.isKnown())
    formula.comparison = comparison;
  return formula;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string SizeFormula::printSum(const Spelling &spelling) const {
  std::string text;
  for (const SizeFormula &term : operands) {
    std::string part = term.printTerm(spelling);
    bool isNegative = part.front() == '-';
    if (text.empty())
      text = part;
    else
      text += isNegative ? " - " + part.substr(1) : " + " + part;
  }
  // The magnitude, without negating the smallest number.
  uint64_t magnitude =
      value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (value != 0)
    text += (value < 0 ? " - " : " + ") + std::to_string(magnitude);
  return text;
}

/// Something that can stand between `+` and `-`; a minus is in front of it.
std::string SizeFormula::printTerm(const Spelling &spelling) const {
  std::string space = spelling.isSpaced ? " " : "";
  if (kind == Kind::Product) {
    std::string times = space + "*" + space;
    std::string text = value == 1    ? ""
                       : value == -1 ? "-"
                                     : std::to_string(value) + times;
    for (auto [index, factor] : enumerate(operands))
      text += (index ? times : "") + factor.print(spelling, /*asFactor=*/true);
    return text;
  }
  if (kind == Kind::Quotient || kind == Kind::Remainder) {
    bool isProduct = operands[0].kind == Kind::Product;
    return (isProduct ? operands[0].printTerm(spelling)
                      : operands[0].print(spelling, /*asFactor=*/true)) +
           space + (kind == Kind::Quotient ? "/" : "%") + space +
           operands[1].print(spelling, /*asFactor=*/true);
  }
  return print(spelling, /*asFactor=*/true);
}

std::string SizeFormula::print(const Spelling &spelling, bool asFactor) const {
  auto call = [&](const std::string &function) {
    return function + "(" + operands[0].print(spelling) + ", " +
           operands[1].print(spelling) + ")";
  };
  auto enclosed = [&](const std::string &text) {
    return asFactor ? "(" + text + ")" : text;
  };
  switch (kind) {
  case Kind::Unknown:
    return "";
  case Kind::Number:
    return value < 0 ? enclosed(std::to_string(value)) : std::to_string(value);
  case Kind::InputSize:
    return spelling.inputSize(static_cast<unsigned>(value), dimension);
  case Kind::Sum:
    return enclosed(printSum(spelling));
  case Kind::Product:
  case Kind::Quotient:
  case Kind::Remainder:
    return enclosed(printTerm(spelling));
  case Kind::Minimum:
    return call(spelling.minimum);
  case Kind::Maximum:
    return call(spelling.maximum);
  case Kind::Select: {
    constexpr const char *signs[] = {" == ", " != ", " < ", " <= "};
    return "(" + operands[0].print(spelling) +
           signs[static_cast<size_t>(comparison)] +
           operands[1].print(spelling) + " ? " + operands[2].print(spelling) +
           " : " + operands[3].print(spelling) + ")";
  }
  }
  return "";
}
