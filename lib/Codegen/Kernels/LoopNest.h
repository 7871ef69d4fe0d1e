//===- LoopNest.h - Nests of loops over indices ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_KERNELS_LOOPNEST_H
#define SLUICE_LIB_CODEGEN_KERNELS_LOOPNEST_H

#include "sluice/Codegen/KernelBuilder.h"

namespace sluice {

/// A nest of loops over [0, counts[i]), the first one outermost; `body` maps
/// the running values to the next ones.
llvm::SmallVector<mlir::Value> loopNest(
    KernelBuilder &kernel, mlir::ValueRange counts, mlir::ValueRange initial,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange indices,
                                                      mlir::ValueRange running)>
        body);

/// All dimensions collapsed into one parallel loop; `cost` is that of one call
/// of the body, in nanoseconds.
void parallelNest(KernelBuilder &kernel, mlir::ValueRange extents, double cost,
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

#endif // SLUICE_LIB_CODEGEN_KERNELS_LOOPNEST_H
