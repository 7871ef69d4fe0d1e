//===- ExpertKernels.cpp - Products with one matrix for each group --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Weights.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"
#include "sluice/Codegen/CPU/Products/Configurations.h"
#include "sluice/Codegen/CPU/Products/Epilogue.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Codegen/Elements/FlatAccess.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// group_rows
//===----------------------------------------------------------------------===//

/// A counting sort: rows are counted, and then placed one after the other.
static LogicalResult emitGroupRows(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<GroupRowsOp>(anchor);
  Value rows = kernel.size(op.getIds(), 0);
  Value groups = kernel.index(op.getGroups()), zero = kernel.index(0),
        one = kernel.index(1);
  Value order = flatBuffer(kernel, op.getOrder()),
        offsets = flatBuffer(kernel, op.getOffsets());
  Value next = allocateNumbers(kernel, kernel.index(op.getGroups() + 1));
  // What is in no group is in one more, behind the others.
  auto groupOf = [&](Value row) {
    Type type = elementTypeOf(op.getIds());
    Value id = kernel.toIndex(kernel.load(op.getIds(), row), type);
    return select(kernel, isInside(kernel, id, groups), id, groups);
  };
  kernel.forEach(kernel.index(op.getGroups() + 1),
                 [&](ValueRange at) { storeNumber(kernel, zero, next, at); });
  kernel.forEach(rows, [&](ValueRange at) {
    Value group = groupOf(at[0]);
    storeNumber(kernel, kernel.add(loadNumber(kernel, next, group), one), next,
                group);
  });
  kernel.loop(kernel.index(op.getGroups() + 1), zero,
              [&](Value group, ValueRange running) -> SmallVector<Value> {
                Value count = loadNumber(kernel, next, group);
                storeNumber(kernel, running[0], offsets, group);
                storeNumber(kernel, running[0], next, group);
                return {kernel.add(running[0], count)};
              });
  kernel.forEach(rows, [&](ValueRange at) {
    Value group = groupOf(at[0]), place = loadNumber(kernel, next, group);
    storeNumber(kernel, at[0], order, place);
    storeNumber(kernel, kernel.add(place, one), next, group);
  });
  return success();
}

//===----------------------------------------------------------------------===//
// grouped_matmul
//===----------------------------------------------------------------------===//

namespace {

/// The lists of a product of groups, packed or not, which are data of the run:
/// what they say is brought within the buffers.
template <typename OpTy> class RowLists {
public:
  RowLists(KernelBuilder &kernel, OpTy op)
      : kernel(kernel), op(op), rows(kernel.size(op.getRowSource(), 0)),
        groups(op.getGroups()) {}

  /// Fails the run where lists are wrong.
  void check();

  RaggedRows::RangeFn range() { return getRange; }
  RowPlaceFn source() {
    if (!op.getRows())
      return nullptr;
    return getSource;
  }
  RowPlaceFn place() {
    if (!op.getPlaces())
      return nullptr;
    return getPlace;
  }
  /// Where the rows of no group start.
  OpFoldResult getEnd() {
    return readOffset(kernel.builder, kernel.loc,
                      kernel.builder.getIndexAttr(groups));
  }

  KernelBuilder &kernel;
  OpTy op;
  Value rows;
  int64_t groups;

private:
  OpFoldResult read(OpBuilder &builder, Location loc, Value list,
                    OpFoldResult at);
  /// Within [0, size).
  OpFoldResult clamp(IndexBuilder &index, OpFoldResult value,
                     OpFoldResult size) {
    return index.max(index.min(value, index.sub(size, 1)), index.constant(0));
  }
  OpFoldResult readOffset(OpBuilder &builder, Location loc, OpFoldResult at) {
    IndexBuilder index(builder, loc);
    return clamp(index, read(builder, loc, op.getOffsets(), at),
                 index.add(OpFoldResult(rows), 1));
  }
  void checkList(Value list, Value count, Value size, StringRef message);

  std::function<std::pair<OpFoldResult, OpFoldResult>(OpBuilder &, Location,
                                                      OpFoldResult)>
      getRange = [this](OpBuilder &builder, Location loc, OpFoldResult group) {
        IndexBuilder index(builder, loc);
        OpFoldResult first = readOffset(builder, loc, group);
        OpFoldResult last = readOffset(builder, loc, index.add(group, 1));
        // A run that failed reads no rows where there are none.
        return std::pair(first, index.selectLess(index.constant(0),
                                                 kernel.size(op.getLhs(), 0),
                                                 last, first));
      };
  std::function<OpFoldResult(OpBuilder &, Location, OpFoldResult)> getSource =
      [this](OpBuilder &builder, Location loc, OpFoldResult row) {
        IndexBuilder index(builder, loc);
        OpFoldResult stated = read(builder, loc, op.getRows(), row);
        return clamp(index,
                     index.div(index.max(stated, index.constant(0)),
                               static_cast<int64_t>(op.getRepeat())),
                     kernel.size(op.getLhs(), 0));
      };
  std::function<OpFoldResult(OpBuilder &, Location, OpFoldResult)> getPlace =
      [this](OpBuilder &builder, Location loc, OpFoldResult row) {
        IndexBuilder index(builder, loc);
        return clamp(index, read(builder, loc, op.getPlaces(), row), rows);
      };
};

} // namespace

template <typename OpTy>
OpFoldResult RowLists<OpTy>::read(OpBuilder &builder, Location loc, Value list,
                                  OpFoldResult at) {
  IndexBuilder index(builder, loc);
  Value element = memref::LoadOp::create(builder, loc, kernel.buffer(list),
                                         index.value(at));
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    element)
      .getResult();
}

template <typename OpTy>
void RowLists<OpTy>::checkList(Value list, Value count, Value size,
                               StringRef message) {
  Value isRight = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                            kernel.builder.getBoolAttr(true));
  isRight = kernel.loop(
      count, isRight, [&](Value at, ValueRange running) -> SmallVector<Value> {
        OpFoldResult stated = read(kernel.builder, kernel.loc, list, at);
        return {both(kernel, running[0],
                     isInside(kernel, cast<Value>(stated), size))};
      })[0];
  kernel.check(isRight, message);
}

template <typename OpTy> void RowLists<OpTy>::check() {
  Value isRight = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                            kernel.builder.getBoolAttr(true));
  auto ends = kernel.loop(
      kernel.index(groups + 1), {isRight, kernel.index(0)},
      [&](Value at, ValueRange running) -> SmallVector<Value> {
        Value offset =
            cast<Value>(read(kernel.builder, kernel.loc, op.getOffsets(), at));
        Value ascends = compare(kernel, Predicate::sge, offset, running[1]);
        Value isZero = compare(kernel, Predicate::eq, offset, kernel.index(0));
        Value isLater = compare(kernel, Predicate::ne, at, kernel.index(0));
        return {both(kernel, running[0],
                     both(kernel, ascends, either(kernel, isLater, isZero))),
                offset};
      });
  kernel.check(
      both(kernel, ends[0], compare(kernel, Predicate::sle, ends[1], rows)),
      "the offsets of groups do not ascend from zero to the number of rows");
  if (op.getRows()) {
    Value repeat = kernel.index(static_cast<int64_t>(op.getRepeat()));
    IndexBuilder index(kernel.builder, kernel.loc);
    checkList(op.getRows(), index.value(getEnd()),
              kernel.mul(kernel.size(op.getLhs(), 0), repeat),
              "the number of a row is outside the tensor");
  }
  if (op.getPlaces())
    checkList(op.getPlaces(), rows, rows,
              "the place of a row is outside the result");
}

/// A product of groups of rows with `operands.columns`, of which only weights,
/// columns and depth are given.
template <typename OpTy>
static LogicalResult emitGroups(KernelBuilder &kernel, OpTy op,
                                ContractionSpec spec,
                                ContractionOperands operands) {
  Value result = kernel.region.getTerminator()->getOperand(0);
  spec.types = withResult(spec.types, elementTypeOf(result));
  auto tiling = readContractionTiling(op, spec, CpuLoops::of(kernel).machine);
  if (failed(tiling))
    return failure();
  RowLists<OpTy> lists(kernel, op);
  lists.check();
  RaggedRows ragged;
  ragged.range = lists.range();
  ragged.source = lists.source();
  ragged.place = lists.place();
  ragged.outside = {lists.getEnd(), lists.rows};
  operands.ragged = &ragged;
  operands.a = kernel.buffer(op.getLhs());
  operands.b = kernel.buffer(op.getWeights());
  operands.c = kernel.buffer(result);
  operands.batch = kernel.builder.getIndexAttr(op.getGroups());
  operands.rows = getAsOpFoldResult(lists.rows);
  operands.scratch =
      makeScratch(kernel, getContractionScratch(kernel.builder, kernel.loc,
                                                spec, *tiling, operands));
  Epilogue epilogue(kernel, op->getResult(0));
  operands.residuals = epilogue.residuals();
  ragged.epilogueOutside = epilogue.function();
  auto addBias = [&](OpBuilder &builder, Location loc, Value sums,
                     const ResultPosition &position) -> Value {
    IndexBuilder index(builder, loc);
    auto type = cast<VectorType>(sums.getType());
    OpFoldResult start = index.add(index.mul(position.batch, operands.columns),
                                   OpFoldResult(position.column));
    Value bias = loadVector(
        builder, loc, flattenBuffer(builder, loc, kernel.buffer(op.getBias())),
        start, type.getNumElements(), position.mask);
    bias = convertElements(builder, loc, bias, type.getElementType());
    Value biased = addSums(builder, loc, sums, bias);
    return epilogue.function() ? epilogue(builder, loc, biased, position)
                               : biased;
  };
  emitContraction(kernel.builder, kernel.loc, spec, *tiling, operands,
                  op.getBias() ? EpilogueFn(addBias) : epilogue.function());
  return success();
}

static LogicalResult emitGroupedMatmul(KernelBuilder &kernel,
                                       Operation *anchor) {
  auto op = cast<GroupedMatmulOp>(anchor);
  auto types = getProductTypes(op);
  if (!types)
    return op.emitError(noDotUnit);
  bool swaps = op.getTransposeRhs();
  ContractionOperands operands;
  operands.columns =
      getAsOpFoldResult(kernel.size(op.getWeights(), swaps ? 1 : 2));
  operands.depth =
      getAsOpFoldResult(kernel.size(op.getWeights(), swaps ? 2 : 1));
  return emitGroups(kernel, op, getContractionSpec(op, *types), operands);
}

static LogicalResult emitPackedGroupedMatmul(KernelBuilder &kernel,
                                             Operation *anchor) {
  auto op = cast<kernel::PackedGroupedMatmulOp>(anchor);
  ContractionOperands operands;
  operands.columns = kernel.builder.getIndexAttr(op.getColumns());
  operands.depth = kernel.builder.getIndexAttr(op.getDepth());
  return emitGroups(kernel, op, getContractionSpec(op), operands);
}

void sluice::registerExpertEmitters(EmitterRegistry &registry) {
  registry.addKernel<GroupRowsOp>(emitGroupRows);
  registry.addKernel<GroupedMatmulOp>(emitGroupedMatmul);
  registry.addKernel<kernel::PackedGroupedMatmulOp>(emitPackedGroupedMatmul);
  registry.flushSubnormals<GroupedMatmulOp, kernel::PackedGroupedMatmulOp>();
}
