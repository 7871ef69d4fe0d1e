//===- LinearAttentionTasks.cpp - Heads and their chunks ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LinearAttentionEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

LinearAttentionEmitter::LinearAttentionEmitter(KernelBuilder &kernel,
                                               LinearAttentionOp op,
                                               LinearAttentionSizes config,
                                               const MachineModel &machine,
                                               std::unique_ptr<DotUnit> unit)
    : kernel(kernel), index(kernel.builder, kernel.loc), op(op), config(config),
      machine(machine), unit(std::move(unit)), body{kernel.builder, kernel.loc},
      f32(kernel.builder.getF32Type()), lanes(config.lanes),
      chunk(config.chunk), width(config.valueBlock), group(op.getGroup()),
      depth(op.getDepth()), valueDepth(op.getValueDepth()),
      depthStride(llvm::alignTo(depth, lanes)), decays(Decay::None),
      scale(op.getScale().convertToDouble()),
      tokens(getAsOpFoldResult(kernel.size(op.getQuery(), 0))) {
  if (op.getDecay())
    decays = op.decaysByRow() ? Decay::OfRows : Decay::OfState;
  int64_t most = chooseDotUnit(ProductTypes(), machine).panelVectors;
  tileVectors = std::min(width / lanes, most);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

VectorType LinearAttentionEmitter::vectorType() const {
  return VectorType::get({lanes}, f32);
}

Value LinearAttentionEmitter::number(double value) {
  return arith::ConstantOp::create(
      index.builder, index.loc,
      DenseElementsAttr::get(vectorType(), static_cast<float>(value)));
}

Value LinearAttentionEmitter::broadcast(Value scalar) {
  return vector::BroadcastOp::create(index.builder, index.loc, vectorType(),
                                     scalar);
}

Value LinearAttentionEmitter::loadScalar(Value memory, Index place) {
  return memref::LoadOp::create(index.builder, index.loc, memory,
                                ValueRange{index.value(place)});
}

void LinearAttentionEmitter::storeScalar(Value value, Value memory,
                                         Index place) {
  memref::StoreOp::create(index.builder, index.loc, value, memory,
                          ValueRange{index.value(place)});
}

Value LinearAttentionEmitter::load(Value memory, Index place) {
  return loadVector(index.builder, index.loc, memory, place, lanes, {});
}

void LinearAttentionEmitter::store(Value vector, Value memory, Index place) {
  storeVector(index.builder, index.loc, vector, memory, place, {});
}

Value LinearAttentionEmitter::loadRow(const Rows &rows, Index token,
                                      Index first, Value mask) {
  Index place =
      index.add(index.add(rows.start, index.mul(token, rows.step)), first);
  Value vector =
      loadVector(index.builder, index.loc, rows.memory, place, lanes, mask);
  return convertElements(index.builder, index.loc, vector, f32);
}

Value LinearAttentionEmitter::loadRowScalar(const Rows &rows, Index token) {
  Index place = index.add(rows.start, index.mul(token, rows.step));
  return convertElements(index.builder, index.loc,
                         loadScalar(rows.memory, place), f32);
}

Value LinearAttentionEmitter::multiplyAdd(Value a, Value b, Value sum) {
  return unit->multiplyAdd(index.builder, index.loc, a, b, sum);
}

Value LinearAttentionEmitter::reserve(int64_t elements) {
  return memref::AllocaOp::create(
      index.builder, index.loc, MemRefType::get({elements}, f32),
      index.builder.getI64IntegerAttr(MachineModel::cacheLineBytes));
}

/// The vectors of a row, which has `padded` elements where all lanes count.
void LinearAttentionEmitter::forEachVector(Index elements, int64_t padded,
                                           VectorBody body) {
  Index zero = index.constant(0);
  auto known = IndexBuilder::getConstant(elements);
  if (!known)
    return index.loop(zero, index.constant(padded), lanes, [&](Index first) {
      body(first, makeLaneMask(index.builder, index.loc, lanes,
                               index.sub(elements, first)));
    });
  int64_t whole = *known / lanes * lanes;
  index.loop(zero, index.constant(whole), lanes,
             [&](Index first) { body(first, {}); });
  if (whole < *known)
    body(index.constant(whole), makeLaneMask(index.builder, index.loc, lanes,
                                             index.constant(*known - whole)));
}

//===----------------------------------------------------------------------===//
// Tasks
//===----------------------------------------------------------------------===//

/// Where the rows of a head are in a tensor [tokens, heads..., rows, elements],
/// of which a row has `rowElements`.
LinearAttentionEmitter::Rows
LinearAttentionEmitter::getRows(Value tensor, Index head, Index elements,
                                int64_t rowElements) {
  Rows rows;
  if (!tensor)
    return rows;
  rows.memory = flattenBuffer(index.builder, index.loc, kernel.buffer(tensor));
  rows.elements = elements;
  rows.start = index.constant(0);
  Index stride = index.constant(rowElements), rest = head;
  for (int64_t i = op.getHeadRank(); i-- > 0;) {
    Index size = getAsOpFoldResult(kernel.size(op.getInitial(), i));
    Index own = getAsOpFoldResult(kernel.size(tensor, i + 1));
    Index place = index.rem(rest, size);
    rest = index.div(rest, size);
    // One serves all.
    place = index.selectLess(index.constant(1), own, place, index.constant(0));
    rows.start = index.add(rows.start, index.mul(place, stride));
    stride = index.mul(stride, own);
  }
  Index ownTokens = getAsOpFoldResult(kernel.size(tensor, 0));
  rows.step =
      index.selectLess(index.constant(1), ownTokens, stride, index.constant(0));
  return rows;
}

Index LinearAttentionEmitter::getColumnBlocks() {
  return index.constant(llvm::divideCeil(valueDepth, width));
}

Index LinearAttentionEmitter::countHeads() {
  Index count = index.constant(1);
  for (int64_t i = 0; i < op.getHeadRank(); ++i)
    count =
        index.mul(count, getAsOpFoldResult(kernel.size(op.getInitial(), i)));
  return count;
}

void LinearAttentionEmitter::findRows(Index task) {
  Index blocks = getColumnBlocks(), head = index.div(task, blocks);
  column = index.mul(index.rem(task, blocks), width);
  bool isWhole = valueDepth % width == 0;
  columns = isWhole ? index.constant(width)
                    : index.min(index.sub(index.constant(valueDepth), column),
                                index.constant(width));
  Index ofKeys = index.constant(depth), one = index.constant(1);
  query = getRows(op.getQuery(), head, ofKeys, group * depth);
  key = getRows(op.getKey(), head, ofKeys, depth);
  value = getRows(op.getValue(), head, columns, valueDepth);
  value.start = index.add(value.start, column);
  output = getRows(op.getOutput(), head, columns, group * valueDepth);
  output.start = index.add(output.start, column);
  bool byRow = decays == Decay::OfRows;
  decay = getRows(op.getDecay(), head, byRow ? ofKeys : one, byRow ? depth : 1);
  rate = getRows(op.getRate(), head, one, 1);
  initial =
      flattenBuffer(index.builder, index.loc, kernel.buffer(op.getInitial()));
  last = flattenBuffer(index.builder, index.loc, kernel.buffer(op.getLast()));
  stateStart = index.add(index.mul(head, depth * valueDepth), column);
}

void LinearAttentionEmitter::allocateBuffers() {
  state = reserve(depth * width);
  keys = reserve(chunk * depthStride);
  panel = reserve(chunk * depthStride);
  left = reserve(chunk * depthStride);
  values = reserve(chunk * width);
  scores = reserve(chunk * chunk);
  if (decays == Decay::OfRows)
    products = reserve(chunk * depthStride);
  if (decays == Decay::OfState) {
    products = reserve(chunk);
    ratios = reserve(chunk * chunk);
  }
}

void LinearAttentionEmitter::moveState(const State &from, const State &to) {
  index.loop(index.constant(0), index.constant(depth), 1, [&](Index row) {
    for (int64_t column = 0; column < width; column += lanes)
      storeState(loadState(from, row, column), to, row, column);
  });
}

void LinearAttentionEmitter::emitAllTokens() {
  moveState(getTensorState(initial), getOwnState());
  bool isWhole = IndexBuilder::getConstant(tokens).value_or(1) % chunk == 0;
  index.loop(index.constant(0), tokens, chunk, [&](Index first) {
    Index count =
        isWhole ? index.constant(chunk)
                : index.min(index.sub(tokens, first), index.constant(chunk));
    emitTokens(first, count);
  });
  moveState(getOwnState(), getTensorState(last));
}

void LinearAttentionEmitter::emitTask(Index task) {
  findRows(task);
  allocateBuffers();
  // Without tokens there is no step to write the last state.
  Index few = index.constant(config.shortestRun),
        some = index.selectLess(index.constant(0), tokens, tokens, few);
  index.ifLess(some, few, [&] { emitFewTokens(); }, [&] { emitAllTokens(); });
}

void LinearAttentionEmitter::emit() {
  double count = IndexBuilder::getConstant(tokens).value_or(64);
  // A multiply-add of a vector is about as much as three operations.
  double cost =
      kernel.cost(Work{3.2 / lanes * count * (2.0 + group) * depth * width, 0})
          .value;
  parallelLoop(index, index.mul(countHeads(), getColumnBlocks()), cost,
               [&](Index task) { emitTask(task); });
}
