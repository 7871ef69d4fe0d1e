//===- ConvolutionTiling.h - Tile sizes of convolutions ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_CONVOLUTIONTILING_H
#define SLUICE_ANALYSIS_CONVOLUTIONTILING_H

#include "sluice/Analysis/ContractionTiling.h"
#include <optional>

namespace sluice {

struct MachineModel;

/// How a convolution is computed and cut up. A line is what the output has
/// along its last spatial dimension.
struct ConvolutionTiling {
  enum class Method {
    /// A plain matrix product: kernels of one pixel, or windows of contiguous
    /// lines as rows that overlap.
    Contraction,
    /// An implicit matrix product: pixels of a line x output channels.
    Implicit,
    /// One channel in, one out: vectors along the channels, no reduction.
    Depthwise,
    /// Transposed: one convolution per phase (see TransposedConvolution.h).
    Phases,
  };
  Method method = Method::Implicit;
  /// Of the matrix product, for that method.
  ContractionTiling contraction;
  /// Groups computed as one with zeros between their weights, so that narrow
  /// groups fill the lanes of a vector.
  int64_t mergedGroups = 1;
  /// The register tile: pixels of one line x vectors of channels.
  int64_t tilePixels = 1;
  int64_t tileVectors = 1;
  int64_t lanes = 4;
  DotUnitModel unit;
  int64_t unroll = 1;
  /// Copy the weights, which are narrower, into scratch first, in the type and
  /// order of the unit; otherwise tiles widen them where they are loaded.
  bool copyWeights = false;
  /// Copy the image into scratch with the padding of lines in place; otherwise
  /// tiles at the ends of a line leave out the taps that fall outside.
  bool copyPadded = false;
  /// Lines and output channels (of one merged group) of one parallel task.
  int64_t lineBlock = 1;
  int64_t channelBlock = 1;
  /// Depthwise: walk the lines of a task for every vector of channels instead
  /// of the channels for every tile of pixels.
  bool channelsOuter = false;
  /// Of each phase, for that method.
  std::vector<ConvolutionTiling> phases;
  /// While a tile multiplies, fetch what the one on the next line reads and
  /// this one does not.
  bool fetchLines = false;
  /// While a tile multiplies, fetch what its epilogue reads and writes.
  bool fetchResult = false;
  /// Estimated nanoseconds of one task on one core.
  double blockCost = 0;

  int64_t width() const { return tileVectors * lanes; }
};

struct ConvolutionTilingOverrides {
  std::optional<int64_t> tilePixels, tileVectors, unroll;
  std::optional<int64_t> lineBlock, channelBlock;
  std::optional<bool> copyPadded, channelsOuter;
  /// Of those that are computed as a matrix product; tile and unrolling are
  /// those above.
  ContractionTilingOverrides contraction;
};

/// The matrix product that a convolution is whose method is `Contraction`.
ContractionSpec getContraction(const ConvolutionSpec &spec);

/// Why a convolution cannot be computed with a tiling; empty where it can.
llvm::StringRef explainMisfit(const ConvolutionSpec &spec,
                              const ConvolutionTiling &tiling);

ConvolutionTiling
chooseConvolutionTiling(const ConvolutionSpec &spec,
                        const MachineModel &machine,
                        const ConvolutionTilingOverrides &overrides = {});

} // namespace sluice

#endif // SLUICE_ANALYSIS_CONVOLUTIONTILING_H
