//===- MaskTiles.h - Constant masks as lists of blocks ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_MASKTILES_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_MASKTILES_H

#include "mlir/IR/BuiltinAttributes.h"
#include <optional>

namespace sluice {

/// What `blocks` and `tiles` of attention are for a constant mask.
struct MaskTiles {
  /// i32 [.., block rows, block columns]: 0, 1, or 2 + the tile.
  mlir::DenseElementsAttr blocks;
  /// i1 [n, rows, columns], each once; null where there are none, or where they
  /// would take as much memory as the mask.
  mlir::DenseElementsAttr tiles;
  /// Do blocks and tiles say all that the mask says? Otherwise the blocks' 2
  /// means to look at the mask.
  bool saysAll = false;
  int64_t blockCount = 0, emptyCount = 0, partialCount = 0;
};

/// Lists the blocks of a mask of rank two or more; none if its bytes cannot be
/// read.
std::optional<MaskTiles> listMaskTiles(mlir::ElementsAttr mask,
                                       llvm::ArrayRef<int64_t> blockSizes);

/// A constant bias of nothing but zeros and numbers that hide a key.
struct BiasMask {
  /// i1: where it is zero.
  mlir::DenseElementsAttr mask;
  /// The number that hides, if there is one for all keys.
  std::optional<double> fill;
  /// Does each row have a zero?
  bool showsInEachRow = true;
};

/// That bias as a mask, if it is one.
std::optional<BiasMask> getBiasMask(mlir::ElementsAttr bias,
                                    double maskedBelow);

/// What `blocks` of attention is for a constant bias, of rank two or more, in
/// which `maskedBelow` and less hides a key; null if its bytes cannot be read.
mlir::DenseElementsAttr listBiasBlocks(mlir::ElementsAttr bias,
                                       double maskedBelow,
                                       llvm::ArrayRef<int64_t> blockSizes);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_MASKTILES_H
