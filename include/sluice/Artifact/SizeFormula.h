//===- SizeFormula.h - Sizes in terms of the inputs' sizes ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// How the size of an output follows from the sizes of the inputs, to be shown
// ("2*batch") and to be computed by an application (`2 * dim_batch`). Formulas
// are kept in a normal form: sums of products with integer coefficients, so
// that `(h + 6 - 7) / 1 + 1` is `h`. What cannot be said in a short formula is
// unknown, and so is everything made of it.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ARTIFACT_SIZEFORMULA_H
#define SLUICE_ARTIFACT_SIZEFORMULA_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sluice {

class SizeFormula {
public:
  enum class Comparison { Equal, NotEqual, Less, LessEqual };

  /// Unknown.
  SizeFormula() = default;
  static SizeFormula number(int64_t value);
  /// The size of a dimension of an input, which is never negative.
  static SizeFormula inputSize(unsigned input, unsigned dimension);

  static SizeFormula add(const SizeFormula &lhs, const SizeFormula &rhs);
  static SizeFormula multiply(const SizeFormula &lhs, const SizeFormula &rhs);
  /// lhs / rhs, rounded towards zero, where rhs surely is above zero.
  static SizeFormula divide(const SizeFormula &lhs, const SizeFormula &rhs);
  static SizeFormula remainder(const SizeFormula &lhs, const SizeFormula &rhs);
  static SizeFormula minimum(const SizeFormula &lhs, const SizeFormula &rhs);
  static SizeFormula maximum(const SizeFormula &lhs, const SizeFormula &rhs);
  /// `onTrue` where lhs and rhs compare like this, `onFalse` elsewhere.
  static SizeFormula select(Comparison comparison, const SizeFormula &lhs,
                            const SizeFormula &rhs, const SizeFormula &onTrue,
                            const SizeFormula &onFalse);

  bool isKnown() const { return kind != Kind::Unknown; }
  bool isNumber(int64_t value) const {
    return kind == Kind::Number && this->value == value;
  }
  /// Is it surely at least this, whatever the inputs' sizes are?
  bool isAtLeast(int64_t bound) const;
  bool operator==(const SizeFormula &other) const;

  /// How a formula is spelt: what its input sizes are called, the functions
  /// that tell the larger and the smaller of two, and whether there are spaces
  /// around the signs of products.
  struct Spelling {
    std::function<std::string(unsigned input, unsigned dimension)> inputSize;
    std::string maximum = "max", minimum = "min";
    bool isSpaced = true;
  };
  /// The formula in C's syntax; empty if it is unknown. With `asFactor` one
  /// that can be multiplied with.
  std::string print(const Spelling &spelling, bool asFactor = false) const;

private:
  enum class Kind {
    Unknown,
    Number,    // value
    InputSize, // value: the input; dimension
    Sum,       // of the operands and value
    Product,   // of the operands and value
    Quotient,
    Remainder,
    Minimum,
    Maximum,
    Select // comparison of the first two operands
  };

  static SizeFormula make(Kind kind, int64_t value,
                          std::vector<SizeFormula> operands);
  /// The formula as a sum of terms without coefficients, each with its own, and
  /// a number.
  struct Terms {
    std::vector<std::pair<SizeFormula, int64_t>> terms;
    int64_t constant = 0;
  };
  static Terms split(const SizeFormula &formula);
  static SizeFormula join(Terms terms);
  std::string printSum(const Spelling &spelling) const;
  std::string printTerm(const Spelling &spelling) const;

  Kind kind = Kind::Unknown;
  Comparison comparison = Comparison::Equal;
  unsigned dimension = 0;
  int64_t value = 0;
  /// How many formulas this one is made of, itself included.
  unsigned nodes = 1;
  std::vector<SizeFormula> operands;
};

} // namespace sluice

#endif // SLUICE_ARTIFACT_SIZEFORMULA_H
