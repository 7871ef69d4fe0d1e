//===- ResamplingKernels.cpp - Elements between elements ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/Resizer.h"

using namespace mlir;
using namespace sluice;
using Float = arith::CmpFPredicate;

SmallVector<Value> sluice::cubicWeights(PlaceBuilder &at, Value t, double a) {
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
