//===- SpectralKernels.cpp - Discrete Fourier transforms ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Stockham's self-sorting transform with mixed radices (C. Van Loan,
// "Computational Frameworks for the Fast Fourier Transform", section 1.7): a
// step of radix r reads r numbers that are n / r places apart, transforms them
// and writes them r apart, so that no reordering is needed at the end. A
// number is one vector of the batch here.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Rows/RowBuffer.h"
#include "sluice/Codegen/Rows/RowFamilies.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

namespace {

/// Complex numbers, one per lane.
struct Complex {
  Value real, imaginary;
};

/// Where the numbers of one block of the batch are: in the operand or the
/// result, or in scratch memory.
struct Plane {
  const RowBuffer &rows;
  /// The first element, and the distance of the parts of a number.
  Value base, stride;
  Piece piece;
  int64_t parts = 2;
};

class FourierEmitter {
public:
  FourierEmitter(KernelBuilder &kernel, FourierTransformOp op)
      : kernel(kernel), op(op), body{kernel.builder, kernel.loc},
        operand(kernel, op.getOperand()), result(kernel, op.getResult()),
        roots(kernel, op.getRoots()), length(kernel.size(op.getOperand(), 0)),
        batch(kernel.size(op.getOperand(), 2)),
        bins(kernel.size(op.getResult(), 0)) {}

  void emit();

private:
  using Loader = llvm::function_ref<Complex(Value position)>;
  using Storer = llvm::function_ref<void(Complex number, Value position)>;

  Value offset(const Plane &plane, Value position, int64_t part) {
    Value place = kernel.mul(position, kernel.index(plane.parts));
    place = kernel.add(place, kernel.index(part));
    return kernel.add(plane.base, kernel.mul(place, plane.stride));
  }
  Complex load(const Plane &plane, Value position);
  void store(Complex number, const Plane &plane, Value position);
  Complex loadOperand(const Plane &plane, Value position);
  void storeResult(Complex number, const Plane &plane, Value position);

  Complex add(Complex a, Complex b) {
    return {body.add(a.real, b.real), body.add(a.imaginary, b.imaginary)};
  }
  Complex sub(Complex a, Complex b) {
    return {body.sub(a.real, b.real), body.sub(a.imaginary, b.imaginary)};
  }
  Complex mul(Complex a, Complex b) {
    Value real =
        body.sub(body.mul(a.real, b.real), body.mul(a.imaginary, b.imaginary));
    Value imaginary =
        body.add(body.mul(a.real, b.imaginary), body.mul(a.imaginary, b.real));
    return {real, imaginary};
  }
  Complex addScaled(Complex sum, Complex number, double factor);
  /// a - i b and a + i b.
  std::pair<Complex, Complex> rotate(Complex a, Complex b) {
    Complex minus{body.add(a.real, b.imaginary), body.sub(a.imaginary, b.real)};
    Complex plus{body.sub(a.real, b.imaginary), body.add(a.imaginary, b.real)};
    return {minus, plus};
  }
  /// The transform of as many numbers as the radix says.
  SmallVector<Complex> butterfly(ArrayRef<Complex> x);
  SmallVector<Complex> oddButterfly(ArrayRef<Complex> x);

  void emitStep(int64_t radix, Value groups, Value stride, Loader load,
                Storer store);
  void emitKnownLength(const Plane &from, const Plane &to, Value slot);
  void emitPowerOfTwo(const Plane &from, const Plane &to, Value slot);
  void emitBlock(Value block, Value slot);
  /// Elements of scratch memory that one block needs.
  Value slotElements();

  KernelBuilder &kernel;
  FourierTransformOp op;
  BodyBuilder body;
  RowBuffer operand, result, roots;
  Value length, batch, bins;
  std::optional<RowBuffer> scratch;
};

} // namespace

Complex FourierEmitter::load(const Plane &plane, Value position) {
  Value real = plane.rows.load(offset(plane, position, 0), plane.piece);
  if (plane.parts == 1)
    return {real, body.zero(real)};
  return {real, plane.rows.load(offset(plane, position, 1), plane.piece)};
}

void FourierEmitter::store(Complex number, const Plane &plane, Value position) {
  plane.rows.store(number.real, offset(plane, position, 0), plane.piece);
  plane.rows.store(number.imaginary, offset(plane, position, 1), plane.piece);
}

/// The inverse transform is the transform with real and imaginary parts
/// swapped in front of it and behind it.
Complex FourierEmitter::loadOperand(const Plane &plane, Value position) {
  Complex number = load(plane, position);
  if (op.getInverse())
    std::swap(number.real, number.imaginary);
  return number;
}

void FourierEmitter::storeResult(Complex number, const Plane &plane,
                                 Value position) {
  if (op.getInverse()) {
    std::swap(number.real, number.imaginary);
    Type elementType = elementTypeOf(op.getOperand());
    number.real = divideByCount(kernel, number.real, length, elementType);
    number.imaginary =
        divideByCount(kernel, number.imaginary, length, elementType);
  }
  auto write = [&] { store(number, plane, position); };
  if (!op.getOnesided())
    return write();
  when(kernel, compare(kernel, Predicate::slt, position, bins), write);
}

Complex FourierEmitter::addScaled(Complex sum, Complex number, double factor) {
  Value scale = body.constant(number.real, factor);
  return {body.add(sum.real, body.mul(number.real, scale)),
          body.add(sum.imaginary, body.mul(number.imaginary, scale))};
}

/// Pairs x[k] and x[r - k] share their cosines and sines.
SmallVector<Complex> FourierEmitter::oddButterfly(ArrayRef<Complex> x) {
  int64_t radix = x.size(), half = radix / 2;
  SmallVector<Complex> sums, differences, y(radix);
  Complex total = x[0];
  for (int64_t k = 1; k <= half; ++k) {
    sums.push_back(add(x[k], x[radix - k]));
    differences.push_back(sub(x[k], x[radix - k]));
    total = add(total, sums.back());
  }
  y[0] = total;
  for (int64_t j = 1; j <= half; ++j) {
    Complex even = x[0];
    Value zero = body.zero(x[0].real);
    Complex odd{zero, zero};
    for (int64_t k = 1; k <= half; ++k) {
      double angle = 2 * M_PI * static_cast<double>(j * k % radix) /
                     static_cast<double>(radix);
      even = addScaled(even, sums[k - 1], std::cos(angle));
      odd = addScaled(odd, differences[k - 1], std::sin(angle));
    }
    std::tie(y[j], y[radix - j]) = rotate(even, odd);
  }
  return y;
}

SmallVector<Complex> FourierEmitter::butterfly(ArrayRef<Complex> x) {
  if (x.size() == 2)
    return {add(x[0], x[1]), sub(x[0], x[1])};
  if (x.size() != 4)
    return oddButterfly(x);
  Complex a = add(x[0], x[2]), b = sub(x[0], x[2]);
  Complex c = add(x[1], x[3]), d = sub(x[1], x[3]);
  auto [minus, plus] = rotate(b, d);
  return {add(a, c), minus, sub(a, c), plus};
}

/// One step: `groups` * `radix` numbers are left to transform at each of
/// `stride` places. The roots that they are turned by have the same distance.
void FourierEmitter::emitStep(int64_t radix, Value groups, Value stride,
                              Loader load, Storer store) {
  bool isLast = getConstantIntValue(groups) == 1;
  kernel.forEach({groups}, [&](ValueRange group) {
    SmallVector<Complex> turns;
    for (int64_t j = 1; j < radix && !isLast; ++j) {
      Value root = kernel.mul(group[0], kernel.mul(stride, kernel.index(j)));
      root = kernel.mul(root, kernel.index(2));
      turns.push_back(
          {roots.splat(roots.loadScalar(root)),
           roots.splat(roots.loadScalar(kernel.add(root, kernel.index(1))))});
    }
    kernel.forEach({stride}, [&](ValueRange place) {
      SmallVector<Complex> x;
      for (int64_t j = 0; j < radix; ++j) {
        Value from = kernel.add(group[0], kernel.mul(groups, kernel.index(j)));
        x.push_back(load(kernel.add(place[0], kernel.mul(stride, from))));
      }
      SmallVector<Complex> y = butterfly(x);
      for (int64_t j = 0; j < radix; ++j) {
        Value to = kernel.add(kernel.mul(group[0], kernel.index(radix)),
                              kernel.index(j));
        Complex turned = j == 0 || isLast ? y[j] : mul(y[j], turns[j - 1]);
        store(turned, kernel.add(place[0], kernel.mul(stride, to)));
      }
    });
  });
}

void FourierEmitter::emitKnownLength(const Plane &from, const Plane &to,
                                     Value slot) {
  ArrayRef<int64_t> radices = op.getRadices();
  Value width = kernel.index(operand.lanes());
  int64_t n = shapeOf(op.getOperand())[0];
  auto plane = [&](size_t number) {
    Value base =
        kernel.add(slot, kernel.index(static_cast<int64_t>(number % 2) * 2 * n *
                                      operand.lanes()));
    return Plane{*scratch, base, width, Piece{kernel.index(0), nullptr}};
  };
  int64_t left = n, stride = 1;
  for (size_t number = 0; number < radices.size(); ++number) {
    int64_t radix = radices[number];
    left /= radix;
    bool isFirst = number == 0, isLast = number + 1 == radices.size();
    emitStep(
        radix, kernel.index(left), kernel.index(stride),
        [&](Value position) {
          return isFirst ? loadOperand(from, position)
                         : load(plane(number - 1), position);
        },
        [&](Complex value, Value position) {
          if (isLast)
            storeResult(value, to, position);
          else
            store(value, plane(number), position);
        });
    stride *= radix;
  }
}

/// As many steps of radix 4 as there are, then one of radix 2 if one is left.
void FourierEmitter::emitPowerOfTwo(const Plane &from, const Plane &to,
                                    Value slot) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Value width = kernel.index(operand.lanes());
  auto plane = [&](Value base) {
    return Plane{*scratch, base, width, Piece{kernel.index(0), nullptr}};
  };
  kernel.forEach({length}, [&](ValueRange at) {
    store(loadOperand(from, at[0]), plane(slot), at[0]);
  });
  Value wide =
      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), length);
  Value zeros = math::CountLeadingZerosOp::create(builder, loc, wide);
  Value bits = kernel.sub(
      kernel.index(63),
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), zeros));
  Value steps = kernel.div(kernel.add(bits, kernel.index(1)), kernel.index(2));
  Value other =
      kernel.add(slot, kernel.mul(length, kernel.mul(width, kernel.index(2))));
  Value base = kernel.loop(
      steps, {slot, other, length, kernel.index(1)},
      [&](Value, ValueRange running) -> SmallVector<Value> {
        Value source = running[0], target = running[1], left = running[2],
              stride = running[3];
        auto step = [&](int64_t radix) {
          return [&, radix]() -> SmallVector<Value> {
            Value groups = kernel.div(left, kernel.index(radix));
            emitStep(
                radix, groups, stride,
                [&](Value position) { return load(plane(source), position); },
                [&](Complex value, Value position) {
                  store(value, plane(target), position);
                });
            return {groups, kernel.mul(stride, kernel.index(radix))};
          };
        };
        Value isFour = compare(kernel, Predicate::sge, left, kernel.index(4));
        Type index = builder.getIndexType();
        SmallVector<Value> next =
            kernel.choose(isFour, {index, index}, step(4), step(2));
        return {target, source, next[0], next[1]};
      })[0];
  kernel.forEach({bins}, [&](ValueRange at) {
    storeResult(load(plane(base), at[0]), to, at[0]);
  });
}

void FourierEmitter::emitBlock(Value block, Value slot) {
  Value lanes = kernel.index(operand.lanes());
  Piece piece{kernel.mul(block, lanes), nullptr};
  Value rest = kernel.rem(batch, lanes);
  if (getConstantIntValue(rest) != 0)
    piece.mask = kernel.rows.firstLanes(kernel, kernel.sub(batch, piece.begin),
                                        operand.lanes());
  Plane from{operand, kernel.index(0), batch, piece,
             shapeOf(op.getOperand())[1]};
  Plane to{result, kernel.index(0), batch, piece};
  if (op.getRadices().empty())
    emitPowerOfTwo(from, to, slot);
  else
    emitKnownLength(from, to, slot);
}

Value FourierEmitter::slotElements() {
  size_t steps = op.getRadices().size();
  // Steps but the first and the last go from one plane to the other.
  int64_t planes = steps == 0 ? 2 : std::min<int64_t>(steps - 1, 2);
  return kernel.mul(length, kernel.index(planes * 2 * operand.lanes()));
}

void FourierEmitter::emit() {
  Type computeType = getComputeType(elementTypeOf(op.getOperand()));
  int64_t width = computeType.getIntOrFloatBitWidth() / 8;
  int64_t lanes = operand.lanes();
  Value blocks = kernel.div(kernel.add(batch, kernel.index(lanes - 1)),
                            kernel.index(lanes));
  // Each task has its own scratch memory and does every tasks-th block.
  Value slot = slotElements();
  constexpr int64_t bytesOfAll = int64_t(32) << 20;
  int64_t most = 4;
  if (auto known = getConstantIntValue(slot))
    most = std::clamp<int64_t>(
        bytesOfAll / std::max<int64_t>(*known * width, 1), 4, 32);
  Value tasks = kernel.builder.createOrFold<arith::MinSIOp>(kernel.loc, blocks,
                                                            kernel.index(most));
  Value count = kernel.mul(tasks, slot);
  if (getConstantIntValue(count) != 0)
    scratch.emplace(scratchRow(kernel, count, computeType));
  // A radix is about ten operations on vectors of numbers.
  Cost each = kernel.cost({10, 0}) *
              static_cast<double>(std::max<size_t>(op.getRadices().size(), 4)) *
              static_cast<double>(getConstantIntValue(length).value_or(1024));
  shareAmongTasks(kernel, blocks, tasks, each, [&](Value task, Value block) {
    emitBlock(block, kernel.mul(task, slot));
  });
}

static LogicalResult emitFourierTransform(KernelBuilder &kernel,
                                          Operation *anchor) {
  if (!isAlone(kernel, anchor))
    return anchor->emitOpError("takes no other ops into its kernel");
  FourierEmitter(kernel, cast<FourierTransformOp>(anchor)).emit();
  return success();
}

void sluice::registerSpectralEmitters(EmitterRegistry &registry) {
  registry.addKernel<FourierTransformOp>(emitFourierTransform);
}
