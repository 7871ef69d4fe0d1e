//===- ConvolutionElements.cpp - Elements of convolutions -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "sluice/Codegen/Elements/LoopNest.h"
#include <numeric>

using namespace mlir;
using namespace sluice;

// The general form, for any element type, rank and grouping; f32 images with
// channels last have micro-kernels.

static Value multiplyAdd(KernelBuilder &kernel, Value sum, Value a, Value b) {
  BodyBuilder body{kernel.builder, kernel.loc};
  return body.add(sum, body.mul(a, b));
}

/// Joins parts of a sum.
static auto addParts(KernelBuilder &kernel) {
  return [&kernel](Value a, Value b) {
    return BodyBuilder{kernel.builder, kernel.loc}.add(a, b);
  };
}

static Value convElement(KernelBuilder &kernel, OpResult result,
                         ValueRange indices) {
  auto op = cast<ConvOp>(result.getOwner());
  int64_t spatialRank = op.getSpatialRank(), spatial = op.getSpatialDimension();
  Value groups = kernel.index(op.getGroups());
  Value channel = indices[op.getChannelDimension()];
  Value group =
      kernel.div(channel, kernel.div(kernel.size(op.getWeight(), 0), groups));
  Value depth = kernel.size(op.getWeight(), 1);
  Value firstChannel = kernel.mul(group, depth);

  SmallVector<WindowAxis> axes;
  SmallVector<WindowTaps> taps;
  SmallVector<Value> counts;
  for (int64_t i = 0; i < spatialRank; ++i) {
    axes.push_back({kernel.size(op.getInput(), spatial + i),
                    kernel.size(op.getWeight(), 2 + i), op.getStrides()[i],
                    op.getDilations()[i], op.getPads()[i]});
    taps.push_back(insideTaps(kernel, axes[i], indices[spatial + i]));
    counts.push_back(taps[i].count);
  }
  // The channels are the inner loop where they are next to each other.
  size_t depthPlace = op.getChannelsLast() ? counts.size() : 0;
  counts.insert(counts.begin() + depthPlace, depth);
  SmallVector<int64_t> limits(shapeOf(op.getWeight()).drop_front(2));
  limits.insert(limits.begin() + depthPlace, shapeOf(op.getWeight())[1]);

  Value zero = kernel.number(elementTypeOf(result), 0);
  return sumNest(
      kernel, counts, zero,
      [&](ValueRange at, ValueRange running) -> SmallVector<Value> {
        SmallVector<Value> steps(at);
        Value inner = steps[depthPlace];
        steps.erase(steps.begin() + depthPlace);
        SmallVector<Value> inputPlace(spatialRank + 2), weightPlace;
        inputPlace[0] = indices[0];
        inputPlace[op.getChannelDimension()] = kernel.add(firstChannel, inner);
        weightPlace = {channel, inner};
        for (int64_t i = 0; i < spatialRank; ++i) {
          inputPlace[spatial + i] = taps[i].position(kernel, axes[i], steps[i]);
          weightPlace.push_back(kernel.add(taps[i].first, steps[i]));
        }
        return {multiplyAdd(kernel, running[0],
                            kernel.load(op.getInput(), inputPlace),
                            kernel.load(op.getWeight(), weightPlace))};
      },
      addParts(kernel), limits)[0];
}

namespace {
/// The kernel taps of a transposed convolution that reach one result place:
/// `count` of them; number j is tap `firstTap + j * tapStep` and reads the
/// input at `firstInput - j * inputStep`.
struct TransposedTaps {
  Value count, firstTap, firstInput;
  int64_t tapStep = 1, inputStep = 1;
};
} // namespace

/// Result place p meets tap k at input i where p + padBegin = i * stride + k *
/// dilation. With m = lcm(stride, dilation), solutions are m / dilation taps
/// apart; the first one is found by trying the taps in front of that.
static TransposedTaps transposedTaps(KernelBuilder &kernel,
                                     const WindowAxis &axis, Value place) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b).getResult();
  };
  int64_t common = std::lcm(axis.stride, axis.dilation);
  TransposedTaps taps;
  taps.tapStep = common / axis.dilation;
  taps.inputStep = common / axis.stride;
  Value zero = kernel.index(0), stride = kernel.index(axis.stride);
  Value shifted = kernel.add(place, kernel.index(axis.padBegin));
  // The smallest tap k with (p + padBegin - k * dilation) divisible by the
  // stride; `kernel` stands for none.
  auto isMultiple = [&](Value number) {
    return compare(arith::CmpIPredicate::eq,
                   arith::RemSIOp::create(builder, loc, number, stride), zero);
  };
  Value tap = axis.kernel;
  if (axis.dilation == 1) {
    Value rest = arith::RemSIOp::create(builder, loc, shifted, stride);
    tap = arith::SelectOp::create(
        builder, loc, compare(arith::CmpIPredicate::slt, rest, zero),
        kernel.add(rest, stride), rest);
  } else {
    tap = kernel.loop(
        kernel.index(taps.tapStep), tap,
        [&](Value i, ValueRange running) -> SmallVector<Value> {
          Value k = kernel.sub(kernel.index(taps.tapStep - 1), i);
          Value rest =
              kernel.sub(shifted, kernel.mul(k, kernel.index(axis.dilation)));
          return {arith::SelectOp::create(builder, loc, isMultiple(rest), k,
                                          running[0])};
        })[0];
  }
  // Inputs run down with the taps: input = (shifted - tap * dilation) / stride.
  Value input = arith::FloorDivSIOp::create(
      builder, loc,
      kernel.sub(shifted, kernel.mul(tap, kernel.index(axis.dilation))),
      stride);
  // Skip those past the end of the input.
  Value beyond = arith::MaxSIOp::create(
      builder, loc, kernel.add(kernel.sub(input, axis.size), kernel.index(1)),
      zero);
  Value inputStep = kernel.index(taps.inputStep);
  Value skipped = kernel.div(
      kernel.add(beyond, kernel.index(taps.inputStep - 1)), inputStep);
  taps.firstTap =
      kernel.add(tap, kernel.mul(skipped, kernel.index(taps.tapStep)));
  taps.firstInput = kernel.sub(input, kernel.mul(skipped, inputStep));
  // Until the taps or the inputs run out.
  auto steps = [&](Value room, int64_t step) -> Value {
    Value clamped = arith::MaxSIOp::create(builder, loc, room, zero);
    return kernel.div(kernel.add(clamped, kernel.index(step - 1)),
                      kernel.index(step));
  };
  taps.count = arith::MinSIOp::create(
      builder, loc, steps(kernel.sub(axis.kernel, taps.firstTap), taps.tapStep),
      steps(kernel.add(taps.firstInput, kernel.index(1)), taps.inputStep));
  return taps;
}

static Value convTransposeElement(KernelBuilder &kernel, OpResult result,
                                  ValueRange indices) {
  auto op = cast<ConvTransposeOp>(result.getOwner());
  int64_t spatialRank = op.getSpatialRank(), spatial = op.getSpatialDimension();
  Value groups = kernel.index(op.getGroups());
  Value channel = indices[op.getChannelDimension()];
  Value groupChannels = kernel.size(op.getWeight(), 1);
  Value depth = kernel.div(kernel.size(op.getWeight(), 0), groups);
  Value firstChannel = kernel.mul(kernel.div(channel, groupChannels), depth);
  Value weightChannel = kernel.rem(channel, groupChannels);

  SmallVector<TransposedTaps> taps;
  SmallVector<Value> counts;
  for (int64_t i = 0; i < spatialRank; ++i) {
    WindowAxis axis{kernel.size(op.getInput(), spatial + i),
                    kernel.size(op.getWeight(), 2 + i), op.getStrides()[i],
                    op.getDilations()[i], op.getPads()[i]};
    taps.push_back(transposedTaps(kernel, axis, indices[spatial + i]));
    counts.push_back(taps[i].count);
  }
  counts.push_back(depth);
  SmallVector<int64_t> limits(shapeOf(op.getWeight()).drop_front(2));
  limits.push_back(shapeOf(op.getWeight())[0]);
  Value zero = kernel.number(elementTypeOf(result), 0);
  return sumNest(
      kernel, counts, zero,
      [&](ValueRange at, ValueRange running) -> SmallVector<Value> {
        Value inputChannel = kernel.add(firstChannel, at.back());
        SmallVector<Value> inputPlace(spatialRank + 2), weightPlace;
        inputPlace[0] = indices[0];
        inputPlace[op.getChannelDimension()] = inputChannel;
        weightPlace = {inputChannel, weightChannel};
        for (int64_t i = 0; i < spatialRank; ++i) {
          Value input = kernel.mul(at[i], kernel.index(taps[i].inputStep));
          Value tap = kernel.mul(at[i], kernel.index(taps[i].tapStep));
          inputPlace[spatial + i] = kernel.sub(taps[i].firstInput, input);
          weightPlace.push_back(kernel.add(taps[i].firstTap, tap));
        }
        return {multiplyAdd(kernel, running[0],
                            kernel.load(op.getInput(), inputPlace),
                            kernel.load(op.getWeight(), weightPlace))};
      },
      addParts(kernel), limits)[0];
}

/// The image at a fractional place: the four pixels around it, weighted; pixels
/// outside are zero.
static Value sampleBilinear(KernelBuilder &kernel, Value image, Value batch,
                            Value channel, ArrayRef<Value> place) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  BodyBuilder body{builder, loc};
  Value one = body.constant(place[0], 1), zero = body.constant(place[0], 0);
  // Per dimension, the two pixels next to the place and their weights.
  Value pixels[2][2], weights[2][2];
  for (int64_t i = 0; i < 2; ++i) {
    Value size = kernel.size(image, 2 + i);
    Value limit = arith::SIToFPOp::create(
        builder, loc, place[i].getType(),
        arith::IndexCastOp::create(builder, loc, builder.getI64Type(), size));
    // Far away places (and NaN) must not overflow an integer.
    Value low = body.make<math::FloorOp>(place[i]);
    Value lowest = body.constant(low, -2);
    Value isNear = arith::AndIOp::create(
        builder, loc, body.compare(arith::CmpFPredicate::OGT, low, lowest),
        body.compare(arith::CmpFPredicate::OLT, low, limit));
    low = body.select(isNear, low, lowest);
    Value fraction = body.sub(place[i], low);
    Value first = arith::IndexCastOp::create(
        builder, loc, builder.getIndexType(),
        arith::FPToSIOp::create(builder, loc, builder.getI64Type(), low));
    for (int64_t corner = 0; corner < 2; ++corner) {
      Value pixel = kernel.add(first, kernel.index(corner));
      Value isInside = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::ult, pixel, size);
      Value weight = corner ? fraction : body.sub(one, fraction);
      weights[i][corner] = body.select(isInside, weight, zero);
      pixels[i][corner] = kernel.clampIndex(pixel, size);
    }
  }
  Value sum = zero;
  for (int64_t y = 0; y < 2; ++y)
    for (int64_t x = 0; x < 2; ++x) {
      Value pixel =
          kernel.load(image, {batch, channel, pixels[0][y], pixels[1][x]});
      sum = body.add(sum,
                     body.mul(body.mul(weights[0][y], weights[1][x]), pixel));
    }
  return sum;
}

static Value deformConvElement(KernelBuilder &kernel, OpResult result,
                               ValueRange indices) {
  auto op = cast<DeformConvOp>(result.getOwner());
  Type type = elementTypeOf(result);
  BodyBuilder body{kernel.builder, kernel.loc};
  Value depth = kernel.size(op.getWeight(), 1);
  Value height = kernel.size(op.getWeight(), 2);
  Value width = kernel.size(op.getWeight(), 3);
  Value group =
      kernel.div(indices[1], kernel.div(kernel.size(op.getWeight(), 0),
                                        kernel.index(op.getGroups())));
  Value perOffsetGroup = kernel.div(kernel.size(op.getInput(), 1),
                                    kernel.index(op.getOffsetGroups()));
  Value zero = kernel.number(type, 0);
  return sumNest(
      kernel, {depth, height, width}, zero,
      [&](ValueRange at, ValueRange running) -> SmallVector<Value> {
        Value channel = kernel.add(kernel.mul(group, depth), at[0]);
        Value offsetGroup = kernel.div(channel, perOffsetGroup);
        Value tap = kernel.add(
            kernel.mul(kernel.add(kernel.mul(offsetGroup, height), at[1]),
                       width),
            at[2]);
        SmallVector<Value> place;
        for (int64_t i = 0; i < 2; ++i) {
          Value regular = kernel.sub(
              kernel.add(
                  kernel.mul(indices[2 + i], kernel.index(op.getStrides()[i])),
                  kernel.mul(at[1 + i], kernel.index(op.getDilations()[i]))),
              kernel.index(op.getPads()[i]));
          Value number = arith::SIToFPOp::create(
              kernel.builder, kernel.loc, getComputeType(type),
              arith::IndexCastOp::create(kernel.builder, kernel.loc,
                                         kernel.builder.getI64Type(), regular));
          Value plane =
              kernel.add(kernel.mul(tap, kernel.index(2)), kernel.index(i));
          Value offset = kernel.load(
              op.getOffsets(), {indices[0], plane, indices[2], indices[3]});
          place.push_back(body.add(number, offset));
        }
        Value sample =
            sampleBilinear(kernel, op.getInput(), indices[0], channel, place);
        if (op.getMask())
          sample = body.mul(
              sample, kernel.load(op.getMask(),
                                  {indices[0], tap, indices[2], indices[3]}));
        Value weight =
            kernel.load(op.getWeight(), {indices[1], at[0], at[1], at[2]});
        return {body.add(running[0], body.mul(sample, weight))};
      },
      addParts(kernel))[0];
}

void sluice::registerConvolutionElements(EmitterRegistry &registry) {
  registry.addElement<ConvOp>(convElement);
  registry.addElement<ConvTransposeOp>(convTransposeElement);
  registry.addElement<DeformConvOp>(deformConvElement);
  registry.flushSubnormals<ConvOp, ConvTransposeOp, DeformConvOp>();
}
