//===- AttentionGeometry.cpp - What an attention reads and where ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionGeometry.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"
#include "sluice/Codegen/CPU/Products/StridedBuffers.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

Index AttentionTensor::getStart(IndexBuilder &index, Index batch, Index head,
                                Index position) const {
  return index.add(
      index.add(index.mul(batch, strides[0]), index.mul(head, strides[1])),
      index.mul(position, strides[2]));
}

Type AttentionTensor::getElement() const {
  return cast<MemRefType>(memory.getType()).getElementType();
}

Index ScoreTensor::getStart(IndexBuilder &index, Index batch, Index head,
                            Index query) const {
  Index entry = index.constant(0);
  if (!IndexBuilder::isConstant(batches, 1))
    entry = index.rem(batch, batches);
  return index.add(
      index.add(index.mul(entry, strides[0]), index.mul(head, strides[1])),
      index.add(index.mul(query, strides[2]), offset));
}

Value ScoreTensor::loadKeys(IndexBuilder &index, Index start, Index key,
                            int64_t lanes, Value mask) const {
  OpBuilder &builder = index.builder;
  auto loadAll = [&]() -> Value {
    return loadVector(builder, index.loc, memory, index.add(start, key), lanes,
                      mask);
  };
  auto loadOne = [&]() -> Value {
    Value one =
        memref::LoadOp::create(builder, index.loc, memory, index.value(start));
    return vector::BroadcastOp::create(
        builder, index.loc, VectorType::get({lanes}, one.getType()), one);
  };
  if (auto stride = IndexBuilder::getConstant(strides[3]))
    return *stride == 0 ? loadOne() : loadAll();
  // Whether it broadcasts along the keys only the run knows.
  Value isOne = arith::CmpIOp::create(
      builder, index.loc, arith::CmpIPredicate::eq, index.value(strides[3]),
      index.value(index.constant(0)));
  auto type = VectorType::get(
      {lanes}, cast<MemRefType>(memory.getType()).getElementType());
  auto branch = scf::IfOp::create(builder, index.loc, TypeRange(type), isOne,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(builder, index.loc, loadOne());
  builder.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(builder, index.loc, loadAll());
  return branch.getResult(0);
}

//===----------------------------------------------------------------------===//
// Geometry
//===----------------------------------------------------------------------===//

/// What `order` says of a tensor.
static AttentionTensor getTensor(KernelBuilder &kernel, Value tensor,
                                 ArrayRef<int64_t> order) {
  IndexBuilder index(kernel.builder, kernel.loc);
  Value buffer = kernel.buffer(tensor);
  bool isDense = cast<MemRefType>(buffer.getType()).getLayout().isIdentity();
  std::array<Index, 4> strides;
  Index next = index.constant(1);
  for (int64_t d = 4; d-- > 0;) {
    strides[d] = isDense ? next : Index(strideOf(kernel, buffer, d));
    if (d == 3)
      strides[d] = index.constant(1);
    next = index.mul(next, getAsOpFoldResult(kernel.size(tensor, d)));
  }
  AttentionTensor places;
  places.memory = flattenBuffer(kernel.builder, kernel.loc, buffer);
  for (auto [i, dimension] : llvm::enumerate(order))
    places.strides[i] = strides[dimension];
  // A batch of one serves all.
  Index batch = getAsOpFoldResult(kernel.size(tensor, order[0]));
  places.strides[0] = index.selectLess(index.constant(1), batch,
                                       places.strides[0], index.constant(0));
  return places;
}

static Value getFlat(KernelBuilder &kernel, Value tensor) {
  if (!tensor)
    return {};
  return flattenBuffer(kernel.builder, kernel.loc, kernel.buffer(tensor));
}

ScoreTensor AttentionGeometry::getScoreTensor(KernelBuilder &kernel,
                                              Value operand, Index queryCount,
                                              Index keyCount) {
  IndexBuilder index(kernel.builder, kernel.loc);
  ScoreTensor places;
  places.memory = getFlat(kernel, operand);
  places.batches = index.constant(1);
  places.offset = index.constant(0);
  places.strides.fill(index.constant(0));
  Index stride = index.constant(1);
  int64_t rank = shapeOf(operand).size();
  for (int64_t i = 0; i < std::min<int64_t>(rank, 4); ++i) {
    int64_t d = 3 - i;
    Index size = getAsOpFoldResult(kernel.size(operand, rank - 1 - i));
    if (d == 0)
      places.batches = size;
    if (IndexBuilder::isConstant(size, 1))
      continue;
    // One that may be 1 in the run, where it broadcasts.
    places.strides[d] = IndexBuilder::getConstant(size) || d == 0
                            ? stride
                            : index.selectLess(index.constant(1), size, stride,
                                               index.constant(0));
    stride = index.mul(stride, size);
  }
  return places;
}

AttentionGeometry::AttentionGeometry(KernelBuilder &kernel, AttentionOp op)
    : group(*op.getGroupSize()), depth(op.getDepth()),
      valueDepth(op.getValueDepth()),
      query(getTensor(kernel, op.getQuery(), op.getQueryOrder())),
      key(getTensor(kernel, op.getKey(), op.getKeyOrder())),
      value(getTensor(kernel, op.getValue(), op.getValueOrder())),
      result(getTensor(kernel, op.getResult(), op.getResultOrder())) {
  auto sizeOf = [&](Value tensor, int64_t dimension) -> Index {
    return getAsOpFoldResult(kernel.size(tensor, dimension));
  };
  ArrayRef<int64_t> queryOrder = op.getQueryOrder(),
                    keyOrder = op.getKeyOrder();
  batch = sizeOf(op.getResult(), op.getResultOrder()[0]);
  queryHeads = sizeOf(op.getQuery(), queryOrder[1]);
  queries = sizeOf(op.getQuery(), queryOrder[2]);
  keyHeads = sizeOf(op.getKey(), keyOrder[1]);
  keys = sizeOf(op.getKey(), keyOrder[2]);
  auto broadcast = [&](Value operand) -> std::optional<ScoreTensor> {
    if (!operand)
      return std::nullopt;
    return getScoreTensor(kernel, operand, queries, keys);
  };
  bias = broadcast(op.getBias());
  if (op.getRelativeBias()) {
    IndexBuilder index(kernel.builder, kernel.loc);
    bias->strides[2] = index.constant(-1);
    bias->strides[3] = index.constant(1);
    bias->offset = index.sub(queries, 1);
  }
  mask = broadcast(op.getMask());
  blocks = broadcast(op.getBlocks());
  fallback = broadcast(op.getFallback());
  tiles = getFlat(kernel, op.getTiles());
  position = getFlat(kernel, op.getPosition());
  lengths = getFlat(kernel, op.getLengths());
  sinks = getFlat(kernel, op.getSinks());
  logSumExp = getFlat(kernel, op.getLogSumExp());
}
