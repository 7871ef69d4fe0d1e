//===- PanelPacking.h - Reordering B at run time ----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_MICROKERNELS_PANELPACKING_H
#define SLUICE_CODEGEN_CPU_MICROKERNELS_PANELPACKING_H

#include "sluice/Codegen/Elements/IndexBuilder.h"

namespace sluice {

/// Matrices of depth x columns (or their transposes) to be copied into panel
/// order, one after the other, and widened where the target's elements are
/// wider.
struct PanelPacking {
  mlir::Value source;
  mlir::Value target;
  mlir::OpFoldResult batch;
  mlir::OpFoldResult depth;
  mlir::OpFoldResult columns;
  /// Between the stored rows of the source.
  mlir::OpFoldResult sourceStride;
  /// The source is [columns][depth].
  bool transposed;
  int64_t width;
  int64_t lanes;
};

/// Transposes as many vectors as each has lanes.
llvm::SmallVector<mlir::Value>
transposeVectors(mlir::OpBuilder &builder, mlir::Location loc,
                 llvm::ArrayRef<mlir::Value> vectors);

/// Emits a parallel loop over all panels. `sourceOffset` tells where each
/// matrix starts.
void emitPanelPacking(
    mlir::OpBuilder &builder, mlir::Location loc, const PanelPacking &packing,
    llvm::function_ref<mlir::OpFoldResult(mlir::OpFoldResult batch)>
        sourceOffset);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_MICROKERNELS_PANELPACKING_H
