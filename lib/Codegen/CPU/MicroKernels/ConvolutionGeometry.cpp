//===- ConvolutionGeometry.cpp - Lines, taps and offsets ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ConvolutionGeometry.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

ConvolutionGeometry::ConvolutionGeometry(OpBuilder &builder, Location loc,
                                         const ConvolutionSpec &spec,
                                         const ConvolutionOperands &operands,
                                         const PhasePlacement *placement)
    : index(builder, loc), spec(spec), inputSizes(operands.inputSizes),
      outputSizes(operands.outputSizes), batch(operands.batch),
      padBegin(spec.padsBegin.back()),
      totalInputs(spec.groups * spec.inputChannels),
      totalOutputs(spec.groups * spec.outputChannels), placement(placement) {
  lineCount = index.constant(1);
  for (Index size : ArrayRef(outputSizes).drop_back())
    lineCount = index.mul(lineCount, size);
  linePixels = outputSizes.back();
  imagePixels = index.mul(lineCount, linePixels);
  if (placement) {
    imagePixels = index.constant(1);
    for (Index size : placement->sizes)
      imagePixels = index.mul(imagePixels, size);
    pixelStep = placement->steps.back();
    weightsStart = placement->weightsStart;
  }
  updateStrides();
}

void ConvolutionGeometry::updateStrides() {
  inputStrides.assign(inputSizes.size(), Index());
  Index stride = index.constant(totalInputs);
  for (size_t d = inputSizes.size(); d-- > 0;) {
    inputStrides[d] = stride;
    stride = index.mul(stride, inputSizes[d]);
  }
  imageElements = stride;
}

Index ConvolutionGeometry::getTapBegin(size_t d, Index start) {
  if (spec.padsBegin[d] <= 0)
    return index.constant(0);
  Index before =
      index.max(index.sub(index.constant(0), start), index.constant(0));
  return index.min(index.ceilDiv(before, spec.dilations[d]),
                   index.constant(spec.kernelSizes[d]));
}

Index ConvolutionGeometry::getTapEnd(size_t d, Index start) {
  int64_t taps = spec.kernelSizes[d];
  auto input = IndexBuilder::getConstant(inputSizes[d]);
  auto output = IndexBuilder::getConstant(outputSizes[d]);
  if (input && output) {
    int64_t last = (*output - 1) * spec.strides[d] - spec.padsBegin[d] +
                   (taps - 1) * spec.dilations[d];
    if (last < *input)
      return index.constant(taps);
  } else if (spec.padsEnd[d] <= 0) {
    return index.constant(taps);
  }
  Index space = index.max(index.sub(inputSizes[d], start), index.constant(0));
  return index.min(index.ceilDiv(space, spec.dilations[d]),
                   index.constant(taps));
}

ConvolutionGeometry::Line ConvolutionGeometry::decodeLine(Index image,
                                                          Index number) {
  Line line;
  line.batch = image;
  line.number = number;
  line.image = index.mul(image, imageElements);
  size_t outer = outputSizes.size() - 1;
  line.start.resize(outer);
  line.tapBegin.resize(outer);
  line.tapEnd.resize(outer);
  SmallVector<Index> coordinates(outer);
  Index rest = number;
  for (size_t d = outer; d-- > 0;) {
    Index coordinate = d == 0 ? rest : index.rem(rest, outputSizes[d]);
    if (d != 0)
      rest = index.div(rest, outputSizes[d]);
    coordinates[d] = coordinate;
    line.start[d] =
        index.sub(index.mul(coordinate, spec.strides[d]), spec.padsBegin[d]);
    line.tapBegin[d] = getTapBegin(d, line.start[d]);
    line.tapEnd[d] = getTapEnd(d, line.start[d]);
  }
  line.firstPixel =
      placement ? getFirstPixel(coordinates) : index.mul(number, linePixels);
  return line;
}

Index ConvolutionGeometry::getFirstPixel(ArrayRef<Index> coordinates) {
  Index pixel = index.constant(0);
  for (size_t d = 0; d < coordinates.size(); ++d) {
    Index coordinate = index.add(index.mul(coordinates[d], placement->steps[d]),
                                 placement->offsets[d]);
    pixel = index.add(index.mul(pixel, placement->sizes[d]), coordinate);
  }
  return index.add(index.mul(pixel, placement->sizes.back()),
                   placement->offsets.back());
}

TileResult ConvolutionGeometry::placeTile(Value output, const Line &line,
                                          Index first, Index column) {
  TileResult result;
  result.c = output;
  result.batch = line.batch;
  result.column = column;
  Index imageStart =
      index.mul(line.batch, index.mul(imagePixels, totalOutputs));
  result.row = index.add(line.firstPixel, index.mul(first, pixelStep));
  result.rowStep = pixelStep;
  result.start = index.add(imageStart, index.mul(result.row, totalOutputs));
  result.stride = index.constant(pixelStep * totalOutputs);
  return result;
}

SmallVector<Value>
ConvolutionGeometry::loopTaps(const Line &line, size_t dimension,
                              Index inputLine, Index outerTap,
                              ValueRange carried, TapBody body) {
  if (dimension == line.start.size())
    return body(inputLine, outerTap, carried);
  return index.loop(
      line.tapBegin[dimension], line.tapEnd[dimension], 1, carried,
      [&](Index tap, ValueRange inner) {
        Index coordinate = index.add(line.start[dimension],
                                     index.mul(tap, spec.dilations[dimension]));
        Index offset = index.mul(coordinate, inputStrides[dimension]);
        Index number =
            index.add(index.mul(outerTap, spec.kernelSizes[dimension]), tap);
        return loopTaps(line, dimension + 1, index.add(inputLine, offset),
                        number, inner, body);
      });
}

SmallVector<Value> ConvolutionGeometry::forEachOuterTap(const Line &line,
                                                        ValueRange carried,
                                                        TapBody body) {
  return loopTaps(line, 0, line.image, index.constant(0), carried, body);
}

bool ConvolutionGeometry::isInside(int64_t pixel, int64_t tap) const {
  int64_t column = pixel * stride() - padBegin + tap * dilation();
  auto size = IndexBuilder::getConstant(inputSizes.back());
  return column >= 0 && (!size || column < *size);
}

bool ConvolutionGeometry::hasStaticLines() const {
  return IndexBuilder::getConstant(inputSizes.back()) &&
         IndexBuilder::getConstant(linePixels);
}

void ConvolutionGeometry::forEachStaticTile(
    int64_t step, function_ref<void(Index, int64_t)> inside,
    function_ref<void(int64_t, int64_t)> edge) {
  int64_t pixels = *IndexBuilder::getConstant(linePixels);
  auto isWhollyInside = [&](int64_t first, int64_t count) {
    return isInside(first, 0) && isInside(first + count - 1, taps() - 1);
  };
  for (int64_t first = 0; first < pixels;) {
    int64_t count = std::min(step, pixels - first);
    if (!isWhollyInside(first, count)) {
      edge(first, count);
      first += count;
      continue;
    }
    int64_t end = first + count;
    while (count == step && end + step <= pixels && isWhollyInside(end, step))
      end += step;
    index.loop(index.constant(first), index.constant(end), count,
               [&](Index position) { inside(position, count); });
    first = end;
  }
}

void sluice::emitCopy(IndexBuilder &index, Value source, Index from,
                      Value target, Index to, Index count, int64_t lanes) {
  OpBuilder &builder = index.builder;
  auto copy = [&](Index position, Value mask) {
    Type element = cast<MemRefType>(target.getType()).getElementType();
    Value vector;
    if (source)
      vector =
          convertElements(builder, index.loc,
                          loadVector(builder, index.loc, source,
                                     index.add(from, position), lanes, mask),
                          element);
    else
      vector = makeZeroTile(builder, index.loc, {1, 1, lanes}, element).front();
    storeVector(builder, index.loc, vector, target, index.add(to, position),
                mask);
  };
  Index rest = index.rem(count, lanes);
  Index end = index.sub(count, rest);
  index.loop(index.constant(0), end, lanes,
             [&](Index position) { copy(position, Value()); });
  index.ifLess(index.constant(0), rest, [&] {
    copy(end, makeLaneMask(builder, index.loc, lanes, rest));
  });
}
