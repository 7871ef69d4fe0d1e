//===- ConvolutionGeometry.h - Lines, taps and offsets ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Convolutions work line by line: a line is what the output has along its last
// spatial dimension, at one coordinate of the outer ones. The taps of the outer
// dimensions that fall outside the image are left out by the bounds of loops.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONVOLUTIONGEOMETRY_H
#define SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONVOLUTIONGEOMETRY_H

#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "sluice/Codegen/Elements/IndexBuilder.h"

namespace sluice {

/// Where a convolution that is a phase of a transposed one reads its weights
/// and writes its pixels.
struct PhasePlacement {
  /// Per dimension: between neighbouring pixels, and of the first one.
  llvm::ArrayRef<int64_t> steps, offsets;
  /// Of the whole output.
  llvm::ArrayRef<mlir::OpFoldResult> sizes;
  int64_t weightsStart;
};

class ConvolutionGeometry {
public:
  using Index = IndexBuilder::Index;

  /// `placement` is null for a whole convolution.
  ConvolutionGeometry(mlir::OpBuilder &builder, mlir::Location loc,
                      const ConvolutionSpec &spec,
                      const ConvolutionOperands &operands,
                      const PhasePlacement *placement);

  /// One line of the output of one image.
  struct Line {
    Index batch;
    Index number;
    /// Where the image starts in the input.
    Index image;
    /// The number of the line's first pixel within the whole output image.
    Index firstPixel;
    /// Per outer dimension: the input coordinate of tap 0, which may be
    /// negative, and the taps inside the image.
    llvm::SmallVector<Index> start, tapBegin, tapEnd;
  };
  Line decodeLine(Index batch, Index number);

  /// Loops over the outer taps of a line. The body gets where the input line
  /// starts and the number of the tap.
  using TapBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      Index inputLine, Index outerTap, mlir::ValueRange carried)>;
  llvm::SmallVector<mlir::Value>
  forEachOuterTap(const Line &line, mlir::ValueRange carried, TapBody body);

  /// Cuts a line of known length into tiles of `step` pixels. `inside` gets
  /// loops over tiles whose taps are all inside the image, `edge` the other
  /// tiles one by one.
  void forEachStaticTile(
      int64_t step,
      llvm::function_ref<void(Index first, int64_t pixels)> inside,
      llvm::function_ref<void(int64_t first, int64_t pixels)> edge);

  /// Whether tap `tap` of output pixel `pixel` lies in the image.
  bool isInside(int64_t pixel, int64_t tap) const;
  bool hasStaticLines() const;

  /// Parameters along the lines.
  int64_t taps() const { return spec.kernelSizes.back(); }
  int64_t stride() const { return spec.strides.back(); }
  int64_t dilation() const { return spec.dilations.back(); }

  IndexBuilder index;
  const ConvolutionSpec &spec;
  llvm::SmallVector<Index> inputSizes, outputSizes;
  Index batch;
  int64_t padBegin; ///< Along the lines.
  int64_t totalInputs, totalOutputs;
  /// Lines of an image, pixels of a line.
  Index lineCount, linePixels;
  /// Pixels of the whole output image, and between neighbours of a line.
  Index imagePixels;
  int64_t pixelStep = 1;
  int64_t weightsStart = 0;
  /// Elements between neighbours along each spatial dimension.
  llvm::SmallVector<Index> inputStrides;
  Index imageElements;

  /// Recomputes strides after `inputSizes` changed.
  void updateStrides();

  /// Describes the tile of the pixels from `first` on, of the channels from
  /// `column` on.
  TileResult placeTile(mlir::Value output, const Line &line, Index first,
                       Index column);

private:
  Index getFirstPixel(llvm::ArrayRef<Index> coordinates);
  Index getTapBegin(size_t dimension, Index start);
  Index getTapEnd(size_t dimension, Index start);
  llvm::SmallVector<mlir::Value> loopTaps(const Line &line, size_t dimension,
                                          Index inputLine, Index outerTap,
                                          mlir::ValueRange carried,
                                          TapBody body);

  const PhasePlacement *placement;
};

/// Emits the copy of `count` elements, widened where the target's are wider, or
/// zeros where `source` is null.
void emitCopy(IndexBuilder &index, mlir::Value source, mlir::OpFoldResult from,
              mlir::Value target, mlir::OpFoldResult to,
              mlir::OpFoldResult count, int64_t lanes);

/// The depthwise method of `emitConvolution`.
void emitDepthwise(mlir::OpBuilder &builder, mlir::Location loc,
                   const ConvolutionSpec &spec, const ConvolutionTiling &tiling,
                   const ConvolutionOperands &operands,
                   const PhasePlacement *placement, EpilogueFn epilogue);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_CONVOLUTIONGEOMETRY_H
