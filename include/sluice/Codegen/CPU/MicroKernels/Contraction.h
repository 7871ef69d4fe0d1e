//===- Contraction.h - Matrix products on the CPU ---------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_MICROKERNELS_CONTRACTION_H
#define SLUICE_CODEGEN_CPU_MICROKERNELS_CONTRACTION_H

#include "mlir/Support/LLVM.h"
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Analysis/KernelSpecs.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"

namespace sluice {

/// Where the matrices of one batch index start, in elements.
struct BatchOffsets {
  mlir::OpFoldResult a, b, c;
};
using BatchOffsetsFn = llvm::function_ref<BatchOffsets(
    mlir::OpBuilder &builder, mlir::Location loc, mlir::Value batch)>;

/// Rows that are not the same for all batch indices, but a part of one list for
/// each: every row of A is multiplied with the B of its own.
struct RaggedRows {
  using RangeFn =
      llvm::function_ref<std::pair<mlir::OpFoldResult, mlir::OpFoldResult>(
          mlir::OpBuilder &builder, mlir::Location loc,
          mlir::OpFoldResult batch)>;
  /// The rows of a batch index, from the first up to the second.
  RangeFn range = nullptr;
  /// Which row of A a row is, and which of C; null: the one of its number.
  RowPlaceFn source = nullptr, place = nullptr;
  /// Rows of no batch index, which are zero in front of an epilogue of their
  /// own.
  std::pair<mlir::OpFoldResult, mlir::OpFoldResult> outside;
  EpilogueFn epilogueOutside = nullptr;
};

/// The operands of a contraction: contiguous buffers of any rank with elements
/// of the spec's types (A as wide as the sums will do too), sizes and the
/// strides between stored rows, in elements. Strides left null follow
/// from the sizes. `batchOffsets` left null means matrices that follow each
/// other (one packed B serves all).
struct ContractionOperands {
  mlir::Value a, b, c;
  mlir::OpFoldResult batch, rows, columns, depth;
  mlir::OpFoldResult aStride, bStride, cStride;
  BatchOffsetsFn batchOffsets = nullptr;
  /// Null where every batch index has `rows` rows. A is not transposed then,
  /// and `rows` is those of the list.
  const RaggedRows *ragged = nullptr;
  /// What the epilogue reads at the same places as it writes C.
  llvm::SmallVector<mlir::Value> residuals;
  /// memref<?xi8>, 64-byte aligned, of at least `getContractionScratch` bytes
  /// from `scratchStart` on (null: its start); null when that is zero.
  mlir::Value scratch;
  mlir::OpFoldResult scratchStart;
};

/// Bytes of scratch memory a contraction needs, computed at the insertion
/// point where sizes are dynamic.
mlir::OpFoldResult getContractionScratch(mlir::OpBuilder &builder,
                                         mlir::Location loc,
                                         const ContractionSpec &spec,
                                         const ContractionTiling &tiling,
                                         const ContractionOperands &operands);

/// Emits the whole contraction. The epilogue, which may be null, runs once on
/// every element, in vectors.
void emitContraction(mlir::OpBuilder &builder, mlir::Location loc,
                     const ContractionSpec &spec,
                     const ContractionTiling &tiling,
                     const ContractionOperands &operands, EpilogueFn epilogue);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_MICROKERNELS_CONTRACTION_H
