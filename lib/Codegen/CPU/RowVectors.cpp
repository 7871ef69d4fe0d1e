//===- RowVectors.cpp - Rows in vector registers --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/RowVectors.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/Elements/LoopNest.h"

using namespace mlir;
using namespace sluice;
using Values = RowOps::Values;

Type RowVectors::laneType(Type element, int64_t lanes) const {
  return VectorType::get(lanes, element);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value RowVectors::splat(KernelBuilder &kernel, Value scalar, Type type) {
  if (scalar.getType() == type)
    return scalar;
  return vector::BroadcastOp::create(kernel.builder, kernel.loc, type, scalar);
}

Value RowVectors::constant(KernelBuilder &kernel, TypedAttr scalar, Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    scalar = DenseElementsAttr::get(vector, ArrayRef<Attribute>(scalar));
  return arith::ConstantOp::create(kernel.builder, kernel.loc, scalar);
}

Value RowVectors::laneNumbers(KernelBuilder &kernel, Type type) {
  auto vector = cast<VectorType>(type);
  unsigned width = vector.getElementType().getIntOrFloatBitWidth();
  SmallVector<APInt> numbers;
  for (int64_t lane = 0; lane < vector.getNumElements(); ++lane)
    numbers.push_back(APInt(width, lane));
  return arith::ConstantOp::create(kernel.builder, kernel.loc,
                                   DenseElementsAttr::get(vector, numbers));
}

Value RowVectors::firstLanes(KernelBuilder &kernel, Value count,
                             int64_t lanes) {
  auto type = VectorType::get(lanes, kernel.builder.getI1Type());
  return vector::CreateMaskOp::create(kernel.builder, kernel.loc, type, count);
}

Value RowVectors::reverse(KernelBuilder &kernel, Value value) {
  int64_t lanes = cast<VectorType>(value.getType()).getNumElements();
  SmallVector<int64_t> reversed =
      llvm::to_vector(llvm::reverse(llvm::seq(lanes)));
  return vector::ShuffleOp::create(kernel.builder, kernel.loc, value, value,
                                   reversed);
}

Value RowVectors::collect(KernelBuilder &kernel, Type type,
                          llvm::function_ref<Value(Value)> element) {
  Value none = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                         kernel.builder.getZeroAttr(type));
  int64_t lanes = cast<VectorType>(type).getNumElements();
  return kernel.loop(
      kernel.index(lanes), none, [&](Value lane, ValueRange running) -> Values {
        return {vector::InsertOp::create(kernel.builder, kernel.loc,
                                         element(lane), running[0],
                                         OpFoldResult(lane))};
      })[0];
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static Type elementOf(Value memory) {
  return cast<MemRefType>(memory.getType()).getElementType();
}

Value RowVectors::load(KernelBuilder &kernel, Value memory, Value place,
                       Value mask, int64_t lanes) {
  OpBuilder &builder = kernel.builder;
  auto type = VectorType::get(lanes, elementOf(memory));
  if (!mask)
    return vector::LoadOp::create(builder, kernel.loc, type, memory, place);
  Value zero = arith::ConstantOp::create(builder, kernel.loc, type,
                                         builder.getZeroAttr(type));
  return vector::MaskedLoadOp::create(builder, kernel.loc, type, memory, place,
                                      mask, zero);
}

void RowVectors::store(KernelBuilder &kernel, Value stored, Value memory,
                       Value place, Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(kernel.builder, kernel.loc, memory, place,
                                  mask, stored);
  else
    vector::StoreOp::create(kernel.builder, kernel.loc, stored, memory, place);
}

void RowVectors::fetch(KernelBuilder &kernel, Value memory, Value place,
                       Value count, int64_t lanes) {
  constexpr unsigned firstLevel = 3;
  constexpr int64_t lineBytes = MachineModel::cacheLineBytes;
  int64_t width = elementOf(memory).getIntOrFloatBitWidth() / 8;
  auto known = getConstantIntValue(count);
  SmallVector<int64_t> ends = {0};
  if (!known || *known % lanes != 0 || lineBytes % (lanes * width) != 0)
    ends.push_back(lanes - 1);
  for (int64_t end : ends)
    memref::PrefetchOp::create(kernel.builder, kernel.loc, memory,
                               kernel.add(place, kernel.index(end)),
                               /*isWrite=*/false, firstLevel,
                               /*isDataCache=*/true);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

Values RowVectors::overRow(KernelBuilder &kernel, Value count, int64_t lanes,
                           ValueRange initial, RowBody body) {
  Value width = kernel.index(lanes);
  Value whole = kernel.div(count, width);
  Values running = llvm::to_vector(initial);
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
  auto last = [&] {
    return body({begin, firstLanes(kernel, rest, lanes)}, running);
  };
  auto knownRest = getConstantIntValue(rest);
  if (knownRest && *knownRest == 0)
    return running;
  if (knownRest)
    return last();
  Value isThere =
      arith::CmpIOp::create(kernel.builder, kernel.loc,
                            arith::CmpIPredicate::sgt, rest, kernel.index(0));
  return kernel.choose(isThere, ValueRange(running).getTypes(), last,
                       [&] { return running; });
}

/// Halves onto each other, so that any combining step will do.
static Value combineLanes(KernelBuilder &kernel, Value sum, int64_t lanes,
                          RowOps::Combine combine) {
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

Value RowVectors::reduceRow(KernelBuilder &kernel, Value count, Value neutral,
                            Type type, PieceValue value, Combine combine) {
  // Enough independent chains to hide the latency of the combining step.
  constexpr int64_t chains = 4;
  int64_t lanes = cast<VectorType>(type).getNumElements();
  Value start = splat(kernel, neutral, type);
  Value block = kernel.index(lanes * chains);
  Value blocks = kernel.div(count, block);
  Value sum = start;
  if (getConstantIntValue(blocks) != 0) {
    Values sums = sumLoop(
        kernel, blocks, Values(chains, start),
        [&](Value i, ValueRange running) {
          Value begin = kernel.mul(i, block);
          Values next;
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
  sum = overRow(kernel, kernel.sub(count, done), lanes, sum,
                [&](const Piece &piece, ValueRange running) -> Values {
                  Piece moved{kernel.add(done, piece.begin), piece.mask};
                  return {combine(running[0], value(moved))};
                })[0];
  return combineLanes(kernel, sum, lanes, combine);
}
