//===- TransposedConvolution.cpp - As ordinary convolutions ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Analysis/TransposedConvolution.h"
#include "sluice/Support/ElementCopy.h"
#include <algorithm>
#include <numeric>

using namespace sluice;

namespace {
/// One dimension of a phase.
struct PhaseDimension {
  std::vector<int64_t> taps;
  int64_t dilation = 1;
  int64_t padBegin = 0;
};
} // namespace

/// Output coordinate `offset` + stride * q takes tap k from input coordinate
/// q + (offset + pad - k * dilation) / stride, where that divides.
static PhaseDimension getDimension(const ConvolutionSpec &spec, size_t d,
                                   int64_t offset) {
  int64_t stride = spec.strides[d], dilation = spec.dilations[d];
  int64_t shifted = offset + spec.padsBegin[d];
  int64_t common = std::gcd(stride, dilation);
  PhaseDimension result;
  result.dilation = dilation / common;
  for (int64_t tap = 0; tap < spec.kernelSizes[d]; ++tap)
    if ((shifted - tap * dilation) % stride == 0)
      result.taps.push_back(tap);
  if (result.taps.empty()) {
    result.taps.push_back(-1);
    return result;
  }
  int64_t first = (shifted - result.taps.front() * dilation) / stride;
  int64_t reach =
      (static_cast<int64_t>(result.taps.size()) - 1) * result.dilation;
  result.padBegin = reach - first;
  std::reverse(result.taps.begin(), result.taps.end());
  return result;
}

int64_t sluice::countTransposedPhases(const ConvolutionSpec &spec) {
  return std::accumulate(spec.strides.begin(), spec.strides.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

TransposedPhase sluice::getTransposedPhase(const ConvolutionSpec &spec,
                                           int64_t number) {
  TransposedPhase phase;
  size_t rank = spec.strides.size();
  phase.spec = spec;
  phase.spec.transposed = false;
  phase.spec.strides.assign(rank, 1);
  phase.offsets.resize(rank);
  phase.taps.resize(rank);
  for (size_t d = rank; d-- > 0;) {
    int64_t stride = spec.strides[d], offset = number % stride;
    number /= stride;
    PhaseDimension dimension = getDimension(spec, d, offset);
    phase.offsets[d] = offset;
    phase.spec.kernelSizes[d] = dimension.taps.size();
    phase.spec.dilations[d] = dimension.dilation;
    phase.spec.padsBegin[d] = dimension.padBegin;
    int64_t &output = phase.spec.outputSizes[d];
    if (output != kDynamicSize)
      output = std::max<int64_t>((output - offset + stride - 1) / stride, 0);
    // Where the sizes are unknown, taps may lie past the end.
    phase.spec.padsEnd[d] = 1;
    phase.taps[d] = std::move(dimension.taps);
  }
  return phase;
}

template <size_t Bytes>
static void copyPhaseWeights(const ConvolutionSpec &spec,
                             const TransposedPhase &phase, const char *weights,
                             std::vector<char> &result) {
  size_t rank = spec.strides.size();
  int64_t taps = 1, phaseTaps = 1;
  for (size_t d = 0; d < rank; ++d) {
    taps *= spec.kernelSizes[d];
    phaseTaps *= phase.spec.kernelSizes[d];
  }
  int64_t inputs = spec.inputChannels, outputs = spec.outputChannels;
  result.resize(spec.groups * outputs * inputs * phaseTaps * Bytes);
  for (int64_t number = 0; number < phaseTaps; ++number) {
    int64_t rest = number, source = 0, scale = 1;
    bool exists = true;
    for (size_t d = rank; d-- > 0;) {
      int64_t tap = phase.taps[d][rest % phase.spec.kernelSizes[d]];
      rest /= phase.spec.kernelSizes[d];
      exists &= tap >= 0;
      source += tap * scale;
      scale *= spec.kernelSizes[d];
    }
    if (!exists)
      continue;
    for (int64_t group = 0; group < spec.groups; ++group)
      for (int64_t output = 0; output < outputs; ++output)
        for (int64_t input = 0; input < inputs; ++input)
          copyElement<Bytes>(
              weights,
              ((group * inputs + input) * outputs + output) * taps + source,
              result.data(),
              ((group * outputs + output) * inputs + input) * phaseTaps +
                  number);
  }
}

std::vector<char> sluice::getPhaseWeights(const ConvolutionSpec &spec,
                                          const TransposedPhase &phase,
                                          int64_t elementBytes,
                                          const char *weights) {
  std::vector<char> result;
  dispatchElementBytes(elementBytes, [&](auto bytes) {
    copyPhaseWeights<bytes()>(spec, phase, weights, result);
  });
  return result;
}
