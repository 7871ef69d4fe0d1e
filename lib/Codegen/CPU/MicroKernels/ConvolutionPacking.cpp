//===- ConvolutionPacking.cpp - Convolution weights in panel order --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Analysis/TransposedConvolution.h"
#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "sluice/Codegen/CPU/MicroKernels/Packing.h"
#include "sluice/Support/ElementCopy.h"
#include <algorithm>

using namespace sluice;

using Method = ConvolutionTiling::Method;

static int64_t countTaps(const ConvolutionSpec &spec) {
  int64_t taps = 1;
  for (int64_t size : spec.kernelSizes)
    taps *= size;
  return taps;
}

static int64_t roundUp(int64_t value, int64_t to) {
  return (value + to - 1) / to * to;
}

int64_t sluice::getPackedConvolutionElements(const ConvolutionSpec &spec,
                                             const ConvolutionTiling &tiling) {
  if (tiling.method == Method::Phases) {
    int64_t sum = 0;
    for (size_t i = 0; i < tiling.phases.size(); ++i)
      sum += getPackedConvolutionElements(getTransposedPhase(spec, i).spec,
                                          tiling.phases[i]);
    return sum;
  }
  if (tiling.method == Method::Depthwise)
    return countTaps(spec) * roundUp(spec.groups, tiling.lanes);
  int64_t groups = spec.groups / tiling.mergedGroups;
  return groups * getPackedElements(countTaps(spec) * spec.inputChannels *
                                        tiling.mergedGroups,
                                    spec.outputChannels * tiling.mergedGroups,
                                    tiling.width());
}

/// [tap][channel]
template <size_t Bytes>
static void packDepthwise(const ConvolutionSpec &spec, int64_t lanes,
                          const char *weights, char *packed) {
  int64_t taps = countTaps(spec), padded = roundUp(spec.groups, lanes);
  for (int64_t channel = 0; channel < spec.groups; ++channel)
    for (int64_t tap = 0; tap < taps; ++tap)
      copyElement<Bytes>(weights, channel * taps + tap, packed,
                         tap * padded + channel);
}

template <size_t Bytes>
static void packPanels(const ConvolutionSpec &spec,
                       const ConvolutionTiling &tiling, const char *weights,
                       char *packed) {
  int64_t taps = countTaps(spec), width = tiling.width();
  int64_t merged = tiling.mergedGroups;
  int64_t inputs = spec.inputChannels, outputs = spec.outputChannels;
  int64_t depth = taps * inputs * merged;
  int64_t groupSize = getPackedElements(depth, outputs * merged, width);
  for (int64_t output = 0; output < spec.groups * outputs; ++output) {
    int64_t group = output / (outputs * merged);
    int64_t column = output % (outputs * merged);
    // Merged groups are blocks along the diagonal.
    int64_t firstInput = column / outputs * inputs;
    int64_t panel =
        group * groupSize + column / width * depth * width + column % width;
    int64_t filter = output * inputs * taps;
    for (int64_t input = 0; input < inputs; ++input)
      for (int64_t tap = 0; tap < taps; ++tap)
        copyElement<Bytes>(
            weights, filter + input * taps + tap, packed,
            panel + (tap * inputs * merged + firstInput + input) * width);
  }
}

void sluice::packConvolutionWeights(const ConvolutionSpec &spec,
                                    const ConvolutionTiling &tiling,
                                    int64_t elementBytes, const char *weights,
                                    char *packed) {
  if (tiling.method == Method::Phases) {
    for (size_t i = 0; i < tiling.phases.size(); ++i) {
      TransposedPhase phase = getTransposedPhase(spec, i);
      std::vector<char> part =
          getPhaseWeights(spec, phase, elementBytes, weights);
      packConvolutionWeights(phase.spec, tiling.phases[i], elementBytes,
                             part.data(), packed);
      packed += getPackedConvolutionElements(phase.spec, tiling.phases[i]) *
                elementBytes;
    }
    return;
  }
  // The lanes past the end, and beside merged groups.
  std::fill_n(packed, getPackedConvolutionElements(spec, tiling) * elementBytes,
              0);
  dispatchElementBytes(elementBytes, [&](auto bytes) {
    if (tiling.method == Method::Depthwise)
      packDepthwise<bytes()>(spec, tiling.lanes, weights, packed);
    else
      packPanels<bytes()>(spec, tiling, weights, packed);
  });
}
