//===- Resizer.cpp - Where elements of a resized tensor come from ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/Resizer.h"
#include <cmath>

using namespace mlir;
using namespace sluice;
using Float = arith::CmpFPredicate;

std::optional<int64_t> Resizer::blockSize(size_t i) {
  if (op.getMode() != SampleMode::Nearest ||
      op.getPlace() != ResizePlace::Asymmetric ||
      op.getRounding() != NearestRounding::Floor || op.getScales().empty())
    return std::nullopt;
  double scale = op.getScales()[i];
  if (scale < 1 || scale > 1e6 || scale != std::floor(scale))
    return std::nullopt;
  return static_cast<int64_t>(scale);
}

Value Resizer::scaleOf(size_t i, Value size, Value newSize) {
  if (!op.getScales().empty())
    return at.real(op.getScales()[i], real);
  if (op.getDynamicScales())
    return at.convert(kernel.load(op.getVectors()[0], kernel.index(i)), real);
  return at.div(at.fromIndex(newSize, real), at.fromIndex(size, real));
}

Value Resizer::placeOf(size_t i, Value index, Value scale, Value size,
                       Value newSize) {
  Value y = at.fromIndex(index, real);
  Value length = at.fromIndex(size, real);
  Value one = at.real(1, real), half = at.real(0.5, real),
        zero = at.real(0, real);
  Value last = at.sub(length, one), newLength = at.mul(scale, length);
  Value isSingle = at.compare(Float::OEQ, newLength, one);
  auto halfPixel = [&] { return at.sub(at.div(at.add(y, half), scale), half); };
  auto aligned = [&] {
    return at.div(at.mul(y, last), at.sub(newLength, one));
  };
  switch (op.getPlace()) {
  case ResizePlace::HalfPixel:
    return halfPixel();
  case ResizePlace::PytorchHalfPixel:
    return at.select(isSingle, at.real(-0.5, real), halfPixel());
  case ResizePlace::HalfPixelSymmetric: {
    Value adjustment = at.div(at.fromIndex(newSize, real), newLength);
    Value offset = at.mul(at.mul(length, half), at.sub(one, adjustment));
    return at.add(offset, halfPixel());
  }
  case ResizePlace::AlignCorners:
    return at.select(isSingle, zero, aligned());
  case ResizePlace::Asymmetric:
    return at.div(y, scale);
  case ResizePlace::Crop: {
    Value region = op.getVectors().back();
    int64_t count = op.getAxes().size();
    Value start = at.convert(kernel.load(region, kernel.index(i)), real);
    Value end = at.convert(kernel.load(region, kernel.index(i + count)), real);
    Value width = at.sub(end, start);
    Value x = at.select(isSingle, at.mul(at.mul(width, last), half),
                        at.mul(width, aligned()));
    x = at.add(x, at.mul(start, last));
    outside.push_back(at.compare(Float::OLT, x, zero));
    outside.push_back(at.compare(Float::OGT, x, last));
    return x;
  }
  }
  return y;
}

Value Resizer::nearest(Value x, Value size) {
  Value half = at.real(0.5, real), rounded;
  switch (op.getRounding()) {
  case NearestRounding::RoundPreferFloor:
    rounded = at.ceil(at.sub(x, half));
    break;
  case NearestRounding::RoundPreferCeil:
    rounded = at.floor(at.add(x, half));
    break;
  case NearestRounding::Floor:
    rounded = at.floor(x);
    break;
  case NearestRounding::Ceil:
    rounded = at.ceil(x);
    break;
  }
  return kernel.clampIndex(at.toIndex(rounded), size);
}

Taps Resizer::around(Value base, ArrayRef<Value> weights, Value size) {
  Taps taps;
  for (auto [tap, weight] : llvm::enumerate(weights)) {
    Value position = kernel.add(base, kernel.index(tap));
    Value scaled = weight;
    if (op.getExcludeOutside()) {
      scaled =
          at.select(isInside(kernel, position, size), weight, at.zero(weight));
      taps.total = taps.total ? at.add(taps.total, scaled) : scaled;
    }
    taps.positions.push_back(kernel.clampIndex(position, size));
    taps.weights.push_back(scaled);
  }
  return taps;
}

/// Downscaling looks at all elements that the new one covers.
Value Resizer::antialiased(size_t i, Value x, Value scale, Value size) {
  Type compute = getComputeType(elementType);
  bool isCubic = op.getMode() == SampleMode::Cubic;
  double support = isCubic ? 2 : 1;
  double a = op.getCubicCoefficient().convertToDouble();
  scale = at.min(scale, at.real(1, real));
  // Taps are 1 - reach ... reach.
  Value reach = at.ceil(at.div(at.real(support, real), scale));
  Value taps = at.toIndex(at.mul(reach, at.real(2, real)));
  // A scale that leaves anything at all is not below 1 / size; scales that are
  // read during the run may be.
  Value most = kernel.mul(kernel.add(size, kernel.index(1)),
                          kernel.index(static_cast<int64_t>(2 * support)));
  taps = arith::MinSIOp::create(kernel.builder, kernel.loc, taps, most);
  Value floor = at.floor(x);
  Value first = at.sub(at.add(floor, at.real(1, real)), reach);
  Value zero = at.real(0, compute);
  auto sums =
      kernel.loop(taps, {zero, zero}, [&](Value tap, ValueRange running) {
        Value where = at.add(first, at.fromIndex(tap, real));
        Value distance = at.make<math::AbsFOp>(at.mul(at.sub(where, x), scale));
        Value one = at.real(1, real), weight;
        if (isCubic) {
          Value isNear = at.compare(Float::OLE, distance, one);
          Value isFar = at.compare(Float::OLT, distance, at.real(2, real));
          // The four weights at t = distance or distance - 1.
          Value t = at.select(isNear, distance, at.sub(distance, one));
          SmallVector<Value> weights = cubicWeights(at, t, a);
          weight = at.select(isNear, weights[1],
                             at.select(isFar, weights[0], at.real(0, real)));
        } else {
          weight = at.max(at.sub(one, distance), at.real(0, real));
        }
        Value position = at.toIndex(where);
        if (op.getExcludeOutside())
          weight = at.select(isInside(kernel, position, size), weight,
                             at.real(0, real));
        Value scaled = at.convert(weight, compute);
        Value element = sampleAt(i, kernel.clampIndex(position, size));
        return SmallVector<Value>{at.add(running[0], at.mul(scaled, element)),
                                  at.add(running[1], scaled)};
      });
  return at.div(sums[0], sums[1]);
}

Taps Resizer::taps(size_t i, Value index) {
  int64_t axis = op.getAxes()[i];
  Value size = kernel.size(op.getOperand(), axis);
  if (auto block = blockSize(i))
    return {{kernel.clampIndex(kernel.div(index, kernel.index(*block)), size)},
            {},
            nullptr};
  Value newSize = kernel.size(op.getResult(), axis);
  Value x = placeOf(i, index, scaleOf(i, size, newSize), size, newSize);
  if (op.getMode() == SampleMode::Nearest)
    return {{nearest(x, size)}, {}, nullptr};
  Value floor = at.floor(x);
  Value t = at.sub(x, floor), base = at.toIndex(floor);
  if (op.getMode() == SampleMode::Linear) {
    // At and behind the edges both taps are one element, whose halves make it
    // whole again; other weights may miss it, and make NaN of infinity.
    Value last = at.sub(at.fromIndex(size, real), at.real(1, real));
    Value half = at.real(0.5, real);
    t = at.select(at.compare(Float::OLT, x, at.zero(x)), half, t);
    t = at.select(at.compare(Float::OGE, x, last), half, t);
    return around(base, {at.sub(at.real(1, real), t), t}, size);
  }
  return around(kernel.sub(base, kernel.index(1)),
                cubicWeights(at, t, op.getCubicCoefficient().convertToDouble()),
                size);
}

Value Resizer::sample(size_t i) {
  if (i == op.getAxes().size())
    return kernel.load(op.getOperand(), place);
  int64_t axis = op.getAxes()[i];
  Value index = place[axis];
  if (op.getAntialias() && op.getMode() != SampleMode::Nearest) {
    Value size = kernel.size(op.getOperand(), axis);
    Value newSize = kernel.size(op.getResult(), axis);
    Value scale = scaleOf(i, size, newSize);
    return antialiased(i, placeOf(i, index, scale, size, newSize), scale, size);
  }
  Taps found = taps(i, index);
  if (found.weights.empty())
    return sampleAt(i, found.positions.front());
  Type compute = getComputeType(elementType);
  Value sum;
  for (auto [position, weight] : llvm::zip(found.positions, found.weights)) {
    Value term = at.mul(at.convert(weight, compute), sampleAt(i, position));
    sum = sum ? at.add(sum, term) : term;
  }
  return found.total ? at.div(sum, at.convert(found.total, compute)) : sum;
}

Value sluice::resizeElement(KernelBuilder &kernel, OpResult result,
                            ValueRange indices) {
  auto op = cast<ResizeOp>(result.getOwner());
  return Resizer(kernel, op, indices).element();
}
