//===- ScanElements.cpp - Elements of a scan's body -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ScanElements.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Rows/RowBuffer.h"

using namespace mlir;
using namespace sluice;

Value ScanElements::elementSize(Value value, unsigned dimension) {
  int64_t known = shapeOf(value)[dimension];
  if (!ShapedType::isDynamic(known))
    return kernel.index(known);
  if (isSum(value))
    return rowSizes[dimension];
  auto argument = dyn_cast<BlockArgument>(value);
  if (argument) {
    unsigned number = argument.getArgNumber();
    bool isSequence =
        number >= states && number < states + op.getSequences().size();
    return kernel.size(op.getOperand(number), dimension + isSequence);
  }
  // Of the yielded values, results tell the sizes.
  for (auto [i, other] : llvm::enumerate(yielded))
    if (other == value)
      return kernel.size(op.getResult(i), dimension + (i >= states));
  return kernel.index(1);
}

SmallVector<Value> ScanElements::elementSizes(Value value) {
  SmallVector<Value> sizes;
  for (size_t i = 0; i < shapeOf(value).size(); ++i)
    sizes.push_back(elementSize(value, i));
  return sizes;
}

Value ScanElements::splat(Value element) {
  if (isa<VectorType>(element.getType()))
    return element;
  return vector::BroadcastOp::create(kernel.builder, kernel.loc,
                                     VectorType::get(lanes, element.getType()),
                                     element);
}

/// The place, in elements, of what is at `place` of a tensor.
static Value flatPlace(KernelBuilder &kernel, ValueRange sizes, Value offset,
                       ValueRange place) {
  Value flat = kernel.index(0);
  for (auto [size, index] : llvm::zip(sizes, place))
    flat = kernel.add(kernel.mul(flat, size), index ? index : kernel.index(0));
  return kernel.add(offset, flat);
}

Value ScanElements::load(Value memory, ValueRange sizes, Value offset,
                         const Place &place, Type elementType) {
  OpBuilder &builder = kernel.builder;
  Value at = flatPlace(kernel, sizes, offset, place.at);
  bool isVector =
      place.lane && !place.at.empty() && place.at.back() == place.lane;
  if (!isVector)
    return kernel.toCompute(
        memref::LoadOp::create(builder, kernel.loc, memory, at), elementType);
  auto type = VectorType::get(lanes, KernelBuilder::storageType(elementType));
  if (!mask)
    return kernel.toCompute(
        vector::LoadOp::create(builder, kernel.loc, type, memory, at),
        elementType);
  Value zero = arith::ConstantOp::create(builder, kernel.loc, type,
                                         builder.getZeroAttr(type));
  return kernel.toCompute(vector::MaskedLoadOp::create(builder, kernel.loc,
                                                       type, memory, at, mask,
                                                       zero),
                          elementType);
}

void ScanElements::store(Value element, Value memory, ValueRange sizes,
                         Value offset, const Place &place, Type elementType) {
  OpBuilder &builder = kernel.builder;
  Value at = flatPlace(kernel, sizes, offset, place.at);
  if (place.lane)
    element = splat(element);
  Value stored = kernel.toStorage(element, elementType);
  if (!place.lane)
    memref::StoreOp::create(builder, kernel.loc, stored, memory, at);
  else if (mask)
    vector::MaskedStoreOp::create(builder, kernel.loc, memory, at, mask,
                                  stored);
  else
    vector::StoreOp::create(builder, kernel.loc, stored, memory, at);
}

Value ScanElements::stepOffset(Value tensor, Value step, bool isBackwards) {
  Value position =
      isBackwards ? kernel.sub(kernel.sub(steps, kernel.index(1)), step) : step;
  return kernel.mul(position,
                    sizeProduct(kernel, tensor, 1, shapeOf(tensor).size()));
}

Value ScanElements::loadArgument(BlockArgument argument, const Place &place) {
  unsigned number = argument.getArgNumber();
  Type elementType = elementTypeOf(argument);
  SmallVector<Value> sizes = elementSizes(argument);
  if (number < states)
    return load(flat.lookup(op.getResult(number)), sizes, kernel.index(0),
                place, elementType);
  Value tensor = op.getOperand(number), offset = kernel.index(0);
  if (number < states + op.getSequences().size())
    offset = stepOffset(tensor, step, op.readsBackwards(number - states));
  return load(flat.lookup(tensor), sizes, offset, place, elementType);
}

bool ScanElements::isSamePlace(const Place &lhs, const Place &rhs) {
  auto same = [](Value lhs, Value rhs) {
    if (lhs == rhs)
      return true;
    if (!lhs || !rhs)
      return false;
    auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
    return left && right && *left == *right;
  };
  return lhs.lane == rhs.lane && llvm::equal(lhs.at, rhs.at, same);
}

Value ScanElements::pull(Value value, const Place &place) {
  Block *here = kernel.builder.getInsertionBlock();
  for (Known &entry : known[value]) {
    Block *block = entry.element.getParentBlock();
    if (isSamePlace(entry.place, place) &&
        (block == here || block->findAncestorOpInBlock(*here->getParentOp())))
      return entry.element;
  }
  Value element = compute(value, place);
  known[value].push_back({place, element});
  return element;
}

ScanElements::Place ScanElements::inOperand(Operation *op, unsigned number,
                                            const Place &place,
                                            ArrayRef<Value> reduced) {
  auto pack = [](ArrayRef<Value> values) {
    ScanPlaces::Place packed;
    for (Value value : values)
      packed.push_back(value ? value.getAsOpaquePointer() : nullptr);
    return packed;
  };
  Place there;
  there.lane = place.lane;
  for (ScanPlaces::Index index :
       ScanPlaces::inOperand(op, number, pack(place.at), pack(reduced)))
    there.at.push_back(index ? Value::getFromOpaquePointer(index) : Value());
  return there;
}

Value ScanElements::compute(Value value, const Place &place) {
  if (readsFinishedStates)
    for (auto [i, next] : llvm::enumerate(yielded.take_front(states)))
      if (next == value)
        return load(flat.lookup(op.getResult(i)), elementSizes(next),
                    kernel.index(0), place, elementTypeOf(value));
  if (auto argument = dyn_cast<BlockArgument>(value))
    return loadArgument(argument, place);
  if (value != currentSum && isSum(value))
    return load(flat.lookup(value), elementSizes(value), kernel.index(0), place,
                getComputeType(elementTypeOf(value)));
  Operation *maker = value.getDefiningOp();
  if (isa<ConstantOp>(maker))
    return kernel.load(value, {});
  if (!ScanPlaces::reducedDimensions(maker).empty())
    return computeSum(maker, place);
  SmallVector<Value> operands;
  for (OpOperand &read : ScanPlaces::readOperands(maker))
    operands.push_back(
        pull(read.get(), inOperand(maker, read.getOperandNumber(), place, {})));
  auto elementwise = dyn_cast<ElementwiseOpInterface>(maker);
  if (!elementwise)
    return operands.front();
  if (llvm::any_of(operands, [](Value operand) {
        return isa<VectorType>(operand.getType());
      }))
    for (Value &operand : operands)
      operand = splat(operand);
  return elementwise.buildBody(kernel.builder, kernel.loc, operands);
}

Value ScanElements::computeTerm(Operation *maker, const Place &place,
                                ArrayRef<Value> reduced, Value lane) {
  BodyBuilder arithmetic{kernel.builder, kernel.loc};
  Value product;
  for (unsigned i = 0; i < maker->getNumOperands(); ++i) {
    Place there = inOperand(maker, i, place, reduced);
    there.lane = lane;
    Value factor = pull(maker->getOperand(i), there);
    if (lane)
      factor = splat(factor);
    product = product ? arithmetic.mul(product, factor) : factor;
  }
  return product;
}

Value ScanElements::computeSum(Operation *maker, const Place &place) {
  OpBuilder &builder = kernel.builder;
  BodyBuilder arithmetic{builder, kernel.loc};
  auto dimensions = ScanPlaces::reducedDimensions(maker);
  Type type = getComputeType(elementTypeOf(maker->getResult(0)));
  SmallVector<Value> sizes;
  for (auto [operand, dimension] : dimensions)
    sizes.push_back(elementSize(maker->getOperand(operand), dimension));
  Value zero = kernel.number(elementTypeOf(maker->getResult(0)), 0);
  // Along the last dimension in vectors, where that is one everywhere.
  auto isLaneLast = [&] {
    int marker;
    ScanPlaces::Place reduced(dimensions.size(), nullptr), at;
    reduced.back() = &marker;
    for (Value index : place.at)
      at.push_back(index ? index.getAsOpaquePointer() : nullptr);
    for (unsigned i = 0; i < maker->getNumOperands(); ++i)
      if (!structure.isLane(op, maker->getOperand(i),
                            ScanPlaces::inOperand(maker, i, at, reduced),
                            &marker, readsFinishedStates))
        return false;
    return true;
  };
  bool isVector = !place.lane && isLaneLast();
  Value start = place.lane ? splat(zero) : zero;
  SmallVector<Value> reduced;
  std::function<Value(Value)> addDimensions = [&](Value sum) -> Value {
    size_t depth = reduced.size();
    if (depth == dimensions.size())
      return arithmetic.add(sum,
                            computeTerm(maker, place, reduced, place.lane));
    if (isVector && depth + 1 == dimensions.size()) {
      Value whole = reduceRow(
          kernel, sizes[depth], zero, VectorType::get(lanes, type),
          [&](const Piece &piece) {
            Value outside = std::exchange(mask, piece.mask);
            reduced.push_back(piece.begin);
            Value vector = computeTerm(maker, place, reduced, piece.begin);
            reduced.pop_back();
            mask = outside;
            return keepLanes(kernel, piece, vector, splat(zero));
          },
          [&](Value lhs, Value rhs) { return arithmetic.add(lhs, rhs); });
      return arithmetic.add(sum, whole);
    }
    return addUp(sizes[depth], sum, start, [&](Value index, Value running) {
      reduced.push_back(index);
      Value next = addDimensions(running);
      reduced.pop_back();
      return next;
    });
  };
  return addDimensions(start);
}

Value ScanElements::addUp(
    Value size, Value start, Value zero,
    llvm::function_ref<Value(Value index, Value running)> add) {
  // Additions that wait for each other take four cycles or so.
  constexpr int64_t chains = 4;
  auto known = getConstantIntValue(size);
  auto alone = [&](Value begin, Value count, Value sum) -> Value {
    return kernel.loop(count, sum, [&](Value index, ValueRange running) {
      return SmallVector<Value>{add(kernel.add(begin, index), running[0])};
    })[0];
  };
  if (!known || *known < 2 * chains)
    return alone(kernel.index(0), size, start);
  SmallVector<Value> initial(chains, zero);
  initial[0] = start;
  SmallVector<Value> sums = kernel.loop(
      kernel.index(*known / chains), initial,
      [&](Value turn, ValueRange running) {
        Value first = kernel.mul(turn, kernel.index(chains));
        SmallVector<Value> next;
        for (int64_t i = 0; i < chains; ++i)
          next.push_back(add(kernel.add(first, kernel.index(i)), running[i]));
        return next;
      });
  BodyBuilder arithmetic{kernel.builder, kernel.loc};
  Value sum = arithmetic.add(arithmetic.add(sums[0], sums[1]),
                             arithmetic.add(sums[2], sums[3]));
  int64_t rest = *known % chains;
  return rest == 0
             ? sum
             : alone(kernel.index(*known - rest), kernel.index(rest), sum);
}
