//===- MovementKernels.cpp - Elements in other places ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Codegen/Elements/LoopNest.h"
#include "sluice/Codegen/Elements/MovementPlaces.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

/// Along the axis each operand is one run of elements for every position in
/// the dimensions before it.
static LogicalResult emitConcat(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<ConcatOp>(anchor);
  if (!isAlone(kernel, anchor))
    return op.emitError("a concatenation takes no other ops into its kernel");
  int64_t axis = op.getAxis(), rank = op.getType().getRank();
  Value target = flatBuffer(kernel, op.getResult());
  Value outer = sizeProduct(kernel, op.getResult(), 0, axis);
  Value whole = sizeProduct(kernel, op.getResult(), axis, rank);
  Value offset = kernel.index(0);
  Cost each = kernel.cost(workOfMoving(elementTypeOf(op.getResult())));
  for (Value operand : op.getOperands()) {
    Value source = flatBuffer(kernel, operand);
    Value run = sizeProduct(kernel, operand, axis, rank);
    auto copy = [&](Value row, Value column) {
      Value element =
          memref::LoadOp::create(kernel.builder, kernel.loc, source,
                                 kernel.add(kernel.mul(row, run), column));
      memref::StoreOp::create(
          kernel.builder, kernel.loc, element, target,
          kernel.add(kernel.add(kernel.mul(row, whole), offset), column));
    };
    if (getConstantIntValue(outer) == 1)
      kernel.forEachParallel(
          run, each, [&](ValueRange at) { copy(kernel.index(0), at[0]); });
    else
      kernel.forEachParallel({outer, run}, each,
                             [&](ValueRange at) { copy(at[0], at[1]); });
    offset = kernel.add(offset, run);
  }
  return success();
}

static Value concatElement(KernelBuilder &kernel, OpResult result,
                           ValueRange indices) {
  auto op = cast<ConcatOp>(result.getOwner());
  Type type = getComputeType(elementTypeOf(result));
  SmallVector<Value> place(indices);
  Value &position = place[op.getAxis()];
  // From the first operand on, the first one that reaches so far.
  std::function<Value(unsigned)> loadFrom = [&](unsigned number) {
    Value operand = op.getOperands()[number];
    if (number + 1 == op.getNumOperands())
      return kernel.load(operand, place);
    Value size = kernel.size(operand, op.getAxis());
    return kernel.choose(
        compare(kernel, Predicate::slt, position, size), type,
        [&] { return SmallVector<Value>{kernel.load(operand, place)}; },
        [&] {
          position = kernel.sub(position, size);
          return SmallVector<Value>{loadFrom(number + 1)};
        })[0];
  };
  return loadFrom(0);
}

static Value interleaveElement(KernelBuilder &kernel, OpResult result,
                               ValueRange indices) {
  auto op = cast<InterleaveOp>(result.getOwner());
  SmallVector<Value> place(indices);
  Value two = kernel.index(2), last = place.back();
  place.back() = kernel.div(last, two);
  auto loadFrom = [&](Value operand) {
    return SmallVector<Value>{kernel.load(operand, place)};
  };
  return kernel.choose(
      compare(kernel, Predicate::eq, kernel.rem(last, two), kernel.index(0)),
      getComputeType(elementTypeOf(result)),
      [&] { return loadFrom(op.getLhs()); },
      [&] { return loadFrom(op.getRhs()); })[0];
}

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

static Value sliceElement(KernelBuilder &kernel, OpResult result,
                          ValueRange indices) {
  auto op = cast<SliceOp>(result.getOwner());
  SizeBuilder size{kernel.builder, kernel.loc};
  SmallVector<Value> place;
  for (size_t i = 0; i < indices.size(); ++i) {
    auto bound = [&](ArrayRef<int64_t> values, unsigned which) -> OpFoldResult {
      if (op.getBounds().empty())
        return size.constant(values[i]);
      return loadIndex(kernel, op.getBounds()[which], kernel.index(i));
    };
    OpFoldResult step = bound(op.getSteps(), 2);
    int64_t known = shapeOf(op.getOperand())[i];
    OpFoldResult whole = ShapedType::isDynamic(known)
                             ? OpFoldResult(kernel.size(op.getOperand(), i))
                             : size.constant(known);
    OpFoldResult start = size.sliceStart(bound(op.getStarts(), 0), step, whole);
    place.push_back(kernel.add(size.value(start),
                               kernel.mul(indices[i], size.value(step))));
  }
  return kernel.load(op.getOperand(), place);
}

//===----------------------------------------------------------------------===//
// Pad and extend
//===----------------------------------------------------------------------===//

static LogicalResult emitPad(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<PadOp>(anchor);
  Value result = op.getResult(), operand = op.getOperand();
  int64_t rank = op.getType().getRank();
  Value fill = padValue(kernel, op);
  if (rank == 0) {
    kernel.store(kernel.load(operand, {}), result, {});
    return success();
  }
  SizeBuilder size{kernel.builder, kernel.loc};
  SmallVector<Value> sizes = kernel.sizes(result), low, begin, end;
  for (int64_t i = 0; i < rank; ++i) {
    low.push_back(lowWidth(kernel, op, i));
    // The operand's elements are at [begin, end) of the result.
    OpFoldResult first = size.min(size.max(low[i], size.constant(0)), sizes[i]);
    OpFoldResult last =
        size.min(size.add(low[i], kernel.size(operand, i)), sizes[i]);
    begin.push_back(size.value(first));
    end.push_back(size.value(size.max(first, last)));
  }
  ValueRange outer = ArrayRef<Value>(sizes).drop_back();
  // A row of some elements.
  parallelNest(kernel, outer, kernel.cost({500, 0}), [&](ValueRange row) {
    auto store = [&](Value element, Value column) {
      SmallVector<Value> place(row);
      place.push_back(column);
      kernel.store(element, result, place);
    };
    auto fillFrom = [&](Value from, Value to) {
      kernel.forEach(kernel.sub(to, from), [&](ValueRange at) {
        store(fill, kernel.add(from, at[0]));
      });
    };
    Value inside;
    for (auto [i, index] : llvm::enumerate(row)) {
      if (isWhole(op, i))
        continue;
      inside = both(kernel, inside,
                    compare(kernel, Predicate::sge, index, begin[i]));
      inside =
          both(kernel, inside, compare(kernel, Predicate::slt, index, end[i]));
    }
    auto copyRow = [&] {
      Value first = begin.back(), last = end.back();
      fillFrom(kernel.index(0), first);
      kernel.forEach(kernel.sub(last, first), [&](ValueRange at) {
        Value column = kernel.add(first, at[0]);
        SmallVector<Value> place;
        for (auto [i, index] : llvm::enumerate(row))
          place.push_back(kernel.sub(index, low[i]));
        place.push_back(kernel.sub(column, low.back()));
        store(kernel.load(operand, place), column);
      });
      fillFrom(last, sizes.back());
    };
    if (!inside)
      copyRow();
    else
      when(kernel, inside, copyRow,
           [&] { fillFrom(kernel.index(0), sizes.back()); });
  });
  return success();
}

namespace {
/// Where an element of a result is taken from.
struct Source {
  SmallVector<Value> place;
  /// Whether there is such a place in this run; null for in any.
  Value inside;
};
} // namespace

/// `move` tells the place along a dimension that is not taken as it is, and
/// adds to `inside` what must hold for it.
template <typename OpTy>
static Source findSource(
    OpTy op, ValueRange indices,
    llvm::function_ref<Value(int64_t dimension, Value index, Value &inside)>
        move) {
  Source source;
  for (auto [i, index] : llvm::enumerate(indices))
    source.place.push_back(isWhole(op, i) ? index
                                          : move(i, index, source.inside));
  return source;
}

static Value padElement(KernelBuilder &kernel, OpResult result,
                        ValueRange indices) {
  auto op = cast<PadOp>(result.getOwner());
  Source source = findSource(
      op, indices, [&](int64_t i, Value index, Value &inside) -> Value {
        Value place = kernel.sub(index, lowWidth(kernel, op, i));
        inside = both(kernel, inside,
                      isInside(kernel, place, kernel.size(op.getOperand(), i)));
        return place;
      });
  auto load = [&] { return kernel.load(op.getOperand(), source.place); };
  if (!source.inside)
    return load();
  return kernel.choose(
      source.inside, getComputeType(elementTypeOf(result)),
      [&] { return SmallVector<Value>{load()}; },
      [&] { return SmallVector<Value>{padValue(kernel, op)}; })[0];
}

static Value extendElement(KernelBuilder &kernel, OpResult result,
                           ValueRange indices) {
  auto op = cast<ExtendOp>(result.getOwner());
  Source source = findSource(
      op, indices, [&](int64_t i, Value index, Value &inside) -> Value {
        Cropped cropped = cropDimension(kernel, op, i);
        inside = both(kernel, inside, cropped.isFilled);
        Value position = extendPosition(
            kernel, op.getMode(), kernel.sub(index, cropped.low), cropped.size);
        return kernel.add(position, cropped.first);
      });
  if (!source.inside)
    return kernel.load(op.getOperand(), source.place);
  kernel.check(source.inside, nothingToRepeat);
  return loadGuarded(kernel, source.inside, op.getOperand(), source.place);
}

static Value tileElement(KernelBuilder &kernel, OpResult result,
                         ValueRange indices) {
  auto op = cast<TileOp>(result.getOwner());
  SmallVector<Value> place;
  for (auto [i, index] : llvm::enumerate(indices)) {
    place.push_back(isWhole(op, i)
                        ? index
                        : kernel.rem(index, kernel.size(op.getOperand(), i)));
  }
  return kernel.load(op.getOperand(), place);
}

static Value reverseSequenceElement(KernelBuilder &kernel, OpResult result,
                                    ValueRange indices) {
  auto op = cast<ReverseSequenceOp>(result.getOwner());
  Value time = indices[op.getTimeAxis()];
  Value size = kernel.size(op.getOperand(), op.getTimeAxis());
  Value batch = indices[op.getBatchAxis()];
  if (ShapedType::isDynamic(shapeOf(op.getLengths())[0]))
    batch = kernel.clampIndex(batch, kernel.size(op.getLengths(), 0));
  Value length = loadIndex(kernel, op.getLengths(), batch);
  kernel.check(compare(kernel, Predicate::ule, length, size),
               "a sequence length is outside the tensor");
  Value isReversed = compare(kernel, Predicate::slt, time, length);
  Value last = kernel.sub(length, kernel.index(1));
  SmallVector<Value> place(indices);
  place[op.getTimeAxis()] = kernel.clampIndex(
      select(kernel, isReversed, kernel.sub(last, time), time), size);
  return kernel.load(op.getOperand(), place);
}

//===----------------------------------------------------------------------===//
// Generators and running sums
//===----------------------------------------------------------------------===//

static Value iotaElement(KernelBuilder &kernel, OpResult result,
                         ValueRange indices) {
  return kernel.fromIndex(indices[0], elementTypeOf(result));
}

static Value rangeElement(KernelBuilder &kernel, OpResult result,
                          ValueRange indices) {
  auto op = cast<RangeOp>(result.getOwner());
  BodyBuilder body{kernel.builder, kernel.loc};
  Type elementType = elementTypeOf(result);
  auto scalar = [&](Value tensor) {
    SmallVector<Value> zeros(shapeOf(tensor).size(), kernel.index(0));
    return kernel.load(tensor, zeros);
  };
  Value number;
  if (isa<FloatType>(elementType)) {
    Value integer = kernel.fromIndex(indices[0], kernel.builder.getI64Type());
    number = arith::SIToFPOp::create(kernel.builder, kernel.loc,
                                     getComputeType(elementType), integer);
  } else {
    number = kernel.fromIndex(indices[0], elementType);
  }
  return body.add(scalar(op.getStart()),
                  body.mul(number, scalar(op.getDelta())));
}

static LogicalResult emitCumulate(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<CumulateOp>(anchor);
  BodyBuilder body{kernel.builder, kernel.loc};
  Type elementType = op.getType().getElementType();
  int64_t axis = op.getAxis();
  SmallVector<Value> outer = kernel.sizes(op.getOperand());
  Value count = outer[axis];
  outer.erase(outer.begin() + axis);
  bool isSum = op.getKind() == CumulateKind::Sum;
  Value initial = kernel.number(elementType, isSum ? 0 : 1);
  // A row of some elements, one after the other.
  parallelNest(kernel, outer, kernel.cost({1000, 0}), [&](ValueRange at) {
    kernel.loop(count, initial, [&](Value step, ValueRange running) {
      Value position =
          op.getReverse() ? kernel.sub(kernel.sub(count, kernel.index(1)), step)
                          : step;
      SmallVector<Value> place(at);
      place.insert(place.begin() + axis, position);
      Value element = kernel.load(op.getOperand(), place);
      Value next =
          isSum ? body.add(running[0], element) : body.mul(running[0], element);
      kernel.store(op.getExclusive() ? running[0] : next, op.getResult(),
                   place);
      return SmallVector<Value>{next};
    });
  });
  return success();
}

void sluice::registerMovementEmitters(EmitterRegistry &registry) {
  registry.addElement<ConcatOp>(concatElement);
  registry.addKernel<ConcatOp>(emitConcat);
  registry.addKernel<CumulateOp>(emitCumulate);
  registry.addElement<ExtendOp>(extendElement);
  registry.addElement<InterleaveOp>(interleaveElement);
  registry.addElement<IotaOp>(iotaElement);
  registry.addElement<PadOp>(padElement);
  registry.addKernel<PadOp>(emitPad);
  registry.addElement<RangeOp>(rangeElement);
  registry.addElement<ReverseSequenceOp>(reverseSequenceElement);
  registry.addElement<SliceOp>(sliceElement);
  registry.addElement<TileOp>(tileElement);
}
