//===- TransposedConvolution.h - As ordinary convolutions -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Output pixels of a transposed convolution whose coordinates are equal modulo
// the strides see the same taps, and form an ordinary convolution of stride one
// over those taps in reverse. So it is computed as one convolution per phase,
// without a multiplication by an inserted zero.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_TRANSPOSEDCONVOLUTION_H
#define SLUICE_ANALYSIS_TRANSPOSEDCONVOLUTION_H

#include "sluice/Analysis/KernelSpecs.h"
#include <vector>

namespace sluice {

/// One phase of a transposed convolution.
struct TransposedPhase {
  /// Over the output pixels of the phase; sizes dynamic where the output's
  /// are.
  ConvolutionSpec spec;
  /// Per dimension: the first output coordinate.
  std::vector<int64_t> offsets;
  /// Per dimension: the tap of the transposed convolution behind each tap of
  /// the phase; -1 where there is none and the weights are zero.
  std::vector<std::vector<int64_t>> taps;
};

int64_t countTransposedPhases(const ConvolutionSpec &spec);
TransposedPhase getTransposedPhase(const ConvolutionSpec &spec, int64_t number);

/// The weights of a phase in an ordinary convolution's order
/// [groups * outputs][inputs][taps], from a transposed one's
/// [groups * inputs][outputs][taps]. Elements are `elementBytes` (1, 2, 4 or 8)
/// bytes each, at any address.
std::vector<char> getPhaseWeights(const ConvolutionSpec &spec,
                                  const TransposedPhase &phase,
                                  int64_t elementBytes, const char *weights);

} // namespace sluice

#endif // SLUICE_ANALYSIS_TRANSPOSEDCONVOLUTION_H
