//===- Gemv.h - Few rows times a transposed matrix --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_GEMV_H
#define SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_GEMV_H

#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"

namespace sluice {

/// C[m][n] as the dot product of row m of A and row n of B, for so few rows
/// that reordering B would cost more than the product. Buffers have one
/// dimension.
struct DotProducts {
  mlir::Value a, b, c;
  mlir::OpFoldResult batch, rows, columns, depth;
  mlir::OpFoldResult aStride, bStride, cStride;
  int64_t lanes;
  const DotUnit *unit;
  /// Columns and estimated nanoseconds of one task.
  int64_t columnBlock;
  double blockCost;
};

void emitDotProducts(
    mlir::OpBuilder &builder, mlir::Location loc, const DotProducts &products,
    llvm::function_ref<BatchOffsets(mlir::OpFoldResult batch)> offsets,
    EpilogueFn epilogue);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_GEMV_H
