//===- IndexBuilder.h - Index arithmetic and loops --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_INDEXBUILDER_H
#define SLUICE_CODEGEN_ELEMENTS_INDEXBUILDER_H

#include "dialects/Sluice/IndexArithmetic.h"

namespace sluice {

/// Index arithmetic on what lies in memory, so that nothing overflows, with
/// loops and branches that fold as well.
class IndexBuilder : public IndexArithmetic {
public:
  IndexBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : IndexArithmetic(builder, loc, Overflow::nsw) {}

  using IndexArithmetic::add;
  using IndexArithmetic::div;
  using IndexArithmetic::mul;
  using IndexArithmetic::rem;
  using IndexArithmetic::sub;
  Index ceilDiv(Index lhs, Index rhs);

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
};

/// A contiguous buffer of any rank as one dimension.
mlir::Value flattenBuffer(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value buffer);

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_INDEXBUILDER_H
