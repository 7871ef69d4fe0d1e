//===- MovementVectors.cpp - Vectors of moved elements --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Neighbouring elements of a pad, an extend, a tile or a concatenation are
// mostly neighbours in the operand too, or all the same. Vectors that are
// neither, at the borders, are put together element by element.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/MovementPlaces.h"
#include "sluice/Codegen/Rows/ElementVectors.h"
#include "sluice/Codegen/Rows/RowFamilies.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

using MakeVector = llvm::function_ref<Value()>;

static Type vectorTypeOf(KernelBuilder &kernel, Value result,
                         const VectorPlace &place) {
  return kernel.rows.laneType(getComputeType(elementTypeOf(result)),
                              place.lanes);
}

static Value chooseVector(KernelBuilder &kernel, Value condition, Type type,
                          MakeVector onTrue, MakeVector onFalse) {
  return kernel.choose(
      condition, type, [&] { return SmallVector<Value>{onTrue()}; },
      [&] { return SmallVector<Value>{onFalse()}; })[0];
}

/// Lane by lane.
static Value loadLanes(KernelBuilder &kernel, OpResult result,
                       const VectorPlace &place) {
  Value size = kernel.size(result, place.inner);
  return kernel.rows.collect(kernel, vectorTypeOf(kernel, result, place),
                             [&](Value lane) {
                               SmallVector<Value> indices = place.indices;
                               Value &at = indices[place.inner];
                               at = kernel.add(at, lane);
                               // Lanes that are off may lie outside the tensor.
                               if (place.mask)
                                 at = kernel.clampIndex(at, size);
                               return kernel.load(result, indices);
                             });
}

/// Whether the lanes lie side by side in an operand of the result's rank.
static bool liesAlong(Value operand, const VectorPlace &place) {
  return llvm::all_of(shapeOf(operand).drop_front(place.inner + 1),
                      [](int64_t size) { return size == 1; });
}

/// Whether [begin, begin + lanes) lies in [0, size).
static Value haveRoom(KernelBuilder &kernel, Value begin, int64_t lanes,
                      Value size) {
  Value end = kernel.add(begin, kernel.index(lanes));
  return both(kernel, compare(kernel, Predicate::sge, begin, kernel.index(0)),
              compare(kernel, Predicate::sle, end, size));
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

/// Where the operand begins or ends among the lanes.
static Value padPartly(KernelBuilder &kernel, PadOp op, const VectorPlace &own,
                       Value size, Value fill) {
  auto mask = [&](Value count) {
    return kernel.rows.firstLanes(kernel, count, own.lanes);
  };
  Value begin = own.indices[own.inner];
  Value isBefore = mask(kernel.sub(kernel.index(0), begin));
  // Of those in front of the end.
  Value isHere =
      compare(kernel, Predicate::ugt, mask(kernel.sub(size, begin)), isBefore);
  VectorPlace part = own;
  part.mask = both(kernel, own.mask, isHere);
  return select(kernel, isHere, loadElements(kernel, op.getOperand(), part),
                fill);
}

static Value padElements(KernelBuilder &kernel, OpResult result,
                         const VectorPlace &place) {
  auto op = cast<PadOp>(result.getOwner());
  Value operand = op.getOperand();
  if (!liesAlong(operand, place))
    return loadLanes(kernel, result, place);
  VectorPlace own = place;
  Value inside;
  for (auto [i, index] : llvm::enumerate(own.indices)) {
    if (isWhole(op, i))
      continue;
    index = kernel.sub(index, lowWidth(kernel, op, i));
    if (static_cast<int64_t>(i) != place.inner)
      inside = both(kernel, inside,
                    isInside(kernel, index, kernel.size(operand, i)));
  }
  Type type = vectorTypeOf(kernel, result, place);
  Value fill = splatLanes(kernel, padValue(kernel, op), place.lanes);
  auto load = [&] { return loadElements(kernel, operand, own); };
  if (isWhole(op, place.inner))
    return inside
               ? chooseVector(kernel, inside, type, load, [&] { return fill; })
               : load();
  Value size = kernel.size(operand, place.inner);
  Value begin = own.indices[place.inner];
  Value end = kernel.add(begin, kernel.index(place.lanes));
  inside = both(kernel, inside,
                compare(kernel, Predicate::sgt, end, kernel.index(0)));
  inside = both(kernel, inside, compare(kernel, Predicate::slt, begin, size));
  return chooseVector(
      kernel, inside, type,
      [&] {
        return chooseVector(
            kernel, haveRoom(kernel, begin, place.lanes, size), type, load,
            [&] { return padPartly(kernel, op, own, size, fill); });
      },
      [&] { return fill; });
}

//===----------------------------------------------------------------------===//
// Extend and tile
//===----------------------------------------------------------------------===//

namespace {
/// Lanes along a dimension that repeats `size` elements of the operand, those
/// from `first` on.
struct RepeatedLanes {
  KernelBuilder &kernel;
  OpResult result;
  Value operand;
  /// As in the result, and in the operand but for the lanes' dimension.
  const VectorPlace &place, &own;
  Value first, size;

  Type type() const { return vectorTypeOf(kernel, result, place); }
  /// All of them from `position` on, which leaves room for them.
  Value load(Value position) const {
    VectorPlace all = own;
    all.indices[all.inner] = kernel.add(position, first);
    all.mask = nullptr;
    return loadElements(kernel, operand, all);
  }
  /// Side by side if there is room for them, else in the other way.
  Value loadForward(Value position, MakeVector other) const {
    return chooseVector(
        kernel, haveRoom(kernel, position, place.lanes, size), type(),
        [&] { return load(position); }, other);
  }

  Value wrap(Value position) const;
  Value clamp(Value position) const;
  Value reflect(Value position) const;
};
} // namespace

Value RepeatedLanes::wrap(Value position) const {
  return loadForward(positiveRemainder(kernel, position, size),
                     [&] { return loadLanes(kernel, result, place); });
}

Value RepeatedLanes::clamp(Value position) const {
  Value last = kernel.sub(size, kernel.index(1));
  Value end = kernel.add(position, kernel.index(place.lanes - 1));
  Value isOne = either(kernel, compare(kernel, Predicate::sge, position, last),
                       compare(kernel, Predicate::sle, end, kernel.index(0)));
  return chooseVector(
      kernel, isOne, type(),
      [&] {
        SmallVector<Value> indices = own.indices;
        indices[own.inner] =
            kernel.add(kernel.clampIndex(position, size), first);
        return splatLanes(kernel, kernel.load(operand, indices), place.lanes);
      },
      [&] { return loadLanes(kernel, result, place); });
}

Value RepeatedLanes::reflect(Value position) const {
  Value period = reflectionPeriod(kernel, size);
  Value phase = positiveRemainder(kernel, position, period);
  return loadForward(phase, [&] {
    // On the way back lanes are in reverse.
    Value last = kernel.sub(period, phase);
    Value start = kernel.sub(last, kernel.index(place.lanes - 1));
    return chooseVector(
        kernel,
        both(kernel, haveRoom(kernel, start, place.lanes, size),
             compare(kernel, Predicate::slt, last, size)),
        type(), [&] { return kernel.rows.reverse(kernel, load(start)); },
        [&] { return loadLanes(kernel, result, place); });
  });
}

/// What is behind the lanes' dimension has one element, here and there.
static Value extendElements(KernelBuilder &kernel, OpResult result,
                            const VectorPlace &place) {
  auto op = cast<ExtendOp>(result.getOwner());
  Value operand = op.getOperand();
  if (!liesAlong(operand, place))
    return loadLanes(kernel, result, place);
  VectorPlace own = place;
  Value isFilled;
  Cropped inner;
  for (auto [i, index] : llvm::enumerate(own.indices)) {
    if (isWhole(op, i))
      continue;
    Cropped cropped = cropDimension(kernel, op, i);
    isFilled = both(kernel, isFilled, cropped.isFilled);
    index = kernel.sub(index, cropped.low);
    if (static_cast<int64_t>(i) == place.inner)
      inner = cropped;
    else
      index =
          kernel.add(extendPosition(kernel, op.getMode(), index, cropped.size),
                     cropped.first);
  }
  auto load = [&]() -> Value {
    if (isWhole(op, place.inner))
      return loadElements(kernel, operand, own);
    RepeatedLanes lanes{kernel, result,      operand,   place,
                        own,    inner.first, inner.size};
    Value position = own.indices[place.inner];
    return lanes.loadForward(position, [&] {
      switch (op.getMode()) {
      case ExtendMode::Edge:
        return lanes.clamp(position);
      case ExtendMode::Wrap:
        return lanes.wrap(position);
      case ExtendMode::Reflect:
        break;
      }
      return lanes.reflect(position);
    });
  };
  if (!isFilled)
    return load();
  kernel.check(isFilled, nothingToRepeat);
  Value zero = kernel.number(elementTypeOf(result), 0);
  return chooseVector(kernel, isFilled, vectorTypeOf(kernel, result, place),
                      load,
                      [&] { return splatLanes(kernel, zero, place.lanes); });
}

static Value tileElements(KernelBuilder &kernel, OpResult result,
                          const VectorPlace &place) {
  auto op = cast<TileOp>(result.getOwner());
  Value operand = op.getOperand();
  if (!liesAlong(operand, place))
    return loadLanes(kernel, result, place);
  VectorPlace own = place;
  for (auto [i, index] : llvm::enumerate(own.indices))
    if (static_cast<int64_t>(i) != place.inner && !isWhole(op, i))
      index = kernel.rem(index, kernel.size(operand, i));
  if (isWhole(op, place.inner))
    return loadElements(kernel, operand, own);
  if (shapeOf(operand)[place.inner] == 1) {
    own.indices[place.inner] = kernel.index(0);
    return splatLanes(kernel, kernel.load(operand, own.indices), place.lanes);
  }
  RepeatedLanes lanes{kernel,
                      result,
                      operand,
                      place,
                      own,
                      kernel.index(0),
                      kernel.size(operand, place.inner)};
  return lanes.wrap(place.indices[place.inner]);
}

//===----------------------------------------------------------------------===//
// Concatenation
//===----------------------------------------------------------------------===//

static Value concatElements(KernelBuilder &kernel, OpResult result,
                            const VectorPlace &place) {
  auto op = cast<ConcatOp>(result.getOwner());
  int64_t axis = op.getAxis();
  bool isAlong = axis == place.inner;
  if (!llvm::all_of(op.getOperands(),
                    [&](Value operand) { return liesAlong(operand, place); }))
    return loadLanes(kernel, result, place);
  VectorPlace own = place;
  std::function<Value(unsigned)> loadFrom = [&](unsigned number) {
    Value operand = op.getOperands()[number];
    bool isLast = number + 1 == op.getNumOperands();
    auto load = [&] { return loadElements(kernel, operand, own); };
    if (isLast && !isAlong)
      return load();
    Value position = own.indices[axis], size = kernel.size(operand, axis);
    Value isHere;
    if (!isLast)
      isHere = isAlong ? haveRoom(kernel, position, place.lanes, size)
                       : compare(kernel, Predicate::slt, position, size);
    else // The mask has turned off what lies behind.
      isHere = compare(kernel, Predicate::sge, position, kernel.index(0));
    return chooseVector(kernel, isHere, vectorTypeOf(kernel, result, place),
                        load, [&] {
                          own.indices[axis] = kernel.sub(position, size);
                          return isLast ? loadLanes(kernel, result, place)
                                        : loadFrom(number + 1);
                        });
  };
  return loadFrom(0);
}

static Value broadcastElements(KernelBuilder &kernel, OpResult result,
                               const VectorPlace &place) {
  auto op = cast<BroadcastOp>(result.getOwner());
  return loadBroadcastElements(kernel, op.getOperand(), place);
}

void sluice::registerMovementVectors(EmitterRegistry &registry) {
  registry.addVector<BroadcastOp>(broadcastElements);
  registry.addVector<ConcatOp>(concatElements);
  registry.addVector<PadOp>(padElements);
  registry.addVector<ExtendOp>(extendElements);
  registry.addVector<TileOp>(tileElements);
}
