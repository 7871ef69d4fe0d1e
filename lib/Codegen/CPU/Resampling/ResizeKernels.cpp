//===- ResizeKernels.cpp - Tensors with more or fewer elements ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/CPU/Products/Epilogue.h"
#include "sluice/Codegen/Elements/LoopNest.h"
#include "sluice/Codegen/Elements/Resizer.h"
#include "sluice/Codegen/Rows/ElementVectors.h"

using namespace mlir;
using namespace sluice;
using Float = arith::CmpFPredicate;

namespace {
/// The whole kernel: where the elements along an axis come from is the same for
/// all lines along it, so it is computed once.
class ResizeKernel {
public:
  ResizeKernel(KernelBuilder &kernel, ResizeOp op)
      : kernel(kernel), op(op), at(kernel),
        compute(getComputeType(elementTypeOf(op.getOperand()))),
        source(flatBuffer(kernel, op.getOperand())),
        target(flatBuffer(kernel, op.getResult())) {}

  LogicalResult emit();

private:
  /// What is read along one axis. `weights` is null where each new element is
  /// an old one.
  struct Table {
    int64_t axis;
    int64_t taps;
    Value positions, weights;
  };
  /// The taps of one place along an axis, from its table.
  struct Line {
    SmallVector<Value> positions, weights;
  };

  bool isTabular();
  /// How many elements of one axis make a new one.
  int64_t tapCount();
  /// Splits the axes into those with tables and those that stay as they are
  /// where `unscaled` holds.
  void chooseAxes();
  void emitTabular();
  void makeTables();
  Line readLine(const Table &table, Value index);
  /// The weighted sum over all taps of the lines from `number` on. `value`
  /// reads one by its place in their order, which `row` counts.
  Value combine(size_t number, ArrayRef<Line> lines, size_t &row,
                llvm::function_ref<Value(size_t row)> value);
  void emitRow(ValueRange outer);
  void repeatElements(Value from, Value to, Value count);

  int64_t inner() { return op.getType().getRank() - 1; }
  const Table *innerTable() {
    return !tables.empty() && tables.back().axis == inner() ? &tables.back()
                                                            : nullptr;
  }

  KernelBuilder &kernel;
  ResizeOp op;
  PlaceBuilder at;
  Type compute;
  Value source, target;
  SmallVector<size_t> tabular;
  Value unscaled;
  SmallVector<Table> tables;
  /// How often each element of a row is in the new one; 0 where that differs.
  int64_t repetitions = 0;
};
} // namespace

int64_t ResizeKernel::tapCount() {
  switch (op.getMode()) {
  case SampleMode::Nearest:
    return 1;
  case SampleMode::Linear:
    return 2;
  case SampleMode::Cubic:
    return 4;
  }
  return 1;
}

bool ResizeKernel::isTabular() {
  constexpr int64_t mostTaps = 16;
  bool isNearest = op.getMode() == SampleMode::Nearest;
  if ((op.getAntialias() && !isNearest) || op.getPlace() == ResizePlace::Crop ||
      (!isNearest && !isa<FloatType>(compute)) ||
      !llvm::is_sorted(op.getAxes()))
    return false;
  int64_t taps = 1;
  for (size_t i = 0; i < tabular.size(); ++i)
    taps *= tapCount();
  return !tabular.empty() && taps <= mostTaps;
}

void ResizeKernel::chooseAxes() {
  Resizer resizer(kernel, op, {});
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    // Images and channels are hardly ever resized, also where only the run
    // tells their scale.
    bool isOpen = op.getScales().empty() &&
                  (op.getDynamicScales() ||
                   ShapedType::isDynamic(shapeOf(op.getOperand())[axis]) ||
                   ShapedType::isDynamic(shapeOf(op.getResult())[axis]));
    if (!isOpen || axis > 1 || op.getAxes().size() <= 2) {
      tabular.push_back(i);
      continue;
    }
    Value size = kernel.size(op.getOperand(), axis);
    Value newSize = kernel.size(op.getResult(), axis);
    Value scale = resizer.scaleOf(i, size, newSize);
    unscaled = both(kernel, unscaled,
                    compare(kernel, arith::CmpIPredicate::eq, size, newSize));
    unscaled = both(kernel, unscaled,
                    at.compare(Float::OEQ, scale, at.constant(scale, 1)));
  }
}

void ResizeKernel::makeTables() {
  constexpr int64_t mostRepetitions = 8;
  Resizer resizer(kernel, op, {});
  if (op.getAxes()[tabular.back()] == inner()) {
    int64_t block = resizer.blockSize(tabular.back()).value_or(0);
    repetitions = block <= mostRepetitions ? block : 0;
    if (repetitions)
      tabular.pop_back();
  }
  int64_t taps = tapCount();
  Type positionType = kernel.builder.getI32Type();
  bool isWeighted = taps > 1;
  int64_t weightBytes = isWeighted ? compute.getIntOrFloatBitWidth() / 8 : 0;
  constexpr int64_t positionBytes = 4;
  Value count = kernel.index(0);
  for (size_t i : tabular)
    count = kernel.add(count, kernel.size(op.getResult(), op.getAxes()[i]));
  count = kernel.mul(count, kernel.index(taps));
  Value bytes = kernel.mul(count, kernel.index(weightBytes + positionBytes));
  Value memory = makeScratch(kernel, bytes);
  // All weights in front, which are the wider ones.
  Value weightOffset = kernel.index(0);
  Value positionOffset = kernel.mul(count, kernel.index(weightBytes));
  auto takeVector = [&](Value &offset, Value size, Type type, int64_t width) {
    Value vector = kernel.view(
        memory, offset, MemRefType::get({ShapedType::kDynamic}, type), size);
    offset = kernel.add(offset, kernel.mul(size, kernel.index(width)));
    return vector;
  };
  for (size_t i : tabular) {
    int64_t axis = op.getAxes()[i];
    Value newSize = kernel.size(op.getResult(), axis);
    Value size = kernel.mul(newSize, kernel.index(taps));
    Table table{axis, taps, nullptr, nullptr};
    table.positions =
        takeVector(positionOffset, size, positionType, positionBytes);
    if (isWeighted)
      table.weights = takeVector(weightOffset, size, compute, weightBytes);
    kernel.forEach(newSize, [&](ValueRange index) {
      Taps found = resizer.taps(i, index[0]);
      Value first = kernel.mul(index[0], kernel.index(taps));
      for (int64_t tap = 0; tap < taps; ++tap) {
        Value place = kernel.add(first, kernel.index(tap));
        memref::StoreOp::create(
            kernel.builder, kernel.loc,
            arith::IndexCastOp::create(kernel.builder, kernel.loc, positionType,
                                       found.positions[tap]),
            table.positions, place);
        if (!isWeighted)
          continue;
        Value weight = found.weights[tap];
        if (found.total)
          weight = at.div(weight, found.total);
        memref::StoreOp::create(kernel.builder, kernel.loc,
                                at.convert(weight, compute), table.weights,
                                place);
      }
    });
    tables.push_back(table);
  }
}

ResizeKernel::Line ResizeKernel::readLine(const Table &table, Value index) {
  Line line;
  Value first = kernel.mul(index, kernel.index(table.taps));
  for (int64_t tap = 0; tap < table.taps; ++tap) {
    Value place = kernel.add(first, kernel.index(tap));
    Value position = memref::LoadOp::create(kernel.builder, kernel.loc,
                                            table.positions, place);
    line.positions.push_back(arith::IndexCastOp::create(
        kernel.builder, kernel.loc, kernel.builder.getIndexType(), position));
    if (table.weights)
      line.weights.push_back(memref::LoadOp::create(kernel.builder, kernel.loc,
                                                    table.weights, place));
  }
  return line;
}

Value ResizeKernel::combine(size_t number, ArrayRef<Line> lines, size_t &row,
                            llvm::function_ref<Value(size_t row)> value) {
  if (number == lines.size())
    return value(row++);
  const Line &line = lines[number];
  Value sum;
  for (size_t tap = 0; tap < line.positions.size(); ++tap) {
    Value term = combine(number + 1, lines, row, value);
    if (!line.weights.empty()) {
      Value weight = line.weights[tap];
      if (auto vector = dyn_cast<VectorType>(term.getType()))
        weight = splatLanes(kernel, weight, vector.getNumElements());
      term = at.mul(weight, term);
    }
    sum = sum ? at.add(sum, term) : term;
  }
  return sum;
}

/// One row of the result: all of the innermost dimension.
void ResizeKernel::emitRow(ValueRange outer) {
  Value operand = op.getOperand(), result = op.getResult();
  Value size = kernel.size(operand, inner());
  Value newSize = kernel.size(result, inner());
  SmallVector<Line> lines;
  SmallVector<SmallVector<Value>> choices;
  const Table *table = tables.begin();
  Value row = kernel.index(0);
  for (int64_t i = 0; i < inner(); ++i) {
    row = kernel.add(kernel.mul(row, kernel.size(result, i)), outer[i]);
    if (table == tables.end() || table->axis != i) {
      choices.push_back({outer[i]});
      continue;
    }
    lines.push_back(readLine(*table++, outer[i]));
    choices.push_back(lines.back().positions);
  }
  row = kernel.mul(row, newSize);
  // Where the rows begin that the taps of the outer axes choose.
  SmallVector<Value> rows{kernel.index(0)};
  for (auto [i, places] : llvm::enumerate(choices)) {
    SmallVector<Value> next;
    for (Value begin : rows)
      for (Value place : places)
        next.push_back(
            kernel.add(kernel.mul(begin, kernel.size(operand, i)), place));
    rows = std::move(next);
  }
  for (Value &begin : rows)
    begin = kernel.mul(begin, size);
  if (repetitions)
    return repeatElements(rows.front(), row, size);
  Type type = elementTypeOf(operand);
  if (const Table *columns = innerTable()) {
    kernel.forEach(newSize, [&](ValueRange column) {
      Line line = readLine(*columns, column[0]);
      size_t next = 0;
      Value element = combine(0, lines, next, [&](size_t number) {
        size_t tap = 0;
        return combine(0, line, tap, [&](size_t which) {
          Value place = kernel.add(rows[number], line.positions[which]);
          return loadFlat(kernel, source, place, type);
        });
      });
      storeFlat(kernel, element, target, kernel.add(row, column[0]), type);
    });
    return;
  }
  RowBuffer from(kernel, operand), to(kernel, result);
  forEachPiece(kernel, newSize, to.lanes(), [&](const Piece &piece) {
    size_t next = 0;
    Value vector = combine(0, lines, next, [&](size_t number) {
      return from.load(rows[number], piece);
    });
    to.store(vector, row, piece);
  });
}

/// A row of which each element becomes several.
void ResizeKernel::repeatElements(Value from, Value to, Value count) {
  RowBuffer source(kernel, op.getOperand()), target(kernel, op.getResult());
  int64_t lanes = target.lanes();
  Value whole = kernel.div(count, kernel.index(lanes));
  kernel.forEach(whole, [&](ValueRange vector) {
    Value begin = kernel.mul(vector[0], kernel.index(lanes));
    Value elements = source.load(from, {begin, nullptr});
    begin = kernel.mul(begin, kernel.index(repetitions));
    for (int64_t part = 0; part < repetitions; ++part) {
      SmallVector<int64_t> chosen;
      for (int64_t lane = 0; lane < lanes; ++lane)
        chosen.push_back((part * lanes + lane) / repetitions);
      Value repeated = vector::ShuffleOp::create(kernel.builder, kernel.loc,
                                                 elements, elements, chosen);
      Value place = kernel.add(begin, kernel.index(part * lanes));
      target.store(repeated, to, {place, nullptr});
    }
  });
  Value done = kernel.mul(whole, kernel.index(lanes));
  kernel.forEach(kernel.sub(count, done), [&](ValueRange rest) {
    Value number = kernel.add(done, rest[0]);
    Value element = source.loadScalar(kernel.add(from, number));
    Value first = kernel.mul(number, kernel.index(repetitions));
    for (int64_t i = 0; i < repetitions; ++i)
      target.storeScalar(element,
                         kernel.add(to, kernel.add(first, kernel.index(i))));
  });
}

void ResizeKernel::emitTabular() {
  makeTables();
  SmallVector<Value> outer;
  for (int64_t i = 0; i < inner(); ++i)
    outer.push_back(kernel.size(op.getResult(), i));
  auto columns = getConstantIntValue(kernel.size(op.getResult(), inner()));
  // Elements that come from a table are read one at a time.
  Cost element = kernel.cost({innerTable() ? 10.0 : 1.0, 0});
  parallelNest(kernel, outer, element * columns.value_or(256),
               [&](ValueRange indices) { emitRow(indices); });
}

LogicalResult ResizeKernel::emit() {
  chooseAxes();
  if (!isTabular())
    return emitElementKernel(kernel);
  if (!unscaled) {
    emitTabular();
    return success();
  }
  LogicalResult other = success();
  when(
      kernel, unscaled, [&] { emitTabular(); },
      [&] { other = emitElementKernel(kernel); });
  return other;
}

static LogicalResult emitResize(KernelBuilder &kernel, Operation *operation) {
  if (!isAlone(kernel, operation))
    return emitElementKernel(kernel);
  return ResizeKernel(kernel, cast<ResizeOp>(operation)).emit();
}

void sluice::registerResizeEmitters(EmitterRegistry &registry) {
  registry.addKernel<ResizeOp>(emitResize);
}
