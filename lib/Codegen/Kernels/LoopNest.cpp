//===- LoopNest.cpp - Nests of loops over indices -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LoopNest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sluice;

SmallVector<Value> sluice::loopNest(
    KernelBuilder &kernel, ValueRange counts, ValueRange initial,
    llvm::function_ref<SmallVector<Value>(ValueRange, ValueRange)> body) {
  SmallVector<Value> indices;
  std::function<SmallVector<Value>(ValueRange)> level =
      [&](ValueRange running) -> SmallVector<Value> {
    if (indices.size() == counts.size())
      return body(indices, running);
    return kernel.loop(counts[indices.size()], running,
                       [&](Value index, ValueRange inner) {
                         indices.push_back(index);
                         SmallVector<Value> next = level(inner);
                         indices.pop_back();
                         return next;
                       });
  };
  return level(initial);
}

void sluice::parallelNest(KernelBuilder &kernel, ValueRange extents,
                          double cost, KernelBuilder::IndexBody body) {
  if (extents.empty()) {
    body({});
    return;
  }
  kernel.parallel(kernel.product(extents), cost, [&](Value flat) {
    SmallVector<Value> indices(extents.size());
    for (size_t i = extents.size(); i-- > 1;) {
      indices[i] = kernel.rem(flat, extents[i]);
      flat = kernel.div(flat, extents[i]);
    }
    indices[0] = flat;
    body(indices);
  });
}

static Value maximum(KernelBuilder &kernel, Value a, Value b) {
  return kernel.builder.createOrFold<arith::MaxSIOp>(kernel.loc, a, b);
}

static Value minimum(KernelBuilder &kernel, Value a, Value b) {
  return kernel.builder.createOrFold<arith::MinSIOp>(kernel.loc, a, b);
}

/// Where the first tap of a window is.
static Value windowStart(KernelBuilder &kernel, const WindowAxis &axis,
                         Value place) {
  return kernel.sub(kernel.mul(place, kernel.index(axis.stride)),
                    kernel.index(axis.padBegin));
}

/// max(0, distance) / dilation, rounded up.
static Value tapsIn(KernelBuilder &kernel, const WindowAxis &axis,
                    Value distance) {
  Value clamped = maximum(kernel, distance, kernel.index(0));
  return kernel.div(kernel.add(clamped, kernel.index(axis.dilation - 1)),
                    kernel.index(axis.dilation));
}

Value sluice::tapsBefore(KernelBuilder &kernel, const WindowAxis &axis,
                         Value place, Value limit) {
  Value start = windowStart(kernel, axis, place);
  return minimum(kernel, axis.kernel,
                 tapsIn(kernel, axis, kernel.sub(limit, start)));
}

WindowTaps sluice::insideTaps(KernelBuilder &kernel, const WindowAxis &axis,
                              Value place) {
  Value start = windowStart(kernel, axis, place);
  WindowTaps taps;
  taps.first =
      minimum(kernel, axis.kernel,
              tapsIn(kernel, axis, kernel.sub(kernel.index(0), start)));
  Value end = minimum(kernel, axis.kernel,
                      tapsIn(kernel, axis, kernel.sub(axis.size, start)));
  taps.count = maximum(kernel, kernel.sub(end, taps.first), kernel.index(0));
  taps.start =
      kernel.add(start, kernel.mul(taps.first, kernel.index(axis.dilation)));
  return taps;
}

Value WindowTaps::position(KernelBuilder &kernel, const WindowAxis &axis,
                           Value i) const {
  return kernel.add(start, kernel.mul(i, kernel.index(axis.dilation)));
}
