//===- RecurrentKernels.cpp - LSTM, GRU and RNN ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "RowVectors.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sluice;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

static Value sigmoid(BodyBuilder &body, Value x) {
  Value one = body.constant(x, 1);
  Value power = body.make<math::ExpOp>(body.make<arith::NegFOp>(x));
  return body.div(one, body.add(one, power));
}

/// An activation by its ONNX name in lower case.
static Value activate(BodyBuilder &body, StringRef name, double alpha,
                      double beta, Value x) {
  Value zero = body.constant(x, 0), one = body.constant(x, 1);
  auto number = [&](double value) { return body.constant(x, value); };
  auto positive = [&] { return body.compare(CmpFPredicate::OGT, x, zero); };
  if (name == "sigmoid")
    return sigmoid(body, x);
  if (name == "tanh")
    return body.make<math::TanhOp>(x);
  if (name == "relu")
    return body.select(positive(), x, zero);
  if (name == "leakyrelu")
    return body.select(positive(), x, body.mul(x, number(alpha)));
  if (name == "thresholdedrelu")
    return body.select(body.compare(CmpFPredicate::OGT, x, number(alpha)), x,
                       zero);
  if (name == "affine")
    return body.add(body.mul(x, number(alpha)), number(beta));
  if (name == "scaledtanh")
    return body.mul(number(alpha),
                    body.make<math::TanhOp>(body.mul(x, number(beta))));
  if (name == "hardsigmoid")
    return body.clamp(body.add(body.mul(x, number(alpha)), number(beta)), zero,
                      one);
  if (name == "elu") {
    Value power = body.sub(body.make<math::ExpOp>(x), one);
    return body.select(positive(), x, body.mul(number(alpha), power));
  }
  if (name == "softsign")
    return body.div(x, body.add(one, body.make<math::AbsFOp>(x)));
  // softplus: max(x, 0) + log(1 + exp(-|x|)).
  Value power = body.make<math::ExpOp>(
      body.make<arith::NegFOp>(body.make<math::AbsFOp>(x)));
  return body.add(body.select(positive(), x, zero),
                  body.make<math::Log1pOp>(power));
}

namespace {

/// One step of a cell for one sequence and direction, and the loops around it.
/// The states live in the buffers of the last-state results; a step writes the
/// new hidden state to its output row first, since all units read the old one.
class RecurrenceEmitter {
public:
  RecurrenceEmitter(KernelBuilder &kernel, RecurrenceOp op)
      : kernel(kernel), op(op), body{kernel.builder, kernel.loc},
        type(elementTypeOf(op.getProjected())),
        units(kernel.size(op.getResult(1), 2)),
        steps(kernel.size(op.getProjected(), 1)),
        batch(kernel.size(op.getProjected(), 2)),
        directions(op.getReverse().size()),
        projected(kernel, op.getProjected()), weights(kernel, op.getWeights()),
        outputs(kernel, op.getResult(0)), hidden(kernel, op.getResult(1)) {}

  void emit();

private:
  /// Where the rows of one direction and sequence start.
  struct Sequence {
    int64_t direction;
    Value state; ///< Offset of its states.
  };
  Value optionalRow(Value tensor, Value offset, const Piece &piece);
  void emitSequence(int64_t direction, Value number);
  void initialise(Value initial, const RowVectors &state, Value offset);
  void emitStep(const Sequence &sequence, Value input, Value output);
  void emitLstmUnits(const Sequence &sequence, Value input, Value output,
                     const Piece &piece);
  void emitGruStep(const Sequence &sequence, Value input, Value output);
  /// The gates' sums over the hidden state read from `source` at `offset`,
  /// started from `start`.
  SmallVector<Value> accumulate(const Sequence &sequence, const Piece &piece,
                                ArrayRef<int64_t> gates, ValueRange start,
                                const RowVectors &source, Value offset);
  Value activation(const Sequence &sequence, int64_t number, Value x);
  /// Bounds what goes into an activation.
  Value clip(Value x) {
    double bound = op.getClip().convertToDouble();
    if (bound <= 0)
      return x;
    return body.clamp(x, body.constant(x, -bound), body.constant(x, bound));
  }
  Value gate(Value input, int64_t number, const Piece &piece) {
    return projected.load(kernel.add(input, gateOffset(number)), piece);
  }
  Value gateOffset(int64_t number) {
    return kernel.mul(kernel.index(number), units);
  }
  /// The weights from hidden unit `k` of the direction that starts at `base` to
  /// a gate of the units of a piece.
  Value loadWeights(Value base, Value k, int64_t gate, const Piece &piece);

  KernelBuilder &kernel;
  RecurrenceOp op;
  BodyBuilder body;
  Type type;
  Value units, steps, batch;
  int64_t directions;
  RowVectors projected, weights, outputs, hidden;
  /// LSTM's cell state; GRU's reset gate times the hidden state.
  std::optional<RowVectors> cell, resetState;
};

} // namespace

Value RecurrenceEmitter::activation(const Sequence &sequence, int64_t number,
                                    Value x) {
  int64_t perDirection = op.getActivations().size() / directions;
  int64_t place = sequence.direction * perDirection + number;
  return activate(body, cast<StringAttr>(op.getActivations()[place]).getValue(),
                  op.getAlphas()[place], op.getBetas()[place], x);
}

Value RecurrenceEmitter::loadWeights(Value base, Value k, int64_t gate,
                                     const Piece &piece) {
  if (!op.hasPackedWeights()) {
    Value width = kernel.mul(kernel.index(op.getGateCount()), units);
    Value row = kernel.add(base, kernel.mul(k, width));
    return weights.load(kernel.add(row, gateOffset(gate)), piece);
  }
  Value column = kernel.add(gateOffset(gate), piece.begin);
  Value panel = kernel.add(base, kernel.mul(column, units));
  Value row = kernel.mul(k, kernel.index(weights.lanes()));
  return weights.load(kernel.add(panel, row),
                      Piece{kernel.index(0), piece.mask});
}

SmallVector<Value>
RecurrenceEmitter::accumulate(const Sequence &sequence, const Piece &piece,
                              ArrayRef<int64_t> gates, ValueRange start,
                              const RowVectors &source, Value offset) {
  Value width = kernel.mul(kernel.index(op.getGateCount()), units);
  Value base =
      kernel.mul(kernel.index(sequence.direction), kernel.mul(units, width));
  auto addUnit = [&](Value k, ValueRange sums) {
    Value factor = weights.splat(source.loadScalar(kernel.add(offset, k)));
    SmallVector<Value> next;
    for (auto [gate, sum] : llvm::zip(gates, sums)) {
      Value weight = loadWeights(base, k, gate, piece);
      next.push_back(vector::FMAOp::create(kernel.builder, kernel.loc, factor,
                                           weight, sum));
    }
    return next;
  };
  // Two units at a time, in sums of their own, hide the latency of the adds.
  SmallVector<Value> sums = llvm::to_vector(start);
  Value zero = weights.splat(kernel.number(type, 0));
  sums.append(gates.size(), zero);
  Value pairs = kernel.div(units, kernel.index(2));
  sums = kernel.loop(pairs, sums, [&](Value i, ValueRange running) {
    Value k = kernel.mul(i, kernel.index(2));
    SmallVector<Value> even = addUnit(k, running.take_front(gates.size()));
    SmallVector<Value> odd = addUnit(kernel.add(k, kernel.index(1)),
                                     running.drop_front(gates.size()));
    llvm::append_range(even, odd);
    return even;
  });
  SmallVector<Value> total;
  for (size_t i = 0; i < gates.size(); ++i)
    total.push_back(body.add(sums[i], sums[gates.size() + i]));
  Value done = kernel.mul(pairs, kernel.index(2));
  Value rest = kernel.sub(units, done);
  if (getConstantIntValue(rest) == 0)
    return total;
  return kernel.loop(rest, total, [&](Value i, ValueRange running) {
    return addUnit(kernel.add(done, i), running);
  });
}

/// A row of an optional operand, read from its buffer or, for splat constants,
/// computed. Null without operand.
Value RecurrenceEmitter::optionalRow(Value tensor, Value offset,
                                     const Piece &piece) {
  if (!tensor)
    return nullptr;
  if (kernel.buffer(tensor))
    return RowVectors(kernel, tensor).load(offset, piece);
  SmallVector<Value> origin(shapeOf(tensor).size(), kernel.index(0));
  return weights.splat(kernel.load(tensor, origin));
}

void RecurrenceEmitter::emitLstmUnits(const Sequence &sequence, Value input,
                                      Value output, const Piece &piece) {
  enum Gate { In, Out, Forget, Candidate };
  SmallVector<Value> start;
  for (int64_t i = 0; i < 4; ++i)
    start.push_back(gate(input, i, piece));
  SmallVector<Value> sums =
      accumulate(sequence, piece, {0, 1, 2, 3}, start, hidden, sequence.state);
  Value peepholeRow = kernel.mul(kernel.index(3 * sequence.direction), units);
  auto peephole = [&](Value sum, Value state, int64_t number) {
    Value row = kernel.add(peepholeRow, gateOffset(number));
    Value factor = optionalRow(op.getPeepholes(), row, piece);
    return factor ? body.add(sum, body.mul(factor, state)) : sum;
  };
  Value old = cell->load(sequence.state, piece);
  Value in = activation(sequence, 0, clip(peephole(sums[In], old, 0)));
  Value forget;
  if (op.getInputForget())
    forget = body.sub(body.constant(in, 1), in);
  else
    forget = activation(sequence, 0, clip(peephole(sums[Forget], old, 2)));
  Value candidate = activation(sequence, 1, clip(sums[Candidate]));
  Value state = body.add(body.mul(forget, old), body.mul(in, candidate));
  cell->store(state, sequence.state, piece);
  Value out = activation(sequence, 0, clip(peephole(sums[Out], state, 1)));
  outputs.store(body.mul(out, activation(sequence, 2, state)), output, piece);
}

void RecurrenceEmitter::emitGruStep(const Sequence &sequence, Value input,
                                    Value output) {
  enum Gate { Update, Reset, Candidate };
  int64_t lanes = weights.lanes();
  auto mix = [&](Value update, Value candidate, Value old) {
    Value rest = body.sub(body.constant(update, 1), update);
    return body.add(body.mul(rest, candidate), body.mul(update, old));
  };
  if (op.getLinearBeforeReset()) {
    forEachVector(kernel, units, lanes, [&](const Piece &piece) {
      Value biasRow = gateOffset(sequence.direction);
      Value bias = optionalRow(op.getHiddenBias(), biasRow, piece);
      SmallVector<Value> start = {gate(input, Update, piece),
                                  gate(input, Reset, piece), bias};
      SmallVector<Value> sums =
          accumulate(sequence, piece, {0, 1, 2}, start, hidden, sequence.state);
      Value update = activation(sequence, 0, clip(sums[Update]));
      Value reset = activation(sequence, 0, clip(sums[Reset]));
      Value candidate = body.add(gate(input, Candidate, piece),
                                 body.mul(reset, sums[Candidate]));
      candidate = activation(sequence, 1, clip(candidate));
      Value old = hidden.load(sequence.state, piece);
      outputs.store(mix(update, candidate, old), output, piece);
    });
    return;
  }
  // The candidates read reset * state of all units, so that comes first.
  forEachVector(kernel, units, lanes, [&](const Piece &piece) {
    SmallVector<Value> sums =
        accumulate(sequence, piece, {Reset}, gate(input, Reset, piece), hidden,
                   sequence.state);
    Value reset = activation(sequence, 0, clip(sums[0]));
    Value old = hidden.load(sequence.state, piece);
    resetState->store(body.mul(reset, old), sequence.state, piece);
  });
  forEachVector(kernel, units, lanes, [&](const Piece &piece) {
    Value update =
        accumulate(sequence, piece, {Update}, gate(input, Update, piece),
                   hidden, sequence.state)[0];
    Value candidate =
        accumulate(sequence, piece, {Candidate}, gate(input, Candidate, piece),
                   *resetState, sequence.state)[0];
    update = activation(sequence, 0, clip(update));
    candidate = activation(sequence, 1, clip(candidate));
    Value old = hidden.load(sequence.state, piece);
    outputs.store(mix(update, candidate, old), output, piece);
  });
}

void RecurrenceEmitter::emitStep(const Sequence &sequence, Value input,
                                 Value output) {
  if (op.getCell() == RecurrentCell::Gru) {
    emitGruStep(sequence, input, output);
  } else {
    forEachVector(kernel, units, weights.lanes(), [&](const Piece &piece) {
      if (op.getCell() == RecurrentCell::Lstm)
        return emitLstmUnits(sequence, input, output, piece);
      Value sum = accumulate(sequence, piece, {0}, gate(input, 0, piece),
                             hidden, sequence.state)[0];
      outputs.store(activation(sequence, 0, clip(sum)), output, piece);
    });
  }
  forEachVector(kernel, units, weights.lanes(), [&](const Piece &piece) {
    hidden.store(outputs.load(output, piece), sequence.state, piece);
  });
}

/// Copies the initial state into the buffer where states live.
void RecurrenceEmitter::initialise(Value initial, const RowVectors &state,
                                   Value offset) {
  forEachVector(kernel, units, weights.lanes(), [&](const Piece &piece) {
    Value start = optionalRow(initial, offset, piece);
    if (!start)
      start = weights.splat(kernel.number(type, 0));
    state.store(start, offset, piece);
  });
}

void RecurrenceEmitter::emitSequence(int64_t direction, Value number) {
  Value place = kernel.add(kernel.mul(kernel.index(direction), batch), number);
  Sequence sequence{direction, kernel.mul(place, units)};
  initialise(op.getHidden(), hidden, sequence.state);
  if (cell)
    initialise(op.getCellState(), *cell, sequence.state);
  Value length = steps;
  if (Value lengths = op.getLengths()) {
    Value given =
        kernel.toIndex(kernel.load(lengths, number), elementTypeOf(lengths));
    given = arith::MaxSIOp::create(kernel.builder, kernel.loc, given,
                                   kernel.index(0));
    length = arith::MinSIOp::create(kernel.builder, kernel.loc, given, steps);
  }
  Value width = kernel.mul(kernel.index(op.getGateCount()), units);
  auto outputRow = [&](Value step) {
    Value row = kernel.add(kernel.mul(step, kernel.index(directions)),
                           kernel.index(direction));
    return kernel.mul(kernel.add(kernel.mul(row, batch), number), units);
  };
  kernel.forEach(length, [&](ValueRange at) {
    Value step = at[0];
    if (op.getReverse()[direction])
      step = kernel.sub(kernel.sub(length, kernel.index(1)), step);
    Value row = kernel.add(kernel.mul(kernel.index(direction), steps), step);
    Value input = kernel.mul(kernel.add(kernel.mul(row, batch), number), width);
    emitStep(sequence, input, outputRow(step));
  });
  if (!op.getLengths())
    return;
  kernel.forEach(kernel.sub(steps, length), [&](ValueRange at) {
    Value row = outputRow(kernel.add(length, at[0]));
    forEachVector(kernel, units, weights.lanes(), [&](const Piece &piece) {
      outputs.store(weights.splat(kernel.number(type, 0)), row, piece);
    });
  });
}

void RecurrenceEmitter::emit() {
  if (op.getCell() == RecurrentCell::Lstm)
    cell.emplace(kernel, op.getResult(2));
  Value sequences = kernel.mul(kernel.index(directions), batch);
  if (op.getCell() == RecurrentCell::Gru && !op.getLinearBeforeReset()) {
    Value count = kernel.mul(sequences, units);
    Type computeType = getComputeType(type);
    int64_t width = computeType.getIntOrFloatBitWidth() / 8;
    auto known = getConstantIntValue(count);
    Value bytes = known
                      ? kernel.scratch(*known * width)
                      : kernel.allocate(kernel.mul(count, kernel.index(width)));
    Value memory = kernel.view(
        bytes, kernel.index(0),
        MemRefType::get({ShapedType::kDynamic}, computeType), count);
    resetState.emplace(kernel, memory, computeType);
  }
  // A multiply-add of 16 lanes takes about a third of a nanosecond.
  double cost = 0.02 * op.getGateCount();
  for (Value size : {units, units, steps})
    cost *= getConstantIntValue(size).value_or(64);
  kernel.parallel(sequences, cost, [&](Value flat) {
    if (directions == 1)
      return emitSequence(0, flat);
    Value isForward = body.compare(CmpIPredicate::ult, flat, batch);
    auto branch = [&](int64_t direction, Value number) {
      return [this, direction, number]() -> SmallVector<Value> {
        emitSequence(direction, number);
        return {};
      };
    };
    kernel.choose(isForward, TypeRange(), branch(0, flat),
                  branch(1, kernel.sub(flat, batch)));
  });
}

static LogicalResult emitRecurrence(KernelBuilder &kernel,
                                    Operation *operation) {
  auto op = cast<RecurrenceOp>(operation);
  if (!kernel.buffer(op.getProjected()) || !kernel.buffer(op.getWeights()) ||
      !isOnlyResult(kernel, operation) ||
      !isa<FloatType>(elementTypeOf(op.getProjected())))
    return operation->emitOpError(
        "must be alone in its kernel, with inputs in memory");
  RecurrenceEmitter(kernel, op).emit();
  return success();
}

void sluice::registerRecurrentEmitters(EmitterRegistry &registry) {
  registry.addKernel<RecurrenceOp>(emitRecurrence);
  registry.flushSubnormals<RecurrenceOp>();
}
