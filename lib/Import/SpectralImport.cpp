//===- SpectralImport.cpp - DFT, STFT, MelWeightMatrix --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Signals are brought to the layout of `sluice.fourier_transform`: [n, parts,
// batch]. Lengths that it cannot split become others that it can.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

/// The signal's first dimension with zeros behind it, or cut, to a length.
static Value fitLength(Composition &ops, Value signal, Value length) {
  if (ops.failed())
    return nullptr;
  Value none = ops.node.constantVector(0);
  Value widths =
      ops.concat({ops.sub(length, ops.size(signal, 0)), none, none}, 0);
  if (ops.failed())
    return nullptr;
  return ops.unwrap(padEnd(ops.node, signal, ops.number(signal, 0), widths));
}

namespace {

/// Builds transforms along the first dimension of [n, parts, batch].
class FourierBuilder {
public:
  explicit FourierBuilder(Composition &ops) : ops(ops), node(ops.node) {}

  /// The transform of [n, parts, batch]: [n, 2, batch], or the first n / 2 + 1
  /// numbers of it.
  Value transform(Value x, bool inverse, bool onesided);
  /// The real signal [n, 1, batch] that the numbers [n / 2 + 1, 2, batch] of
  /// its one-sided transform belong to; `length` is n as one element.
  Value inverseOfOnesided(Value y, Value length);

private:
  Value transformDirectly(Value x, ArrayRef<int64_t> radices, bool inverse,
                          bool onesided);
  Value transformInTwoSteps(Value x, int64_t first, bool inverse);
  Value transformByConvolution(Value x, bool inverse);

  /// exp(sign pi i phase / divisor) as [..., 2] for integer phases.
  Value roots(Value phases, Value divisor, double sign, Type elementType);
  /// The same for [n, 1, 1] phases, as [n, 2, 1].
  Value rootParts(Value phases, Value divisor, double sign, Type elementType);
  /// The products of numbers in [n, 2, ...].
  Value multiply(Value a, Value b);
  Value number(int64_t value) {
    return node.scalar(node.builder.getI64Type(), static_cast<double>(value));
  }
  /// 0, 1, ... count - 1; the count is one element.
  Value iota(Value count) {
    return ops.make<RangeOp>({number(0), ops.reshape(count, {}), number(1)});
  }
  int64_t lengthOf(Value x) { return shapeOf(x)[0]; }

  Composition &ops;
  NodeContext &node;
};

} // namespace

/// A factor of n near its square root whose quotient is split as well.
static std::optional<int64_t> middleFactor(ArrayRef<int64_t> radices) {
  int64_t n = 1;
  for (int64_t radix : radices)
    n *= radix;
  int64_t factor = 1;
  for (int64_t radix : radices)
    if (factor * radix * factor * radix <= n)
      factor *= radix;
  if (factor == 1 || factor == n)
    return std::nullopt;
  return factor;
}

Value FourierBuilder::roots(Value phases, Value divisor, double sign,
                            Type elementType) {
  // In f64: a phase of n may be many times 2 pi.
  Type wide = node.builder.getF64Type();
  Value scale =
      ops.div(node.scalar(wide, sign * M_PI), ops.cast(divisor, wide));
  Value angles = ops.mul(ops.cast(phases, wide), scale);
  Value real = ops.cast(ops.make<CosOp>(angles), elementType);
  Value imaginary = ops.cast(ops.make<SinOp>(angles), elementType);
  if (ops.failed())
    return nullptr;
  int64_t rank = node.rank(real);
  return ops.concat({ops.unsqueeze(real, rank), ops.unsqueeze(imaginary, rank)},
                    rank);
}

Value FourierBuilder::rootParts(Value phases, Value divisor, double sign,
                                Type elementType) {
  return ops.unsqueeze(roots(phases, divisor, sign, elementType), {2});
}

Value FourierBuilder::multiply(Value a, Value b) {
  if (ops.failed())
    return nullptr;
  Value aReal = ops.slice(a, 1, 0, 1), aImaginary = ops.slice(a, 1, 1, 2);
  Value bReal = ops.slice(b, 1, 0, 1), bImaginary = ops.slice(b, 1, 1, 2);
  Value real = ops.sub(ops.mul(aReal, bReal), ops.mul(aImaginary, bImaginary));
  Value imaginary =
      ops.add(ops.mul(aReal, bImaginary), ops.mul(aImaginary, bReal));
  return ops.concat({real, imaginary}, 1);
}

Value FourierBuilder::transformDirectly(Value x, ArrayRef<int64_t> radices,
                                        bool inverse, bool onesided) {
  if (ops.failed())
    return nullptr;
  Value length = ops.size(x, 0);
  // exp(-2 pi i k / n) is exp(-pi i 2k / n).
  Value phases = ops.mul(iota(length), number(2));
  Value table = roots(phases, length, -1, elementTypeOf(x));
  SmallVector<NamedAttribute> attributes = {node.ints("radices", radices)};
  if (inverse)
    attributes.push_back(node.flag("inverse"));
  if (onesided)
    attributes.push_back(node.flag("onesided"));
  return ops.make<FourierTransformOp>({x, table}, attributes);
}

/// Bailey's four-step transform: columns, a turn of each number, rows. What
/// was one long transform is a batch of short ones then. ("FFTs in external or
/// hierarchical memory", 1990.)
Value FourierBuilder::transformInTwoSteps(Value x, int64_t first,
                                          bool inverse) {
  int64_t n = lengthOf(x), second = n / first, parts = shapeOf(x)[1];
  Type elementType = elementTypeOf(x);
  Value batch = ops.size(x, 2);
  auto sizes = [&](std::initializer_list<int64_t> numbers) {
    SmallVector<Value> vectors;
    for (int64_t size : numbers)
      vectors.push_back(size < 0 ? batch : node.constantVector(size));
    return vectors;
  };
  // x[second * k1 + k2] as columns k1 of a batch of k2.
  Value split = ops.reshapeTo(x, sizes({first, second, parts, -1}));
  split = ops.transpose(split, {0, 2, 1, 3});
  Value columns = transform(ops.reshape(split, {first, parts, -1}), inverse,
                            /*onesided=*/false);
  columns = ops.reshapeTo(columns, sizes({first, 2, second, -1}));
  if (ops.failed())
    return nullptr;
  Value j = ops.reshape(iota(node.constantVector(first)), {first, 1});
  Value k = ops.reshape(iota(node.constantVector(second)), {1, second});
  Value phases = ops.mul(ops.mul(j, k), number(2));
  Value turns = roots(phases, number(n), inverse ? 1 : -1, elementType);
  turns = ops.unsqueeze(ops.transpose(turns, {0, 2, 1}), {3});
  Value rows = ops.transpose(multiply(columns, turns), {2, 1, 0, 3});
  rows = transform(ops.reshape(rows, {second, 2, -1}), inverse,
                   /*onesided=*/false);
  rows = ops.reshapeTo(rows, sizes({second, 2, first, -1}));
  Value result = ops.transpose(rows, {0, 2, 1, 3});
  return ops.reshapeTo(result, sizes({n, 2, -1}));
}

/// Any length by a convolution whose length is a product of small factors
/// (L. Bluestein, "A linear filtering approach to the computation of discrete
/// Fourier transform", 1970): j k = (j^2 + k^2 - (k - j)^2) / 2.
Value FourierBuilder::transformByConvolution(Value x, bool inverse) {
  Type elementType = elementTypeOf(x);
  Value length = ops.size(x, 0);
  int64_t n = lengthOf(x);
  Value longer;
  if (ShapedType::isDynamic(n)) {
    // The power of two that is not less than 2n - 1: all bits of 2n - 2, and
    // one more.
    longer = ops.mul(ops.sub(length, number(1)), number(2));
    for (int64_t shift = 1; shift < 64; shift *= 2)
      longer = ops.make<OrOp>(
          {longer, ops.make<ShiftRightOp>({longer, number(shift)})});
    longer = ops.add(longer, number(1));
  } else {
    int64_t size = 2 * n - 1;
    while (!FourierTransformOp::factorise(size))
      ++size;
    longer = node.constantVector(size);
  }
  double sign = inverse ? 1 : -1;
  // j^2 modulo 2n, exactly: turns by 2 pi make no difference.
  Value period = ops.mul(length, number(2));
  auto squares = [&](Value numbers) {
    return ops.make<ModOp>({ops.mul(numbers, numbers), period});
  };
  Value chirp = rootParts(squares(iota(length)), length, sign, elementType);
  // The filter, conj(chirp)[|j|], around zero: j or longer - j.
  Value places = iota(longer);
  Value distance =
      ops.make<MinOp>({places, ops.sub(ops.reshape(longer, {}), places)});
  Value isInside = ops.make<LessOp>({distance, length});
  Value filter = rootParts(squares(distance), length, -sign, elementType);
  if (ops.failed())
    return nullptr;
  Value mask = ops.unsqueeze(isInside, {1, 2});
  filter = ops.select(mask, filter, ops.number(filter, 0));

  Value signal = shapeOf(x)[1] == 2 ? multiply(x, chirp) : ops.mul(x, chirp);
  signal = fitLength(ops, signal, longer);
  auto split = [&](Value numbers, bool back) {
    if (ShapedType::isDynamic(n))
      return transformDirectly(numbers, {}, back, /*onesided=*/false);
    return transform(numbers, back, /*onesided=*/false);
  };
  Value product = multiply(split(signal, false), split(filter, false));
  Value convolved = split(product, true);
  if (ops.failed())
    return nullptr;
  convolved =
      ops.unwrap(sliceAxis(node, convolved, 0, node.constantVector(0), length));
  Value result = multiply(convolved, chirp);
  if (inverse)
    result = ops.div(result, ops.cast(ops.reshape(length, {}), elementType));
  return result;
}

Value FourierBuilder::transform(Value x, bool inverse, bool onesided) {
  if (ops.failed())
    return nullptr;
  ArrayRef<int64_t> shape = shapeOf(x);
  int64_t n = shape[0], batch = shape[2];
  bool isKnown = !ShapedType::isDynamic(n);
  if (isKnown && n < 1)
    return ops.fail(node.invalid("there is nothing to transform"));
  std::optional<SmallVector<int64_t>> radices;
  if (isKnown)
    radices = FourierTransformOp::factorise(n);
  if (radices) {
    // Numbers of one block of the batch should stay in the caches, and the
    // batch should fill vectors.
    constexpr int64_t longest = 4096, shortest = 64, filledBatch = 8;
    bool isWide = ShapedType::isDynamic(batch) || batch >= filledBatch;
    auto first = middleFactor(*radices);
    if (!first || n < shortest || (isWide && n <= longest))
      return transformDirectly(x, *radices, inverse, onesided);
    Value result = transformInTwoSteps(x, *first, inverse);
    return onesided ? ops.slice(result, 0, 0, n / 2 + 1) : result;
  }
  Value result = transformByConvolution(x, inverse);
  if (!onesided || ops.failed())
    return result;
  Value bins = ops.add(ops.div(ops.size(x, 0), number(2)), number(1));
  if (ops.failed())
    return nullptr;
  return ops.unwrap(sliceAxis(node, result, 0, node.constantVector(0), bins));
}

Value FourierBuilder::inverseOfOnesided(Value y, Value length) {
  Value one = node.constantVector(1);
  Value bins = ops.add(ops.div(length, number(2)), number(1));
  y = fitLength(ops, y, bins);
  // What is not there mirrors what is: n - bins numbers from 1 on, conjugate,
  // the last one first.
  Value others = ops.sub(length, ops.sub(bins, one));
  if (ops.failed())
    return nullptr;
  Value mirrored = ops.unwrap(sliceAxis(node, y, 0, one, others));
  mirrored = ops.slice(mirrored, 0, -1, INT64_MIN, -1);
  if (ops.failed())
    return nullptr;
  Value real = ops.slice(mirrored, 1, 0, 1);
  Value imaginary = ops.make<NegOp>(ops.slice(mirrored, 1, 1, 2));
  Value whole = ops.concat({y, ops.concat({real, imaginary}, 1)}, 0);
  Value result = transform(whole, /*inverse=*/true, /*onesided=*/false);
  return ops.slice(result, 1, 0, 1);
}

namespace {
/// What a transform can read: its numbers must be real or complex, or may be
/// either.
enum class Numbers { Any, Real, Complex };
} // namespace

/// The node's first input with one part (real numbers) or two (complex ones) in
/// its last dimension. Where only a run tells them apart, all numbers are taken
/// for complex ones; a run that has the wrong ones fails.
static ExpectedValue readSignal(NodeContext &node, Numbers needed) {
  Value signal = node.input(0);
  if (!isa<FloatType>(elementTypeOf(signal)))
    return node.invalid("the input must have floating-point elements");
  int64_t parts = shapeOf(signal).back(), last = node.rank(signal) - 1;
  if (!ShapedType::isDynamic(parts)) {
    if (parts != 1 && parts != 2)
      return node.invalid("the last dimension must have one part (real) or two "
                          "(complex numbers)");
    if (parts == 2 && needed == Numbers::Real)
      return node.invalid("a one-sided transform takes real numbers");
    if (parts == 1 && needed == Numbers::Complex)
      return node.invalid("the inverse of a one-sided transform takes complex "
                          "numbers");
    return signal;
  }
  Composition ops(node);
  if (needed != Numbers::Any) {
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < last; ++i)
      sizes.push_back(ops.size(signal, i));
    sizes.push_back(node.constantVector(needed == Numbers::Real ? 1 : 2));
    return ops.finishValue(ops.reshapeTo(signal, sizes));
  }
  // One part becomes two equal ones; the second of these does not count.
  Value both = ops.make<BroadcastOp>({signal, node.constantVector(2)});
  Value isThere =
      ops.make<LessOp>({node.constantVector({0, 1}), ops.size(signal, last)});
  return ops.finishValue(ops.select(isThere, both, ops.number(signal, 0)));
}

static llvm::Expected<int64_t> dftAxis(NodeContext &node, int64_t rank) {
  int64_t axis = -2;
  if (node.opset() < 20) {
    SLUICE_TRY(attribute, node.node.getInt("axis", 1));
    axis = attribute;
  } else if (node.hasInput(2)) {
    SLUICE_TRY(given, node.requireConstantInts(2, "axis"));
    if (given.size() != 1)
      return node.invalid("'axis' must be one number");
    axis = given[0];
  }
  SLUICE_TRY(normalised, node.normaliseAxis(axis, rank));
  if (normalised == rank - 1)
    return node.invalid("the last dimension has the parts of a number and "
                        "cannot be transformed");
  return normalised;
}

static llvm::Expected<Values> importDft(NodeContext &node) {
  int64_t rank = node.rank(node.input(0));
  if (rank < 2)
    return node.invalid("the input must have two dimensions or more");
  SLUICE_TRY(axis, dftAxis(node, rank));
  SLUICE_TRY(inverse, node.node.getInt("inverse", 0));
  SLUICE_TRY(onesided, node.node.getInt("onesided", 0));
  SLUICE_TRY(signal, readSignal(node, !onesided ? Numbers::Any
                                      : inverse ? Numbers::Complex
                                                : Numbers::Real));
  // [n, parts, all others].
  SmallVector<int64_t> order = {axis, rank - 1};
  for (int64_t i = 0; i + 1 < rank; ++i)
    if (i != axis)
      order.push_back(i);
  Composition ops(node);
  Value moved = ops.transpose(signal, order);
  Value x = ops.reshapeTo(
      moved, {ops.size(moved, 0), ops.size(moved, 1), node.constantVector(-1)});
  if (ops.failed())
    return ops.finish({});
  std::optional<Value> length;
  if (node.hasInput(1)) {
    SLUICE_TRY(given, toVector(node, node.input(1), 1));
    length = given;
  }
  FourierBuilder fourier(ops);
  Value y;
  if (onesided && inverse) {
    if (!length)
      length = ops.mul(ops.sub(ops.size(x, 0), node.constantVector(1)),
                       node.constantVector(2));
    y = fourier.inverseOfOnesided(x, *length);
  } else {
    if (length)
      x = fitLength(ops, x, *length);
    y = fourier.transform(x, inverse, onesided);
  }
  if (ops.failed())
    return ops.finish({});
  SmallVector<Value> sizes = {ops.size(y, 0), ops.size(y, 1)};
  for (int64_t i = 2; i < rank; ++i)
    sizes.push_back(ops.size(moved, i));
  SmallVector<int64_t> back(rank);
  for (int64_t i = 0; i < rank; ++i)
    back[order[i]] = i;
  return ops.finish({ops.transpose(ops.reshapeTo(y, sizes), back)});
}

//===----------------------------------------------------------------------===//
// STFT
//===----------------------------------------------------------------------===//

/// The frames of a signal [batch, length, parts]: [n, parts, batch * frames],
/// and their number.
static std::pair<Value, Value> cutFrames(Composition &ops, Value signal,
                                         Value step, Value length) {
  NodeContext &node = ops.node;
  Type wide = node.builder.getI64Type();
  Value zero = node.scalar(wide, 0), one = node.scalar(wide, 1);
  Value room = ops.sub(ops.size(signal, 1), length);
  // Not even one frame where the signal is shorter than that.
  Value count = ops.make<MaxOp>(
      {ops.div(ops.add(room, step), step), node.constantVector(0)});
  auto numbers = [&](Value limit) {
    return ops.make<RangeOp>({zero, ops.reshape(limit, {}), one});
  };
  Value starts = ops.mul(numbers(count), ops.reshape(step, {}));
  Value offsets = ops.unsqueeze(numbers(length), {1});
  Value places = ops.add(offsets, ops.unsqueeze(starts, {0}));
  Value lines = ops.transpose(signal, {1, 2, 0});
  Value frames = ops.make<GatherOp>({lines, places}, node.integer("axis", 0));
  // [n, frames, parts, batch].
  frames = ops.transpose(frames, {0, 2, 3, 1});
  Value flat = ops.reshapeTo(frames, {ops.size(frames, 0), ops.size(frames, 1),
                                      node.constantVector(-1)});
  return {flat, count};
}

static llvm::Expected<Values> importStft(NodeContext &node) {
  if (node.rank(node.input(0)) != 3)
    return node.invalid("the signal must be [batch, length, 1 or 2]");
  SLUICE_TRY(onesided, node.node.getInt("onesided", 1));
  SLUICE_TRY(signal, readSignal(node, onesided ? Numbers::Real : Numbers::Any));
  SLUICE_TRY(step, toVector(node, node.input(1), 1));
  if (auto known = node.constantInts(1); known && known->front() < 1)
    return node.invalid("'frame_step' must be positive");
  Composition ops(node);
  Value length, window;
  if (node.hasInput(2)) {
    window = node.input(2);
    if (node.rank(window) != 1)
      return node.unsupported("a window of complex numbers");
    length = ops.size(window, 0);
  }
  if (node.hasInput(3)) {
    SLUICE_TRY(given, toVector(node, node.input(3), 1));
    auto known = node.constantInts(3);
    if (window && known && !ShapedType::isDynamic(shapeOf(window)[0]) &&
        known->front() != shapeOf(window)[0])
      return node.invalid("'frame_length' is not the length of the window");
    // A window of known length says the same at compile time.
    if (!window || ShapedType::isDynamic(shapeOf(window)[0]))
      length = given;
  }
  if (!length)
    length = ops.size(signal, 1);
  auto [frames, count] = cutFrames(ops, signal, step, length);
  if (window && !ops.failed())
    frames = ops.mul(
        frames, ops.cast(ops.unsqueeze(window, {1, 2}), elementTypeOf(signal)));
  Value spectrum =
      FourierBuilder(ops).transform(frames, /*inverse=*/false, onesided);
  if (ops.failed())
    return ops.finish({});
  Value split =
      ops.reshapeTo(spectrum, {ops.size(spectrum, 0), ops.size(spectrum, 1),
                               ops.size(signal, 0), count});
  return ops.finish({ops.transpose(split, {2, 3, 0, 1})});
}

//===----------------------------------------------------------------------===//
// MelWeightMatrix
//===----------------------------------------------------------------------===//

/// Triangles on the frequencies of a one-sided transform whose corners are
/// equally far apart on the mel scale, at whole numbers of bins.
static llvm::Expected<Values> importMelWeightMatrix(NodeContext &node) {
  SLUICE_TRY(dataType, node.node.getInt("output_datatype", 1));
  Type type = node.elementType(dataType);
  if (!type)
    return node.unsupported("the element type");
  Composition ops(node);
  Type integer = node.builder.getI64Type(), real = node.builder.getF64Type();
  auto scalar = [&](size_t input, Type elementType) {
    return ops.reshape(ops.cast(node.input(input), elementType), {});
  };
  auto whole = [&](double value) { return node.scalar(integer, value); };
  auto number = [&](double value) { return node.scalar(real, value); };
  Value bands = scalar(0, integer), length = scalar(1, integer);
  Value rate = scalar(2, real);
  // mel(f) = 2595 log10(1 + f / 700), and back.
  double melsPerLog = 2595.0 / std::log(10.0);
  auto toMel = [&](Value hertz) {
    Value ratio = ops.add(ops.div(hertz, number(700)), number(1));
    return ops.mul(ops.make<LogOp>(ratio), number(melsPerLog));
  };
  Value low = toMel(scalar(3, real)), high = toMel(scalar(4, real));
  Value corners = ops.add(bands, whole(2));
  Value step = ops.div(ops.sub(high, low), ops.cast(corners, real));
  auto range = [&](Value count) {
    return ops.make<RangeOp>({whole(0), count, whole(1)});
  };
  Value mel = ops.add(ops.mul(ops.cast(range(corners), real), step), low);
  Value hertz = ops.mul(
      ops.sub(ops.make<ExpOp>(ops.div(mel, number(melsPerLog))), number(1)),
      number(700));
  Value positions =
      ops.div(ops.mul(hertz, ops.cast(ops.add(length, whole(1)), real)), rate);
  Value bins = ops.cast(ops.make<FloorOp>(positions), integer);
  Value lower = ops.slice(bins, 0, 0, -2), centre = ops.slice(bins, 0, 1, -1),
        higher = ops.slice(bins, 0, 2, INT64_MAX);

  Value rows = ops.add(ops.div(length, whole(2)), whole(1));
  Value bin = ops.unsqueeze(range(rows), {1});
  Value rise = ops.sub(centre, lower), fall = ops.sub(higher, centre);
  auto atLeast = [&](Value a, Value b) {
    return ops.make<GreaterEqualOp>({a, b});
  };
  auto both = [&](Value a, Value b) { return ops.make<AndOp>({a, b}); };
  auto ratio = [&](Value distance, Value width) {
    Value divisor = ops.make<MaxOp>({width, whole(1)});
    return ops.div(ops.cast(distance, real), ops.cast(divisor, real));
  };
  Value isRising = both(atLeast(bin, lower), atLeast(centre, bin));
  // A triangle without a rising side has its peak all the same.
  Value isPeak = ops.make<EqualOp>({rise, whole(0)});
  Value rising =
      ops.select(isPeak, number(1), ratio(ops.sub(bin, lower), rise));
  Value isFalling =
      both(atLeast(bin, centre), ops.make<GreaterOp>({higher, bin}));
  Value falling = ratio(ops.sub(higher, bin), fall);
  Value weights = ops.select(isRising, rising, number(0));
  weights = ops.select(isFalling, falling, weights);
  return ops.finish({ops.cast(weights, type)});
}

void sluice::registerSpectralImports(ImportRegistry &registry) {
  registry.add("DFT", {1, 3}, importDft, /*minOpset=*/17);
  registry.add("MelWeightMatrix", 5, importMelWeightMatrix, /*minOpset=*/17);
  registry.add("STFT", {2, 4}, importStft, /*minOpset=*/17);
}
