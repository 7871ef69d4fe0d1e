//===- ContractionEmitter.h - The code of one matrix product ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Blocks and tasks are in Contraction.cpp, register tiles in
// ContractionTiles.cpp.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONTRACTIONEMITTER_H
#define SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONTRACTIONEMITTER_H

#include "ContractionForms.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"

namespace sluice {

/// A group of rows or columns that one register tile covers.
struct RowGroup {
  mlir::OpFoldResult first;
  int64_t rows;
  /// How many exist, when that is only known at run time.
  mlir::OpFoldResult valid;
};
struct ColumnGroup {
  mlir::OpFoldResult first;
  int64_t vectors;
  mlir::Value lastMask;
  mlir::OpFoldResult bStart;
  /// Where the part of B that is read after these columns starts; null where it
  /// is not fetched ahead.
  mlir::OpFoldResult nextB;
};

/// Emits one contraction: a parallel loop over blocks of C and the loops over
/// register tiles inside.
class ContractionEmitter {
public:
  ContractionEmitter(mlir::OpBuilder &builder, mlir::Location loc,
                     const ContractionSpec &spec,
                     const ContractionTiling &tiling,
                     const ContractionOperands &operands, bool copiesPanels,
                     EpilogueFn epilogue)
      : index(builder, loc), spec(spec), tiling(tiling),
        copiesPanels(copiesPanels), epilogue(epilogue),
        a(flattenBuffer(builder, loc, operands.a)),
        b(flattenBuffer(builder, loc, operands.b)),
        c(flattenBuffer(builder, loc, operands.c)), operands(operands),
        unit(createDotUnit(
            getUnit(tiling, copiesPanels),
            getNumberType(builder.getContext(), spec.types.accumulator))) {}

  void run();

private:
  void emitRaggedTasks();
  void emitRaggedBlock();
  void emitFewRows(const ColumnGroup &columns);
  void emitRowsOutside();
  void takeColumnBlock(mlir::OpFoldResult number);
  BatchOffsets getOffsets(mlir::OpFoldResult batch);
  void emitAsDotProducts();
  void emitDepthBlocks();
  void emitCopiedPanels();
  void emitTiles();
  void forEachRowGroup(llvm::function_ref<void(const RowGroup &)> body);
  void forEachColumnGroup(llvm::function_ref<void(const ColumnGroup &)> body);
  void emitColumnTail(mlir::OpFoldResult first,
                      llvm::function_ref<void(const ColumnGroup &)> body);
  mlir::OpFoldResult getBStart(mlir::OpFoldResult column,
                               mlir::OpFoldResult panelColumn);
  mlir::OpFoldResult getNextB(mlir::OpFoldResult column,
                              mlir::OpFoldResult bStart);
  void emitTile(const RowGroup &rows, const ColumnGroup &columns);
  llvm::SmallVector<mlir::Value> addPartialSums(const RegisterTile &tile,
                                                const TileResult &held,
                                                mlir::ValueRange sums);
  TileResult getHeldSums(const RowGroup &rows, const TileResult &result);
  void addPrefetches(MicroTileOperands &inputs, const RowGroup &rows,
                     const ColumnGroup &columns);
  void shareRaggedPrefetches(MicroTileOperands &inputs, const RowGroup &rows,
                             const ColumnGroup &columns);
  TileResult getResult(const RowGroup &rows, const ColumnGroup &columns);

  bool readsPanels() const { return spec.packedB || tiling.packB; }
  int64_t getDepthBlock() const {
    return copiesPanels ? tiling.copies->depth : tiling.depthBlock;
  }
  bool splitsDepth() const {
    if (keepsDepth)
      return false;
    auto depth = IndexBuilder::getConstant(operands.depth);
    return getDepthBlock() != std::numeric_limits<int64_t>::max() &&
           (!depth || *depth > getDepthBlock());
  }

  IndexBuilder index;
  const ContractionSpec &spec;
  const ContractionTiling &tiling;
  bool copiesPanels;
  EpilogueFn epilogue;
  mlir::Value a, b, c;
  ContractionOperands operands;
  std::unique_ptr<DotUnit> unit;

  // The block being emitted.
  mlir::OpFoldResult batch, rowBegin, rowEnd, columnBegin, columnEnd, kBegin,
      kEnd;
  BatchOffsets offsets;
  /// One tile reads the whole of its panel at once.
  bool keepsDepth = false;
  // On the stack, where panels are copied: the copy, and the sums of a panel
  // over the parts of the depth before, which in C would be rounded.
  mlir::Value panel, heldSums;
};

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONTRACTIONEMITTER_H
