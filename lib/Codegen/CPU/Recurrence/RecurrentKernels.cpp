//===- RecurrentKernels.cpp - LSTM, GRU and RNN ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "RecurrentActivations.h"
#include "RecurrentConfiguration.h"
#include "ScanKernels.h"
#include "SequenceLengths.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "dialects/Sluice/RecurrentCell.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/Rows/RowBuffer.h"

using namespace mlir;
using namespace sluice;
using arith::CmpIPredicate;

namespace {

/// A cell over its sequences, and the loops around it. Like the rows of a
/// product, sequences are computed some at a time, so that the weights that are
/// read serve them all. The states live in the buffers of the last-state
/// results; a step writes the new hidden state to its output row first, since
/// all units read the old one.
class RecurrenceEmitter {
public:
  RecurrenceEmitter(KernelBuilder &kernel, RecurrentCellOpInterface op,
                    kernel::CpuRecurrenceAttr config)
      : kernel(kernel), op(op), config(config),
        body{kernel.builder, kernel.loc},
        type(elementTypeOf(op.getProjected())), gates(countGates(op.getCell())),
        isPacked(isa<kernel::PackedRecurrenceOp>(op)),
        units(kernel.size(op->getResult(1), 2)),
        steps(kernel.size(op.getProjected(), 1)),
        batch(kernel.size(op.getProjected(), 2)),
        lengths{kernel, op.getLengths(), steps},
        directions(op.getReverse().size()), tileRows(config.getTileSequences()),
        blockRows(config.getSequenceBlock()),
        projected(kernel, op.getProjected()), weights(kernel, op.getWeights()),
        outputs(kernel, op->getResult(0)), hidden(kernel, op->getResult(1)) {}

  void emit();

private:
  /// The sequences [begin, end) of one direction, at one step.
  struct Block {
    int64_t direction;
    Value begin, end;
    Value step;
  };
  /// Neighbouring sequences that are computed at once.
  struct Tile {
    Value first;
    int64_t rows;
  };
  /// One sequence at one step: where its rows start.
  struct Row {
    int64_t direction;
    Value state, input, output;
    /// Whether the step is one of the sequence; null for all.
    Value isActive;
  };
  using UnitFn = function_ref<void(const Row &, ValueRange sums)>;

  void emitBlock(int64_t direction, Value number);
  void emitStep(const Block &block);
  void initialise(Value initial, const RowBuffer &state, const Row &row);
  void finishStep(const Row &row);
  /// Where products read the hidden states.
  const RowBuffer &source() const { return wideHidden ? *wideHidden : hidden; }
  void clearOutputs(const Block &block, Value begin);
  void forEachTile(const Block &block, function_ref<void(const Tile &)> emit);
  void forEachRow(const Block &block, function_ref<void(const Row &)> emit);
  /// Runs `emit` with a vector of each gate's sums over `source`, for all units
  /// of all sequences.
  void
  forEachUnit(const Block &block, const RowBuffer &source,
              ArrayRef<int64_t> wanted,
              function_ref<void(const Row &, const Piece &, ValueRange)> emit);
  void emitLstmUnits(const Row &row, const Piece &piece, ValueRange sums);
  void emitGruStep(const Block &block);
  void emitResettingGruStep(const Block &block);

  Row getRow(const Block &block, Value number);
  Value optionalRow(Value tensor, Value offset, const Piece &piece);
  SmallVector<Value> accumulate(const Block &block, const Tile &tile,
                                const Piece &piece, ArrayRef<int64_t> wanted,
                                const RowBuffer &source);
  void finishRows(const Block &block, const Tile &tile, ValueRange sums,
                  UnitFn emit);
  Value activation(const Row &row, int64_t number, Value x);
  /// Bounds what goes into an activation.
  Value clip(Value x) {
    double bound = op.getClip().convertToDouble();
    if (bound <= 0)
      return x;
    return body.clamp(x, body.constant(x, -bound), body.constant(x, bound));
  }
  /// A gate's share of the inputs.
  Value gate(const Row &row, int64_t number, const Piece &piece) {
    return projected.load(kernel.add(row.input, gateOffset(number)), piece);
  }
  Value gateOffset(int64_t number) {
    return kernel.mul(kernel.index(number), units);
  }
  void storeOutput(Value value, const Row &row, const Piece &piece);
  Value loadWeights(Value base, Value k, int64_t gate, const Piece &piece);

  KernelBuilder &kernel;
  RecurrentCellOpInterface op;
  kernel::CpuRecurrenceAttr config;
  BodyBuilder body;
  Type type;
  int64_t gates;
  bool isPacked;
  Value units, steps, batch;
  SequenceLengths lengths;
  int64_t directions;
  /// Sequences of a tile, and of a parallel task (whole tiles).
  int64_t tileRows, blockRows;
  RowBuffer projected, weights, outputs, hidden;
  /// LSTM's cell state; GRU's reset gate times the hidden state, and behind it
  /// its update gate.
  std::optional<RowBuffer> cell, resetState;
  /// The hidden states in the compute type, where they are stored in fewer
  /// bits: each is read once for every vector of units.
  std::optional<RowBuffer> wideHidden;
};

} // namespace

Value RecurrenceEmitter::activation(const Row &row, int64_t number, Value x) {
  int64_t perDirection = op.getActivations().size() / directions;
  int64_t place = row.direction * perDirection + number;
  return applyActivation(
      body, cast<StringAttr>(op.getActivations()[place]).getValue(),
      op.getAlphas()[place], op.getBetas()[place], x);
}

/// The weights from hidden unit `k` of the direction that starts at `base` to
/// a gate of the units of a piece.
Value RecurrenceEmitter::loadWeights(Value base, Value k, int64_t gate,
                                     const Piece &piece) {
  if (!isPacked) {
    Value row = kernel.add(base, kernel.mul(k, gateOffset(gates)));
    return weights.load(kernel.add(row, gateOffset(gate)), piece);
  }
  // The vectors of all gates lie side by side.
  Value width = kernel.index(gates * weights.lanes());
  Value panel = kernel.add(
      base, kernel.mul(kernel.mul(piece.begin, kernel.index(gates)), units));
  Value row = kernel.add(panel, kernel.mul(k, width));
  return weights.load(kernel.add(row, kernel.index(gate * weights.lanes())),
                      Piece{kernel.index(0), nullptr});
}

/// The sums over the hidden units of a piece, in the order of sequences and of
/// wanted gates.
SmallVector<Value> RecurrenceEmitter::accumulate(const Block &block,
                                                 const Tile &tile,
                                                 const Piece &piece,
                                                 ArrayRef<int64_t> wanted,
                                                 const RowBuffer &source) {
  Value columns = units;
  if (isPacked) {
    Value lanes = kernel.index(weights.lanes());
    Value pieces =
        kernel.div(kernel.add(units, kernel.index(weights.lanes() - 1)), lanes);
    columns = kernel.mul(pieces, lanes);
  }
  Value matrix = kernel.mul(kernel.mul(kernel.index(gates), columns), units);
  Value base = kernel.mul(kernel.index(block.direction), matrix);
  Value state = getRow(block, tile.first).state;
  auto addUnit = [&](Value k, MutableArrayRef<Value> sums) {
    SmallVector<Value> factors;
    for (int64_t gate : wanted)
      factors.push_back(loadWeights(base, k, gate, piece));
    for (int64_t r = 0; r < tile.rows; ++r) {
      Value place =
          kernel.add(kernel.add(state, kernel.mul(kernel.index(r), units)), k);
      Value scalar = weights.splat(source.loadScalar(place));
      for (auto [factor, sum] : llvm::zip_equal(
               factors, sums.slice(r * wanted.size(), wanted.size())))
        sum = vector::FMAOp::create(kernel.builder, kernel.loc, scalar, factor,
                                    sum);
    }
  };
  // Few sums do not hide the latency of an addition: alternate units have
  // their own then.
  constexpr int64_t mostGroups = 4;
  int64_t count = tile.rows * wanted.size(), groups = 1;
  while (groups < mostGroups && count * groups < config.getFewestSums())
    groups *= 2;
  int64_t unroll = std::max(groups, config.getUnroll());
  Value zero = weights.splat(kernel.number(type, 0));
  SmallVector<Value> sums(count * groups, zero);
  Value rounds = kernel.div(units, kernel.index(unroll));
  sums = kernel.loop(rounds, sums, [&](Value i, ValueRange running) {
    SmallVector<Value> next = llvm::to_vector(running);
    Value k = kernel.mul(i, kernel.index(unroll));
    for (int64_t u = 0; u < unroll; ++u)
      addUnit(kernel.add(k, kernel.index(u)),
              MutableArrayRef<Value>(next).slice(u % groups * count, count));
    return next;
  });
  for (int64_t group = 1; group < groups; ++group)
    for (int64_t i = 0; i < count; ++i)
      sums[i] = body.add(sums[i], sums[group * count + i]);
  sums.truncate(count);
  Value done = kernel.mul(rounds, kernel.index(unroll));
  Value rest = kernel.sub(units, done);
  if (getConstantIntValue(rest) == 0)
    return sums;
  return kernel.loop(rest, sums, [&](Value i, ValueRange running) {
    SmallVector<Value> next = llvm::to_vector(running);
    addUnit(kernel.add(done, i), next);
    return next;
  });
}

/// What follows the sums is long: the sums of several sequences go to the
/// stack, and a loop over them holds it once.
void RecurrenceEmitter::finishRows(const Block &block, const Tile &tile,
                                   ValueRange sums, UnitFn emit) {
  if (tile.rows == 1)
    return emit(getRow(block, tile.first), sums);
  int64_t lanes = weights.lanes(), count = sums.size() / tile.rows;
  Type computeType = getComputeType(type);
  auto memoryType =
      MemRefType::get({static_cast<int64_t>(sums.size()) * lanes}, computeType);
  Value memory =
      memref::AllocaOp::create(kernel.builder, kernel.loc, memoryType,
                               kernel.builder.getI64IntegerAttr(64));
  RowBuffer stack(kernel, memory, computeType);
  Piece whole{kernel.index(0), nullptr};
  for (auto [i, sum] : llvm::enumerate(sums))
    stack.store(sum, kernel.index(i * lanes), whole);
  kernel.forEach(kernel.index(tile.rows), [&](ValueRange at) {
    Value start = kernel.mul(at[0], kernel.index(count * lanes));
    SmallVector<Value> mine;
    for (int64_t i = 0; i < count; ++i)
      mine.push_back(
          stack.load(kernel.add(start, kernel.index(i * lanes)), whole));
    emit(getRow(block, kernel.add(tile.first, at[0])), mine);
  });
}

void RecurrenceEmitter::forEachTile(const Block &block,
                                    function_ref<void(const Tile &)> emit) {
  Value step = kernel.index(tileRows);
  Value count = kernel.sub(block.end, block.begin);
  Value tiles = kernel.div(count, step);
  kernel.forEach(tiles, [&](ValueRange at) {
    emit({kernel.add(block.begin, kernel.mul(at[0], step)), tileRows});
  });
  if (tileRows == 1)
    return;
  Value done = kernel.add(block.begin, kernel.mul(tiles, step));
  auto known = getConstantIntValue(batch);
  // Blocks are whole tiles, so only the last one has a rest.
  int64_t rest = known ? *known % tileRows : 1;
  if (rest == 0)
    return;
  kernel.forEach(
      kernel.div(kernel.sub(block.end, done), kernel.index(rest)),
      [&](ValueRange at) {
        emit({kernel.add(done, kernel.mul(at[0], kernel.index(rest))), rest});
      });
}

void RecurrenceEmitter::forEachRow(const Block &block,
                                   function_ref<void(const Row &)> emit) {
  kernel.forEach(kernel.sub(block.end, block.begin), [&](ValueRange at) {
    emit(getRow(block, kernel.add(block.begin, at[0])));
  });
}

void RecurrenceEmitter::forEachUnit(
    const Block &block, const RowBuffer &source, ArrayRef<int64_t> wanted,
    function_ref<void(const Row &, const Piece &, ValueRange)> emit) {
  // The weights of a piece serve all tiles.
  forEachPiece(kernel, units, weights.lanes(), [&](const Piece &piece) {
    forEachTile(block, [&](const Tile &tile) {
      // Of what comes from the inputs several sequences read a few lines each,
      // which no CPU foresees: they arrive while the sums are computed.
      for (int64_t r = 0; r < tile.rows && tile.rows > 1; ++r) {
        Row row = getRow(block, kernel.add(tile.first, kernel.index(r)));
        for (int64_t number : wanted)
          projected.fetch(kernel.add(row.input, gateOffset(number)), piece,
                          units);
      }
      SmallVector<Value> sums = accumulate(block, tile, piece, wanted, source);
      finishRows(block, tile, sums, [&](const Row &row, ValueRange mine) {
        emit(row, piece, mine);
      });
    });
  });
}

/// A sequence that has ended stays at its place; one that runs backwards
/// begins at its own end.
RecurrenceEmitter::Row RecurrenceEmitter::getRow(const Block &block,
                                                 Value number) {
  Row row;
  row.direction = block.direction;
  Value direction = kernel.index(block.direction);
  row.state =
      kernel.mul(kernel.add(kernel.mul(direction, batch), number), units);
  if (!block.step)
    return row;
  Value length = lengths.get(number);
  Value time = block.step;
  if (op.getReverse()[block.direction])
    time = kernel.sub(kernel.sub(length, kernel.index(1)), time);
  if (op.getLengths()) {
    row.isActive = body.compare(CmpIPredicate::ult, block.step, length);
    time = arith::SelectOp::create(kernel.builder, kernel.loc, row.isActive,
                                   time, block.step);
  }
  Value input = kernel.add(kernel.mul(direction, steps), time);
  row.input = kernel.mul(kernel.add(kernel.mul(input, batch), number),
                         gateOffset(gates));
  Value output =
      kernel.add(kernel.mul(time, kernel.index(directions)), direction);
  row.output = kernel.mul(kernel.add(kernel.mul(output, batch), number), units);
  return row;
}

/// A row of an optional operand, read from its buffer or, for splat constants,
/// computed. Null without operand.
Value RecurrenceEmitter::optionalRow(Value tensor, Value offset,
                                     const Piece &piece) {
  if (!tensor)
    return nullptr;
  if (kernel.buffer(tensor))
    return RowBuffer(kernel, tensor).load(offset, piece);
  SmallVector<Value> origin(shapeOf(tensor).size(), kernel.index(0));
  return weights.splat(kernel.load(tensor, origin));
}

/// After its end a sequence's outputs are zero.
void RecurrenceEmitter::storeOutput(Value value, const Row &row,
                                    const Piece &piece) {
  if (row.isActive)
    value = arith::SelectOp::create(kernel.builder, kernel.loc, row.isActive,
                                    value, body.constant(value, 0));
  outputs.store(value, row.output, piece);
}

void RecurrenceEmitter::emitLstmUnits(const Row &row, const Piece &piece,
                                      ValueRange sums) {
  enum Gate { In, Out, Forget, Candidate };
  Value peepholeRow = kernel.mul(kernel.index(3 * row.direction), units);
  auto total = [&](Gate number) {
    return body.add(sums[number], gate(row, number, piece));
  };
  auto peephole = [&](Value sum, Value state, int64_t number) {
    Value offset = kernel.add(peepholeRow, gateOffset(number));
    Value factor = optionalRow(op.getPeepholes(), offset, piece);
    return factor ? body.add(sum, body.mul(factor, state)) : sum;
  };
  Value old = cell->load(row.state, piece);
  Value in = activation(row, 0, clip(peephole(total(In), old, 0)));
  Value forget;
  if (op.getInputForget())
    forget = body.sub(body.constant(in, 1), in);
  else
    forget = activation(row, 0, clip(peephole(total(Forget), old, 2)));
  Value candidate = activation(row, 1, clip(total(Candidate)));
  Value state = body.add(body.mul(forget, old), body.mul(in, candidate));
  Value kept = state;
  if (row.isActive)
    kept = arith::SelectOp::create(kernel.builder, kernel.loc, row.isActive,
                                   state, old);
  cell->store(kept, row.state, piece);
  Value out = activation(row, 0, clip(peephole(total(Out), state, 1)));
  storeOutput(body.mul(out, activation(row, 2, state)), row, piece);
}

/// (1 - update) * candidate + update * old
static Value mixStates(BodyBuilder &body, Value update, Value candidate,
                       Value old) {
  Value rest = body.sub(body.constant(update, 1), update);
  return body.add(body.mul(rest, candidate), body.mul(update, old));
}

enum GruGate { Update, Reset, Candidate };

/// The reset gate applies to what comes from the hidden state.
void RecurrenceEmitter::emitGruStep(const Block &block) {
  forEachUnit(
      block, source(), {Update, Reset, Candidate},
      [&](const Row &row, const Piece &piece, ValueRange sums) {
        Value bias =
            optionalRow(op.getHiddenBias(), gateOffset(row.direction), piece);
        auto control = [&](GruGate number) {
          Value sum = body.add(sums[number], gate(row, number, piece));
          return activation(row, 0, clip(sum));
        };
        Value update = control(Update), reset = control(Reset);
        Value candidate = body.mul(reset, body.add(sums[Candidate], bias));
        candidate = body.add(gate(row, Candidate, piece), candidate);
        candidate = activation(row, 1, clip(candidate));
        Value old = hidden.load(row.state, piece);
        storeOutput(mixStates(body, update, candidate, old), row, piece);
      });
}

/// The reset gate applies to the hidden state. The candidates read it of all
/// units, so it comes first.
void RecurrenceEmitter::emitResettingGruStep(const Block &block) {
  Value states = kernel.mul(kernel.mul(kernel.index(directions), batch), units);
  forEachUnit(block, hidden, {Update, Reset},
              [&](const Row &row, const Piece &piece, ValueRange sums) {
                auto control = [&](GruGate number) {
                  Value sum = body.add(sums[number], gate(row, number, piece));
                  return activation(row, 0, clip(sum));
                };
                Value old = hidden.load(row.state, piece);
                resetState->store(body.mul(control(Reset), old), row.state,
                                  piece);
                resetState->store(control(Update),
                                  kernel.add(states, row.state), piece);
              });
  forEachUnit(
      block, *resetState, {Candidate},
      [&](const Row &row, const Piece &piece, ValueRange sums) {
        Value candidate = body.add(sums[0], gate(row, Candidate, piece));
        candidate = activation(row, 1, clip(candidate));
        Value update = resetState->load(kernel.add(states, row.state), piece);
        Value old = hidden.load(row.state, piece);
        storeOutput(mixStates(body, update, candidate, old), row, piece);
      });
}

/// The outputs of a step become the hidden state of the next.
void RecurrenceEmitter::finishStep(const Row &row) {
  forEachPiece(kernel, units, weights.lanes(), [&](const Piece &piece) {
    Value next = outputs.load(row.output, piece);
    if (row.isActive)
      next = arith::SelectOp::create(kernel.builder, kernel.loc, row.isActive,
                                     next, hidden.load(row.state, piece));
    hidden.store(next, row.state, piece);
    if (wideHidden)
      wideHidden->store(next, row.state, piece);
  });
}

void RecurrenceEmitter::emitStep(const Block &block) {
  switch (op.getCell()) {
  case RecurrentCell::Gru:
    if (op.getLinearBeforeReset())
      emitGruStep(block);
    else
      emitResettingGruStep(block);
    break;
  case RecurrentCell::Lstm:
    forEachUnit(block, source(), {0, 1, 2, 3},
                [&](const Row &row, const Piece &piece, ValueRange sums) {
                  emitLstmUnits(row, piece, sums);
                });
    break;
  case RecurrentCell::Rnn:
    forEachUnit(block, source(), {0},
                [&](const Row &row, const Piece &piece, ValueRange sums) {
                  Value sum = body.add(sums[0], gate(row, 0, piece));
                  storeOutput(activation(row, 0, clip(sum)), row, piece);
                });
    break;
  }
  forEachRow(block, [&](const Row &row) { finishStep(row); });
}

/// Copies the initial state into the buffer where states live.
void RecurrenceEmitter::initialise(Value initial, const RowBuffer &state,
                                   const Row &row) {
  forEachPiece(kernel, units, weights.lanes(), [&](const Piece &piece) {
    Value start = optionalRow(initial, row.state, piece);
    if (!start)
      start = weights.splat(kernel.number(type, 0));
    state.store(start, row.state, piece);
  });
}

/// No sequence has the steps from `begin` on.
void RecurrenceEmitter::clearOutputs(const Block &block, Value begin) {
  kernel.forEach(kernel.sub(steps, begin), [&](ValueRange at) {
    Block later = block;
    later.step = kernel.add(begin, at[0]);
    forEachRow(later, [&](const Row &row) {
      forEachPiece(kernel, units, weights.lanes(), [&](const Piece &piece) {
        outputs.store(weights.splat(kernel.number(type, 0)), row.output, piece);
      });
    });
  });
}

void RecurrenceEmitter::emitBlock(int64_t direction, Value number) {
  Block block;
  block.direction = direction;
  block.begin = kernel.mul(number, kernel.index(blockRows));
  block.end = kernel.add(block.begin, kernel.index(blockRows));
  block.end =
      arith::MinSIOp::create(kernel.builder, kernel.loc, block.end, batch);
  forEachRow(block, [&](const Row &row) {
    initialise(op.getHidden(), hidden, row);
    if (wideHidden)
      initialise(op.getHidden(), *wideHidden, row);
    if (cell)
      initialise(op.getCellState(), *cell, row);
  });
  Value length = lengths.getMost(block.begin, block.end);
  kernel.forEach(length, [&](ValueRange at) {
    block.step = at[0];
    emitStep(block);
  });
  if (op.getLengths())
    clearOutputs(block, length);
}

void RecurrenceEmitter::emit() {
  if (op.getCell() == RecurrentCell::Lstm)
    cell.emplace(kernel, op->getResult(2));
  if (op.getCell() == RecurrentCell::Gru && !op.getLinearBeforeReset()) {
    Value sequences = kernel.mul(kernel.index(2 * directions), batch);
    Value count = kernel.mul(sequences, units);
    resetState.emplace(scratchRow(kernel, count, getComputeType(type)));
  } else if (getComputeType(type) != type) {
    Value sequences = kernel.mul(kernel.index(directions), batch);
    Value count = kernel.mul(sequences, units);
    wideHidden.emplace(scratchRow(kernel, count, getComputeType(type)));
  }
  lengths.check(batch);
  // A multiply-add of 16 lanes, whose weights come from a cache, is about as
  // much as three operations.
  Cost each = kernel.cost({3.2 / 16, 0}) * gates * blockRows;
  for (Value size : {units, units, steps})
    each = each * getConstantIntValue(size).value_or(64);
  Value blocks = kernel.div(kernel.add(batch, kernel.index(blockRows - 1)),
                            kernel.index(blockRows));
  kernel.parallel(
      kernel.mul(kernel.index(directions), blocks), each, [&](Value flat) {
        if (directions == 1)
          return emitBlock(0, flat);
        Value isForward = body.compare(CmpIPredicate::ult, flat, blocks);
        auto branch = [&](int64_t direction, Value number) {
          return [this, direction, number]() -> SmallVector<Value> {
            emitBlock(direction, number);
            return {};
          };
        };
        kernel.choose(isForward, TypeRange(), branch(0, flat),
                      branch(1, kernel.sub(flat, blocks)));
      });
}

static LogicalResult emitRecurrence(KernelBuilder &kernel,
                                    Operation *operation) {
  auto op = cast<RecurrentCellOpInterface>(operation);
  if (!kernel.buffer(op.getProjected()) || !kernel.buffer(op.getWeights()) ||
      !isOnlyResult(kernel, operation) ||
      !isa<FloatType>(elementTypeOf(op.getProjected())))
    return operation->emitOpError(
        "must be alone in its kernel, with inputs in memory");
  auto config = readRecurrentConfiguration(kernel, op);
  if (failed(config))
    return failure();
  RecurrenceEmitter(kernel, op, *config).emit();
  return success();
}

void sluice::registerRecurrentEmitters(EmitterRegistry &registry) {
  registerScanEmitters(registry);
  registry.addKernel<RecurrenceOp>(emitRecurrence);
  registry.addKernel<kernel::PackedRecurrenceOp>(emitRecurrence);
  registry.flushSubnormals<RecurrenceOp, kernel::PackedRecurrenceOp>();
}
