//===- IntegerPower.h - Powers of integers ----------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MATH_INTEGERPOWER_H
#define SLUICE_LIB_CODEGEN_CPU_MATH_INTEGERPOWER_H

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"

namespace sluice::math_expansion {

/// Squares and multiplies, in any width and modulo two to the power of it. The
/// exponents must not be negative; there are as many steps as the longest of
/// them has bits.
class ExpandIntegerPower final
    : public mlir::OpRewritePattern<mlir::math::IPowIOp> {
public:
  using OpRewritePattern::OpRewritePattern;
  llvm::LogicalResult
  matchAndRewrite(mlir::math::IPowIOp op,
                  mlir::PatternRewriter &rewriter) const final;
};

} // namespace sluice::math_expansion

#endif // SLUICE_LIB_CODEGEN_CPU_MATH_INTEGERPOWER_H
