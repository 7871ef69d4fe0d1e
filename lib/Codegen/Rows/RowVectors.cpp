//===- RowVectors.cpp - Vectors along contiguous rows ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Rows/RowVectors.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/Elements/IndexBuilder.h"
#include "sluice/Codegen/Elements/LoopNest.h"

using namespace mlir;
using namespace sluice;

RowVectors::RowVectors(KernelBuilder &kernel, Value memory, Type elementType)
    : kernel(kernel), elementType(elementType), memory(memory) {
  Type computeType = getComputeType(elementType);
  vectorType = VectorType::get(kernel.loops.lanes(computeType), computeType);
}

RowVectors::RowVectors(KernelBuilder &kernel, Value tensor)
    : RowVectors(kernel, kernel.buffer(tensor), elementTypeOf(tensor)) {
  this->tensor = tensor;
  memory = flattenBuffer(kernel.builder, kernel.loc, memory);
}

Value RowVectors::flatten(ValueRange indices) const {
  Value place = kernel.index(0);
  for (auto [dimension, index] : llvm::enumerate(indices))
    place =
        kernel.add(kernel.mul(place, kernel.size(tensor, dimension)), index);
  return place;
}

Value RowVectors::load(Value offset, const Piece &piece, Value neutral,
                       int64_t lanes) const {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Value place = kernel.add(offset, piece.begin);
  auto stored = VectorType::get(lanes, KernelBuilder::storageType(elementType));
  if (!piece.mask) {
    Value vector = vector::LoadOp::create(builder, loc, stored, memory, place);
    return kernel.toCompute(vector, elementType);
  }
  Value zero = arith::ConstantOp::create(builder, loc, stored,
                                         builder.getZeroAttr(stored));
  Value vector = vector::MaskedLoadOp::create(builder, loc, stored, memory,
                                              place, piece.mask, zero);
  vector = kernel.toCompute(vector, elementType);
  return neutral ? keepLanes(kernel, piece, vector, splat(neutral)) : vector;
}

void RowVectors::store(Value vector, Value offset, const Piece &piece) const {
  Value place = kernel.add(offset, piece.begin);
  Value stored = kernel.toStorage(vector, elementType);
  if (piece.mask)
    vector::MaskedStoreOp::create(kernel.builder, kernel.loc, memory, place,
                                  piece.mask, stored);
  else
    vector::StoreOp::create(kernel.builder, kernel.loc, stored, memory, place);
}

Value RowVectors::loadScalar(Value offset) const {
  Value stored =
      memref::LoadOp::create(kernel.builder, kernel.loc, memory, offset);
  return kernel.toCompute(stored, elementType);
}

void RowVectors::storeScalar(Value value, Value offset) const {
  memref::StoreOp::create(kernel.builder, kernel.loc,
                          kernel.toStorage(value, elementType), memory, offset);
}

void RowVectors::fetch(Value offset, const Piece &piece, Value count) const {
  constexpr unsigned firstLevel = 3;
  constexpr int64_t lineBytes = 64;
  int64_t width = (elementType.getIntOrFloatBitWidth() + 7) / 8;
  auto known = getConstantIntValue(count);
  SmallVector<int64_t> places = {0};
  if (!known || *known % lanes() != 0 || lineBytes % (lanes() * width) != 0)
    places.push_back(lanes() - 1);
  Value start = kernel.add(offset, piece.begin);
  for (int64_t place : places)
    memref::PrefetchOp::create(kernel.builder, kernel.loc, memory,
                               kernel.add(start, kernel.index(place)),
                               /*isWrite=*/false, firstLevel,
                               /*isDataCache=*/true);
}

Value RowVectors::splat(Value scalar) const {
  return vector::BroadcastOp::create(kernel.builder, kernel.loc, vectorType,
                                     scalar);
}

RowVectors sluice::scratchRow(KernelBuilder &kernel, Value count,
                              Type computeType) {
  int64_t width = computeType.getIntOrFloatBitWidth() / 8;
  auto known = getConstantIntValue(count);
  Value bytes = known ? kernel.scratch(*known * width)
                      : kernel.allocate(kernel.mul(count, kernel.index(width)));
  Value memory =
      kernel.view(bytes, kernel.index(0),
                  MemRefType::get({ShapedType::kDynamic}, computeType), count);
  return RowVectors(kernel, memory, computeType);
}

void sluice::shareAmongTasks(
    KernelBuilder &kernel, Value count, Value tasks, Work each,
    llvm::function_ref<void(Value task, Value item)> body) {
  kernel.parallel(tasks, each, [&](Value task) {
    Value rest = kernel.add(count, kernel.sub(tasks, kernel.index(1)));
    Value own = kernel.div(kernel.sub(rest, task), tasks);
    kernel.forEach({own}, [&](ValueRange turn) {
      body(task, kernel.add(task, kernel.mul(turn[0], tasks)));
    });
  });
}

Value sluice::keepLanes(KernelBuilder &kernel, const Piece &piece, Value vector,
                        Value otherwise) {
  if (!piece.mask)
    return vector;
  return arith::SelectOp::create(kernel.builder, kernel.loc, piece.mask, vector,
                                 otherwise);
}

/// The masked last piece of a row.
static Piece lastPiece(KernelBuilder &kernel, Value begin, Value rest,
                       int64_t lanes) {
  auto maskType = VectorType::get(lanes, kernel.builder.getI1Type());
  Value mask =
      vector::CreateMaskOp::create(kernel.builder, kernel.loc, maskType, rest);
  return {begin, mask};
}

SmallVector<Value> sluice::overRow(
    KernelBuilder &kernel, Value count, int64_t lanes, ValueRange initial,
    llvm::function_ref<SmallVector<Value>(const Piece &, ValueRange)> body) {
  Value width = kernel.index(lanes);
  Value whole = kernel.div(count, width);
  SmallVector<Value> running = llvm::to_vector(initial);
  auto known = getConstantIntValue(whole);
  if (known && *known <= 1) {
    if (*known == 1)
      running = body({kernel.index(0), nullptr}, running);
  } else {
    running = kernel.loop(whole, running, [&](Value i, ValueRange inner) {
      return body({kernel.mul(i, width), nullptr}, inner);
    });
  }
  Value begin = kernel.mul(whole, width);
  Value rest = kernel.sub(count, begin);
  auto knownRest = getConstantIntValue(rest);
  if (knownRest && *knownRest == 0)
    return running;
  if (knownRest)
    return body(lastPiece(kernel, begin, rest, lanes), running);
  Value isThere =
      arith::CmpIOp::create(kernel.builder, kernel.loc,
                            arith::CmpIPredicate::sgt, rest, kernel.index(0));
  return kernel.choose(
      isThere, ValueRange(running).getTypes(),
      [&] { return body(lastPiece(kernel, begin, rest, lanes), running); },
      [&] { return running; });
}

void sluice::forEachVector(KernelBuilder &kernel, Value count, int64_t lanes,
                           llvm::function_ref<void(const Piece &)> body) {
  overRow(kernel, count, lanes, {},
          [&](const Piece &piece, ValueRange) -> SmallVector<Value> {
            body(piece);
            return {};
          });
}

Value sluice::reduceRow(KernelBuilder &kernel, Value count, Value neutral,
                        VectorType type,
                        llvm::function_ref<Value(const Piece &)> value,
                        llvm::function_ref<Value(Value, Value)> combine) {
  // Enough independent chains to hide the latency of the combining step.
  constexpr int64_t chains = 4;
  int64_t lanes = type.getNumElements();
  Value start =
      vector::BroadcastOp::create(kernel.builder, kernel.loc, type, neutral);
  Value block = kernel.index(lanes * chains);
  Value blocks = kernel.div(count, block);
  Value sum = start;
  if (getConstantIntValue(blocks) != 0) {
    SmallVector<Value> sums = sumLoop(
        kernel, blocks, SmallVector<Value>(chains, start),
        [&](Value i, ValueRange running) {
          Value begin = kernel.mul(i, block);
          SmallVector<Value> next;
          for (auto [chain, accumulator] : llvm::enumerate(running)) {
            Value at = kernel.add(begin, kernel.index(chain * lanes));
            next.push_back(combine(accumulator, value({at, nullptr})));
          }
          return next;
        },
        combine);
    sum = combine(combine(sums[0], sums[1]), combine(sums[2], sums[3]));
  }
  Value done = kernel.mul(blocks, block);
  sum = overRow(
      kernel, kernel.sub(count, done), lanes, sum,
      [&](const Piece &piece, ValueRange running) -> SmallVector<Value> {
        Piece moved{kernel.add(done, piece.begin), piece.mask};
        return {combine(running[0], value(moved))};
      })[0];
  // Halves onto each other, so that any combining step will do.
  for (int64_t width = lanes; width > 1; width /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < width / 2; ++i) {
      low.push_back(i);
      high.push_back(width / 2 + i);
    }
    Value lower =
        vector::ShuffleOp::create(kernel.builder, kernel.loc, sum, sum, low);
    Value upper =
        vector::ShuffleOp::create(kernel.builder, kernel.loc, sum, sum, high);
    sum = combine(lower, upper);
  }
  return vector::ExtractOp::create(kernel.builder, kernel.loc, sum, 0);
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
    if (auto vector = dyn_cast<VectorType>(sum.getType()))
      divisor = vector::BroadcastOp::create(builder, loc, vector, divisor);
    return arith::DivFOp::create(builder, loc, sum, divisor);
  }
  // An integer division by zero must not happen, whatever the sizes are.
  Value divisor = arith::MaxSIOp::create(builder, loc, count, kernel.index(1));
  divisor = kernel.fromIndex(divisor, elementType);
  if (isUnsignedType(elementType))
    return arith::DivUIOp::create(builder, loc, sum, divisor);
  return arith::DivSIOp::create(builder, loc, sum, divisor);
}

bool sluice::isOnlyResult(const KernelBuilder &kernel, Operation *op) {
  return llvm::equal(kernel.region.getTerminator()->getOperands(),
                     op->getResults());
}
