//===- WindowInference.h - Sizes of sliding windows -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_WINDOWINFERENCE_H
#define SLUICE_DIALECTS_SLUICE_WINDOWINFERENCE_H

#include "mlir/IR/Builders.h"
#include <optional>

namespace sluice {

/// A window that slides along one dimension.
struct Window {
  mlir::OpFoldResult kernel;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t padBegin = 0;
  int64_t padEnd = 0;
  /// Does a window that reaches over the end count?
  bool ceilMode = false;
};

/// How many places a window of a known size has in a dimension; none where the
/// numbers make no sense (an overflow, a window larger than the dimension).
std::optional<int64_t> countWindows(const Window &window, int64_t size);

/// The same for sizes of the run; a window that does not fit gives 0.
mlir::OpFoldResult countWindows(mlir::OpBuilder &builder, mlir::Location loc,
                                const Window &window, mlir::OpFoldResult size);

/// The size of a dimension over which a transposed window has written: that of
/// the input of which `size` would be the number of windows, plus
/// `outputPadding`. None where the numbers make no sense.
std::optional<int64_t> getTransposedSize(const Window &window,
                                         int64_t outputPadding, int64_t size);

/// The same for sizes of the run; not below 0.
mlir::OpFoldResult getTransposedSize(mlir::OpBuilder &builder,
                                     mlir::Location loc, const Window &window,
                                     int64_t outputPadding,
                                     mlir::OpFoldResult size);

/// Checks the attributes of an op with windows over `spatialRank` dimensions:
/// lengths, positive strides and dilations, no absurd numbers.
llvm::LogicalResult verifyWindows(std::optional<mlir::Location> location,
                                  int64_t spatialRank,
                                  llvm::ArrayRef<int64_t> strides,
                                  llvm::ArrayRef<int64_t> dilations,
                                  llvm::ArrayRef<int64_t> pads);

/// What is put around an image, `low` in front and `high` behind each
/// dimension, as part of the pads of windows over it: their pads with these.
/// None where other dimensions than the windows' grow, or something is cropped.
std::optional<llvm::SmallVector<int64_t>>
joinPads(llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
         int64_t spatialDimension, llvm::ArrayRef<int64_t> strides,
         llvm::ArrayRef<int64_t> dilations, llvm::ArrayRef<int64_t> pads);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_WINDOWINFERENCE_H
