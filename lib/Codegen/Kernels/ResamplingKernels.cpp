//===- ResamplingKernels.cpp - Elements between elements ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "FlatBuffers.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace sluice;
using Float = arith::CmpFPredicate;

namespace {
/// Float arithmetic on places, with short names.
struct PlaceBuilder : BodyBuilder {
  explicit PlaceBuilder(KernelBuilder &kernel)
      : BodyBuilder{kernel.builder, kernel.loc}, kernel(kernel) {}

  Value real(double number, Type type) {
    return make<arith::ConstantOp>(
        builder.getFloatAttr(cast<FloatType>(type), number));
  }
  Value fromIndex(Value index, Type type) {
    Value integer = kernel.fromIndex(index, builder.getI64Type());
    return arith::SIToFPOp::create(builder, loc, type, integer);
  }
  Value floor(Value x) { return make<math::FloorOp>(x); }
  Value ceil(Value x) { return make<math::CeilOp>(x); }
  Value max(Value a, Value b) {
    return select(compare(Float::OGT, a, b), a, b);
  }
  Value min(Value a, Value b) {
    return select(compare(Float::OLT, a, b), a, b);
  }
  /// Towards zero; far places and NaN become some number that an index can
  /// hold.
  Value toIndex(Value x) {
    x = min(max(x, constant(x, -1e9)), constant(x, 1e9));
    Value integer =
        arith::FPToSIOp::create(builder, loc, builder.getI64Type(), x);
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      integer);
  }
  /// To f32 or f64.
  Value convert(Value x, Type type) {
    if (x.getType() == type)
      return x;
    if (type.isF64())
      return arith::ExtFOp::create(builder, loc, type, x);
    return arith::TruncFOp::create(builder, loc, type, x);
  }

  KernelBuilder &kernel;
};

/// The weights of four elements around a place that is `t` behind the second.
SmallVector<Value> cubicWeights(PlaceBuilder &at, Value t, double a) {
  auto number = [&](double value) { return at.constant(t, value); };
  // |distance| <= 1 and < 2, by Horner's rule.
  auto near = [&](Value d) {
    Value inner = at.sub(at.mul(number(a + 2), d), number(a + 3));
    return at.add(at.mul(at.mul(inner, d), d), number(1));
  };
  auto far = [&](Value d) {
    Value inner = at.sub(at.mul(number(a), d), number(5 * a));
    inner = at.add(at.mul(inner, d), number(8 * a));
    return at.sub(at.mul(inner, d), number(4 * a));
  };
  Value rest = at.sub(number(1), t);
  return {far(at.add(t, number(1))), near(t), near(rest),
          far(at.add(rest, number(1)))};
}

/// Computes one element of a resized tensor, one axis after the other.
class Resizer {
public:
  Resizer(KernelBuilder &kernel, ResizeOp op, ValueRange indices)
      : kernel(kernel), op(op), at(kernel), place(indices),
        elementType(elementTypeOf(op.getOperand())),
        real(op.getMode() == SampleMode::Nearest
                 ? Type(kernel.builder.getF32Type())
                 : Type(kernel.builder.getF64Type())) {}

  Value element() {
    Value result = sample(0);
    for (Value condition : outside)
      result =
          at.select(condition,
                    kernel.number(elementType,
                                  op.getExtrapolationValue().convertToDouble()),
                    result);
    return result;
  }

private:
  /// The element with all axes before `i` at fixed positions.
  Value sample(size_t i);
  Value nearest(size_t i, Value x, Value size);
  Value weighted(size_t i, Value base, ArrayRef<Value> weights, Value size);
  Value antialiased(size_t i, Value x, Value scale, Value size);
  Value scaleOf(size_t i, Value size, Value newSize);
  Value placeOf(size_t i, Value index, Value scale, Value size, Value newSize);
  /// The size of integer blocks that one element becomes; none if it is more
  /// complicated.
  std::optional<int64_t> blockSize(size_t i);
  /// The other taps of axis `i` find the axes behind it as they were.
  Value sampleAt(size_t i, Value position) {
    SmallVector<Value> before = place;
    place[op.getAxes()[i]] = position;
    Value result = sample(i + 1);
    place = std::move(before);
    return result;
  }

  KernelBuilder &kernel;
  ResizeOp op;
  PlaceBuilder at;
  SmallVector<Value> place;
  SmallVector<Value> outside;
  Type elementType;
  /// In which places are computed. Which element is the nearest to a place in
  /// the middle depends on rounding: single precision picks the one that
  /// exporters and other runtimes pick. Double does not cost accuracy where
  /// elements are interpolated.
  Type real;
};
} // namespace

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

Value Resizer::nearest(size_t i, Value x, Value size) {
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
  return sampleAt(i, kernel.clampIndex(at.toIndex(rounded), size));
}

Value Resizer::weighted(size_t i, Value base, ArrayRef<Value> weights,
                        Value size) {
  Type compute = getComputeType(elementType);
  Value sum, total;
  for (auto [tap, weight] : llvm::enumerate(weights)) {
    Value position = kernel.add(base, kernel.index(tap));
    Value scaled = weight;
    if (op.getExcludeOutside())
      scaled =
          at.select(isInside(kernel, position, size), weight, at.zero(weight));
    total = total ? at.add(total, scaled) : scaled;
    Value term = at.mul(at.convert(scaled, compute),
                        sampleAt(i, kernel.clampIndex(position, size)));
    sum = sum ? at.add(sum, term) : term;
  }
  return op.getExcludeOutside() ? at.div(sum, at.convert(total, compute)) : sum;
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

Value Resizer::sample(size_t i) {
  if (i == op.getAxes().size())
    return kernel.load(op.getOperand(), place);
  int64_t axis = op.getAxes()[i];
  Value index = place[axis];
  Value size = kernel.size(op.getOperand(), axis);
  if (auto block = blockSize(i))
    return sampleAt(
        i, kernel.clampIndex(kernel.div(index, kernel.index(*block)), size));
  Value newSize = kernel.size(op.getResult(), axis);
  Value scale = scaleOf(i, size, newSize);
  Value x = placeOf(i, index, scale, size, newSize);
  if (op.getMode() == SampleMode::Nearest)
    return nearest(i, x, size);
  if (op.getAntialias())
    return antialiased(i, x, scale, size);
  Value floor = at.floor(x);
  Value t = at.sub(x, floor), base = at.toIndex(floor);
  if (op.getMode() == SampleMode::Linear) {
    // At and behind the edges both taps are one element, whose halves make it
    // whole again; other weights may miss it, and make NaN of infinity.
    Value last = at.sub(at.fromIndex(size, real), at.real(1, real));
    Value half = at.real(0.5, real);
    t = at.select(at.compare(Float::OLT, x, at.zero(x)), half, t);
    t = at.select(at.compare(Float::OGE, x, last), half, t);
    return weighted(i, base, {at.sub(at.real(1, real), t), t}, size);
  }
  return weighted(
      i, kernel.sub(base, kernel.index(1)),
      cubicWeights(at, t, op.getCubicCoefficient().convertToDouble()), size);
}

static Value resizeElement(KernelBuilder &kernel, OpResult result,
                           ValueRange indices) {
  auto op = cast<ResizeOp>(result.getOwner());
  return Resizer(kernel, op, indices).element();
}

//===----------------------------------------------------------------------===//
// GridSample
//===----------------------------------------------------------------------===//

namespace {
/// One sample of an image, one spatial dimension after the other.
class GridSampler {
public:
  GridSampler(KernelBuilder &kernel, GridSampleOp op, ValueRange indices)
      : kernel(kernel), op(op), at(kernel),
        place(indices.begin(), indices.begin() + 2), indices(indices),
        real(getComputeType(elementTypeOf(op.getGrid()))) {}

  Value sample(int64_t dimension);

private:
  /// Where the grid points along a dimension, in elements.
  Value placeAlong(int64_t dimension, Value size);
  /// Mirrors a place into [low, high].
  Value reflect(Value x, Value low, Value high);
  /// The image at a whole position, which may lie outside.
  Value tap(int64_t dimension, Value position, Value size);

  KernelBuilder &kernel;
  GridSampleOp op;
  PlaceBuilder at;
  SmallVector<Value> place;
  ValueRange indices;
  /// Whether all taps so far are inside, where it matters.
  Value inside;
  Type real;
};
} // namespace

Value GridSampler::reflect(Value x, Value low, Value high) {
  Value range = at.sub(high, low);
  Value zero = at.zero(x);
  // A range of nothing has only one place.
  Value isEmpty = at.compare(Float::OLE, range, zero);
  Value safe = at.select(isEmpty, at.constant(x, 1), range);
  Value distance = at.make<math::AbsFOp>(at.sub(x, low));
  Value times = at.floor(at.div(distance, safe));
  Value rest = at.sub(distance, at.mul(times, safe));
  Value halved = at.mul(times, at.constant(x, 0.5));
  Value isEven = at.compare(Float::OEQ, at.floor(halved), halved);
  Value mirrored = at.select(isEven, at.add(low, rest), at.sub(high, rest));
  return at.select(isEmpty, low, mirrored);
}

Value GridSampler::placeAlong(int64_t dimension, Value size) {
  int64_t spatial = op.getType().getRank() - 2;
  SmallVector<Value> gridPlace{
      kernel.clampIndex(indices[0], kernel.size(op.getGrid(), 0))};
  llvm::append_range(gridPlace, indices.drop_front(2));
  gridPlace.push_back(kernel.index(spatial - 1 - dimension));
  Value g = kernel.load(op.getGrid(), gridPlace);
  Value length = at.fromIndex(size, real);
  Value one = at.real(1, real), half = at.real(0.5, real);
  Value last = at.sub(length, one);
  bool align = op.getAlignCorners();
  Value x = align ? at.mul(at.mul(at.add(g, one), half), last)
                  : at.mul(at.sub(at.mul(at.add(g, one), length), one), half);
  if (op.getMode() == SampleMode::Nearest)
    x = at.make<math::RoundEvenOp>(x);
  if (op.getBorder() == GridBorder::Zeros)
    return x;
  Value low = at.real(align ? 0 : -0.5, real);
  Value high = align ? last : at.sub(length, half);
  Value isOutside = arith::OrIOp::create(kernel.builder, kernel.loc,
                                         at.compare(Float::OLT, x, low),
                                         at.compare(Float::OGT, x, high));
  Value corrected = op.getBorder() == GridBorder::Edge
                        ? at.min(at.max(x, at.zero(x)), last)
                        : reflect(x, low, high);
  return at.select(isOutside, corrected, x);
}

Value GridSampler::tap(int64_t dimension, Value position, Value size) {
  Value outer = inside;
  if (op.getBorder() == GridBorder::Zeros) {
    inside = both(kernel, inside, isInside(kernel, position, size));
  } else if (op.getBorder() == GridBorder::Reflection) {
    bool align = op.getAlignCorners();
    Value length = at.fromIndex(size, real);
    Value low = at.real(align ? 0 : -0.5, real);
    Value high = at.sub(length, at.real(align ? 1 : 0.5, real));
    Value x = at.fromIndex(position, real);
    Value reflected = at.toIndex(reflect(x, low, high));
    position =
        select(kernel, isInside(kernel, position, size), position, reflected);
  }
  place.push_back(kernel.clampIndex(position, size));
  Value result = sample(dimension + 1);
  place.pop_back();
  inside = outer;
  return result;
}

Value GridSampler::sample(int64_t dimension) {
  int64_t rank = op.getType().getRank();
  if (dimension + 2 == rank) {
    Value element = kernel.load(op.getOperand(), place);
    return inside ? at.select(inside, element, at.zero(element)) : element;
  }
  Value size = kernel.size(op.getOperand(), dimension + 2);
  Value x = placeAlong(dimension, size);
  if (op.getMode() == SampleMode::Nearest)
    return tap(dimension, at.toIndex(x), size);
  Value floor = at.floor(x);
  Value t = at.sub(x, floor), base = at.toIndex(floor);
  SmallVector<Value> weights{at.sub(at.constant(t, 1), t), t};
  if (op.getMode() == SampleMode::Cubic) {
    weights = cubicWeights(at, t, -0.75);
    base = kernel.sub(base, kernel.index(1));
  }
  Type compute = getComputeType(elementTypeOf(op.getOperand()));
  Value sum;
  for (auto [i, weight] : llvm::enumerate(weights)) {
    Value term =
        at.mul(at.convert(weight, compute),
               tap(dimension, kernel.add(base, kernel.index(i)), size));
    sum = sum ? at.add(sum, term) : term;
  }
  return sum;
}

static Value gridSampleElement(KernelBuilder &kernel, OpResult result,
                               ValueRange indices) {
  auto op = cast<GridSampleOp>(result.getOwner());
  // An image without elements has nothing to sample.
  Value filled;
  for (int64_t i = 2, rank = op.getType().getRank(); i < rank; ++i)
    if (int64_t size = shapeOf(op.getOperand())[i];
        ShapedType::isDynamic(size) || size == 0)
      filled = both(kernel, filled,
                    compare(kernel, arith::CmpIPredicate::sgt,
                            kernel.size(op.getOperand(), i), kernel.index(0)));
  auto sample = [&] { return GridSampler(kernel, op, indices).sample(0); };
  if (!filled)
    return sample();
  kernel.check(filled, "an empty image cannot be sampled");
  Type elementType = elementTypeOf(op.getOperand());
  return kernel.choose(
      filled, getComputeType(elementType),
      [&] { return SmallVector<Value>{sample()}; },
      [&] { return SmallVector<Value>{kernel.number(elementType, 0)}; })[0];
}

void sluice::registerResamplingEmitters(EmitterRegistry &registry) {
  registry.addElement<GridSampleOp>(gridSampleElement);
  registry.addElement<ResizeOp>(resizeElement);
}
