//===- LoopNest.h - Nests of loops over indices ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_LOOPNEST_H
#define SLUICE_CODEGEN_ELEMENTS_LOOPNEST_H

#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// A nest of loops over [0, counts[i]), the first one outermost; `body` maps
/// the running values to the next ones.
llvm::SmallVector<mlir::Value> loopNest(
    KernelBuilder &kernel, mlir::ValueRange counts, mlir::ValueRange initial,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange indices,
                                                      mlir::ValueRange running)>
        body);

/// Sums over many places.
///
/// A running sum of n numbers loses digits with every step. So at most
/// `termsOfPart` terms are summed up at a time, at most that many of such parts
/// to a larger part, and so on, which lets the error grow with the logarithm of
/// n (N. J. Higham, The Accuracy of Floating Point Summation, 1993). The loops
/// around the innermost one cost next to nothing.
constexpr int64_t termsOfPart = 64;

using Terms = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::Value index, mlir::ValueRange running)>;
using NestTerms = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::ValueRange indices, mlir::ValueRange running)>;
using Join =
    llvm::function_ref<mlir::Value(mlir::Value part, mlir::Value other)>;

/// Starts from `neutral` values; `terms` adds what is at an index of [0, count)
/// to those that run, `join` adds up two parts. Terms are visited in order.
/// `limit` is what the count is at most, if that is known; a constant count
/// tells by itself.
llvm::SmallVector<mlir::Value>
sumLoop(KernelBuilder &kernel, mlir::Value count, mlir::ValueRange neutral,
        Terms terms, Join join, int64_t limit = mlir::ShapedType::kDynamic);

/// The same over a nest, the first dimension outermost; `limits` are those of
/// the counts, or empty. Nests of at most `termsOfPart` places are one part.
llvm::SmallVector<mlir::Value> sumNest(KernelBuilder &kernel,
                                       mlir::ValueRange counts,
                                       mlir::ValueRange neutral,
                                       NestTerms terms, Join join,
                                       llvm::ArrayRef<int64_t> limits = {});

/// All dimensions collapsed into one parallel loop; `each` is what one call of
/// the body costs.
void parallelNest(KernelBuilder &kernel, mlir::ValueRange extents, Cost each,
                  KernelBuilder::IndexBody body);

/// Where a window's taps read, in one dimension.
struct WindowAxis {
  mlir::Value size;   ///< Of the dimension it slides over.
  mlir::Value kernel; ///< The number of taps.
  int64_t stride, dilation, padBegin;
};

/// The taps of one window that are inside the operand: `count` of them from
/// `first` on; tap `first + i` reads at `start + i * dilation`.
struct WindowTaps {
  mlir::Value first, count, start;

  /// Where tap number `i` of these reads.
  mlir::Value position(KernelBuilder &kernel, const WindowAxis &axis,
                       mlir::Value i) const;
};

/// The taps of window number `place`.
WindowTaps insideTaps(KernelBuilder &kernel, const WindowAxis &axis,
                      mlir::Value place);

/// How many taps of a window lie in front of `limit` (a position; the first
/// tap of window 0 is at -padBegin).
mlir::Value tapsBefore(KernelBuilder &kernel, const WindowAxis &axis,
                       mlir::Value place, mlir::Value limit);

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_LOOPNEST_H
