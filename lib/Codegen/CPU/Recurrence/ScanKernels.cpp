//===- ScanKernels.cpp - Recurrences that compute element by element ------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A task owns some rows of the states, or a part of their lanes, and runs over
// all steps: its part of the states lies in the results' buffers, which are
// small enough to stay in the first-level cache. A step first computes sums
// over the states, such as what a delta rule knows of a key, then the next
// states in vectors, together with the outputs of the same shape, and then the
// outputs that read finished states.
//
//===----------------------------------------------------------------------===//

#include "ScanKernels.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Analysis/ScanStructure.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Rows/RowBuffer.h"

using namespace mlir;
using namespace sluice;

namespace {

/// The elements that a task of the kernel computes.
struct Task {
  /// Of the row dimensions but the last.
  SmallVector<Value> outer;
  Value rowBegin, rows; ///< of the last row dimension
  Value laneBegin;
};

class ScanKernel {
public:
  ScanKernel(KernelBuilder &kernel, ScanOp op, ScanStructure structure)
      : kernel(kernel), op(op), structure(std::move(structure)),
        body(op.getBody().front()),
        yielded(body.getTerminator()->getOperands()),
        states(op.getInitial().size()),
        lanes(CpuLoops::of(kernel).machine.lanes(kernel.builder.getF32Type())) {
  }

  LogicalResult emit();

private:
  /// A place in a tensor; the index that is `lane` is that of a vector's first
  /// element.
  struct Place {
    SmallVector<Value> at;
    Value lane;
  };

  void chooseTasks();
  Task decodeTask(Value number);
  void allocateSums();
  void startStates(const Task &task);
  void computeSums(const Task &task);
  void computeStates(const Task &task, Value step);
  void computeOutputs(const Task &task, Value step);
  void computeGroup(const Task &task, Value step, ArrayRef<unsigned> group);
  void computeOutput(const Task &task, Value step, unsigned number);

  /// Calls back for each place of a tensor of these sizes in the task; in
  /// vectors along the last dimension if `isVector`.
  void forEachPlace(const Task &task, ArrayRef<Value> sizes, bool isVector,
                    llvm::function_ref<void(const Place &)> at);

  /// An element of a value of the body, or a vector of elements where the lane
  /// is among the place's indices.
  Value pull(Value value, const Place &place);
  Value compute(Value value, const Place &place);
  Value computeSum(Operation *op, const Place &place);
  /// Adds up over a dimension, with several running sums at once.
  Value addUp(Value size, Value start, Value zero,
              llvm::function_ref<Value(Value index, Value running)> add);
  Place inOperand(Operation *op, unsigned number, const Place &place,
                  ArrayRef<Value> reduced);
  /// What is at `place` of a buffer, of which `offset` elements come first.
  Value load(Value memory, ValueRange sizes, Value offset, const Place &place,
             Type elementType);
  void store(Value element, Value memory, ValueRange sizes, Value offset,
             const Place &place, Type elementType);
  Value loadArgument(BlockArgument argument, const Place &place);
  Value splat(Value element);
  /// The place of a step in a sequence or in an output, in elements.
  Value stepOffset(Value tensor, Value step, bool isBackwards);
  bool isSum(Value value) const {
    return llvm::any_of(structure.sums, [&](const ScanStructure::Sum &sum) {
      return sum.value == value;
    });
  }
  Value elementSize(Value value, unsigned dimension);
  SmallVector<Value> elementSizes(Value value);

  KernelBuilder &kernel;
  ScanOp op;
  ScanStructure structure;
  Block &body;
  OperandRange yielded;
  unsigned states;
  int64_t lanes;

  Value steps, step;
  int64_t rowsPerTask = 1, lanesPerTask = 0;
  SmallVector<Value> rowSizes;
  Value lastSize;
  Value mask; ///< of the vector that is computed
  bool readsFinishedStates = false;
  /// Of tensors, and of sums that were computed.
  DenseMap<Value, Value> flat;
  Value currentSum; ///< that is computed

  struct Known {
    Place place;
    Value element;
  };
  DenseMap<Value, SmallVector<Known>> known;
};

} // namespace

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value ScanKernel::elementSize(Value value, unsigned dimension) {
  int64_t known = shapeOf(value)[dimension];
  if (!ShapedType::isDynamic(known))
    return kernel.index(known);
  if (isSum(value))
    return rowSizes[dimension];
  auto argument = dyn_cast<BlockArgument>(value);
  if (argument) {
    unsigned number = argument.getArgNumber();
    bool isSequence =
        number >= states && number < states + op.getSequences().size();
    return kernel.size(op.getOperand(number), dimension + isSequence);
  }
  // Of the yielded values, results tell the sizes.
  for (auto [i, other] : llvm::enumerate(yielded))
    if (other == value)
      return kernel.size(op.getResult(i), dimension + (i >= states));
  return kernel.index(1);
}

SmallVector<Value> ScanKernel::elementSizes(Value value) {
  SmallVector<Value> sizes;
  for (size_t i = 0; i < shapeOf(value).size(); ++i)
    sizes.push_back(elementSize(value, i));
  return sizes;
}

Value ScanKernel::splat(Value element) {
  if (isa<VectorType>(element.getType()))
    return element;
  return vector::BroadcastOp::create(kernel.builder, kernel.loc,
                                     VectorType::get(lanes, element.getType()),
                                     element);
}

/// The place, in elements, of what is at `place` of a tensor.
static Value flatPlace(KernelBuilder &kernel, ValueRange sizes, Value offset,
                       ValueRange place) {
  Value flat = kernel.index(0);
  for (auto [size, index] : llvm::zip(sizes, place))
    flat = kernel.add(kernel.mul(flat, size), index ? index : kernel.index(0));
  return kernel.add(offset, flat);
}

Value ScanKernel::load(Value memory, ValueRange sizes, Value offset,
                       const Place &place, Type elementType) {
  OpBuilder &builder = kernel.builder;
  Value at = flatPlace(kernel, sizes, offset, place.at);
  bool isVector =
      place.lane && !place.at.empty() && place.at.back() == place.lane;
  if (!isVector)
    return kernel.toCompute(
        memref::LoadOp::create(builder, kernel.loc, memory, at), elementType);
  auto type = VectorType::get(lanes, KernelBuilder::storageType(elementType));
  if (!mask)
    return kernel.toCompute(
        vector::LoadOp::create(builder, kernel.loc, type, memory, at),
        elementType);
  Value zero = arith::ConstantOp::create(builder, kernel.loc, type,
                                         builder.getZeroAttr(type));
  return kernel.toCompute(vector::MaskedLoadOp::create(builder, kernel.loc,
                                                       type, memory, at, mask,
                                                       zero),
                          elementType);
}

void ScanKernel::store(Value element, Value memory, ValueRange sizes,
                       Value offset, const Place &place, Type elementType) {
  OpBuilder &builder = kernel.builder;
  Value at = flatPlace(kernel, sizes, offset, place.at);
  if (place.lane)
    element = splat(element);
  Value stored = kernel.toStorage(element, elementType);
  if (!place.lane)
    memref::StoreOp::create(builder, kernel.loc, stored, memory, at);
  else if (mask)
    vector::MaskedStoreOp::create(builder, kernel.loc, memory, at, mask,
                                  stored);
  else
    vector::StoreOp::create(builder, kernel.loc, stored, memory, at);
}

Value ScanKernel::stepOffset(Value tensor, Value step, bool isBackwards) {
  Value position =
      isBackwards ? kernel.sub(kernel.sub(steps, kernel.index(1)), step) : step;
  return kernel.mul(position,
                    sizeProduct(kernel, tensor, 1, shapeOf(tensor).size()));
}

Value ScanKernel::loadArgument(BlockArgument argument, const Place &place) {
  unsigned number = argument.getArgNumber();
  Type elementType = elementTypeOf(argument);
  SmallVector<Value> sizes = elementSizes(argument);
  if (number < states)
    return load(flat.lookup(op.getResult(number)), sizes, kernel.index(0),
                place, elementType);
  Value tensor = op.getOperand(number), offset = kernel.index(0);
  if (number < states + op.getSequences().size())
    offset = stepOffset(tensor, step, op.readsBackwards(number - states));
  return load(flat.lookup(tensor), sizes, offset, place, elementType);
}

Value ScanKernel::pull(Value value, const Place &place) {
  auto same = [](Value lhs, Value rhs) {
    if (lhs == rhs)
      return true;
    if (!lhs || !rhs)
      return false;
    auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
    return left && right && *left == *right;
  };
  Block *here = kernel.builder.getInsertionBlock();
  for (Known &entry : known[value]) {
    Block *block = entry.element.getParentBlock();
    if (entry.place.lane == place.lane &&
        llvm::equal(entry.place.at, place.at, same) &&
        (block == here || block->findAncestorOpInBlock(*here->getParentOp())))
      return entry.element;
  }
  Value element = compute(value, place);
  known[value].push_back({place, element});
  return element;
}

ScanKernel::Place ScanKernel::inOperand(Operation *op, unsigned number,
                                        const Place &place,
                                        ArrayRef<Value> reduced) {
  auto pack = [](ArrayRef<Value> values) {
    ScanPlaces::Place packed;
    for (Value value : values)
      packed.push_back(value ? value.getAsOpaquePointer() : nullptr);
    return packed;
  };
  Place there;
  there.lane = place.lane;
  for (ScanPlaces::Index index :
       ScanPlaces::inOperand(op, number, pack(place.at), pack(reduced)))
    there.at.push_back(index ? Value::getFromOpaquePointer(index) : Value());
  return there;
}

Value ScanKernel::compute(Value value, const Place &place) {
  if (readsFinishedStates)
    for (auto [i, next] : llvm::enumerate(yielded.take_front(states)))
      if (next == value)
        return load(flat.lookup(op.getResult(i)), elementSizes(next),
                    kernel.index(0), place, elementTypeOf(value));
  if (auto argument = dyn_cast<BlockArgument>(value))
    return loadArgument(argument, place);
  if (value != currentSum && isSum(value))
    return load(flat.lookup(value), elementSizes(value), kernel.index(0), place,
                getComputeType(elementTypeOf(value)));
  Operation *maker = value.getDefiningOp();
  if (isa<ConstantOp>(maker))
    return kernel.load(value, {});
  if (!ScanPlaces::reducedDimensions(maker).empty())
    return computeSum(maker, place);
  SmallVector<Value> operands;
  for (OpOperand &read : ScanPlaces::readOperands(maker))
    operands.push_back(
        pull(read.get(), inOperand(maker, read.getOperandNumber(), place, {})));
  auto elementwise = dyn_cast<ElementwiseOpInterface>(maker);
  if (!elementwise)
    return operands.front();
  if (llvm::any_of(operands, [](Value operand) {
        return isa<VectorType>(operand.getType());
      }))
    for (Value &operand : operands)
      operand = splat(operand);
  return elementwise.buildBody(kernel.builder, kernel.loc, operands);
}

/// A sum, or a product's sum, over dimensions of the operands.
Value ScanKernel::computeSum(Operation *maker, const Place &place) {
  OpBuilder &builder = kernel.builder;
  BodyBuilder arithmetic{builder, kernel.loc};
  auto dimensions = ScanPlaces::reducedDimensions(maker);
  Type type = getComputeType(elementTypeOf(maker->getResult(0)));
  auto term = [&](ArrayRef<Value> reduced, Value lane) {
    Value product;
    for (unsigned i = 0; i < maker->getNumOperands(); ++i) {
      Place there = inOperand(maker, i, place, reduced);
      there.lane = lane;
      Value factor = pull(maker->getOperand(i), there);
      if (lane)
        factor = splat(factor);
      product = product ? arithmetic.mul(product, factor) : factor;
    }
    return product;
  };
  SmallVector<Value> sizes;
  for (auto [operand, dimension] : dimensions)
    sizes.push_back(elementSize(maker->getOperand(operand), dimension));
  Value zero = kernel.number(elementTypeOf(maker->getResult(0)), 0);
  // Along the last dimension in vectors, where that is one everywhere.
  auto isLaneLast = [&] {
    int marker;
    ScanPlaces::Place reduced(dimensions.size(), nullptr), at;
    reduced.back() = &marker;
    for (Value index : place.at)
      at.push_back(index ? index.getAsOpaquePointer() : nullptr);
    for (unsigned i = 0; i < maker->getNumOperands(); ++i)
      if (!structure.isLane(op, maker->getOperand(i),
                            ScanPlaces::inOperand(maker, i, at, reduced),
                            &marker, readsFinishedStates))
        return false;
    return true;
  };
  bool isVector = !place.lane && isLaneLast();
  Value start = place.lane ? splat(zero) : zero;
  SmallVector<Value> reduced;
  std::function<Value(Value)> addDimensions = [&](Value sum) -> Value {
    size_t depth = reduced.size();
    if (depth == dimensions.size())
      return arithmetic.add(sum, term(reduced, place.lane));
    if (isVector && depth + 1 == dimensions.size()) {
      Value whole = reduceRow(
          kernel, sizes[depth], zero, VectorType::get(lanes, type),
          [&](const Piece &piece) {
            Value outside = std::exchange(mask, piece.mask);
            reduced.push_back(piece.begin);
            Value vector = term(reduced, piece.begin);
            reduced.pop_back();
            mask = outside;
            return keepLanes(kernel, piece, vector, splat(zero));
          },
          [&](Value lhs, Value rhs) { return arithmetic.add(lhs, rhs); });
      return arithmetic.add(sum, whole);
    }
    return addUp(sizes[depth], sum, start, [&](Value index, Value running) {
      reduced.push_back(index);
      Value next = addDimensions(running);
      reduced.pop_back();
      return next;
    });
  };
  return addDimensions(start);
}

Value ScanKernel::addUp(
    Value size, Value start, Value zero,
    llvm::function_ref<Value(Value index, Value running)> add) {
  // Additions that wait for each other take four cycles or so.
  constexpr int64_t chains = 4;
  auto known = getConstantIntValue(size);
  auto alone = [&](Value begin, Value count, Value sum) -> Value {
    return kernel.loop(count, sum, [&](Value index, ValueRange running) {
      return SmallVector<Value>{add(kernel.add(begin, index), running[0])};
    })[0];
  };
  if (!known || *known < 2 * chains)
    return alone(kernel.index(0), size, start);
  SmallVector<Value> initial(chains, zero);
  initial[0] = start;
  SmallVector<Value> sums = kernel.loop(
      kernel.index(*known / chains), initial,
      [&](Value turn, ValueRange running) {
        Value first = kernel.mul(turn, kernel.index(chains));
        SmallVector<Value> next;
        for (int64_t i = 0; i < chains; ++i)
          next.push_back(add(kernel.add(first, kernel.index(i)), running[i]));
        return next;
      });
  BodyBuilder arithmetic{kernel.builder, kernel.loc};
  Value sum = arithmetic.add(arithmetic.add(sums[0], sums[1]),
                             arithmetic.add(sums[2], sums[3]));
  int64_t rest = *known % chains;
  return rest == 0
             ? sum
             : alone(kernel.index(*known - rest), kernel.index(rest), sum);
}

//===----------------------------------------------------------------------===//
// Tasks and steps
//===----------------------------------------------------------------------===//

void ScanKernel::chooseTasks() {
  // As many elements as stay in the first-level cache with the sequences'.
  constexpr int64_t wanted = 1024;
  constexpr int64_t unknown = 64;
  auto sizeOf = [&](Value size) {
    return std::max<int64_t>(1, getConstantIntValue(size).value_or(unknown));
  };
  Value shaped = op.getResult(0);
  unsigned rank = shapeOf(shaped).size();
  for (unsigned i = 0; i < structure.rowDimensions; ++i)
    rowSizes.push_back(kernel.size(shaped, i));
  lastSize = kernel.size(shaped, rank - 1);
  int64_t between = 1;
  for (unsigned i = structure.rowDimensions; i + 1 < rank; ++i)
    between *= sizeOf(kernel.size(shaped, i));
  int64_t last = sizeOf(lastSize), lanesOfTask = last;
  if (structure.hasSeparateLanes) {
    int64_t most = std::max<int64_t>(1, wanted / between / lanes) * lanes;
    if (last > most || !getConstantIntValue(lastSize))
      lanesPerTask = lanesOfTask = most;
  }
  if (!rowSizes.empty()) {
    rowsPerTask = std::max<int64_t>(1, wanted / (between * lanesOfTask));
    // Some tasks for each thread.
    int64_t rows = sizeOf(rowSizes.back());
    rowsPerTask = std::min(rowsPerTask, std::max<int64_t>(1, rows / 4));
  }
}

/// count / size, rounded up.
static Value countParts(KernelBuilder &kernel, Value count, int64_t size) {
  return kernel.div(kernel.add(count, kernel.index(size - 1)),
                    kernel.index(size));
}

Task ScanKernel::decodeTask(Value number) {
  Task task;
  task.laneBegin = kernel.index(0);
  if (lanesPerTask) {
    Value parts = countParts(kernel, lastSize, lanesPerTask);
    task.laneBegin =
        kernel.mul(kernel.rem(number, parts), kernel.index(lanesPerTask));
    number = kernel.div(number, parts);
  }
  task.rowBegin = kernel.index(0);
  task.rows = kernel.index(1);
  if (rowSizes.empty())
    return task;
  Value parts = countParts(kernel, rowSizes.back(), rowsPerTask);
  task.rowBegin =
      kernel.mul(kernel.rem(number, parts), kernel.index(rowsPerTask));
  number = kernel.div(number, parts);
  task.rows = arith::MinSIOp::create(
      kernel.builder, kernel.loc, kernel.index(rowsPerTask),
      kernel.sub(rowSizes.back(), task.rowBegin));
  task.outer.resize(rowSizes.size() - 1);
  for (size_t i = task.outer.size(); i-- > 0;) {
    task.outer[i] = kernel.rem(number, rowSizes[i]);
    number = kernel.div(number, rowSizes[i]);
  }
  return task;
}

void ScanKernel::forEachPlace(const Task &task, ArrayRef<Value> sizes,
                              bool isVector,
                              llvm::function_ref<void(const Place &)> at) {
  unsigned rank = sizes.size();
  Place place;
  place.at.append(task.outer);
  SmallVector<Value> counts;
  if (!rowSizes.empty())
    counts.push_back(task.rows);
  for (unsigned i = structure.rowDimensions; i + isVector < rank; ++i)
    counts.push_back(sizes[i]);
  kernel.forEach(counts, [&](ValueRange indices) {
    place.at.truncate(task.outer.size());
    llvm::append_range(place.at, indices);
    if (!rowSizes.empty())
      place.at[task.outer.size()] = kernel.add(task.rowBegin, indices[0]);
    if (!isVector)
      return at(place);
    Value count = sizes.back();
    Value begin = kernel.index(0);
    if (lanesPerTask) {
      begin = task.laneBegin;
      Value rest = kernel.sub(count, begin);
      auto whole = getConstantIntValue(count);
      count = whole && *whole % lanesPerTask == 0
                  ? kernel.index(lanesPerTask)
                  : arith::MinSIOp::create(kernel.builder, kernel.loc, rest,
                                           kernel.index(lanesPerTask))
                        .getResult();
    }
    forEachPiece(kernel, count, lanes, [&](const Piece &piece) {
      Place here = place;
      // A new value, so that no other index is taken for the lane.
      here.lane =
          arith::AddIOp::create(kernel.builder, kernel.loc, begin, piece.begin);
      here.at.push_back(here.lane);
      Value outside = std::exchange(mask, piece.mask);
      at(here);
      mask = outside;
    });
  });
}

void ScanKernel::startStates(const Task &task) {
  for (unsigned i = 0; i < states; ++i) {
    Value initial = op.getInitial()[i], result = op.getResult(i);
    Type elementType = elementTypeOf(initial);
    SmallVector<Value> sizes = kernel.sizes(initial);
    forEachPlace(task, kernel.sizes(result), true, [&](const Place &place) {
      Value element = load(flat.lookup(initial), sizes, kernel.index(0), place,
                           elementType);
      store(element, flat.lookup(result), sizes, kernel.index(0), place,
            elementType);
    });
  }
}

/// Sums lie in memory for all tasks, each of which has its own part.
void ScanKernel::allocateSums() {
  for (const ScanStructure::Sum &sum : structure.sums) {
    Value count = kernel.index(1);
    for (Value size : elementSizes(sum.value))
      count = kernel.mul(count, size);
    Type type = getComputeType(elementTypeOf(sum.value));
    Value bytes = kernel.allocate(
        kernel.mul(count, kernel.index(type.getIntOrFloatBitWidth() / 8)));
    flat[sum.value] =
        kernel.view(bytes, kernel.index(0),
                    MemRefType::get({ShapedType::kDynamic}, type), count);
  }
}

void ScanKernel::computeSums(const Task &task) {
  readsFinishedStates = false;
  for (const ScanStructure::Sum &sum : structure.sums) {
    currentSum = sum.value;
    SmallVector<Value> sizes = elementSizes(sum.value);
    forEachPlace(task, sizes, sum.isVector, [&](const Place &place) {
      store(pull(sum.value, place), flat.lookup(sum.value), sizes,
            kernel.index(0), place, getComputeType(elementTypeOf(sum.value)));
    });
    currentSum = nullptr;
    // What was computed is in memory from now on.
    known.erase(sum.value);
  }
}

/// Computes the states of a group, which have one shape, and the outputs that
/// belong to them.
void ScanKernel::computeGroup(const Task &task, Value step,
                              ArrayRef<unsigned> group) {
  SmallVector<unsigned> members(group);
  for (auto [i, partner] : llvm::enumerate(structure.fusedWith))
    if (partner && llvm::is_contained(group, *partner))
      members.push_back(states + i);
  Value result = op.getResult(group.front());
  SmallVector<Value> sizes = kernel.sizes(result);
  forEachPlace(task, sizes, true, [&](const Place &place) {
    // All are read before the first is written.
    SmallVector<Value> elements;
    for (unsigned member : members)
      elements.push_back(pull(yielded[member], place));
    for (auto [member, element] : llvm::zip(members, elements)) {
      Value target = op.getResult(member), offset = kernel.index(0);
      if (member >= states)
        offset = stepOffset(target, step, op.writesBackwards(member - states));
      store(element, flat.lookup(target), sizes, offset, place,
            elementTypeOf(target));
    }
  });
}

void ScanKernel::computeStates(const Task &task, Value step) {
  readsFinishedStates = false;
  SmallVector<bool> isDone(states, false);
  for (unsigned i = 0; i < states; ++i) {
    SmallVector<unsigned> group;
    for (unsigned j = i; j < states; ++j)
      if (!isDone[j] && shapeOf(yielded[j]) == shapeOf(yielded[i])) {
        group.push_back(j);
        isDone[j] = true;
      }
    if (!group.empty() && group.front() == i)
      computeGroup(task, step, group);
  }
}

void ScanKernel::computeOutput(const Task &task, Value step, unsigned number) {
  readsFinishedStates = true;
  Value value = yielded[states + number];
  Value target = op.getResult(states + number);
  Value offset = stepOffset(target, step, op.writesBackwards(number));
  SmallVector<Value> sizes = kernel.sizes(target);
  ArrayRef<Value> own = ArrayRef(sizes).drop_front();
  forEachPlace(task, own, structure.isVector[number], [&](const Place &place) {
    store(pull(value, place), flat.lookup(target), own, offset, place,
          elementTypeOf(target));
  });
}

LogicalResult ScanKernel::emit() {
  for (Value operand : op->getOperands())
    flat[operand] = flatBuffer(kernel, operand);
  for (Value result : op->getResults())
    flat[result] = flatBuffer(kernel, result);
  steps = kernel.size(op.getSequences().front(), 0);
  chooseTasks();
  allocateSums();
  Value tasks = kernel.index(1);
  if (lanesPerTask)
    tasks = countParts(kernel, lastSize, lanesPerTask);
  if (!rowSizes.empty())
    tasks = kernel.mul(tasks, countParts(kernel, rowSizes.back(), rowsPerTask));
  for (Value size : ArrayRef(rowSizes).drop_back(!rowSizes.empty()))
    tasks = kernel.mul(tasks, size);
  // Of lanes, on a part of the states that the first-level cache holds.
  Cost each = kernel.cost({1, 0}) *
              static_cast<double>(std::distance(body.begin(), body.end())) *
              1024 *
              static_cast<double>(getConstantIntValue(steps).value_or(64));
  kernel.parallel(tasks, each, [&](Value number) {
    Task task = decodeTask(number);
    startStates(task);
    kernel.loop(steps, {}, [&](Value at, ValueRange) -> SmallVector<Value> {
      step = at;
      computeSums(task);
      computeStates(task, at);
      for (unsigned i = 0; i < structure.fusedWith.size(); ++i)
        if (!structure.fusedWith[i])
          computeOutput(task, at, i);
      return {};
    });
  });
  return success();
}

static LogicalResult emitScan(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<ScanOp>(anchor);
  if (!isAlone(kernel, anchor))
    return op.emitError("a scan takes no other ops into its kernel");
  auto structure = ScanStructure::analyse(op);
  if (!structure)
    return op.emitError(llvm::toString(structure.takeError()));
  return ScanKernel(kernel, op, std::move(*structure)).emit();
}

void sluice::registerScanEmitters(EmitterRegistry &registry) {
  registry.addKernel<ScanOp>(emitScan);
}
