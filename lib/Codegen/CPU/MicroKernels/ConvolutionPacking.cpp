//===- ConvolutionPacking.cpp - Convolution weights in panel order --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Analysis/TransposedConvolution.h"
#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "sluice/Codegen/CPU/MicroKernels/Packing.h"
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

/// [tap][channel], the channels past the end zero.
static void packDepthwise(const ConvolutionSpec &spec, int64_t lanes,
                          const float *weights, float *packed) {
  int64_t taps = countTaps(spec), padded = roundUp(spec.groups, lanes);
  std::fill(packed, packed + taps * padded, 0.0f);
  for (int64_t channel = 0; channel < spec.groups; ++channel)
    for (int64_t tap = 0; tap < taps; ++tap)
      packed[tap * padded + channel] = weights[channel * taps + tap];
}

void sluice::packConvolutionWeights(const ConvolutionSpec &spec,
                                    const ConvolutionTiling &tiling,
                                    const float *weights, float *packed) {
  if (tiling.method == Method::Phases) {
    for (size_t i = 0; i < tiling.phases.size(); ++i) {
      TransposedPhase phase = getTransposedPhase(spec, i);
      std::vector<float> part = getPhaseWeights(spec, phase, weights);
      packConvolutionWeights(phase.spec, tiling.phases[i], part.data(), packed);
      packed += getPackedConvolutionElements(phase.spec, tiling.phases[i]);
    }
    return;
  }
  if (tiling.method == Method::Depthwise)
    return packDepthwise(spec, tiling.lanes, weights, packed);
  int64_t taps = countTaps(spec), width = tiling.width();
  int64_t merged = tiling.mergedGroups, groups = spec.groups / merged;
  int64_t inputs = spec.inputChannels, outputs = spec.outputChannels;
  int64_t depth = taps * inputs * merged;
  int64_t groupSize = getPackedElements(depth, outputs * merged, width);
  std::fill(packed, packed + groups * groupSize, 0.0f);
  for (int64_t output = 0; output < spec.groups * outputs; ++output) {
    int64_t group = output / (outputs * merged);
    int64_t column = output % (outputs * merged);
    // Merged groups are blocks along the diagonal.
    int64_t firstInput = column / outputs * inputs;
    float *panel = packed + group * groupSize + column / width * depth * width +
                   column % width;
    const float *filter = weights + output * inputs * taps;
    for (int64_t input = 0; input < inputs; ++input)
      for (int64_t tap = 0; tap < taps; ++tap)
        panel[(tap * inputs * merged + firstInput + input) * width] =
            filter[input * taps + tap];
  }
}
