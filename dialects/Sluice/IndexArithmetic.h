//===- IndexArithmetic.h - Index arithmetic that folds ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The one place that makes index arithmetic: of sizes (SizeBuilder), in kernels
// (KernelBuilder) and around micro-kernels (IndexBuilder).
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_INDEXARITHMETIC_H
#define SLUICE_DIALECTS_SLUICE_INDEXARITHMETIC_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"

namespace sluice {

/// Builds index arithmetic at a builder's insertion point. Operands are
/// attributes where they are known at compile time, and so are results then,
/// unless they overflow.
class IndexArithmetic {
public:
  using Index = mlir::OpFoldResult;
  using Overflow = mlir::arith::IntegerOverflowFlags;

  /// `overflow` is what sums, differences and products promise.
  IndexArithmetic(mlir::OpBuilder &builder, mlir::Location loc,
                  Overflow overflow = Overflow::none)
      : builder(builder), loc(loc), overflow(overflow) {}

  Index constant(int64_t value) { return builder.getIndexAttr(value); }
  /// The number where it is known, of a constant op too.
  static std::optional<int64_t> getConstant(Index index) {
    return mlir::getConstantIntValue(index);
  }
  static bool isConstant(Index index, int64_t value) {
    return mlir::isConstantIntValue(index, value);
  }
  mlir::Value value(Index index);

  Index add(Index lhs, Index rhs);
  Index sub(Index lhs, Index rhs);
  Index mul(Index lhs, Index rhs);
  /// Division of non-negative numbers by a positive one.
  Index div(Index lhs, Index rhs);
  Index rem(Index lhs, Index rhs);
  Index min(Index lhs, Index rhs);
  Index max(Index lhs, Index rhs);

  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  Overflow overflow;
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_INDEXARITHMETIC_H
