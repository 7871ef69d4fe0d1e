//===- MicroTile.h - The register tile of contractions ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A micro-tile computes a block of C that stays in vector registers:
//   acc[r][v] += sum over k of A[row r][k] * B[k][v * lanes ...]
// as a loop over k with the accumulators as loop-carried vectors, which LLVM
// turns into loads of B, broadcasts of A and fused multiply-adds only.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_MICROKERNELS_MICROTILE_H
#define SLUICE_CODEGEN_CPU_MICROKERNELS_MICROTILE_H

#include "sluice/Codegen/Elements/IndexBuilder.h"
#include <optional>

namespace sluice {

class DotUnit;

/// The shape of a register tile: `rows` x (`vectors` * `lanes`).
struct RegisterTile {
  int64_t rows = 1;
  int64_t vectors = 1;
  int64_t lanes = 4;

  int64_t width() const { return vectors * lanes; }
};

/// How a tile multiplies and how its loop over k is unrolled.
struct MicroTileOptions {
  const DotUnit *unit = nullptr;
  int64_t unroll = 2;
  /// Accumulate alternate k in separate registers: for tiles too small to
  /// hide the latency of an addition otherwise.
  int64_t partialSums = 1;
  /// Elements of B to fetch ahead; 0 for none.
  int64_t prefetchDistance = 0;
};

/// Memory that is fetched into the second-level cache while a tile multiplies:
/// `step` elements from `start` on for each step of the depth.
struct TilePrefetch {
  mlir::Value buffer;
  mlir::OpFoldResult start;
  int64_t step = 0;
  /// From those of one step to those of the next; null: one behind the other.
  mlir::OpFoldResult stride = {};
};

/// What the epilogue of a tile reads or writes: a row for each row of the tile,
/// fetched line by line into the first-level cache while the tile multiplies.
struct TileFetch {
  mlir::Value buffer;
  /// Where the first row starts, and from one row to the next.
  mlir::OpFoldResult start, stride;
};

/// Where a tile reads. All buffers have one dimension. A step of k is one of
/// the unit's, which may take several neighbours in depth.
struct MicroTileOperands {
  mlir::Value a;
  /// Where each row of A starts.
  llvm::SmallVector<mlir::OpFoldResult> aRows;
  /// From one k to the next in A.
  mlir::OpFoldResult aStep;
  mlir::Value b;
  mlir::OpFoldResult bStart;
  /// From one k to the next in B.
  mlir::OpFoldResult bStep;
  mlir::OpFoldResult depth;
  /// What the depth is at most, where that is known and the depth is not.
  std::optional<int64_t> depthLimit;
  /// Lanes of the last vector of B that may be read, or null for all.
  mlir::Value lastMask;
  llvm::SmallVector<TilePrefetch> prefetches;
  llvm::SmallVector<TileFetch> fetches;
};

/// The accumulators of a tile, row by row, as zeros of this type.
llvm::SmallVector<mlir::Value> makeZeroTile(mlir::OpBuilder &builder,
                                            mlir::Location loc,
                                            const RegisterTile &tile,
                                            mlir::Type element);

/// Adds the products over all of `operands.depth` to `accumulators`. A long
/// depth is summed up in parts, so that rounding errors do not pile up.
llvm::SmallVector<mlir::Value>
emitMicroTile(mlir::OpBuilder &builder, mlir::Location loc,
              const RegisterTile &tile, const MicroTileOptions &options,
              const MicroTileOperands &operands, mlir::ValueRange accumulators);

/// Where a vector (or its masked part) of the result lies.
struct ResultPosition {
  mlir::Value batch;
  /// The row of C; for convolutions the output pixel within its image.
  mlir::Value row;
  /// The column of the first lane.
  mlir::Value column;
  /// Active lanes, or null when all are.
  mlir::Value mask;
  /// Where the first lane lies in the contiguous result.
  mlir::Value element;
};

/// Turns the finished sums of one vector into what is stored. Returns null
/// when it has stored them itself.
using EpilogueFn = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &builder, mlir::Location loc, mlir::Value sums,
    const ResultPosition &position)>;

/// Where in a list of rows a row stands that is not where its number says.
using RowPlaceFn = llvm::function_ref<mlir::OpFoldResult(
    mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult row)>;

/// One tile of the result.
struct TileResult {
  mlir::Value c;
  mlir::OpFoldResult batch;
  /// The number of the first row, and from one row to the next.
  mlir::OpFoldResult row;
  int64_t rowStep = 1;
  /// Where the first row starts in `c`, and from one row to the next.
  mlir::OpFoldResult start, stride;
  /// Null, or where in C the rows of these numbers are: they are so many
  /// strides behind `start`.
  RowPlaceFn place = nullptr;
  mlir::OpFoldResult column;
  /// Rows that exist; null when all of the tile's do.
  mlir::OpFoldResult validRows;
  /// Active lanes of the last vector; null when all are.
  mlir::Value lastMask;

  mlir::OpFoldResult getRow(IndexBuilder &index, mlir::OpFoldResult r) const;
  mlir::OpFoldResult getStart(IndexBuilder &index, mlir::OpFoldResult r) const;
};

/// Lets the tile that computes `result` fetch its places in C and the same
/// places in `residuals`, which the epilogue reads.
void fetchPlaces(IndexBuilder &index, const TileResult &result,
                 mlir::ValueRange residuals, MicroTileOperands &operands);

/// Marks the loops over tiles that long epilogues run from.
inline constexpr llvm::StringLiteral epilogueAttributeName = "sluice.epilogue";

/// Runs the epilogue on every vector and stores it, rounded where the result is
/// narrower than the sums. A long epilogue runs from a loop over the tile's
/// vectors, which keeps the code small.
void emitTileStore(mlir::OpBuilder &builder, mlir::Location loc,
                   const RegisterTile &tile, const TileResult &result,
                   mlir::ValueRange accumulators, EpilogueFn epilogue);

/// Emits what covers the last `rest` < `rows` rows, a number only known at run
/// time: nothing, or the lowest of `steps` equal parts of a tile that has as
/// many, of which `rest` rows are valid. More steps are more code, and compute
/// fewer rows that do not exist.
void emitPartialTile(IndexBuilder &index, int64_t rows, int64_t steps,
                     mlir::OpFoldResult rest,
                     llvm::function_ref<void(int64_t rows)> body);

/// The mask of the first `count` of `lanes` lanes; null when it covers all.
mlir::Value makeLaneMask(mlir::OpBuilder &builder, mlir::Location loc,
                         int64_t lanes, mlir::OpFoldResult count);

/// Elements of a buffer of one dimension from `start` on. An optional mask is
/// respected: inactive lanes are zero.
mlir::Value loadVector(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value buffer, mlir::OpFoldResult start,
                       int64_t lanes, mlir::Value mask);
void storeVector(mlir::OpBuilder &builder, mlir::Location loc,
                 mlir::Value vector, mlir::Value buffer,
                 mlir::OpFoldResult start, mlir::Value mask);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_MICROKERNELS_MICROTILE_H
