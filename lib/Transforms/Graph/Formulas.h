//===- Formulas.h - Read what formulas compute ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Exporters spell one function in many ways. These helpers look at what a
// formula computes rather than at how it is written: products are sets of
// factors, and what a chain of sums and products makes of a value is a
// polynomial.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_FORMULAS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_FORMULAS_H

#include "sluice/Transforms/Graph/GraphMatching.h"
#include <array>

namespace sluice {

/// A constant with one number, whose shape adds nothing to shape `like`.
std::optional<double> getNumber(mlir::Value value,
                                llvm::ArrayRef<int64_t> like);

/// Coefficients of 1, x, x^2 and x^3.
using Polynomial = std::array<double, 4>;

/// The value as a polynomial in `x`, through sums, differences, products,
/// quotients by constants and whole powers.
std::optional<Polynomial> getPolynomial(mlir::Value value, mlir::Value x);

/// Do two polynomials agree to f32 accuracy of the larger coefficients?
bool isAbout(const Polynomial &polynomial, const Polynomial &wanted);
bool isAbout(double number, double wanted);

/// A product: a number times values.
struct Product {
  double number = 1;
  llvm::SmallVector<mlir::Value> factors;
};

/// Takes products and quotients by constants apart, as far as nothing else
/// reads their results.
Product getProduct(mlir::Operation *root);

/// A reduction whose result has the operand's rank.
struct KeptReduction {
  mlir::Value operand;
  llvm::SmallVector<int64_t> axes;
};

/// Matches a reduction with kept dimensions, or one without whose dimensions
/// are inserted again behind it.
std::optional<KeptReduction> matchReduction(mlir::Value value,
                                            ReductionKind kind);

/// The same for a mean, which may be written as a sum times or by a number.
std::optional<KeptReduction> matchMean(mlir::Value value);

/// Are these the dimensions from `axes.front()` to the last one?
bool areTrailing(llvm::ArrayRef<int64_t> axes, int64_t rank);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_FORMULAS_H
