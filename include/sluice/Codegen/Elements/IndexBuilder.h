//===- IndexBuilder.h - Index arithmetic with folding -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_INDEXBUILDER_H
#define SLUICE_CODEGEN_ELEMENTS_INDEXBUILDER_H

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include <optional>

namespace sluice {

/// Builds index arithmetic at a builder's insertion point. Operands are
/// attributes where they are known at compile time, and so are results then.
class IndexBuilder {
public:
  using Index = mlir::OpFoldResult;

  IndexBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  Index constant(int64_t value) { return builder.getIndexAttr(value); }
  /// The constant for static sizes, the value otherwise.
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
  Index ceilDiv(Index lhs, Index rhs);
  Index min(Index lhs, Index rhs);
  Index max(Index lhs, Index rhs);

  Index add(Index lhs, int64_t rhs) { return add(lhs, constant(rhs)); }
  Index sub(Index lhs, int64_t rhs) { return sub(lhs, constant(rhs)); }
  Index mul(Index lhs, int64_t rhs) { return mul(lhs, constant(rhs)); }
  Index div(Index lhs, int64_t rhs) { return div(lhs, constant(rhs)); }
  Index rem(Index lhs, int64_t rhs) { return rem(lhs, constant(rhs)); }
  Index ceilDiv(Index lhs, int64_t rhs) { return ceilDiv(lhs, constant(rhs)); }
  Index roundUp(Index lhs, int64_t rhs) { return mul(ceilDiv(lhs, rhs), rhs); }

  /// `whenLess` where `lhs < rhs`, else `otherwise`.
  Index selectLess(Index lhs, Index rhs, Index whenLess, Index otherwise);

  /// A sequential loop from `lower` to `upper`, unrolled away when it is known
  /// to run at most once. Returns what the loop carries.
  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      Index iteration, mlir::ValueRange carried)>;
  llvm::SmallVector<mlir::Value> loop(Index lower, Index upper, int64_t step,
                                      mlir::ValueRange initial, LoopBody body);
  /// The same without carried values.
  void loop(Index lower, Index upper, int64_t step,
            llvm::function_ref<void(Index iteration)> body);
  /// Emits `body` under `lhs < rhs`; folds.
  void ifLess(Index lhs, Index rhs, llvm::function_ref<void()> body);
  /// Emits `whenLess` under `lhs < rhs` and `otherwise` else; folds.
  void ifLess(Index lhs, Index rhs, llvm::function_ref<void()> whenLess,
              llvm::function_ref<void()> otherwise);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// A contiguous buffer of any rank as one dimension.
mlir::Value flattenBuffer(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value buffer);

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_INDEXBUILDER_H
