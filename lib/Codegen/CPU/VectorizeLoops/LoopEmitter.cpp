//===- LoopEmitter.cpp - Loops over vectors for a generic op --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;

namespace sluice::loops {

using Index = IndexBuilder::Index;

//===----------------------------------------------------------------------===//
// Outer loops
//===----------------------------------------------------------------------===//

LoopEmitter::Position LoopEmitter::enter(Position position, unsigned loop,
                                         Index iteration) {
  position.iterations[loop] = iteration;
  for (auto [offset, access] : llvm::zip(position.offsets, space.accesses))
    offset = index.add(
        offset,
        index.mul(iteration, space.materialize(index, access.strides[loop])));
  return position;
}

void LoopEmitter::emit() {
  Position start;
  start.iterations.assign(space.loops.size(), index.constant(0));
  for (const Access &access : space.accesses) {
    Index offset = index.constant(0);
    for (const Extent &part : access.offsets)
      offset = index.add(offset, space.materialize(index, part));
    start.offsets.push_back(offset);
  }

  double work = plan.nanosecondsPerElement;
  for (const Loop &loop : space.loops)
    work *= estimatedSize(loop.size);
  const double minimum = options.minimumParallelNanoseconds;
  if (options.parallel && work >= 2 * minimum) {
    unsigned parallelLoops = 0;
    while (parallelLoops < plan.outer.size() && work > minimum)
      work /= std::max(
          estimatedSize(space.loops[plan.outer[parallelLoops++]].size), 1.0);
    Index blockSize = index.constant(0);
    if (work >= 2 * minimum && plan.vectorLoop && !plan.reducesLanes) {
      double size = estimatedSize(space.loops[*plan.vectorLoop].size);
      int64_t vectors = plan.unroll * plan.lanes;
      int64_t elements = std::ceil(minimum / (work / size) / vectors) * vectors;
      blockSize = index.constant(elements);
      work *= double(elements) / size;
    }
    if (parallelLoops > 0 || !IndexBuilder::isConstant(blockSize, 0))
      return emitParallel(start, parallelLoops, blockSize, work);
  }
  Index size =
      plan.vectorLoop
          ? space.materialize(index, space.loops[*plan.vectorLoop].size)
          : index.constant(1);
  emitOuter(plan.outer, start, index.constant(0), size);
}

/// One parallel loop over the first outer loops, and over blocks of the vector
/// loop when `blockSize` is not zero.
void LoopEmitter::emitParallel(const Position &start, unsigned parallelLoops,
                               Index blockSize, double cost) {
  ArrayRef<unsigned> shared = ArrayRef(plan.outer).take_front(parallelLoops);
  Index size =
      plan.vectorLoop
          ? space.materialize(index, space.loops[*plan.vectorLoop].size)
          : index.constant(1);
  bool isBlocked = !IndexBuilder::isConstant(blockSize, 0);
  Index blocks = isBlocked ? index.ceilDiv(size, blockSize) : index.constant(1);
  SmallVector<Index> sizes;
  Index count = blocks;
  for (unsigned loop : shared) {
    sizes.push_back(space.materialize(index, space.loops[loop].size));
    count = index.mul(count, sizes.back());
  }
  parallelLoop(index, count, cost, [&](Index iteration) {
    Index lower = index.constant(0), upper = size;
    if (isBlocked) {
      lower = index.mul(index.rem(iteration, blocks), blockSize);
      upper = index.min(index.add(lower, blockSize), size);
      iteration = index.div(iteration, blocks);
    }
    Position position = start;
    for (unsigned depth = shared.size(); depth-- > 0;) {
      Index current =
          depth == 0 ? iteration : index.rem(iteration, sizes[depth]);
      if (depth != 0)
        iteration = index.div(iteration, sizes[depth]);
      position = enter(position, shared[depth], current);
    }
    emitOuter(ArrayRef(plan.outer).drop_front(parallelLoops), position, lower,
              upper);
  });
}

void LoopEmitter::emitOuter(ArrayRef<unsigned> loops, Position position,
                            Index lower, Index upper) {
  if (loops.empty())
    return emitInner(position, lower, upper);
  Index size = space.materialize(index, space.loops[loops.front()].size);
  index.loop(index.constant(0), size, 1, [&](Index iteration) {
    emitOuter(loops.drop_front(), enter(position, loops.front(), iteration),
              lower, upper);
  });
}

void LoopEmitter::emitInner(Position position, Index lower, Index upper) {
  preloaded.clear();
  preload(position);
  if (plan.reducesLanes)
    emitReduction(position, lower, upper);
  else if (plan.vectorLoop)
    emitSegments(position, lower, upper);
  else
    emitGroup(position, index.constant(0), Group{1, 1, Value()});
}

bool LoopEmitter::isPreloadable(unsigned access) const {
  if (plan.copiesBody || access >= space.inputCount)
    return false;
  const Access &input = space.accesses[access];
  auto isStill = [&](unsigned loop) { return input.strides[loop].is(0); };
  return (!plan.vectorLoop || isStill(*plan.vectorLoop)) &&
         llvm::all_of(plan.reductions, isStill);
}

void LoopEmitter::preload(const Position &position) {
  // A loop that may run zero times must not make an access it would not make:
  // an operand without elements then has no element to load.
  auto runs = [&](unsigned loop) {
    const Extent &size = space.loops[loop].size;
    return size.isConstant() && size.factor > 0;
  };
  if ((plan.vectorLoop && !runs(*plan.vectorLoop)) ||
      !llvm::all_of(plan.reductions, runs))
    return;
  BodyEmitter emitter(builder, op.getLoc(), 1, Value());
  for (unsigned access = 0; access < space.inputCount; ++access)
    if (isPreloadable(access))
      preloaded[access] = emitter.load(space.accesses[access],
                                       index.value(position.offsets[access]),
                                       index.constant(0));
}

//===----------------------------------------------------------------------===//
// Lanes are results
//===----------------------------------------------------------------------===//

void LoopEmitter::emitSegments(const Position &position, Index lower,
                               Index upper) {
  Index length = index.sub(upper, lower);
  auto endOf = [&](int64_t step) {
    return index.add(lower, index.mul(index.div(length, step), step));
  };
  Index start = lower;
  if (plan.unroll > 1) {
    int64_t step = plan.unroll * plan.lanes;
    Index end = endOf(step);
    index.loop(lower, end, step, [&](Index iteration) {
      emitGroup(position, iteration, Group{plan.unroll, plan.lanes, Value()});
    });
    start = end;
  }
  Index end = endOf(plan.lanes);
  index.loop(start, end, plan.lanes, [&](Index iteration) {
    emitGroup(position, iteration, Group{1, plan.lanes, Value()});
  });
  const Extent &size = space.loops[*plan.vectorLoop].size;
  if (!size.isConstant() || size.factor % plan.lanes != 0)
    emitTail(position, end, upper);
}

void LoopEmitter::emitTail(const Position &position, Index lower, Index upper) {
  auto first = IndexBuilder::getConstant(lower);
  auto end = IndexBuilder::getConstant(upper);
  if (options.machine.hasMask) {
    index.ifLess(lower, upper, [&] {
      Value mask = vector::CreateMaskOp::create(
          builder, op.getLoc(),
          VectorType::get({plan.lanes}, builder.getI1Type()),
          ValueRange{index.value(index.sub(upper, lower))});
      emitGroup(position, lower, Group{1, plan.lanes, mask});
    });
    return;
  }
  if (first && end) {
    for (unsigned lanes = plan.lanes / 2; lanes > 0; lanes /= 2) {
      if (*end - *first < lanes)
        continue;
      emitGroup(position, index.constant(*first), Group{1, lanes, Value()});
      *first += lanes;
    }
    return;
  }
  index.loop(lower, upper, 1, [&](Index iteration) {
    emitGroup(position, iteration, Group{1, 1, Value()});
  });
}

void LoopEmitter::emitGroup(const Position &outside, Index iteration,
                            Group group) {
  Position position =
      plan.vectorLoop ? enter(outside, *plan.vectorLoop, iteration) : outside;
  auto atOutput = [&](unsigned vector, unsigned output) {
    return index.value(
        offsetOf(position, space.inputCount + output, vector, group.lanes));
  };
  BodyEmitter emitter(builder, op.getLoc(), group.lanes, group.mask);
  Values results;
  if (plan.reductions.empty()) {
    results = emitBody(position, group, {});
  } else {
    Values accumulators;
    for (unsigned vector = 0; vector < group.vectors; ++vector)
      for (auto [output, access] : llvm::enumerate(space.outputs()))
        accumulators.push_back(
            plan.copiesBody
                ? emitter.loadElement(access, atOutput(vector, output))
                : emitter
                      .load(access, atOutput(vector, output), index.constant(1))
                      .value);
    results = reduce(position, plan.reductions, group, accumulators);
  }
  for (unsigned vector = 0; vector < group.vectors; ++vector)
    for (auto [output, access] : llvm::enumerate(space.outputs())) {
      if (plan.weavesOutputs && group.lanes > 1) {
        ArrayRef<Value> pair =
            ArrayRef(results).slice(vector * outputCount() + output);
        if (output % 2 == 0)
          emitter.storeWoven(access, atOutput(vector, output), pair[0],
                             pair[1]);
        continue;
      }
      Value result = results[vector * outputCount() + output];
      if (plan.copiesBody)
        emitter.storeElement(access, atOutput(vector, output), result);
      else
        emitter.store(access, atOutput(vector, output),
                      group.lanes == 1 ? LaneValue::uniform(result)
                                       : LaneValue::vector(result));
    }
}

LoopEmitter::Values LoopEmitter::reduce(const Position &position,
                                        ArrayRef<unsigned> loops, Group group,
                                        ValueRange accumulators) {
  if (loops.empty())
    return emitBody(position, group, accumulators);
  Index size = space.materialize(index, space.loops[loops.front()].size);
  return index.loop(index.constant(0), size, 1, accumulators,
                    [&](Index iteration, ValueRange carried) {
                      return reduce(enter(position, loops.front(), iteration),
                                    loops.drop_front(), group, carried);
                    });
}

//===----------------------------------------------------------------------===//
// One iteration
//===----------------------------------------------------------------------===//

Index LoopEmitter::strideOf(unsigned access) {
  if (!plan.vectorLoop)
    return index.constant(0);
  return space.materialize(index,
                           space.accesses[access].strides[*plan.vectorLoop]);
}

Index LoopEmitter::offsetOf(const Position &position, unsigned access,
                            unsigned vector, unsigned lanes) {
  Index distance = index.mul(strideOf(access), int64_t(vector) * lanes);
  return index.add(position.offsets[access], distance);
}

LaneValue LoopEmitter::iterationOf(const Position &position, unsigned dimension,
                                   unsigned vector, unsigned lanes) {
  std::optional<unsigned> loop = space.loopOfDimension[dimension];
  if (!loop)
    return LaneValue::uniform(index.value(index.constant(0)));
  if (loop != plan.vectorLoop)
    return LaneValue::uniform(index.value(position.iterations[*loop]));
  Index iteration =
      index.add(position.iterations[*loop], int64_t(vector) * lanes);
  return LaneValue{index.value(iteration), lanes == 1 ? 0 : 1, false};
}

LoopEmitter::Values LoopEmitter::copyBody(const Position &position,
                                          ValueRange accumulators) {
  BodyEmitter emitter(builder, op.getLoc(), 1, Value());
  Values arguments;
  for (auto [position_, access] : llvm::enumerate(space.accesses)) {
    if (position_ >= space.inputCount && !accumulators.empty())
      break;
    arguments.push_back(
        emitter.loadElement(access, index.value(position.offsets[position_])));
  }
  llvm::append_range(arguments, accumulators);
  return emitter.clone(*op.getBody(), arguments, [&](unsigned dimension) {
    return iterationOf(position, dimension, 0, 1);
  });
}

/// Emits the body once per vector of the group. `accumulators` are the outputs'
/// values; when empty they are loaded where the body uses them.
LoopEmitter::Values LoopEmitter::emitBody(const Position &position,
                                          const Group &group,
                                          ValueRange accumulators) {
  if (plan.copiesBody)
    return copyBody(position, accumulators);
  Values results;
  Block &body = *op.getBody();
  for (unsigned vector = 0; vector < group.vectors; ++vector) {
    BodyEmitter emitter(builder, op.getLoc(), group.lanes, group.mask);
    SmallVector<LaneValue> arguments;
    for (auto [number, access] : llvm::enumerate(space.accesses)) {
      unsigned output = number - space.inputCount;
      if (body.getArgument(number).use_empty()) {
        arguments.push_back(LaneValue());
      } else if (auto found = preloaded.find(number);
                 found != preloaded.end()) {
        arguments.push_back(found->second);
      } else if (number >= space.inputCount && !accumulators.empty()) {
        Value carried = accumulators[vector * outputCount() + output];
        arguments.push_back(group.lanes == 1 ? LaneValue::uniform(carried)
                                             : LaneValue::vector(carried));
      } else {
        Index offset = offsetOf(position, number, vector, group.lanes);
        arguments.push_back(
            emitter.load(access, index.value(offset), strideOf(number)));
      }
    }
    SmallVector<LaneValue> yielded =
        emitter.emit(body, arguments, [&](unsigned dimension) {
          return iterationOf(position, dimension, vector, group.lanes);
        });
    for (LaneValue value : yielded)
      results.push_back(group.lanes == 1 ? value.value
                                         : emitter.toVector(value));
  }
  return results;
}

} // namespace sluice::loops
