//===- RoiAlign.cpp - Samples of regions of an image ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Math/IR/Math.h"
#include "sluice/Codegen/Elements/FlatAccess.h"

using namespace mlir;
using namespace sluice;
using Float = arith::CmpFPredicate;
using Integer = arith::CmpIPredicate;

namespace {
/// A sample between two elements along one axis.
struct AxisSample {
  Value low, high; ///< positions
  Value lowWeight, highWeight;
  Value outside;
};

/// One region's bin of the result.
class RegionSampler {
public:
  RegionSampler(KernelBuilder &kernel, RoiAlignOp op, ValueRange indices)
      : kernel(kernel), op(op), body{kernel.builder, kernel.loc},
        indices(indices), type(getComputeType(elementTypeOf(op.getOperand()))) {
  }

  Value element();

private:
  struct Axis {
    Value start, binSize;
    Value samples; ///< of each bin
    /// Samples that may lie on the image; the others are all outside.
    Value first, count;
  };
  Axis readAxis(unsigned which);
  void boundSamples(Axis &axis, unsigned which);
  AxisSample sampleAlong(const Axis &axis, unsigned which, Value number);
  Value real(double number) {
    return arith::ConstantOp::create(
        kernel.builder, kernel.loc,
        kernel.builder.getFloatAttr(cast<FloatType>(type), number));
  }
  Value fromIndex(Value index) {
    return arith::SIToFPOp::create(
        kernel.builder, kernel.loc, type,
        kernel.fromIndex(index, kernel.builder.getI64Type()));
  }
  /// Rounds down; NaN becomes zero.
  Value toIndex(Value number) {
    number = minimum(maximum(number, real(0)), real(1e9));
    Value integer = arith::FPToSIOp::create(
        kernel.builder, kernel.loc, kernel.builder.getI64Type(), number);
    return arith::IndexCastOp::create(kernel.builder, kernel.loc,
                                      kernel.builder.getIndexType(), integer);
  }
  /// The second where the first is NaN.
  Value maximum(Value a, Value b) {
    return body.select(body.compare(Float::OGT, a, b), a, b);
  }
  Value minimum(Value a, Value b) {
    return body.select(body.compare(Float::OLT, a, b), a, b);
  }

  KernelBuilder &kernel;
  RoiAlignOp op;
  BodyBuilder body;
  ValueRange indices;
  Type type;
};
} // namespace

/// `which` is 0 for the rows and 1 for the columns of an image.
RegionSampler::Axis RegionSampler::readAxis(unsigned which) {
  int64_t bins = which == 0 ? op.getHeight() : op.getWidth();
  auto corner = [&](int64_t column) {
    Value place = kernel.load(op.getRois(), {indices[0], kernel.index(column)});
    Value scaled =
        body.mul(place, real(op.getSpatialScale().convertToDouble()));
    return op.getHalfPixel() ? body.sub(scaled, real(0.5)) : scaled;
  };
  Axis axis;
  axis.start = corner(1 - which);
  Value length = body.sub(corner(3 - which), axis.start);
  // Without the half pixel, regions have at least the size of one.
  if (!op.getHalfPixel())
    length = maximum(length, real(1));
  axis.binSize = body.div(length, real(bins));
  axis.samples = op.getSamplingRatio() > 0
                     ? kernel.index(op.getSamplingRatio())
                     : toIndex(body.make<math::CeilOp>(axis.binSize));
  boundSamples(axis, which);
  return axis;
}

/// Regions come from data and may be as large as they like, with a sample for
/// every pixel they would cover. Those on the image are few: sample n is at
/// start + (bin + (n + 0.5) / samples) * binSize, which -1 and the image's size
/// bound. One more on each side, and as much as rounding may take away.
void RegionSampler::boundSamples(Axis &axis, unsigned which) {
  axis.first = kernel.index(0);
  axis.count = axis.samples;
  if (op.getSamplingRatio() > 0)
    return;
  Value base = body.add(axis.start,
                        body.mul(fromIndex(indices[2 + which]), axis.binSize));
  Value density = body.div(fromIndex(axis.samples), axis.binSize);
  auto place = [&](Value x) {
    return body.sub(body.mul(body.sub(x, base), density), real(0.5));
  };
  auto margin = [&](Value number) {
    Value relative = body.mul(body.make<math::AbsFOp>(number), real(1e-6));
    return body.add(relative, real(2));
  };
  Value low = place(real(-1));
  Value high = place(fromIndex(kernel.size(op.getOperand(), 2 + which)));
  auto limit = [&](Value number) {
    return arith::MinSIOp::create(kernel.builder, kernel.loc, toIndex(number),
                                  axis.samples);
  };
  axis.first = limit(body.sub(low, margin(low)));
  axis.count = kernel.sub(limit(body.add(high, margin(high))), axis.first);
}

AxisSample RegionSampler::sampleAlong(const Axis &axis, unsigned which,
                                      Value number) {
  Value size = kernel.size(op.getOperand(), 2 + which);
  Value length = fromIndex(size);
  Value bin = fromIndex(indices[2 + which]);
  Value offset =
      body.div(body.mul(body.add(fromIndex(number), real(0.5)), axis.binSize),
               fromIndex(axis.samples));
  Value x = body.add(body.add(axis.start, body.mul(bin, axis.binSize)), offset);
  AxisSample sample;
  // NaN is outside as well.
  Value isInside = both(kernel, body.compare(Float::OGE, x, real(-1)),
                        body.compare(Float::OLE, x, length));
  sample.outside = arith::XOrIOp::create(
      kernel.builder, kernel.loc, isInside,
      arith::ConstantIntOp::create(kernel.builder, kernel.loc, 1, 1));
  x = maximum(x, real(0));
  Value low = toIndex(x), last = kernel.sub(size, kernel.index(1));
  Value isLast = compare(kernel, Integer::sge, low, last);
  sample.low = kernel.clampIndex(low, size);
  sample.high = kernel.clampIndex(kernel.add(low, kernel.index(1)), size);
  sample.highWeight = body.select(isLast, real(0), body.sub(x, fromIndex(low)));
  sample.lowWeight = body.sub(real(1), sample.highWeight);
  return sample;
}

Value RegionSampler::element() {
  Value images = kernel.size(op.getOperand(), 0);
  Value image =
      loadIndex(kernel, op.getBatches(),
                kernel.clampIndex(indices[0], kernel.size(op.getBatches(), 0)));
  Value inside = isInside(kernel, image, images);
  kernel.check(inside, indexMessage);
  // Without elements there is nothing to sample.
  for (int64_t i : {2, 3})
    inside = both(kernel, inside,
                  compare(kernel, Integer::sgt, kernel.size(op.getOperand(), i),
                          kernel.index(0)));
  Axis rows = readAxis(0), columns = readAxis(1);
  Value total = body.mul(fromIndex(rows.samples), fromIndex(columns.samples));
  Value near = kernel.mul(rows.count, columns.count);
  Value isEmpty = either(kernel, body.compare(Float::OEQ, total, real(0)),
                         negation(kernel, inside));
  // A sample outside of the image counts as zero.
  Value hasFar =
      either(kernel, compare(kernel, Integer::ne, rows.count, rows.samples),
             compare(kernel, Integer::ne, columns.count, columns.samples));
  Value start = real(0);
  if (op.getMaximum())
    start = select(kernel, hasFar, start,
                   kernel.extreme(elementTypeOf(op.getOperand()), false));
  near = select(kernel, inside, near, kernel.index(0));
  Value result = kernel.loop(near, start, [&](Value at, ValueRange running) {
    auto number = [&](const Axis &axis, Value step) {
      return kernel.add(axis.first, step);
    };
    AxisSample y =
        sampleAlong(rows, 0, number(rows, kernel.div(at, columns.count)));
    AxisSample x =
        sampleAlong(columns, 1, number(columns, kernel.rem(at, columns.count)));
    Value outside =
        arith::OrIOp::create(kernel.builder, kernel.loc, y.outside, x.outside);
    Value combined = running[0];
    for (auto [row, rowWeight] :
         {std::pair(y.low, y.lowWeight), std::pair(y.high, y.highWeight)})
      for (auto [column, columnWeight] :
           {std::pair(x.low, x.lowWeight), std::pair(x.high, x.highWeight)}) {
        Value element =
            kernel.load(op.getOperand(), {image, indices[1], row, column});
        Value weight = body.mul(rowWeight, columnWeight);
        Value term = body.mul(element, weight);
        term = body.select(outside, real(0), term);
        combined = op.getMaximum() ? body.maximumOrNan(term, combined)
                                   : body.add(combined, term);
      }
    return SmallVector<Value>{combined};
  })[0];
  if (op.getMaximum())
    return body.select(isEmpty, real(0), result);
  return body.div(result, body.select(isEmpty, real(1), total));
}

static Value roiAlignElement(KernelBuilder &kernel, OpResult result,
                             ValueRange indices) {
  auto op = cast<RoiAlignOp>(result.getOwner());
  return RegionSampler(kernel, op, indices).element();
}

void sluice::registerRoiAlignEmitters(EmitterRegistry &registry) {
  registry.addElement<RoiAlignOp>(roiAlignElement);
}
