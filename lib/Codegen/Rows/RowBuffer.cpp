//===- RowBuffer.cpp - Pieces of rows in memory ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Rows/RowBuffer.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Codegen/Elements/IndexBuilder.h"

using namespace mlir;
using namespace sluice;

RowOps::~RowOps() = default;

RowBuffer::RowBuffer(KernelBuilder &kernel, Value memory, Type elementType)
    : kernel(kernel), elementType(elementType),
      laneCount(kernel.rows.lanes(getComputeType(elementType))),
      memory(memory) {}

RowBuffer::RowBuffer(KernelBuilder &kernel, Value tensor)
    : RowBuffer(kernel, kernel.buffer(tensor), elementTypeOf(tensor)) {
  this->tensor = tensor;
  memory = flattenBuffer(kernel.builder, kernel.loc, memory);
}

Type RowBuffer::computeType() const { return getComputeType(elementType); }

Type RowBuffer::type() const {
  return kernel.rows.laneType(computeType(), laneCount);
}

Value RowBuffer::flatten(ValueRange indices) const {
  Value place = kernel.index(0);
  for (auto [dimension, index] : llvm::enumerate(indices))
    place =
        kernel.add(kernel.mul(place, kernel.size(tensor, dimension)), index);
  return place;
}

Value RowBuffer::load(Value offset, const Piece &piece, Value neutral,
                      int64_t lanes) const {
  Value place = kernel.add(offset, piece.begin);
  Value stored = kernel.rows.load(kernel, memory, place, piece.mask, lanes);
  Value value = kernel.toCompute(stored, elementType);
  if (!piece.mask || !neutral)
    return value;
  Type type = kernel.rows.laneType(computeType(), lanes);
  return keepLanes(kernel, piece, value,
                   kernel.rows.splat(kernel, neutral, type));
}

void RowBuffer::store(Value value, Value offset, const Piece &piece) const {
  Value place = kernel.add(offset, piece.begin);
  Value stored = kernel.toStorage(value, elementType);
  kernel.rows.store(kernel, stored, memory, place, piece.mask);
}

Value RowBuffer::loadScalar(Value offset) const {
  Value stored =
      memref::LoadOp::create(kernel.builder, kernel.loc, memory, offset);
  return kernel.toCompute(stored, elementType);
}

void RowBuffer::storeScalar(Value value, Value offset) const {
  memref::StoreOp::create(kernel.builder, kernel.loc,
                          kernel.toStorage(value, elementType), memory, offset);
}

void RowBuffer::fetch(Value offset, const Piece &piece, Value count) const {
  kernel.rows.fetch(kernel, memory, kernel.add(offset, piece.begin), count,
                    lanes());
}

Value RowBuffer::splat(Value scalar) const {
  return kernel.rows.splat(kernel, scalar, type());
}

RowBuffer sluice::scratchRow(KernelBuilder &kernel, Value count,
                             Type computeType) {
  int64_t width = computeType.getIntOrFloatBitWidth() / 8;
  auto known = getConstantIntValue(count);
  Value bytes = known ? kernel.scratch(*known * width)
                      : kernel.allocate(kernel.mul(count, kernel.index(width)));
  Value memory =
      kernel.view(bytes, kernel.index(0),
                  MemRefType::get({ShapedType::kDynamic}, computeType), count);
  return RowBuffer(kernel, memory, computeType);
}

void sluice::shareAmongTasks(
    KernelBuilder &kernel, Value count, Value tasks, Cost each,
    llvm::function_ref<void(Value task, Value item)> body) {
  kernel.parallel(tasks, each, [&](Value task) {
    Value rest = kernel.add(count, kernel.sub(tasks, kernel.index(1)));
    Value own = kernel.div(kernel.sub(rest, task), tasks);
    kernel.forEach({own}, [&](ValueRange turn) {
      body(task, kernel.add(task, kernel.mul(turn[0], tasks)));
    });
  });
}

SmallVector<Value> sluice::overRow(KernelBuilder &kernel, Value count,
                                   int64_t lanes, ValueRange initial,
                                   RowOps::RowBody body) {
  return kernel.rows.overRow(kernel, count, lanes, initial, body);
}

void sluice::forEachPiece(KernelBuilder &kernel, Value count, int64_t lanes,
                          llvm::function_ref<void(const Piece &)> body) {
  overRow(kernel, count, lanes, {},
          [&](const Piece &piece, ValueRange) -> SmallVector<Value> {
            body(piece);
            return {};
          });
}

Value sluice::reduceRow(KernelBuilder &kernel, Value count, Value neutral,
                        Type type, RowOps::PieceValue value,
                        RowOps::Combine combine) {
  return kernel.rows.reduceRow(kernel, count, neutral, type, value, combine);
}

Value sluice::keepLanes(KernelBuilder &kernel, const Piece &piece, Value value,
                        Value otherwise) {
  if (!piece.mask)
    return value;
  return arith::SelectOp::create(kernel.builder, kernel.loc, piece.mask, value,
                                 otherwise);
}

Value sluice::divideByCount(KernelBuilder &kernel, Value sum, Value count,
                            Type elementType) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Type computeType = getComputeType(elementType);
  if (isa<FloatType>(computeType)) {
    Value wide =
        arith::IndexCastOp::create(builder, loc, builder.getI64Type(), count);
    Value divisor = arith::SIToFPOp::create(builder, loc, computeType, wide);
    divisor = kernel.rows.splat(kernel, divisor, sum.getType());
    return arith::DivFOp::create(builder, loc, sum, divisor);
  }
  // An integer division by zero must not happen, whatever the sizes are.
  Value divisor = arith::MaxSIOp::create(builder, loc, count, kernel.index(1));
  divisor = kernel.rows.splat(kernel, kernel.fromIndex(divisor, elementType),
                              sum.getType());
  if (isUnsignedType(elementType))
    return arith::DivUIOp::create(builder, loc, sum, divisor);
  return arith::DivSIOp::create(builder, loc, sum, divisor);
}

bool sluice::isOnlyResult(const KernelBuilder &kernel, Operation *op) {
  return llvm::equal(kernel.region.getTerminator()->getOperands(),
                     op->getResults());
}
