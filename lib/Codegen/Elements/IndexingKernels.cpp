//===- IndexingKernels.cpp - Elements chosen by run-time indices ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Elements/LoopNest.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

static LogicalResult requireAlone(KernelBuilder &kernel, Operation *op) {
  if (isAlone(kernel, op))
    return success();
  return op->emitError("takes no other ops into its kernel");
}

static Value flatIndex(KernelBuilder &kernel, Value flat, Value at,
                       Type elementType) {
  return kernel.toIndex(loadFlat(kernel, flat, at, elementType), elementType);
}

static Value storedZero(KernelBuilder &kernel, Type elementType) {
  return kernel.toStorage(kernel.number(elementType, 0), elementType);
}

/// Are sizes that types leave open equal during the run?
static Value sizesAgree(KernelBuilder &kernel, Value lhs, int64_t lhsDimension,
                        Value rhs, int64_t rhsDimension) {
  return compare(kernel, Predicate::eq, kernel.size(lhs, lhsDimension),
                 kernel.size(rhs, rhsDimension));
}

//===----------------------------------------------------------------------===//
// Gathering
//===----------------------------------------------------------------------===//

/// What it costs to find a place by indices and to copy the run that is there.
static Cost costOfLookup(KernelBuilder &kernel, Type elementType, Value run) {
  Work copied = workOfMoving(elementType);
  // Runs are copied in vectors.
  copied.operations = 0;
  return kernel.cost({50, 0}) +
         kernel.cost(copied) * getConstantIntValue(run).value_or(64);
}

static LogicalResult emitGather(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<GatherOp>(anchor);
  if (failed(requireAlone(kernel, anchor)))
    return failure();
  Value data = op.getOperand(), indices = op.getIndices();
  int64_t axis = op.getAxis(), rank = shapeOf(data).size();
  Type elementType = elementTypeOf(data);
  Value source = flatBuffer(kernel, data), chosen = flatBuffer(kernel, indices),
        target = flatBuffer(kernel, op.getResult());
  Value outer = sizeProduct(kernel, data, 0, axis);
  Value size = kernel.size(data, axis);
  Value run = sizeProduct(kernel, data, axis + 1, rank);
  Value count = sizeProduct(kernel, indices, 0, shapeOf(indices).size());
  Cost each = costOfLookup(kernel, elementType, run);
  parallelNest(kernel, {outer, count}, each, [&](ValueRange at) {
    Value index = flatIndex(kernel, chosen, at[1], elementTypeOf(indices));
    index = wrapNegative(kernel, index, size);
    Value inside = isInside(kernel, index, size);
    kernel.check(inside, indexMessage);
    Value to = kernel.mul(kernel.add(kernel.mul(at[0], count), at[1]), run);
    when(
        kernel, inside,
        [&] {
          Value from =
              kernel.mul(kernel.add(kernel.mul(at[0], size), index), run);
          copyRun(kernel, source, from, target, to, run);
        },
        [&] {
          fillRun(kernel, storedZero(kernel, elementType), target, to, run);
        });
  });
  return success();
}

/// The elements of a column lie a panel's width apart.
static LogicalResult emitPackedGather(KernelBuilder &kernel,
                                      Operation *anchor) {
  auto op = cast<kernel::PackedGatherOp>(anchor);
  if (failed(requireAlone(kernel, anchor)))
    return failure();
  Value indices = op.getIndices();
  Type elementType = elementTypeOf(op.getResult());
  Value source = flatBuffer(kernel, op.getWeights()),
        chosen = flatBuffer(kernel, indices),
        target = flatBuffer(kernel, op.getResult());
  Value size = kernel.index(op.getColumns());
  Value depth = kernel.index(op.getDepth());
  Value width = kernel.index(op.getWidth());
  Value count = sizeProduct(kernel, indices, 0, shapeOf(indices).size());
  // A place to compute for each, and a line of the cache.
  Cost each = kernel.cost(Work{2, 0} + workOfMoving(elementType)) *
              static_cast<double>(op.getDepth());
  parallelNest(kernel, {count}, each, [&](ValueRange at) {
    Value index = flatIndex(kernel, chosen, at[0], elementTypeOf(indices));
    index = wrapNegative(kernel, index, size);
    Value inside = isInside(kernel, index, size);
    kernel.check(inside, indexMessage);
    Value to = kernel.mul(at[0], depth);
    when(
        kernel, inside,
        [&] {
          Value panel =
              kernel.mul(kernel.div(index, width), kernel.mul(depth, width));
          Value from = kernel.add(panel, kernel.rem(index, width));
          kernel.forEach(depth, [&](ValueRange k) {
            Value place = kernel.add(from, kernel.mul(k[0], width));
            Value element = memref::LoadOp::create(kernel.builder, kernel.loc,
                                                   source, place);
            memref::StoreOp::create(kernel.builder, kernel.loc, element, target,
                                    kernel.add(to, k[0]));
          });
        },
        [&] {
          fillRun(kernel, storedZero(kernel, elementType), target, to, depth);
        });
  });
  return success();
}

static Value gatherElementsElement(KernelBuilder &kernel, OpResult result,
                                   ValueRange indices) {
  auto op = cast<GatherElementsOp>(result.getOwner());
  Value data = op.getOperand();
  SmallVector<Value> place(indices);
  Value size = kernel.size(data, op.getAxis());
  Value index =
      wrapNegative(kernel, loadIndex(kernel, op.getIndices(), indices), size);
  place[op.getAxis()] = index;
  Value inside = isInside(kernel, index, size);
  for (auto [i, at] : llvm::enumerate(indices))
    if (i != op.getAxis() && (ShapedType::isDynamic(shapeOf(data)[i]) ||
                              ShapedType::isDynamic(shapeOf(result)[i])))
      inside = both(kernel, inside, isInside(kernel, at, kernel.size(data, i)));
  kernel.check(inside, indexMessage);
  return loadGuarded(kernel, inside, data, place);
}

namespace {
/// An index tuple's place in a flat buffer, as the number of its run.
struct TuplePlace {
  Value run;
  Value inside;
};
} // namespace

/// Reads the tuple at `position` of the flat indices, for dimensions from
/// `first` on; `prefix` is the number of what comes before.
static TuplePlace readTuple(KernelBuilder &kernel, Value flat, Value indices,
                            Value position, Value data, int64_t first,
                            Value prefix) {
  int64_t depth = shapeOf(indices).back();
  Value inside, run = prefix;
  for (int64_t i = 0; i < depth; ++i) {
    Value at =
        kernel.add(kernel.mul(position, kernel.index(depth)), kernel.index(i));
    Value size = kernel.size(data, first + i);
    Value index = wrapNegative(
        kernel, flatIndex(kernel, flat, at, elementTypeOf(indices)), size);
    inside = both(kernel, inside, isInside(kernel, index, size));
    run = kernel.add(kernel.mul(run, size), index);
  }
  return {run, inside};
}

static LogicalResult emitGatherND(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<GatherNDOp>(anchor);
  if (failed(requireAlone(kernel, anchor)))
    return failure();
  Value data = op.getOperand(), indices = op.getIndices();
  Type elementType = elementTypeOf(data);
  int64_t batchDims = op.getBatchDims(), rank = shapeOf(data).size(),
          indicesRank = shapeOf(indices).size(),
          depth = shapeOf(indices).back();
  Value source = flatBuffer(kernel, data), tuples = flatBuffer(kernel, indices),
        target = flatBuffer(kernel, op.getResult());
  Value batches = sizeProduct(kernel, data, 0, batchDims);
  Value count = sizeProduct(kernel, indices, batchDims, indicesRank - 1);
  Value run = sizeProduct(kernel, data, batchDims + depth, rank);
  Value agree;
  for (int64_t i = 0; i < batchDims; ++i)
    agree = both(kernel, agree, sizesAgree(kernel, data, i, indices, i));
  if (agree) {
    kernel.check(agree, "batch dimensions differ");
    batches = select(kernel, agree, batches, kernel.index(0));
  }
  Cost each = costOfLookup(kernel, elementType, run);
  parallelNest(kernel, {batches, count}, each, [&](ValueRange at) {
    Value position = kernel.add(kernel.mul(at[0], count), at[1]);
    TuplePlace place =
        readTuple(kernel, tuples, indices, position, data, batchDims, at[0]);
    Value to = kernel.mul(position, run);
    auto copy = [&] {
      copyRun(kernel, source, kernel.mul(place.run, run), target, to, run);
    };
    if (!place.inside)
      return copy();
    kernel.check(place.inside, indexMessage);
    when(kernel, place.inside, copy, [&] {
      fillRun(kernel, storedZero(kernel, elementType), target, to, run);
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Scattering
//===----------------------------------------------------------------------===//

static Value combine(KernelBuilder &kernel, ScatterMode mode, Value old,
                     Value update, Type elementType) {
  BodyBuilder body{kernel.builder, kernel.loc};
  bool isFloat = BodyBuilder::isFloat(old), isBool = elementType.isInteger(1);
  bool isUnsigned = isUnsignedType(elementType);
  switch (mode) {
  case ScatterMode::Replace:
    return update;
  case ScatterMode::Add:
    return isBool ? body.make<arith::OrIOp>(old, update)
                  : body.add(old, update);
  case ScatterMode::Mul:
    return body.mul(old, update);
  case ScatterMode::Max:
    return isFloat      ? body.make<arith::MaximumFOp>(old, update)
           : isUnsigned ? body.make<arith::MaxUIOp>(old, update)
                        : body.make<arith::MaxSIOp>(old, update);
  case ScatterMode::Min:
    return isFloat      ? body.make<arith::MinimumFOp>(old, update)
           : isUnsigned ? body.make<arith::MinUIOp>(old, update)
                        : body.make<arith::MinSIOp>(old, update);
  }
  return update;
}

/// Copies a whole tensor into a result of the same shape, where that is not in
/// its memory.
static void copyWhole(KernelBuilder &kernel, Value data, Value result) {
  if (kernel.isUpdate(result, data))
    return;
  Value source = flatBuffer(kernel, data), target = flatBuffer(kernel, result);
  Value count = sizeProduct(kernel, data, 0, shapeOf(data).size());
  Cost each = kernel.cost(workOfMoving(elementTypeOf(data)));
  kernel.forEachParallel(count, each, [&](ValueRange at) {
    Value element =
        memref::LoadOp::create(kernel.builder, kernel.loc, source, at);
    memref::StoreOp::create(kernel.builder, kernel.loc, element, target, at);
  });
}

static LogicalResult emitScatterElements(KernelBuilder &kernel,
                                         Operation *anchor) {
  auto op = cast<ScatterElementsOp>(anchor);
  if (failed(requireAlone(kernel, anchor)))
    return failure();
  Value data = op.getOperand(), indices = op.getIndices(),
        updates = op.getUpdates();
  Type elementType = elementTypeOf(data);
  int64_t rank = shapeOf(data).size();
  copyWhole(kernel, data, op.getResult());
  SmallVector<Value> extents = kernel.sizes(indices);
  Value agree;
  for (int64_t i = 0; i < rank; ++i)
    agree = both(kernel, agree, sizesAgree(kernel, indices, i, updates, i));
  if (agree) {
    kernel.check(agree, "updates and indices differ in size");
    extents[0] = select(kernel, agree, extents[0], kernel.index(0));
  }
  kernel.forEach(extents, [&](ValueRange at) {
    Value size = kernel.size(data, op.getAxis());
    Value index = wrapNegative(kernel, loadIndex(kernel, indices, at), size);
    SmallVector<Value> place(at);
    place[op.getAxis()] = index;
    Value inside;
    for (int64_t i = 0; i < rank; ++i)
      inside = both(kernel, inside,
                    isInside(kernel, place[i], kernel.size(data, i)));
    kernel.check(inside, indexMessage);
    when(kernel, inside, [&] {
      Value update = kernel.load(updates, at);
      Value old = kernel.toCompute(
          memref::LoadOp::create(kernel.builder, kernel.loc,
                                 kernel.buffer(op.getResult()), place),
          elementType);
      kernel.store(combine(kernel, op.getMode(), old, update, elementType),
                   op.getResult(), place);
    });
  });
  return success();
}

static LogicalResult emitScatterND(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<ScatterNDOp>(anchor);
  if (failed(requireAlone(kernel, anchor)))
    return failure();
  Value data = op.getOperand(), indices = op.getIndices(),
        updates = op.getUpdates();
  Type elementType = elementTypeOf(data);
  int64_t rank = shapeOf(data).size(), depth = shapeOf(indices).back(),
          indicesRank = shapeOf(indices).size(),
          updatesRank = shapeOf(updates).size();
  copyWhole(kernel, data, op.getResult());
  Value target = flatBuffer(kernel, op.getResult());
  Value tuples = flatBuffer(kernel, indices);
  Value source = flatBuffer(kernel, updates);
  Value count = sizeProduct(kernel, indices, 0, indicesRank - 1);
  Value run = sizeProduct(kernel, data, depth, rank);
  Value agree = compare(kernel, Predicate::eq, kernel.mul(count, run),
                        sizeProduct(kernel, updates, 0, updatesRank));
  kernel.check(agree, "the updates do not fit the indices");
  count = select(kernel, agree, count, kernel.index(0));
  kernel.forEach(count, [&](ValueRange at) {
    TuplePlace place =
        readTuple(kernel, tuples, indices, at[0], data, 0, kernel.index(0));
    auto update = [&] {
      Value to = kernel.mul(place.run, run), from = kernel.mul(at[0], run);
      kernel.forEach(run, [&](ValueRange inner) {
        Value position = kernel.add(to, inner[0]);
        Value next =
            loadFlat(kernel, source, kernel.add(from, inner[0]), elementType);
        Value old = loadFlat(kernel, target, position, elementType);
        storeFlat(kernel, combine(kernel, op.getMode(), old, next, elementType),
                  target, position, elementType);
      });
    };
    if (!place.inside)
      return update();
    kernel.check(place.inside, indexMessage);
    when(kernel, place.inside, update);
  });
  return success();
}

namespace {

/// Puts the updates of each index of the dimensions in front of the axis, which
/// are one run of elements, into their place.
class TensorScatter {
public:
  TensorScatter(KernelBuilder &kernel, TensorScatterOp op)
      : kernel(kernel), op(op), axis(op.getAxis()),
        rank(shapeOf(op.getOperand()).size()),
        source(flatBuffer(kernel, op.getUpdates())),
        target(flatBuffer(kernel, op.getResult())),
        inner(sizeProduct(kernel, op.getOperand(), axis + 1, rank)),
        size(kernel.size(op.getOperand(), axis)),
        count(kernel.size(op.getUpdates(), axis)),
        run(kernel.mul(count, inner)), room(kernel.mul(size, inner)) {}

  void emit();

private:
  Value makePlace(Value row);
  void copyPart(Value row, Value place, Value begin, Value part);

  KernelBuilder &kernel;
  TensorScatterOp op;
  const int64_t axis, rank;
  const Value source, target;
  /// Elements behind the axis; those along it, and those that are updated; the
  /// two together.
  const Value inner, size, count, run, room;
};

} // namespace

/// The first place along the axis. The run has failed where the updates do not
/// fit there; it goes on with another one.
Value TensorScatter::makePlace(Value row) {
  if (!op.getPositions())
    return kernel.index(0);
  Value perBatch = sizeProduct(kernel, op.getOperand(), 1, axis);
  Value place = loadIndex(kernel, op.getPositions(), kernel.div(row, perBatch));
  if (op.getCircular()) {
    // Where there are no places there are no updates.
    Value places = arith::MaxSIOp::create(kernel.builder, kernel.loc, size,
                                          kernel.index(1));
    place = arith::RemSIOp::create(kernel.builder, kernel.loc, place, places);
    return wrapNegative(kernel, place, size);
  }
  Value places = kernel.add(kernel.sub(size, count), kernel.index(1));
  Value inside = isInside(kernel, place, places);
  kernel.check(inside, "the updates do not fit the tensor at their place");
  return select(kernel, inside, place, kernel.index(0));
}

/// The elements from `begin` on of a run.
void TensorScatter::copyPart(Value row, Value place, Value begin, Value part) {
  Value from = kernel.add(kernel.mul(row, run), begin);
  Value first = kernel.mul(row, room);
  Value at = kernel.add(kernel.mul(place, inner), begin);
  if (!op.getCircular() || !op.getPositions())
    return copyRun(kernel, source, from, target, kernel.add(first, at), part);
  // What is behind the last place goes on at the first.
  Value before = arith::MinSIOp::create(kernel.builder, kernel.loc,
                                        kernel.sub(room, at), part);
  before = arith::MaxSIOp::create(kernel.builder, kernel.loc, before,
                                  kernel.index(0));
  copyRun(kernel, source, from, target, kernel.add(first, at), before);
  Value next = kernel.add(first, kernel.sub(kernel.add(at, before), room));
  copyRun(kernel, source, kernel.add(from, before), target, next,
          kernel.sub(part, before));
}

void TensorScatter::emit() {
  constexpr int64_t piece = 4096;
  copyWhole(kernel, op.getOperand(), op.getResult());
  Value rows = sizeProduct(kernel, op.getOperand(), 0, axis);
  Value pieces =
      kernel.div(kernel.add(run, kernel.index(piece - 1)), kernel.index(piece));
  int64_t most = std::min(getConstantIntValue(run).value_or(piece), piece);
  Cost each = kernel.cost({10, 0}) +
              kernel.cost(workOfMoving(elementTypeOf(op.getOperand()))) * most;
  kernel.parallel(kernel.mul(rows, pieces), each, [&](Value flat) {
    Value row = kernel.div(flat, pieces);
    Value begin = kernel.mul(kernel.rem(flat, pieces), kernel.index(piece));
    Value part =
        arith::MinSIOp::create(kernel.builder, kernel.loc,
                               kernel.sub(run, begin), kernel.index(piece));
    copyPart(row, makePlace(row), begin, part);
  });
}

static LogicalResult emitTensorScatter(KernelBuilder &kernel,
                                       Operation *anchor) {
  if (failed(requireAlone(kernel, anchor)))
    return failure();
  TensorScatter(kernel, cast<TensorScatterOp>(anchor)).emit();
  return success();
}

static Value oneHotElement(KernelBuilder &kernel, OpResult result,
                           ValueRange indices) {
  auto op = cast<OneHotOp>(result.getOwner());
  SmallVector<Value> place(indices);
  place.erase(place.begin() + op.getAxis());
  Value depth = kernel.size(result, op.getAxis());
  Value index =
      wrapNegative(kernel, loadIndex(kernel, op.getIndices(), place), depth);
  Value isHere = compare(kernel, Predicate::eq, index, indices[op.getAxis()]);
  return select(kernel, isHere, kernel.load(op.getValues(), kernel.index(1)),
                kernel.load(op.getValues(), kernel.index(0)));
}

//===----------------------------------------------------------------------===//
// Places of elements that are not zero
//===----------------------------------------------------------------------===//

static Value isNotZero(KernelBuilder &kernel, Value element) {
  BodyBuilder body{kernel.builder, kernel.loc};
  Value zero = body.zero(element);
  return BodyBuilder::isFloat(element)
             ? body.compare(arith::CmpFPredicate::UNE, element, zero)
             : body.compare(Predicate::ne, element, zero);
}

static LogicalResult emitNonZeroCount(KernelBuilder &kernel,
                                      Operation *anchor) {
  auto op = cast<NonZeroCountOp>(anchor);
  if (failed(requireAlone(kernel, anchor)))
    return failure();
  Value data = op.getOperand();
  Value flat = flatBuffer(kernel, data);
  Value total = sizeProduct(kernel, data, 0, shapeOf(data).size());
  auto counted =
      kernel.loop(total, kernel.index(0), [&](Value at, ValueRange running) {
        Value element = loadFlat(kernel, flat, at, elementTypeOf(data));
        Value one = select(kernel, isNotZero(kernel, element), kernel.index(1),
                           kernel.index(0));
        return SmallVector<Value>{kernel.add(running[0], one)};
      });
  kernel.store(kernel.fromIndex(counted[0], elementTypeOf(op.getResult())),
               op.getResult(), kernel.index(0));
  return success();
}

static LogicalResult emitNonZero(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<NonZeroOp>(anchor);
  if (failed(requireAlone(kernel, anchor)))
    return failure();
  Value data = op.getOperand();
  int64_t rank = shapeOf(data).size();
  Value flat = flatBuffer(kernel, data);
  Value total = sizeProduct(kernel, data, 0, rank);
  Value room = kernel.size(op.getResult(), 1);
  Type elementType = elementTypeOf(op.getResult());
  kernel.loop(total, kernel.index(0), [&](Value at, ValueRange running) {
    Value element = loadFlat(kernel, flat, at, elementTypeOf(data));
    Value found = both(kernel, isNotZero(kernel, element),
                       isInside(kernel, running[0], room));
    when(kernel, found, [&] {
      Value rest = at;
      for (int64_t i = rank; i-- > 0;) {
        Value size = kernel.size(data, i);
        Value position = i == 0 ? rest : kernel.rem(rest, size);
        rest = kernel.div(rest, size);
        kernel.store(kernel.fromIndex(position, elementType), op.getResult(),
                     {kernel.index(i), running[0]});
      }
    });
    Value next = select(kernel, found, kernel.add(running[0], kernel.index(1)),
                        running[0]);
    return SmallVector<Value>{next};
  });
  return success();
}

void sluice::registerIndexingEmitters(EmitterRegistry &registry) {
  registry.addKernel<GatherOp>(emitGather);
  registry.addKernel<kernel::PackedGatherOp>(emitPackedGather);
  registry.addElement<GatherElementsOp>(gatherElementsElement);
  registry.addKernel<GatherNDOp>(emitGatherND);
  registry.addKernel<NonZeroCountOp>(emitNonZeroCount);
  registry.addKernel<NonZeroOp>(emitNonZero);
  registry.addElement<OneHotOp>(oneHotElement);
  registry.addKernel<ScatterElementsOp>(emitScatterElements);
  registry.addKernel<ScatterNDOp>(emitScatterND);
  registry.addKernel<TensorScatterOp>(emitTensorScatter);
}
