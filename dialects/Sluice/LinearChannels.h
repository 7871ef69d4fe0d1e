//===- LinearChannels.h - Where linear ops have channels --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_LINEARCHANNELS_H
#define SLUICE_DIALECTS_SLUICE_LINEARCHANNELS_H

#include <cstdint>

namespace sluice {

/// Where an op that sums up products of its first operand and weights has the
/// channels that it maps to each other.
struct LinearChannels {
  /// The dimension of the first operand, and of the result.
  int64_t inputDimension = 0;
  int64_t resultDimension = 0;
  /// The channels of one group, as dimensions of the weights: one is 0 and the
  /// other 1. The dimensions from 2 on are taps.
  int64_t weightInputDimension = 0;
  int64_t weightResultDimension = 0;
  /// Dimension 0 of the weights has the groups' channels one after another.
  int64_t groups = 1;
  /// Is every element of the result a sum over all taps? Not where zeros around
  /// or between the input's elements take part.
  bool sumsAllTaps = true;
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_LINEARCHANNELS_H
