//===- LoopNest.cpp - Nests of loops over indices -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/LoopNest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

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

/// Joins each value of a part to its sum.
static SmallVector<Value> joinAll(ValueRange sums, ValueRange parts,
                                  Join join) {
  SmallVector<Value> joined;
  for (auto [sum, part] : llvm::zip_equal(sums, parts))
    joined.push_back(join(sum, part));
  return joined;
}

static Value minimum(KernelBuilder &kernel, Value a, Value b) {
  return kernel.builder.createOrFold<arith::MinSIOp>(kernel.loc, a, b);
}

/// `count` terms from `begin` on, in parts of at most `size` terms.
static SmallVector<Value> sumRange(KernelBuilder &kernel, Value begin,
                                   Value count, int64_t size,
                                   ValueRange neutral, Terms terms, Join join) {
  if (size == 1)
    return kernel.loop(count, neutral, [&](Value i, ValueRange running) {
      return terms(kernel.add(begin, i), running);
    });
  Value width = kernel.index(size);
  Value parts = kernel.div(kernel.add(count, kernel.index(size - 1)), width);
  return kernel.loop(parts, neutral, [&](Value i, ValueRange running) {
    Value done = kernel.mul(i, width);
    Value rest = minimum(kernel, kernel.sub(count, done), width);
    SmallVector<Value> part =
        sumRange(kernel, kernel.add(begin, done), rest, size / termsOfPart,
                 neutral, terms, join);
    return joinAll(running, part, join);
  });
}

SmallVector<Value> sluice::sumLoop(KernelBuilder &kernel, Value count,
                                   ValueRange neutral, Terms terms, Join join,
                                   int64_t limit) {
  // The outermost loop has no limit: with unknown counts it comes to more than
  // `termsOfPart` parts from 17 million terms on.
  constexpr int64_t largest = termsOfPart * termsOfPart * termsOfPart;
  limit = getConstantIntValue(count).value_or(limit);
  int64_t size = 1;
  while (size < largest &&
         (ShapedType::isDynamic(limit) || limit > size * termsOfPart))
    size *= termsOfPart;
  return sumRange(kernel, kernel.index(0), count, size, neutral, terms, join);
}

/// Whether there are at most `termsOfPart` places for sure.
static bool isOnePart(ArrayRef<int64_t> limits) {
  int64_t places = 1;
  for (int64_t limit : limits) {
    if (ShapedType::isDynamic(limit) || limit > termsOfPart)
      return false;
    places *= std::max<int64_t>(limit, 1);
    if (places > termsOfPart)
      return false;
  }
  return true;
}

SmallVector<Value> sluice::sumNest(KernelBuilder &kernel, ValueRange counts,
                                   ValueRange neutral, NestTerms terms,
                                   Join join, ArrayRef<int64_t> limits) {
  SmallVector<int64_t> known(limits);
  known.resize(counts.size(), ShapedType::kDynamic);
  for (auto [limit, count] : llvm::zip_equal(known, counts))
    limit = getConstantIntValue(count).value_or(limit);
  if (isOnePart(known))
    return loopNest(kernel, counts, neutral, terms);
  SmallVector<Value> indices;
  std::function<SmallVector<Value>()> level = [&]() {
    size_t dimension = indices.size();
    bool isLast = dimension + 1 == counts.size();
    return sumLoop(
        kernel, counts[dimension], neutral,
        [&](Value index, ValueRange running) {
          indices.push_back(index);
          SmallVector<Value> next = isLast ? terms(indices, running)
                                           : joinAll(running, level(), join);
          indices.pop_back();
          return next;
        },
        join, known[dimension]);
  };
  return level();
}

void sluice::parallelNest(KernelBuilder &kernel, ValueRange extents, Cost each,
                          KernelBuilder::IndexBody body) {
  if (extents.empty()) {
    body({});
    return;
  }
  kernel.parallel(kernel.product(extents), each, [&](Value flat) {
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
