//===- Convolution.cpp - Convolutions as implicit matrix products ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "ConvolutionGeometry.h"
#include "ConvolutionScratch.h"
#include "PanelCopy.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "sluice/Analysis/TransposedConvolution.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"
#include "sluice/Codegen/CPU/MicroKernels/Widening.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

namespace {

/// Output pixels of one line that a register tile covers.
struct PixelGroup {
  Index first;
  int64_t pixels;
  /// How many exist, when that is only known at run time.
  Index valid;
  /// The first pixel when taps outside the image have to be left out.
  std::optional<int64_t> edge;
};

/// Output channels that a register tile covers.
struct ChannelGroup {
  Index first;
  int64_t vectors;
  Value lastMask;
};

class ConvolutionEmitter {
public:
  ConvolutionEmitter(OpBuilder &builder, Location loc,
                     const ConvolutionSpec &spec,
                     const ConvolutionTiling &tiling,
                     const ConvolutionOperands &operands,
                     const PhasePlacement *placement, EpilogueFn epilogue)
      : geometry(builder, loc, spec, operands, placement),
        index(geometry.index), tiling(tiling), operands(operands),
        epilogue(epilogue), input(flattenBuffer(builder, loc, operands.input)),
        weights(flattenBuffer(builder, loc, operands.weights)),
        output(flattenBuffer(builder, loc, operands.output)),
        groups(spec.groups / tiling.mergedGroups),
        inputs(spec.inputChannels * tiling.mergedGroups),
        outputs(spec.outputChannels * tiling.mergedGroups),
        unit(
            createDotUnit(tiling.unit, getNumberType(builder.getContext(),
                                                     spec.types.accumulator))) {
    depth = inputs;
    for (int64_t taps : spec.kernelSizes)
      depth *= taps;
    options.unit = unit.get();
    options.unroll = tiling.unroll;
  }

  void run();

private:
  void copyWeights();
  void copyPadded();
  void emitAsContraction();
  void emitBlocks();
  void forEachChannelGroup(Index begin, Index end,
                           function_ref<void(const ChannelGroup &)> body);
  void forEachPixelGroup(function_ref<void(const PixelGroup &)> body);
  void emitTile(const ConvolutionGeometry::Line &line, const PixelGroup &pixels,
                const ChannelGroup &channels);
  SmallVector<Value> addLine(const RegisterTile &tile, const PixelGroup &pixels,
                             Index bStart, Index inputLine,
                             const TileResult &result, ValueRange sums);
  /// What a tile fetches while it adds a tap.
  struct Fetches {
    /// The result whose places are fetched, or null.
    const TileResult *result;
    /// Of the image.
    std::optional<TilePrefetch> lineBelow;
  };
  SmallVector<Value> addTap(const RegisterTile &tile, int64_t firstRow,
                            int64_t rows, const PixelGroup &pixels,
                            Index aStart, Index bStart, int64_t length,
                            const Fetches &fetches, ValueRange sums);

  ConvolutionGeometry geometry;
  IndexBuilder &index;
  const ConvolutionTiling &tiling;
  const ConvolutionOperands &operands;
  EpilogueFn epilogue;
  Value input, weights, output;
  int64_t groups, inputs, outputs, depth;
  std::unique_ptr<DotUnit> unit;
  MicroTileOptions options;
  Index group;
};

} // namespace

/// All panels in the type and order of the unit. They are as deep as each other
/// and whole steps of it, so they are copied as one.
void ConvolutionEmitter::copyWeights() {
  constexpr int64_t piece = 8192;
  Index start = getCopiesStart(index, operands.scratchStart, geometry.spec,
                               tiling, operands);
  Value scratch = viewScratch(index.builder, index.loc, operands.scratch, start,
                              unit->getOperandType().getElementType());
  int64_t width = tiling.width();
  int64_t rows = getPackedConvolutionElements(geometry.spec, tiling) / width;
  int64_t step = unit->getDepthStep();
  int64_t block = std::max(piece / width / step, int64_t(1)) * step;
  double cost = getNanoseconds(Work{1, 0} * static_cast<double>(block * width) *
                               (2.0 / tiling.lanes));
  Index blocks = index.constant((rows + block - 1) / block);
  parallelLoop(index, blocks, cost, [&](Index task) {
    Index first = index.mul(task, block);
    Index place = index.mul(first, width);
    Index depth = rows % block == 0
                      ? index.constant(block)
                      : index.min(index.sub(index.constant(rows), first),
                                  index.constant(block));
    emitPanelCopy(index, {weights, index.add(place, geometry.weightsStart),
                          depth, width, scratch, place, unit.get()});
  });
  weights = scratch;
  geometry.weightsStart = 0;
}

void ConvolutionEmitter::copyPadded() {
  Value scratch = viewScratch(index.builder, index.loc, operands.scratch,
                              operands.scratchStart,
                              unit->getOperandType().getElementType());
  int64_t channels = geometry.totalInputs, pad = geometry.padBegin;
  Index pixels = geometry.inputSizes.back();
  Index padded =
      getPaddedPixels(index, geometry.spec, geometry.outputSizes.back());
  Index zero = index.constant(0);
  Index left = index.min(index.constant(std::max<int64_t>(pad, 0)), padded);
  int64_t skipped = std::max<int64_t>(-pad, 0);
  Index copied = index.max(
      index.min(index.sub(pixels, skipped), index.sub(padded, left)), zero);
  Index right = index.sub(index.sub(padded, left), copied);
  auto known = IndexBuilder::getConstant(padded);
  // Copied in vectors: 16 f32 take ten operations.
  double cost = getNanoseconds(Work{10.0 / 16, 0} * known.value_or(64) *
                               static_cast<double>(channels));
  parallelLoop(index, getInputLines(index, operands), cost, [&](Index line) {
    Index from =
        index.mul(index.add(index.mul(line, pixels), skipped), channels);
    Index to = index.mul(index.mul(line, padded), channels);
    emitCopy(index, Value(), zero, scratch, to, index.mul(left, channels),
             tiling.lanes);
    to = index.add(to, index.mul(left, channels));
    emitCopy(index, input, from, scratch, to, index.mul(copied, channels),
             tiling.lanes);
    to = index.add(to, index.mul(copied, channels));
    emitCopy(index, Value(), zero, scratch, to, index.mul(right, channels),
             tiling.lanes);
  });
  input = scratch;
  geometry.inputSizes.back() = padded;
  geometry.padBegin = 0;
  geometry.updateStrides();
}

void ConvolutionEmitter::run() {
  if (tiling.copyWeights)
    copyWeights();
  if (tiling.copyPadded)
    copyPadded();
  if (tiling.method == ConvolutionTiling::Method::Contraction)
    emitAsContraction();
  else
    emitBlocks();
}

/// Kernels of one pixel, and lines whose windows are contiguous: the rows of A
/// are windows, which overlap when the stride is smaller than the kernel.
void ConvolutionEmitter::emitAsContraction() {
  Index pixels = index.mul(geometry.lineCount, geometry.linePixels);
  ContractionSpec spec;
  spec.types = geometry.spec.types;
  spec.types.lhs = spec.types.accumulator;
  auto known = [](Index size) {
    return IndexBuilder::getConstant(size).value_or(kDynamicSize);
  };
  spec.batch = known(geometry.batch);
  spec.rows = known(pixels);
  spec.columns = outputs;
  spec.depth = depth;
  spec.packedB = true;
  // Cropping starts inside the first line.
  Index start = index.constant(-geometry.padBegin * inputs);
  auto batchOffsets = [&](OpBuilder &, Location, Value image) {
    Index imageOutput = index.mul(pixels, outputs);
    return BatchOffsets{
        index.add(index.mul(image, geometry.imageElements), start),
        index.constant(0), index.mul(image, imageOutput)};
  };
  ContractionOperands matrices;
  matrices.a = input;
  matrices.b = weights;
  matrices.c = output;
  matrices.batch = geometry.batch;
  matrices.rows = pixels;
  matrices.columns = index.constant(outputs);
  matrices.depth = index.constant(depth);
  matrices.aStride = index.constant(geometry.stride() * inputs);
  matrices.batchOffsets = batchOffsets;
  matrices.residuals = operands.residuals;
  // The image is as wide as the sums by now.
  ContractionTiling product = tiling.contraction;
  product.unit.widensLhs = false;
  product.unit.emulated = tiling.unit.emulated;
  emitContraction(index.builder, index.loc, spec, product, matrices, epilogue);
}

void ConvolutionEmitter::emitBlocks() {
  Index lineBlocks = index.ceilDiv(geometry.lineCount, tiling.lineBlock);
  int64_t channelBlocks =
      (outputs + tiling.channelBlock - 1) / tiling.channelBlock;
  Index count =
      index.mul(index.mul(geometry.batch, lineBlocks), groups * channelBlocks);
  parallelLoop(index, count, tiling.blockCost, [&](Index task) {
    // Blocks of lines fastest: neighbouring tasks share their weights.
    Index lineBegin = index.mul(index.rem(task, lineBlocks), tiling.lineBlock);
    Index lineEnd =
        index.min(index.add(lineBegin, tiling.lineBlock), geometry.lineCount);
    Index rest = index.div(task, lineBlocks);
    Index channelBegin =
        index.mul(index.rem(rest, channelBlocks), tiling.channelBlock);
    Index channelEnd = index.min(index.add(channelBegin, tiling.channelBlock),
                                 index.constant(outputs));
    rest = index.div(rest, channelBlocks);
    group = index.rem(rest, groups);
    Index batch = index.div(rest, groups);
    forEachChannelGroup(channelBegin, channelEnd,
                        [&](const ChannelGroup &channels) {
                          index.loop(lineBegin, lineEnd, 1, [&](Index number) {
                            auto line = geometry.decodeLine(batch, number);
                            forEachPixelGroup([&](const PixelGroup &pixels) {
                              emitTile(line, pixels, channels);
                            });
                          });
                        });
  });
}

void ConvolutionEmitter::forEachChannelGroup(
    Index begin, Index end, function_ref<void(const ChannelGroup &)> body) {
  int64_t width = tiling.width(), lanes = tiling.lanes;
  Index count = index.sub(end, begin);
  Index fullEnd = index.sub(end, index.rem(count, width));
  if (outputs >= width)
    index.loop(begin, fullEnd, width, [&](Index channel) {
      body(ChannelGroup{channel, tiling.tileVectors, Value()});
    });
  int64_t tail = outputs % width;
  if (tail == 0)
    return;
  // Blocks are whole panels, so only the last one has a rest.
  index.ifLess(fullEnd, end, [&] {
    int64_t vectors = (tail + lanes - 1) / lanes;
    Value mask = makeLaneMask(index.builder, index.loc, lanes,
                              index.constant(tail - (vectors - 1) * lanes));
    body(ChannelGroup{fullEnd, vectors, mask});
  });
}

void ConvolutionEmitter::forEachPixelGroup(
    function_ref<void(const PixelGroup &)> body) {
  int64_t step = tiling.tilePixels;
  if (geometry.hasStaticLines())
    return geometry.forEachStaticTile(
        step,
        [&](Index first, int64_t pixels) {
          body(PixelGroup{first, pixels, Index(), std::nullopt});
        },
        [&](int64_t first, int64_t pixels) {
          body(PixelGroup{index.constant(first), pixels, Index(), first});
        });
  Index rest = index.rem(geometry.linePixels, step);
  Index fullEnd = index.sub(geometry.linePixels, rest);
  index.loop(index.constant(0), fullEnd, step, [&](Index first) {
    body(PixelGroup{first, step, Index(), std::nullopt});
  });
  constexpr int64_t halves = 2;
  emitPartialTile(index, step, halves, rest, [&](int64_t pixels) {
    body(PixelGroup{fullEnd, pixels, rest, std::nullopt});
  });
}

SmallVector<Value>
ConvolutionEmitter::addTap(const RegisterTile &tile, int64_t firstRow,
                           int64_t rows, const PixelGroup &pixels, Index aStart,
                           Index bStart, int64_t length, const Fetches &fetches,
                           ValueRange sums) {
  MicroTileOperands reads;
  reads.a = input;
  int64_t depthStep = unit->getDepthStep();
  reads.aStep = index.constant(depthStep);
  reads.b = weights;
  reads.bStart = bStart;
  reads.bStep = index.constant(tiling.width() * depthStep);
  reads.depth = index.constant(length / depthStep);
  int64_t rowStep = geometry.stride() * geometry.totalInputs;
  for (int64_t r = firstRow; r < firstRow + rows; ++r) {
    Index row = index.constant(r);
    // Pixels that do not exist compute the last one again.
    if (pixels.valid && r > 0)
      row = index.min(row, index.sub(pixels.valid, 1));
    reads.aRows.push_back(index.add(aStart, index.mul(row, rowStep)));
  }
  if (fetches.result)
    fetchPlaces(index, *fetches.result, operands.residuals, reads);
  if (fetches.lineBelow)
    reads.prefetches.push_back(*fetches.lineBelow);
  RegisterTile part{rows, tile.vectors, tile.lanes};
  auto state = llvm::to_vector_of<Value>(sums);
  auto slice = MutableArrayRef<Value>(state).slice(firstRow * tile.vectors,
                                                   rows * tile.vectors);
  SmallVector<Value> added =
      emitMicroTile(index.builder, index.loc, part, options, reads, slice);
  llvm::copy(added, slice.begin());
  return state;
}

/// Adds the taps of one input line.
SmallVector<Value> ConvolutionEmitter::addLine(const RegisterTile &tile,
                                               const PixelGroup &pixels,
                                               Index bStart, Index inputLine,
                                               const TileResult &result,
                                               ValueRange sums) {
  int64_t taps = geometry.taps();
  int64_t tapStep = geometry.dilation() * geometry.totalInputs;
  Index column =
      index.sub(index.mul(pixels.first, geometry.stride()), geometry.padBegin);
  Index aStart = index.add(index.add(inputLine, index.mul(group, inputs)),
                           index.mul(column, geometry.totalInputs));
  Fetches fetches{tiling.fetchResult ? &result : nullptr, std::nullopt};
  if (tiling.fetchLines) {
    size_t outer = geometry.spec.strides.size() - 2;
    Index below =
        index.mul(geometry.inputStrides[outer], geometry.spec.strides[outer]);
    int64_t elements = tile.rows * geometry.stride() * inputs;
    int64_t steps = taps * inputs / unit->getDepthStep();
    fetches.lineBelow = TilePrefetch{input, index.add(aStart, below),
                                     (elements + steps - 1) / steps};
  }
  if (pixels.edge) {
    Fetches ofTap = fetches;
    auto state = llvm::to_vector_of<Value>(sums);
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t begin = 0, end = tile.rows;
      while (begin < end && !geometry.isInside(*pixels.edge + begin, tap))
        ++begin;
      while (end > begin && !geometry.isInside(*pixels.edge + end - 1, tap))
        --end;
      if (ofTap.lineBelow)
        ofTap.lineBelow->start = index.add(fetches.lineBelow->start,
                                           tap * inputs / unit->getDepthStep() *
                                               fetches.lineBelow->step);
      if (begin < end)
        state = addTap(tile, begin, end - begin, pixels,
                       index.add(aStart, tap * tapStep),
                       index.add(bStart, tap * inputs * tiling.width()), inputs,
                       ofTap, state);
    }
    return state;
  }
  if (taps == 1 || tapStep == inputs)
    return addTap(tile, 0, tile.rows, pixels, aStart, bStart, taps * inputs,
                  fetches, sums);
  return index.loop(
      index.constant(0), index.constant(taps), 1, sums,
      [&](Index tap, ValueRange state) {
        return addTap(
            tile, 0, tile.rows, pixels,
            index.add(aStart, index.mul(tap, tapStep)),
            index.add(bStart, index.mul(tap, inputs * tiling.width())), inputs,
            {nullptr, std::nullopt}, state);
      });
}

void ConvolutionEmitter::emitTile(const ConvolutionGeometry::Line &line,
                                  const PixelGroup &pixels,
                                  const ChannelGroup &channels) {
  RegisterTile tile{pixels.pixels, channels.vectors, tiling.lanes};
  int64_t width = tiling.width();
  int64_t groupWeights = (outputs + width - 1) / width * width * depth;
  Index panel = index.add(index.add(index.mul(group, groupWeights),
                                    index.mul(channels.first, depth)),
                          geometry.weightsStart);
  int64_t lineDepth = geometry.taps() * inputs;
  // Rounding errors of long sums pile up less in parts. Short ones, and parts
  // of few steps, are not worth what it takes to put the others aside.
  constexpr int64_t longSum = 1024, shortPart = 128;
  bool inParts = depth > longSum && lineDepth >= shortPart;
  TileResult result =
      geometry.placeTile(output, line, pixels.first,
                         index.add(index.mul(group, outputs), channels.first));
  result.validRows = pixels.valid;
  result.lastMask = channels.lastMask;
  SmallVector<Value> zeros =
      makeZeroTile(index.builder, index.loc, tile, unit->getSumType());
  SmallVector<Value> sums = geometry.forEachOuterTap(
      line, zeros, [&](Index inputLine, Index outerTap, ValueRange carried) {
        Index bStart = index.add(panel, index.mul(outerTap, lineDepth * width));
        if (!inParts)
          return addLine(tile, pixels, bStart, inputLine, result, carried);
        SmallVector<Value> part =
            addLine(tile, pixels, bStart, inputLine, result, zeros);
        for (auto [value, sum] : llvm::zip_equal(part, carried))
          value = addSums(index.builder, index.loc, sum, value);
        return part;
      });

  emitTileStore(index.builder, index.loc, tile, result, sums, epilogue);
}

static void emitOne(OpBuilder &builder, Location loc,
                    const ConvolutionSpec &spec,
                    const ConvolutionTiling &tiling,
                    const ConvolutionOperands &operands,
                    const PhasePlacement *placement, EpilogueFn epilogue) {
  if (tiling.method == ConvolutionTiling::Method::Depthwise)
    return emitDepthwise(builder, loc, spec, tiling, operands, placement,
                         epilogue);
  ConvolutionEmitter(builder, loc, spec, tiling, operands, placement, epilogue)
      .run();
}

/// All phases of a transposed convolution, one after the other.
static void emitPhases(OpBuilder &builder, Location loc,
                       const ConvolutionSpec &spec,
                       const ConvolutionTiling &tiling,
                       const ConvolutionOperands &operands,
                       EpilogueFn epilogue) {
  IndexBuilder index(builder, loc);
  int64_t weightsStart = 0;
  for (auto [i, phaseTiling] : llvm::enumerate(tiling.phases)) {
    TransposedPhase phase = getTransposedPhase(spec, i);
    PhasePlacement placement{spec.strides, phase.offsets, operands.outputSizes,
                             weightsStart};
    emitOne(builder, loc, phase.spec, phaseTiling,
            getPhaseOperands(index, spec, phase, operands), &placement,
            epilogue);
    weightsStart += getPackedConvolutionElements(phase.spec, phaseTiling);
  }
}

void sluice::emitConvolution(OpBuilder &builder, Location loc,
                             const ConvolutionSpec &spec,
                             const ConvolutionTiling &tiling,
                             const ConvolutionOperands &operands,
                             EpilogueFn epilogue) {
  IndexBuilder index(builder, loc);
  ConvolutionOperands wide = operands;
  wide.scratchStart = index.constant(0);
  if (widensImage(tiling)) {
    Type element = getNumberType(builder.getContext(), getImageKind(tiling));
    wide.input =
        viewScratch(builder, loc, operands.scratch, wide.scratchStart, element);
    emitWidening(index, flattenBuffer(builder, loc, operands.input), wide.input,
                 countElements(index, operands.input),
                 tiling.phases.empty() ? tiling.lanes
                                       : tiling.phases.front().lanes);
    wide.scratchStart = getWideImageBytes(index, spec, tiling, operands);
  }
  if (tiling.method == ConvolutionTiling::Method::Phases)
    return emitPhases(builder, loc, spec, tiling, wide, epilogue);
  emitOne(builder, loc, spec, tiling, wide, nullptr, epilogue);
}
