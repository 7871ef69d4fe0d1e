//===- PairwiseCoupling.cpp - Classes from pairs of them ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// T. Wu, C. Lin and R. Weng, "Probability Estimates for Multi-class
// Classification by Pairwise Coupling", Journal of Machine Learning Research 5
// (2004), algorithm 2: the probabilities p with sum 1 that make p' Q p least,
// where Q comes from the pairs' probabilities.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Rows/RowBuffer.h"
#include "sluice/Codegen/Rows/RowFamilies.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

namespace {

class CouplingEmitter {
public:
  CouplingEmitter(KernelBuilder &kernel, PairwiseCouplingOp op)
      : kernel(kernel), body{kernel.builder, kernel.loc}, op(op),
        operand(kernel, op.getOperand()), result(kernel, op.getResult()),
        type(operand.computeType()), count(op.getClasses()),
        classes(kernel.index(count)) {}

  void emit();

private:
  static constexpr int64_t mostSteps = 100;

  Value number(double value) { return kernel.number(type, value); }
  /// Q[i][j] and (Q p)[i].
  Value quadratic(Value i, Value j) {
    return kernel.add(base, kernel.add(kernel.mul(i, classes), j));
  }
  Value gradient(Value i) {
    return kernel.add(base, kernel.add(kernel.index(count * count), i));
  }
  Value probability(Value i) { return kernel.add(kernel.mul(row, classes), i); }
  /// How probable i is against j.
  Value chance(Value i, Value j);
  void fillQuadratic();
  /// Q p, and the value p' Q p.
  Value computeGradient();
  Value largestError(Value value);
  void improve(Value value);
  void emitRow();

  KernelBuilder &kernel;
  BodyBuilder body;
  PairwiseCouplingOp op;
  RowBuffer operand, result;
  Type type;
  int64_t count;
  Value classes, base, row;
  std::optional<RowBuffer> scratch;
};

} // namespace

Value CouplingEmitter::chance(Value i, Value j) {
  Value isFirst = compare(kernel, Predicate::slt, i, j);
  Value low = select(kernel, isFirst, i, j);
  Value high = select(kernel, isFirst, j, i);
  // Behind the pairs that begin with a lower class.
  Value one = kernel.index(1), two = kernel.index(2);
  Value before = kernel.div(
      kernel.mul(low,
                 kernel.sub(kernel.sub(kernel.mul(two, classes), low), one)),
      two);
  Value place = kernel.add(before, kernel.sub(kernel.sub(high, low), one));
  Value pairs = kernel.index(count * (count - 1) / 2);
  Value own = operand.loadScalar(kernel.add(kernel.mul(row, pairs), place));
  return body.select(isFirst, own, body.sub(number(1), own));
}

void CouplingEmitter::fillQuadratic() {
  kernel.forEach({classes}, [&](ValueRange at) {
    Value i = at[0];
    result.storeScalar(number(1.0 / count), probability(i));
    Value sum =
        kernel.loop(classes, {number(0)}, [&](Value j, ValueRange running) {
          Value isOther = compare(kernel, Predicate::ne, i, j);
          return SmallVector<Value>{kernel.choose(
              isOther, type,
              [&] {
                Value back = chance(j, i), forth = chance(i, j);
                Value mixed = body.make<arith::NegFOp>(body.mul(back, forth));
                scratch->storeScalar(mixed, quadratic(i, j));
                Value square = body.mul(back, back);
                return SmallVector<Value>{body.add(running[0], square)};
              },
              [&] { return SmallVector<Value>{running[0]}; })[0]};
        })[0];
    scratch->storeScalar(sum, quadratic(i, i));
  });
}

Value CouplingEmitter::computeGradient() {
  return kernel.loop(classes, {number(0)}, [&](Value i, ValueRange outer) {
    Value sum =
        kernel.loop(classes, {number(0)}, [&](Value j, ValueRange running) {
          Value term = body.mul(scratch->loadScalar(quadratic(i, j)),
                                result.loadScalar(probability(j)));
          return SmallVector<Value>{body.add(running[0], term)};
        })[0];
    scratch->storeScalar(sum, gradient(i));
    Value term = body.mul(result.loadScalar(probability(i)), sum);
    return SmallVector<Value>{body.add(outer[0], term)};
  })[0];
}

Value CouplingEmitter::largestError(Value value) {
  return kernel.loop(classes, {number(0)}, [&](Value i, ValueRange running) {
    Value error = body.make<math::AbsFOp>(
        body.sub(scratch->loadScalar(gradient(i)), value));
    Value isLarger = body.compare(arith::CmpFPredicate::OGT, error, running[0]);
    return SmallVector<Value>{body.select(isLarger, error, running[0])};
  })[0];
}

void CouplingEmitter::improve(Value value) {
  kernel.loop(classes, {value}, [&](Value i, ValueRange running) {
    Value diagonal = scratch->loadScalar(quadratic(i, i));
    Value slope = scratch->loadScalar(gradient(i));
    Value change = body.div(body.sub(running[0], slope), diagonal);
    Value own = result.loadScalar(probability(i));
    result.storeScalar(body.add(own, change), probability(i));
    Value scale = body.add(number(1), change);
    Value moved = body.mul(change, body.add(body.mul(change, diagonal),
                                            body.mul(number(2), slope)));
    Value next = body.div(body.div(body.add(running[0], moved), scale), scale);
    kernel.forEach({classes}, [&](ValueRange at) {
      Value j = at[0];
      Value added =
          body.add(scratch->loadScalar(gradient(j)),
                   body.mul(change, scratch->loadScalar(quadratic(i, j))));
      scratch->storeScalar(body.div(added, scale), gradient(j));
      Value p = result.loadScalar(probability(j));
      result.storeScalar(body.div(p, scale), probability(j));
    });
    return SmallVector<Value>{next};
  });
}

void CouplingEmitter::emitRow() {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  fillQuadratic();
  Type index = builder.getIndexType();
  auto steps =
      scf::WhileOp::create(builder, loc, index, ValueRange{kernel.index(0)});
  OpBuilder::InsertionGuard guard(builder);
  Block *before = builder.createBlock(&steps.getBefore(), {}, index, loc);
  Value step = before->getArgument(0);
  Value value = computeGradient();
  Value isFar = body.compare(arith::CmpFPredicate::OGE, largestError(value),
                             number(0.005 / count));
  Value goesOn =
      both(kernel, isFar,
           compare(kernel, Predicate::slt, step, kernel.index(mostSteps)));
  // The step is part of the condition's block, which knows the value.
  when(kernel, goesOn, [&] { improve(value); });
  scf::ConditionOp::create(builder, loc, goesOn, step);
  Block *after = builder.createBlock(&steps.getAfter(), {}, index, loc);
  scf::YieldOp::create(builder, loc,
                       kernel.add(after->getArgument(0), kernel.index(1)));
}

void CouplingEmitter::emit() {
  // Each task has its own scratch memory and does every tasks-th row.
  constexpr int64_t mostElements = int64_t(1) << 22;
  int64_t mostTasks =
      std::clamp<int64_t>(mostElements / (count * count), 1, 32);
  Value rows = kernel.size(op.getOperand(), 0);
  Value tasks = kernel.builder.createOrFold<arith::MinSIOp>(
      kernel.loc, rows, kernel.index(mostTasks));
  Value slot = kernel.index(count * count + count);
  scratch.emplace(scratchRow(kernel, kernel.mul(tasks, slot), type));
  double size = static_cast<double>(count);
  shareAmongTasks(kernel, rows, tasks, kernel.cost({100, 0}) * size * size,
                  [&](Value task, Value item) {
                    base = kernel.mul(task, slot);
                    row = item;
                    emitRow();
                  });
}

static LogicalResult emitPairwiseCoupling(KernelBuilder &kernel,
                                          Operation *anchor) {
  if (!isAlone(kernel, anchor))
    return anchor->emitOpError("takes no other ops into its kernel");
  CouplingEmitter(kernel, cast<PairwiseCouplingOp>(anchor)).emit();
  return success();
}

void sluice::registerPairwiseCouplingEmitters(EmitterRegistry &registry) {
  registry.addKernel<PairwiseCouplingOp>(emitPairwiseCoupling);
}
