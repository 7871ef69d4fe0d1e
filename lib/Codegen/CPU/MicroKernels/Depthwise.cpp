//===- Depthwise.cpp - Depthwise convolutions -----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Vectors run along the channels. A tile of neighbouring pixels shares the
// input it loads: every input vector is read once per input line and added to
// all the pixels whose windows it is in.
//
//===----------------------------------------------------------------------===//
#include "ConvolutionGeometry.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

namespace {

class DepthwiseEmitter {
public:
  DepthwiseEmitter(OpBuilder &builder, Location loc,
                   const ConvolutionSpec &spec, const ConvolutionTiling &tiling,
                   const ConvolutionOperands &operands,
                   const PhasePlacement *placement, EpilogueFn epilogue)
      : geometry(builder, loc, spec, operands, placement),
        index(geometry.index), tiling(tiling), epilogue(epilogue),
        input(flattenBuffer(builder, loc, operands.input)),
        weights(flattenBuffer(builder, loc, operands.weights)),
        output(flattenBuffer(builder, loc, operands.output)),
        channels(spec.groups), paddedChannels((spec.groups + tiling.lanes - 1) /
                                              tiling.lanes * tiling.lanes),
        unit(createDotUnit(
            tiling.unit,
            getNumberType(builder.getContext(), spec.types.accumulator))) {}

  void run();

private:
  using Line = ConvolutionGeometry::Line;

  /// Calls `body` for each group of channels that becomes the current one.
  void forEachChannelGroup(function_ref<void()> body);
  /// `forChannels` calls its argument for each group of channels to compute.
  void emitLine(const Line &line,
                function_ref<void(function_ref<void()>)> forChannels);
  void emitTile(const Line &line, Index first, int64_t pixels,
                std::optional<int64_t> edge);
  void emitSinglePixels(const Line &line, Index begin, Index end);
  void prefetchNextLine(const Line &line, Index start, int64_t pixels);
  SmallVector<Value> addColumns(int64_t pixels, std::optional<int64_t> edge,
                                Index inputStart, Index weightStart,
                                ValueRange sums);
  Value loadInput(Index start, int64_t v);
  Value loadWeights(Index start, int64_t v);
  Value addProduct(Value lhs, Value rhs, Value sum) {
    return unit->multiplyAdd(index.builder, index.loc, lhs, rhs, sum);
  }
  SmallVector<Value> makeZeros(const RegisterTile &tile) {
    return makeZeroTile(index.builder, index.loc, tile, unit->getSumType());
  }
  void store(const Line &line, Index first, int64_t pixels, ValueRange sums);

  ConvolutionGeometry geometry;
  IndexBuilder &index;
  const ConvolutionTiling &tiling;
  EpilogueFn epilogue;
  Value input, weights, output;
  int64_t channels, paddedChannels;
  std::unique_ptr<DotUnit> unit;

  Index channelBegin;
  // The channels being emitted.
  Index channel;
  int64_t vectors = 1;
  Value lastMask;
};

} // namespace

void DepthwiseEmitter::run() {
  Index lineBlocks = index.ceilDiv(geometry.lineCount, tiling.lineBlock);
  int64_t channelBlocks =
      (channels + tiling.channelBlock - 1) / tiling.channelBlock;
  Index count = index.mul(index.mul(geometry.batch, lineBlocks), channelBlocks);
  parallelLoop(index, count, tiling.blockCost, [&](Index task) {
    Index lineBegin = index.mul(index.rem(task, lineBlocks), tiling.lineBlock);
    Index lineEnd =
        index.min(index.add(lineBegin, tiling.lineBlock), geometry.lineCount);
    Index rest = index.div(task, lineBlocks);
    channelBegin =
        index.mul(index.rem(rest, channelBlocks), tiling.channelBlock);
    Index batch = index.div(rest, channelBlocks);
    auto forEachLine = [&](function_ref<void(const Line &)> body) {
      index.loop(lineBegin, lineEnd, 1, [&](Index number) {
        body(geometry.decodeLine(batch, number));
      });
    };
    // Either what the lines of a window share stays in the first-level cache,
    // or each line of the image is read from its start to its end.
    if (tiling.channelsOuter)
      forEachChannelGroup([&] {
        forEachLine([&](const Line &line) {
          emitLine(line, [](function_ref<void()> body) { body(); });
        });
      });
    else
      forEachLine([&](const Line &line) {
        emitLine(line,
                 [&](function_ref<void()> body) { forEachChannelGroup(body); });
      });
  });
}

void DepthwiseEmitter::forEachChannelGroup(function_ref<void()> body) {
  auto emit = [&](Index first, int64_t count, Value mask) {
    channel = first;
    vectors = count;
    lastMask = mask;
    body();
  };
  int64_t lanes = tiling.lanes, width = tiling.width();
  Index end = index.min(index.add(channelBegin, tiling.channelBlock),
                        index.constant(channels));
  Index fullEnd = index.sub(end, index.rem(end, width));
  if (channels >= width)
    index.loop(channelBegin, fullEnd, width,
               [&](Index first) { emit(first, tiling.tileVectors, Value()); });
  int64_t tail = channels % width;
  if (tail == 0)
    return;
  // Blocks are multiples of the tile, so only the last one has a rest.
  index.ifLess(fullEnd, end, [&] {
    int64_t count = (tail + lanes - 1) / lanes;
    Value mask = makeLaneMask(index.builder, index.loc, lanes,
                              index.constant(tail - (count - 1) * lanes));
    emit(fullEnd, count, mask);
  });
}

void DepthwiseEmitter::emitLine(
    const Line &line, function_ref<void(function_ref<void()>)> forChannels) {
  int64_t step = tiling.tilePixels;
  if (geometry.hasStaticLines())
    return geometry.forEachStaticTile(
        step,
        [&](Index pixel, int64_t pixels) {
          forChannels([&] { emitTile(line, pixel, pixels, std::nullopt); });
        },
        [&](int64_t pixel, int64_t pixels) {
          forChannels(
              [&] { emitTile(line, index.constant(pixel), pixels, pixel); });
        });
  // Pixels whose window lies inside the image form tiles; the others, and the
  // rest of the last tile, go one by one.
  Index zero = index.constant(0);
  int64_t reach = (geometry.taps() - 1) * geometry.dilation();
  int64_t pad = geometry.padBegin, stride = geometry.stride();
  Index begin = index.min(
      index.constant(std::max<int64_t>((pad + stride - 1) / stride, 0)),
      geometry.linePixels);
  Index space = index.add(index.sub(geometry.inputSizes.back(), reach), pad);
  Index insideEnd = index.ceilDiv(index.max(space, zero), stride);
  Index end = index.max(index.min(insideEnd, geometry.linePixels), begin);
  Index fullEnd = index.sub(end, index.rem(index.sub(end, begin), step));
  forChannels([&] { emitSinglePixels(line, zero, begin); });
  index.loop(begin, fullEnd, step, [&](Index pixel) {
    forChannels([&] { emitTile(line, pixel, step, std::nullopt); });
  });
  forChannels([&] { emitSinglePixels(line, fullEnd, geometry.linePixels); });
}

Value DepthwiseEmitter::loadInput(Index start, int64_t v) {
  return unit->loadVector(index.builder, index.loc, input,
                          index.add(start, v * tiling.lanes),
                          v + 1 == vectors ? lastMask : Value());
}

Value DepthwiseEmitter::loadWeights(Index start, int64_t v) {
  return unit->loadVector(
      index.builder, index.loc, weights,
      index.add(start, v * tiling.lanes + geometry.weightsStart), {});
}

/// Adds the taps of one input line, walking along the line.
SmallVector<Value> DepthwiseEmitter::addColumns(int64_t pixels,
                                                std::optional<int64_t> edge,
                                                Index inputStart,
                                                Index weightStart,
                                                ValueRange sums) {
  int64_t taps = geometry.taps(), stride = geometry.stride();
  int64_t dilation = geometry.dilation();
  auto state = llvm::to_vector_of<Value>(sums);
  SmallVector<Value> tapWeights;
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t v = 0; v < vectors; ++v)
      tapWeights.push_back(
          loadWeights(index.add(weightStart, tap * paddedChannels), v));
  int64_t columns = (pixels - 1) * stride + (taps - 1) * dilation + 1;
  for (int64_t column = 0; column < columns; ++column) {
    SmallVector<Value> loaded(vectors);
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t start = column - tap * dilation;
      if (start < 0 || start % stride != 0 || start / stride >= pixels)
        continue;
      int64_t pixel = start / stride;
      if (edge && !geometry.isInside(*edge + pixel, tap))
        continue;
      for (int64_t v = 0; v < vectors; ++v) {
        if (!loaded[v])
          loaded[v] = loadInput(
              index.add(inputStart, column * geometry.totalInputs), v);
        Value &sum = state[pixel * vectors + v];
        sum = addProduct(loaded[v], tapWeights[tap * vectors + v], sum);
      }
    }
  }
  return state;
}

/// An image that is streamed comes from beyond the second-level cache, in as
/// many streams as a window has lines, which the hardware loses track of at
/// every page: fetches what the tile below this one reads first.
void DepthwiseEmitter::prefetchNextLine(const Line &line, Index start,
                                        int64_t pixels) {
  if (line.start.size() != 1)
    return;
  Type element = cast<MemRefType>(input.getType()).getElementType();
  int64_t cacheLineElements =
      8 * MachineModel::cacheLineBytes / element.getIntOrFloatBitWidth();
  constexpr int64_t secondLevel = 2;
  int64_t taps = geometry.spec.kernelSizes[0];
  int64_t stride = geometry.spec.strides[0];
  Index lastLine = index.sub(geometry.inputSizes[0], 1);
  // The other lines of its windows are those of this line.
  for (int64_t tap = std::max<int64_t>(taps - stride, 0); tap < taps; ++tap) {
    Index number = index.min(
        index.add(line.start[0], stride + tap * geometry.spec.dilations[0]),
        lastLine);
    Index below =
        index.add(line.image, index.mul(number, geometry.inputStrides[0]));
    for (int64_t column = 0; column < pixels * geometry.stride(); ++column)
      for (int64_t lane = 0; lane < vectors * tiling.lanes;
           lane += cacheLineElements) {
        Index offset = index.add(start, column * geometry.totalInputs + lane);
        memref::PrefetchOp::create(
            index.builder, index.loc, input,
            ValueRange{index.value(index.add(below, offset))},
            /*isWrite=*/false, secondLevel, /*isDataCache=*/true);
      }
  }
}

void DepthwiseEmitter::emitTile(const Line &line, Index first, int64_t pixels,
                                std::optional<int64_t> edge) {
  RegisterTile tile{pixels, vectors, tiling.lanes};
  Index column =
      index.sub(index.mul(first, geometry.stride()), geometry.padBegin);
  Index start = index.add(index.mul(column, geometry.totalInputs), channel);
  if (!tiling.channelsOuter)
    prefetchNextLine(line, start, pixels);
  SmallVector<Value> sums = geometry.forEachOuterTap(
      line, makeZeros(tile),
      [&](Index inputLine, Index outerTap, ValueRange carried) {
        Index tapStart = index.mul(outerTap, geometry.taps() * paddedChannels);
        return addColumns(pixels, edge, index.add(inputLine, start),
                          index.add(channel, tapStart), carried);
      });
  store(line, first, pixels, sums);
}

void DepthwiseEmitter::emitSinglePixels(const Line &line, Index begin,
                                        Index end) {
  int64_t taps = geometry.taps(), dilation = geometry.dilation();
  RegisterTile tile{1, vectors, tiling.lanes};
  Index zero = index.constant(0), allTaps = index.constant(taps);
  index.loop(begin, end, 1, [&](Index pixel) {
    Index column =
        index.sub(index.mul(pixel, geometry.stride()), geometry.padBegin);
    Index before = index.max(index.sub(zero, column), zero);
    Index tapBegin = index.min(index.ceilDiv(before, dilation), allTaps);
    Index space =
        index.max(index.sub(geometry.inputSizes.back(), column), zero);
    Index tapEnd = index.min(index.ceilDiv(space, dilation), allTaps);
    SmallVector<Value> sums = geometry.forEachOuterTap(
        line, makeZeros(tile),
        [&](Index inputLine, Index outerTap, ValueRange carried) {
          return index.loop(
              tapBegin, tapEnd, 1, carried, [&](Index tap, ValueRange state) {
                Index position = index.add(column, index.mul(tap, dilation));
                Index inputStart =
                    index.add(index.add(inputLine, channel),
                              index.mul(position, geometry.totalInputs));
                Index number = index.add(index.mul(outerTap, taps), tap);
                Index weightStart =
                    index.add(channel, index.mul(number, paddedChannels));
                SmallVector<Value> next;
                for (int64_t v = 0; v < vectors; ++v)
                  next.push_back(addProduct(loadInput(inputStart, v),
                                            loadWeights(weightStart, v),
                                            state[v]));
                return next;
              });
        });
    store(line, pixel, 1, sums);
  });
}

void DepthwiseEmitter::store(const Line &line, Index first, int64_t pixels,
                             ValueRange sums) {
  TileResult result = geometry.placeTile(output, line, first, channel);
  result.lastMask = lastMask;
  emitTileStore(index.builder, index.loc,
                RegisterTile{pixels, vectors, tiling.lanes}, result, sums,
                epilogue);
}

void sluice::emitDepthwise(OpBuilder &builder, Location loc,
                           const ConvolutionSpec &spec,
                           const ConvolutionTiling &tiling,
                           const ConvolutionOperands &operands,
                           const PhasePlacement *placement,
                           EpilogueFn epilogue) {
  DepthwiseEmitter(builder, loc, spec, tiling, operands, placement, epilogue)
      .run();
}
