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
#include "ScanElements.h"
#include "ScanSweep.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
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

class ScanKernel : private ScanElements {
public:
  ScanKernel(KernelBuilder &kernel, ScanOp op, ScanStructure structure)
      : ScanElements(
            kernel, op, std::move(structure),
            CpuLoops::of(kernel).machine.lanes(kernel.builder.getF32Type())) {}

  LogicalResult emit();

private:
  void chooseTasks();
  Task decodeTask(Value number);
  void allocateSums();
  void startStates(const Task &task);
  void computeSums(const Task &task);
  void computeStates(const Task &task, Value step);
  void computeGroup(const Task &task, Value step, ArrayRef<unsigned> group);
  void computeOutput(const Task &task, Value step, unsigned number);
  void computeStep(const Task &task);
  void sweepStep(const Task &task);

  /// Calls back for each place of a tensor of these sizes in the task; in
  /// vectors along the last dimension if `isVector`.
  void forEachPlace(const Task &task, ArrayRef<Value> sizes, bool isVector,
                    llvm::function_ref<void(const Place &)> at);

  int64_t rowsPerTask = 1, lanesPerTask = 0;
  Value lastSize;
  std::optional<ScanSweep> sweep;
};

} // namespace

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
    if (sweep && sweep->getVectors() > 1)
      most = sweep->getVectors() * lanes;
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
    forget(sum.value);
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

void ScanKernel::computeStep(const Task &task) {
  computeSums(task);
  computeStates(task, step);
  for (unsigned i = 0; i < structure.fusedWith.size(); ++i)
    if (!structure.fusedWith[i])
      computeOutput(task, step, i);
}

void ScanKernel::sweepStep(const Task &task) {
  int64_t vectors = sweep->getVectors();
  SmallVector<Value> sizes(rowSizes);
  if (vectors == 1) {
    sizes.push_back(lastSize);
    forEachPlace(task, sizes, true, [&](const Place &place) {
      sweep->emitStep(ArrayRef(place.at).drop_back(), place.lane);
    });
    return;
  }
  int64_t width = vectors * lanes;
  Value count = lanesPerTask ? kernel.index(lanesPerTask) : lastSize;
  forEachPlace(task, sizes, false, [&](const Place &place) {
    kernel.forEach(
        {kernel.div(count, kernel.index(width))}, [&](ValueRange block) {
          Value begin = kernel.add(task.laneBegin,
                                   kernel.mul(block[0], kernel.index(width)));
          SmallVector<Value> starts;
          // New values, so that no other index is taken for a lane.
          for (int64_t i = 0; i < vectors; ++i)
            starts.push_back(arith::AddIOp::create(
                kernel.builder, kernel.loc, begin, kernel.index(i * lanes)));
          sweep->emitStep(place.at, starts);
        });
  });
}

LogicalResult ScanKernel::emit() {
  for (Value operand : op->getOperands())
    flat[operand] = flatBuffer(kernel, operand);
  for (Value result : op->getResults())
    flat[result] = flatBuffer(kernel, result);
  steps = kernel.size(op.getSequences().front(), 0);
  if (ScanSweep::isPossible(op, structure))
    sweep.emplace(static_cast<ScanElements &>(*this));
  chooseTasks();
  if (!sweep)
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
      if (sweep)
        sweepStep(task);
      else
        computeStep(task);
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
