//===- Plan.cpp - How a generic op becomes loops --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Plan.h"
#include "BodyEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include <cmath>

using namespace mlir;

namespace sluice::loops {

double estimatedSize(const Extent &extent) {
  constexpr double unknownSize = 64;
  return double(extent.factor) * std::pow(unknownSize, extent.symbols.size());
}

namespace {

/// Cycles of one operation on one vector, roughly.
double operationCycles(Operation &op) {
  if (isa<arith::DivFOp, math::SqrtOp, math::RsqrtOp>(op))
    return 6;
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
          arith::RemFOp>(op))
    return 40;
  if (isa<math::AbsFOp, math::AbsIOp, math::FmaOp, math::FloorOp, math::CeilOp,
          math::RoundEvenOp, math::TruncOp, math::CopySignOp>(op))
    return 1;
  if (isa<math::MathDialect>(op.getDialect()))
    return 15;
  if (isa<arith::ConstantOp, linalg::IndexOp>(op))
    return 0;
  if (isa<memref::LoadOp>(op))
    return 8;
  return 1;
}

/// The operation that joins a new value with output `position`'s, if the output
/// is used by nothing else and partial results may be joined in any grouping.
Operation *findCombiner(Block &body, unsigned inputCount, unsigned position) {
  Value result = body.getTerminator()->getOperand(position);
  Operation *combiner = result.getDefiningOp();
  BlockArgument output = body.getArgument(inputCount + position);
  if (!combiner || combiner->getBlock() != &body ||
      combiner->getNumOperands() != 2 || !output.hasOneUse() ||
      *output.user_begin() != combiner || !result.hasOneUse() ||
      combiner->getOperand(0) == combiner->getOperand(1))
    return nullptr;
  if (!isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp,
           arith::MaxNumFOp, arith::MinNumFOp, arith::AddIOp, arith::MulIOp,
           arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::MaxSIOp,
           arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp>(combiner))
    return nullptr;
  return combiner;
}

unsigned widestBits(linalg::GenericOp op, const IterationSpace &space) {
  unsigned bits = 8;
  auto widen = [&](Type type) {
    type = computeType(type);
    if (type.isIntOrFloat())
      bits = std::max(bits, type.getIntOrFloatBitWidth());
  };
  for (const Access &access : space.accesses)
    widen(access.elementType);
  for (Operation &inner : *op.getBody())
    for (Type type : inner.getResultTypes())
      widen(type);
  return bits;
}

/// Are two outputs every other element of the same rows, in turns?
bool areWoven(Value first, Value second) {
  auto left = first.getDefiningOp<memref::SubViewOp>(),
       right = second.getDefiningOp<memref::SubViewOp>();
  if (!left || !right || left.getSource() != right.getSource() ||
      left.getMixedSizes() != right.getMixedSizes() ||
      left.getMixedStrides() != right.getMixedStrides())
    return false;
  SmallVector<OpFoldResult> leftOffsets = left.getMixedOffsets(),
                            rightOffsets = right.getMixedOffsets();
  auto start = getConstantIntValue(leftOffsets.pop_back_val()),
       next = getConstantIntValue(rightOffsets.pop_back_val());
  return leftOffsets == rightOffsets && start && next && *next == *start + 1 &&
         isConstantIntValue(left.getMixedStrides().back(), 2);
}

bool areWoven(ValueRange outputs) {
  while (outputs.size() >= 2 && areWoven(outputs[0], outputs[1]))
    outputs = outputs.drop_front(2);
  return outputs.empty();
}

class Planner {
public:
  Planner(linalg::GenericOp op, const IterationSpace &space,
          const MachineModel &machine)
      : op(op), space(space), machine(machine) {}

  Plan run() {
    Block &body = *op.getBody();
    for (unsigned position = 0; position < op.getNumDpsInits(); ++position)
      plan.combiners.push_back(findCombiner(body, space.inputCount, position));
    for (Operation &inner : body)
      inner.walk(
          [&](Operation *nested) { bodyCycles += operationCycles(*nested); });
    plan.copiesBody = !isVectorizable(body);
    bool isWoven = areWoven(op.getDpsInits());
    double best = scalarCost();
    if (!plan.copiesBody)
      for (unsigned loop = 0; loop < space.loops.size(); ++loop)
        consider(loop, isWoven, best);
    plan.nanosecondsPerElement = best * machine.nanosecondsPerCycle;
    finish();
    return std::move(plan);
  }

private:
  double scalarCost() const { return bodyCycles + space.accesses.size(); }

  /// Takes `loop` as the vector loop when that is cheaper per element.
  void consider(unsigned loop, bool isWoven, double &best) {
    const Loop &candidate = space.loops[loop];
    unsigned lanes = machine.lanes(widestBits(op, space));
    if (candidate.size.isConstant())
      lanes = std::min<unsigned>(
          lanes, llvm::bit_ceil(
                     uint64_t(std::max<int64_t>(candidate.size.factor, 1))));
    if (lanes < 2)
      return;
    for (const Access &output : space.outputs()) {
      const Extent &stride = output.strides[loop];
      if (candidate.isReduction ? !stride.is(0) : !stride.is(isWoven ? 2 : 1))
        return;
    }
    if (candidate.isReduction && llvm::is_contained(plan.combiners, nullptr))
      return;

    double cycles = bodyCycles;
    for (const Access &access : space.accesses) {
      bool isOneLoad = access.scalar || access.strides[loop].is(0) ||
                       access.strides[loop].is(1);
      bool isTwoLoads = access.strides[loop].is(2);
      cycles += isOneLoad ? 1 : isTwoLoads ? 3 : 1.2 * lanes;
    }
    // Lanes that stay empty in the last vector.
    double size = std::max(estimatedSize(candidate.size), 1.0);
    double vectors = std::ceil(size / lanes);
    double cost = cycles * vectors / size;
    // Lanes are joined at the end of each reduction.
    if (candidate.isReduction)
      cost += 4.0 * std::log2(lanes) / size;
    if (cost >= best)
      return;
    best = cost;
    plan.vectorLoop = loop;
    plan.lanes = lanes;
    plan.reducesLanes = candidate.isReduction;
    plan.weavesOutputs = isWoven;
  }

  void finish() {
    for (auto [position, loop] : llvm::enumerate(space.loops)) {
      if (position == plan.vectorLoop)
        continue;
      (loop.isReduction ? plan.reductions : plan.outer).push_back(position);
    }
    if (!plan.vectorLoop)
      return;
    // Independent accumulators hide the latency of the operation that joins.
    bool carries = plan.reducesLanes || !plan.reductions.empty();
    const Extent &size = space.loops[*plan.vectorLoop].size;
    unsigned vectors =
        size.isConstant()
            ? unsigned(std::min<int64_t>(size.factor / plan.lanes, 4))
            : 4;
    plan.unroll = carries ? std::max(1u, llvm::bit_floor(vectors)) : 1;
    if (!carries && vectors >= 2 && bodyCycles >= longBody)
      plan.lanes *= 2;
  }

  /// A body with elementary functions is one long chain of operations, of which
  /// a core sees little more than one iteration at a time. In vectors of twice
  /// the width two chains run side by side, on the same constants.
  static constexpr double longBody = 15;

  linalg::GenericOp op;
  const IterationSpace &space;
  const MachineModel &machine;
  double bodyCycles = 0;
  Plan plan;
};

} // namespace

Plan makePlan(linalg::GenericOp op, const IterationSpace &space,
              const MachineModel &machine) {
  return Planner(op, space, machine).run();
}

} // namespace sluice::loops
