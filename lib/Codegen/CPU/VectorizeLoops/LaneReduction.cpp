//===- LaneReduction.cpp - Reductions with lanes as accumulators ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace sluice::loops {

/// Without masks, the elements after the last whole vector have accumulators of
/// their own.
bool LoopEmitter::hasScalarAccumulator(Index lower, Index upper) const {
  if (options.machine.hasMask)
    return false;
  auto first = IndexBuilder::getConstant(lower);
  auto end = IndexBuilder::getConstant(upper);
  return !first || !end || (*end - *first) % plan.lanes != 0;
}

Value LoopEmitter::neutral(unsigned output, unsigned lanes) {
  TypedAttr value = *arith::getNeutralElement(plan.combiners[output]);
  Type type = computeType(value.getType());
  if (type != value.getType())
    value = builder.getF32FloatAttr(cast<FloatAttr>(value).getValueAsDouble());
  if (lanes > 1)
    value = DenseElementsAttr::get(VectorType::get({lanes}, type),
                                   Attribute(value));
  return arith::ConstantOp::create(builder, op.getLoc(), value);
}

/// Joins neighbouring halves until one lane is left: a fixed order.
Value LoopEmitter::joinLanes(unsigned output, Value vector) {
  BodyEmitter emitter(builder, op.getLoc(), 1, Value());
  for (int64_t half = plan.lanes / 2; half > 0; half /= 2) {
    Value low = vector::ExtractStridedSliceOp::create(
        builder, op.getLoc(), vector, ArrayRef<int64_t>{0},
        ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
    Value high = vector::ExtractStridedSliceOp::create(
        builder, op.getLoc(), vector, ArrayRef<int64_t>{half},
        ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
    vector = emitter.cloneOnto(plan.combiners[output], low, high);
  }
  return vector::ExtractOp::create(builder, op.getLoc(), vector,
                                   ArrayRef<int64_t>{0});
}

void LoopEmitter::emitReduction(const Position &position, Index lower,
                                Index upper) {
  bool hasScalar = hasScalarAccumulator(lower, upper);
  Values accumulators;
  for (unsigned vector = 0; vector < plan.unroll; ++vector)
    for (unsigned output = 0; output < outputCount(); ++output)
      accumulators.push_back(neutral(output, plan.lanes));
  if (hasScalar)
    for (unsigned output = 0; output < outputCount(); ++output)
      accumulators.push_back(neutral(output, 1));
  accumulators =
      accumulate(position, plan.reductions, lower, upper, accumulators);

  BodyEmitter emitter(builder, op.getLoc(), 1, Value());
  for (auto [output, access] : llvm::enumerate(space.outputs())) {
    Operation *combiner = plan.combiners[output];
    Values vectors;
    for (unsigned vector = 0; vector < plan.unroll; ++vector)
      vectors.push_back(accumulators[vector * outputCount() + output]);
    for (; vectors.size() > 1; vectors.truncate(vectors.size() / 2))
      for (unsigned pair = 0; pair < vectors.size() / 2; ++pair)
        vectors[pair] = emitter.cloneOnto(combiner, vectors[2 * pair],
                                          vectors[2 * pair + 1]);
    Value result = joinLanes(output, vectors.front());
    if (hasScalar)
      result = emitter.cloneOnto(
          combiner, result, accumulators[plan.unroll * outputCount() + output]);
    Value offset = index.value(position.offsets[space.inputCount + output]);
    Value initial = emitter.load(access, offset, index.constant(0)).value;
    emitter.store(
        access, offset,
        LaneValue::uniform(emitter.cloneOnto(combiner, initial, result)));
  }
}

LoopEmitter::Values LoopEmitter::accumulate(const Position &position,
                                            ArrayRef<unsigned> loops,
                                            Index lower, Index upper,
                                            ValueRange accumulators) {
  if (loops.empty())
    return accumulateLoop(position, lower, upper, accumulators);
  Index size = space.materialize(index, space.loops[loops.front()].size);
  return index.loop(index.constant(0), size, 1, accumulators,
                    [&](Index iteration, ValueRange carried) {
                      return accumulate(
                          enter(position, loops.front(), iteration),
                          loops.drop_front(), lower, upper, carried);
                    });
}

LoopEmitter::Values LoopEmitter::accumulateLoop(const Position &position,
                                                Index lower, Index upper,
                                                ValueRange carried) {
  const unsigned vectorCount = plan.unroll * outputCount();
  Values accumulators = llvm::to_vector_of<Value>(carried);
  Index length = index.sub(upper, lower);
  auto endOf = [&](int64_t step) {
    return index.add(lower, index.mul(index.div(length, step), step));
  };
  // Runs `group` from `start` to `end` on the accumulators from `first` on.
  auto run = [&](Index start, Index end, Group group, unsigned first) {
    unsigned count = group.vectors * outputCount();
    Values part(accumulators.begin() + first,
                accumulators.begin() + first + count);
    part = index.loop(start, end, group.vectors * group.lanes, part,
                      [&](Index iteration, ValueRange values) {
                        return emitBody(
                            enter(position, *plan.vectorLoop, iteration), group,
                            values);
                      });
    llvm::copy(part, accumulators.begin() + first);
  };

  Index start = lower;
  if (plan.unroll > 1) {
    Index end = endOf(plan.unroll * plan.lanes);
    run(lower, end, Group{plan.unroll, plan.lanes, Value()}, 0);
    start = end;
  }
  Index end = endOf(plan.lanes);
  run(start, end, Group{1, plan.lanes, Value()}, 0);
  if (accumulators.size() > vectorCount) {
    run(end, upper, Group{1, 1, Value()}, vectorCount);
    return accumulators;
  }
  auto isWhole = IndexBuilder::getConstant(length);
  if (isWhole && *isWhole % plan.lanes == 0)
    return accumulators;

  // The rest, in the lanes of a mask; an empty mask changes nothing.
  Value mask = vector::CreateMaskOp::create(
      builder, op.getLoc(), VectorType::get({plan.lanes}, builder.getI1Type()),
      ValueRange{index.value(index.sub(upper, end))});
  Values part(accumulators.begin(), accumulators.begin() + outputCount());
  Values results = emitBody(enter(position, *plan.vectorLoop, end),
                            Group{1, plan.lanes, mask}, part);
  for (unsigned output = 0; output < outputCount(); ++output)
    accumulators[output] = arith::SelectOp::create(
        builder, op.getLoc(), mask, results[output], part[output]);
  return accumulators;
}

} // namespace sluice::loops
