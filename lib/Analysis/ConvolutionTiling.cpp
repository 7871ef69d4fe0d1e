//===- ConvolutionTiling.cpp - Tile sizes of convolutions -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Analysis/ConvolutionTiling.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Analysis/TransposedConvolution.h"
#include <algorithm>
#include <limits>

using namespace sluice;

static int64_t ceilDiv(int64_t value, int64_t by) {
  return (value + by - 1) / by;
}

static int64_t roundUp(int64_t value, int64_t to) {
  return ceilDiv(value, to) * to;
}

static int64_t product(const std::vector<int64_t> &values) {
  int64_t result = 1;
  for (int64_t value : values)
    result *= value;
  return result;
}

/// Sizes that decide about speed, with a guess where they are dynamic.
namespace {
struct Sizes {
  int64_t batch, lines, pixels, inputs, outputs, groups, depth;
  /// Bytes from what one pixel of a line reads to what the next one does.
  int64_t pixelStride;
  bool hasDynamicLines;
};
} // namespace

static Sizes estimateSizes(const ConvolutionSpec &spec,
                           const DotUnitModel &unit, int64_t mergedGroups) {
  auto known = [](int64_t size, int64_t guess) {
    return size == kDynamicSize ? guess : size;
  };
  Sizes sizes;
  sizes.batch = known(spec.batch, 1);
  sizes.lines = 1;
  for (size_t d = 0; d + 1 < spec.outputSizes.size(); ++d)
    sizes.lines *= known(spec.outputSizes[d], 40);
  sizes.pixels = known(spec.outputSizes.back(), 96);
  sizes.hasDynamicLines = spec.outputSizes.back() == kDynamicSize;
  sizes.inputs = spec.inputChannels * mergedGroups;
  sizes.outputs = spec.outputChannels * mergedGroups;
  sizes.groups = spec.groups / mergedGroups;
  sizes.depth = sizes.inputs * product(spec.kernelSizes);
  sizes.pixelStride =
      spec.strides.back() * spec.inputChannels * spec.groups * unit.lhsBytes;
  return sizes;
}

/// Whether the result is not in the caches when it is written, and the image
/// when it is read.
static bool resultLeavesCache(const ConvolutionSpec &spec, const Sizes &sizes,
                              const MachineModel &machine) {
  return leavesCache(sizes.batch * sizes.lines * sizes.pixels * sizes.outputs *
                         sizes.groups * getNumberBytes(spec.types.result),
                     machine);
}
static bool imageLeavesCache(const ConvolutionSpec &spec, const Sizes &sizes,
                             const DotUnitModel &unit,
                             const MachineModel &machine) {
  return leavesCache(sizes.batch * sizes.lines * sizes.pixels *
                         product(spec.strides) * sizes.inputs * sizes.groups *
                         unit.lhsBytes,
                     machine);
}

/// Whether weights are widened once instead of by every tile, which takes about
/// as long as a few pixels, or as more where the copies leave the core's cache
/// and only widening is saved.
static bool copiesWeights(const ConvolutionSpec &spec,
                          const MachineModel &machine) {
  constexpr int64_t fewestPixels = 32, fewestFromMemory = 64;
  DotUnitModel unit = chooseDotUnit(spec.types, machine);
  if (unit.widenings == 0)
    return false;
  Sizes sizes = estimateSizes(spec, unit, /*mergedGroups=*/1);
  int64_t pixels = sizes.batch * sizes.lines * sizes.pixels;
  DotUnitModel ofCopies =
      chooseDotUnitOfCopies(spec.types, machine, spec.inputChannels);
  int64_t bytes =
      sizes.groups * sizes.outputs * sizes.depth * ofCopies.rhsBytes;
  bool paysSoon = ofCopies.kind != unit.kind || bytes <= machine.l2Bytes;
  return pixels >= (paysSoon ? fewestPixels : fewestFromMemory);
}

/// Of copied weights, for taps of so many inputs.
static DotUnitModel chooseUnitOfCopies(const ConvolutionSpec &spec,
                                       int64_t inputs,
                                       const MachineModel &machine) {
  DotUnitModel unit = chooseDotUnitOfCopies(spec.types, machine, inputs);
  // Panels are as wide as if the weights were so: no others read them.
  ProductTypes wide = spec.types;
  wide.rhs = wide.accumulator;
  unit.panelVectors = chooseDotUnit(wide, machine).panelVectors;
  return unit;
}

/// Cycles of one register tile: the slowest of arithmetic, loads, the latency
/// of few sums and the stream of weights from the second-level cache, and what
/// starting and storing a tile costs.
static double estimateTileCycles(int64_t pixels, int64_t vectors,
                                 const Sizes &sizes, const DotUnitModel &unit,
                                 const MachineModel &machine) {
  constexpr double tileOverhead = 24, storeCycles = 1.5, latency = 4;
  constexpr double secondLevelLoad = 3;
  double loadCycles = fitCacheSets(pixels, sizes.pixelStride, machine)
                          ? (pixels + vectors) / 2.0
                          : pixels * secondLevelLoad;
  int64_t steps = sizes.depth / unit.depthStep;
  double vectorBytes =
      static_cast<double>(unit.lanes * unit.depthStep * unit.rhsBytes);
  double panelBytes = static_cast<double>(steps) * vectors * vectorBytes;
  double streamRate = panelBytes > machine.l1Bytes / 2
                          ? (panelBytes > machine.l2Bytes ? 10 : 20)
                          : 64;
  double step =
      std::max({static_cast<double>((pixels + unit.widenings) * vectors) /
                    machine.fmaPerCycle,
                loadCycles, latency, vectors * vectorBytes / streamRate});
  return step * steps + tileOverhead + storeCycles * pixels * vectors;
}

/// Cycles of one line over all output channels.
static double estimateLineCycles(int64_t pixels, int64_t vectors,
                                 const Sizes &sizes, const DotUnitModel &unit,
                                 const MachineModel &machine) {
  int64_t fullTiles = sizes.pixels / pixels, rest = sizes.pixels % pixels;
  int64_t columns = ceilDiv(sizes.outputs, unit.lanes);
  int64_t fullPanels = columns / vectors, restVectors = columns % vectors;
  auto cost = [&](int64_t p, int64_t v) {
    return p && v ? estimateTileCycles(p, v, sizes, unit, machine) : 0.0;
  };
  return fullPanels *
             (fullTiles * cost(pixels, vectors) + cost(rest, vectors)) +
         fullTiles * cost(pixels, restVectors) + cost(rest, restVectors);
}

/// Cycles per pixel; for lines of unknown length a mean over usual ones.
static double estimatePixelCycles(int64_t pixels, int64_t vectors,
                                  const Sizes &sizes, const DotUnitModel &unit,
                                  const MachineModel &machine) {
  if (!sizes.hasDynamicLines)
    return estimateLineCycles(pixels, vectors, sizes, unit, machine) /
           std::max<int64_t>(sizes.pixels, 1);
  double sum = 0;
  for (int64_t usual : {7, 14, 20, 28, 40, 56, 80, 160}) {
    Sizes guess = sizes;
    guess.pixels = usual;
    sum += estimateLineCycles(pixels, vectors, guess, unit, machine) / usual;
  }
  return sum;
}

static void chooseTile(ConvolutionTiling &tiling, const Sizes &sizes,
                       int64_t runLength, const MachineModel &machine,
                       const ConvolutionTilingOverrides &overrides) {
  // The addresses of many rows do not fit the general registers, and reloading
  // them costs when the runs along the lines are short.
  int64_t mostPixels = runLength < 64 ? 8 : 14;
  int64_t columns = ceilDiv(sizes.outputs, tiling.lanes);
  double best = std::numeric_limits<double>::infinity();
  for (int64_t vectors = 1; vectors <= std::min<int64_t>(columns, 4);
       ++vectors) {
    if (overrides.tileVectors && *overrides.tileVectors != vectors)
      continue;
    int64_t most =
        std::min(getRegisterRows(vectors, machine, tiling.unit.productVectors),
                 mostPixels);
    for (int64_t pixels = std::min(most, sizes.pixels); pixels >= 1; --pixels) {
      double cycles =
          estimatePixelCycles(pixels, vectors, sizes, tiling.unit, machine);
      if (cycles >= best)
        continue;
      best = cycles;
      tiling.tilePixels = pixels;
      tiling.tileVectors = vectors;
    }
  }
  if (overrides.tileVectors)
    tiling.tileVectors = *overrides.tileVectors;
  if (overrides.tilePixels)
    tiling.tilePixels = *overrides.tilePixels;
}

/// Whether every tap of a line lies inside the image.
static bool hasPaddedLines(const ConvolutionSpec &spec) {
  if (spec.padsBegin.back() > 0)
    return true;
  int64_t input = spec.inputSizes.back(), output = spec.outputSizes.back();
  if (input == kDynamicSize || output == kDynamicSize)
    return spec.padsEnd.back() > 0;
  int64_t last = (output - 1) * spec.strides.back() - spec.padsBegin.back() +
                 (spec.kernelSizes.back() - 1) * spec.dilations.back();
  return last >= input;
}

static void chooseBlocks(ConvolutionTiling &tiling, const ConvolutionSpec &spec,
                         const Sizes &sizes, const MachineModel &machine,
                         const ConvolutionTilingOverrides &overrides) {
  constexpr int64_t wantedBlocks = 16;
  constexpr double worthwhileCost = 10000;
  double lineCost = estimateLineCycles(tiling.tilePixels, tiling.tileVectors,
                                       sizes, tiling.unit, machine) *
                    machine.nanosecondsPerCycle * 1.2;
  int64_t width = tiling.width();
  int64_t panels = std::max<int64_t>(ceilDiv(sizes.outputs, width), 1);
  int64_t panelBlock = std::min<int64_t>(panels, 8);
  // The lines of a block are read once per panel of weights: keep them in the
  // second-level cache.
  int64_t lineBytes = sizes.pixels * spec.strides.back() * sizes.inputs *
                      sizes.groups * tiling.unit.lhsBytes;
  int64_t lineBlock =
      std::clamp<int64_t>(machine.l2Bytes / 4 / std::max<int64_t>(lineBytes, 1),
                          1, std::max<int64_t>(sizes.lines, 1));
  auto getBlocks = [&] {
    return sizes.batch * sizes.groups * ceilDiv(panels, panelBlock) *
           ceilDiv(sizes.lines, lineBlock);
  };
  auto getCost = [&] { return lineCost * lineBlock * panelBlock / panels; };
  while (getBlocks() < wantedBlocks && getCost() > 2 * worthwhileCost &&
         (lineBlock > 1 || panelBlock > 1)) {
    if (lineBlock > 1)
      lineBlock = ceilDiv(lineBlock, 2);
    else
      panelBlock = ceilDiv(panelBlock, 2);
  }
  // Equal parts.
  if (sizes.lines > 0)
    lineBlock = ceilDiv(sizes.lines, ceilDiv(sizes.lines, lineBlock));
  panelBlock = ceilDiv(panels, ceilDiv(panels, panelBlock));
  tiling.lineBlock = overrides.lineBlock.value_or(lineBlock);
  tiling.channelBlock =
      roundUp(overrides.channelBlock.value_or(panelBlock * width), width);
  tiling.blockCost = getCost();
}

/// Merges narrow groups until they fill a vector.
static int64_t chooseMergedGroups(const ConvolutionSpec &spec, int64_t lanes) {
  if (spec.groups == 1)
    return 1;
  int64_t merged = 1;
  for (int64_t candidate = 1; candidate <= spec.groups; ++candidate) {
    if (spec.groups % candidate != 0)
      continue;
    merged = candidate;
    if (candidate * spec.outputChannels >= lanes)
      break;
  }
  // More multiplications by zero than a vector has lanes never pay.
  return merged <= lanes ? merged : 1;
}

static void chooseDepthwise(ConvolutionTiling &tiling,
                            const ConvolutionSpec &spec, const Sizes &sizes,
                            const MachineModel &machine,
                            const ConvolutionTilingOverrides &overrides) {
  tiling.method = ConvolutionTiling::Method::Depthwise;
  int64_t vectors = ceilDiv(spec.groups, tiling.lanes);
  // Sums for eight operations in flight, and registers left for the inputs
  // and weights of a tap.
  int64_t most = machine.vectorRegisters >= 32 ? 16 : 8;
  bool isStatic = spec.outputSizes.back() != kDynamicSize;
  int64_t pixels = std::min(sizes.pixels, most / 2);
  // Lines of unknown length end in single pixels: keep those few.
  if (!isStatic)
    pixels = std::min<int64_t>(pixels, 5);
  int64_t tiles = ceilDiv(sizes.pixels, std::max<int64_t>(pixels, 1));
  tiling.tilePixels = overrides.tilePixels.value_or(
      isStatic ? std::max<int64_t>(
                     ceilDiv(sizes.pixels, std::max<int64_t>(tiles, 1)), 1)
               : pixels);
  tiling.tileVectors = overrides.tileVectors.value_or(
      vectors % 2 == 0 && tiling.tilePixels * 2 <= most ? 2 : 1);
  // An image that fits the caches is best walked vector by vector of channels:
  // the lines of a window then stay in the first-level cache. A larger one is
  // streamed line by line.
  int64_t inputPixels = sizes.lines * sizes.pixels * product(spec.strides);
  int64_t imageBytes =
      (inputPixels * getNumberBytes(spec.types.lhs) +
       sizes.lines * sizes.pixels * getNumberBytes(spec.types.result)) *
      spec.groups;
  bool isKnown = isStatic && spec.batch != kDynamicSize;
  for (int64_t size : spec.outputSizes)
    isKnown &= size != kDynamicSize;
  tiling.channelsOuter = overrides.channelsOuter.value_or(
      !isKnown || imageBytes <= machine.l2Bytes * 3 / 2);
  constexpr double worthwhileCost = 10000;
  int64_t groupCount = ceilDiv(vectors, tiling.tileVectors);
  double groupLineCost = 0.5 * sizes.pixels * tiling.tileVectors *
                         product(spec.kernelSizes) *
                         machine.nanosecondsPerCycle * 2;
  int64_t lines = std::max<int64_t>(sizes.lines, 1), groups = groupCount;
  auto fitting = [&](double cost, int64_t most) {
    return std::clamp<int64_t>(worthwhileCost / std::max(cost, 1.0), 1, most);
  };
  if (!isKnown)
    lines = 8;
  else if (tiling.channelsOuter)
    groups = fitting(groupLineCost * lines, groupCount);
  else
    lines = fitting(groupLineCost * groupCount, lines);
  tiling.lineBlock = overrides.lineBlock.value_or(lines);
  tiling.channelBlock = roundUp(
      overrides.channelBlock.value_or(groups * tiling.width()), tiling.width());
  tiling.blockCost = groupLineCost * tiling.lineBlock * groups;
}

/// Whether the windows are contiguous rows of a matrix.
static bool isContraction(const ConvolutionSpec &spec) {
  if (spec.groups != 1)
    return false;
  auto all = [](const std::vector<int64_t> &values, int64_t expected) {
    return std::all_of(values.begin(), values.end(),
                       [&](int64_t value) { return value == expected; });
  };
  if (spec.kernelSizes.size() == 1)
    return spec.dilations[0] == 1 || spec.kernelSizes[0] == 1;
  return all(spec.kernelSizes, 1) && all(spec.strides, 1) &&
         all(spec.padsBegin, 0) && all(spec.padsEnd, 0);
}

ContractionSpec sluice::getContraction(const ConvolutionSpec &spec) {
  ContractionSpec contraction;
  contraction.types = spec.types;
  contraction.batch = spec.batch;
  contraction.rows = 1;
  for (int64_t size : spec.outputSizes)
    contraction.rows = size == kDynamicSize || contraction.rows == kDynamicSize
                           ? kDynamicSize
                           : contraction.rows * size;
  contraction.columns = spec.outputChannels;
  contraction.depth = spec.inputChannels * product(spec.kernelSizes);
  contraction.packedB = true;
  return contraction;
}

static void chooseContraction(ConvolutionTiling &tiling,
                              const ConvolutionSpec &spec,
                              const MachineModel &machine,
                              const ConvolutionTilingOverrides &overrides) {
  tiling.method = ConvolutionTiling::Method::Contraction;
  ContractionSpec contraction = getContraction(spec);
  ContractionTilingOverrides forced = overrides.contraction;
  forced.tileRows = overrides.tilePixels;
  forced.tileVectors = overrides.tileVectors;
  forced.unroll = overrides.unroll;
  tiling.contraction =
      chooseContractionTiling(contraction, tiling.unit, machine, forced);
  // All weights are copied, or none.
  tiling.contraction.copies.reset();
  Sizes sizes = estimateSizes(spec, tiling.unit, /*mergedGroups=*/1);
  tiling.contraction.fetchResult = resultLeavesCache(spec, sizes, machine);
  tiling.contraction.fetchRows =
      imageLeavesCache(spec, sizes, tiling.unit, machine);
  tiling.tilePixels = tiling.contraction.tileRows;
  tiling.tileVectors = tiling.contraction.tileVectors;
  tiling.blockCost = tiling.contraction.blockCost;
}

/// `isPlaced`: the output pixels do not follow each other.
static ConvolutionTiling
chooseTiling(const ConvolutionSpec &spec, bool isPlaced, bool copyWeights,
             const MachineModel &machine,
             const ConvolutionTilingOverrides &overrides) {
  ConvolutionTiling tiling;
  tiling.unit = chooseDotUnit(spec.types, machine);
  tiling.lanes = tiling.unit.lanes;
  tiling.unroll = overrides.unroll.value_or(2);
  // Leaving taps out costs code per tap of a line.
  constexpr int64_t mostTrimmedTaps = 11;
  bool isStatic = spec.inputSizes.back() != kDynamicSize &&
                  spec.outputSizes.back() != kDynamicSize;
  if (spec.isDepthwise() && spec.outputChannels == 1) {
    chooseDepthwise(tiling, spec, estimateSizes(spec, tiling.unit, 1), machine,
                    overrides);
    return tiling;
  }
  tiling.mergedGroups = chooseMergedGroups(spec, tiling.lanes);
  tiling.copyWeights = copyWeights;
  if (copyWeights)
    tiling.unit = chooseUnitOfCopies(
        spec, spec.inputChannels * tiling.mergedGroups, machine);
  bool isMatrix = !isPlaced && isContraction(spec);
  tiling.copyPadded = overrides.copyPadded.value_or(
      hasPaddedLines(spec) &&
      (isMatrix || !isStatic || spec.kernelSizes.back() > mostTrimmedTaps));
  if (isMatrix) {
    chooseContraction(tiling, spec, machine, overrides);
    return tiling;
  }
  Sizes sizes = estimateSizes(spec, tiling.unit, tiling.mergedGroups);
  chooseTile(tiling, sizes, sizes.inputs * spec.kernelSizes.back(), machine,
             overrides);
  chooseBlocks(tiling, spec, sizes, machine, overrides);
  tiling.fetchResult = product(spec.kernelSizes) == 1 && !isPlaced &&
                       resultLeavesCache(spec, sizes, machine);
  tiling.fetchLines = spec.strides.size() > 1 && sizes.groups == 1 &&
                      imageLeavesCache(spec, sizes, tiling.unit, machine);
  return tiling;
}

ConvolutionTiling
sluice::chooseConvolutionTiling(const ConvolutionSpec &spec,
                                const MachineModel &machine,
                                const ConvolutionTilingOverrides &overrides) {
  bool copyWeights = copiesWeights(spec, machine);
  if (!spec.transposed)
    return chooseTiling(spec, /*isPlaced=*/false, copyWeights, machine,
                        overrides);
  ConvolutionTiling tiling;
  tiling.method = ConvolutionTiling::Method::Phases;
  for (int64_t i = 0, e = countTransposedPhases(spec); i < e; ++i)
    tiling.phases.push_back(chooseTiling(getTransposedPhase(spec, i).spec,
                                         /*isPlaced=*/true, copyWeights,
                                         machine, overrides));
  return tiling;
}

llvm::StringRef sluice::explainMisfit(const ConvolutionSpec &spec,
                                      const ConvolutionTiling &tiling) {
  using Method = ConvolutionTiling::Method;
  if (spec.transposed != (tiling.method == Method::Phases))
    return "transposed convolutions, and no others, have phases";
  if (spec.transposed) {
    auto count = static_cast<size_t>(countTransposedPhases(spec));
    if (count != tiling.phases.size())
      return "the strides make another number of phases";
    for (size_t i = 0; i < count; ++i) {
      const ConvolutionTiling &phase = tiling.phases[i];
      if (phase.method == Method::Contraction)
        return "the pixels of a phase do not follow each other";
      if (phase.unit.operand != tiling.phases.front().unit.operand)
        return "the phases read the image in different types";
      llvm::StringRef reason =
          explainMisfit(getTransposedPhase(spec, i).spec, phase);
      if (!reason.empty())
        return reason;
    }
    return {};
  }
  bool isDepthwise = spec.isDepthwise() && spec.outputChannels == 1;
  if (isDepthwise != (tiling.method == Method::Depthwise))
    return "depthwise convolutions, and no others, have that method";
  if (spec.groups % tiling.mergedGroups != 0)
    return "the groups cannot be merged so";
  if (isDepthwise && tiling.copyWeights)
    return "depthwise convolutions read their weights as they lie";
  if (spec.inputChannels * tiling.mergedGroups % tiling.unit.depthStep != 0)
    return "the dot unit takes more neighbours than there are channels";
  if (tiling.method != Method::Contraction)
    return tiling.channelBlock % tiling.width() == 0
               ? llvm::StringRef()
               : "a block of channels is no whole tiles";
  if (!isContraction(spec) || tiling.mergedGroups != 1)
    return "its windows are no rows of a matrix";
  if (tiling.contraction.copies)
    return "a convolution copies all of its weights, or none";
  return explainMisfit(getContraction(spec), tiling.contraction);
}
