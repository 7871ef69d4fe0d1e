//===- NarrowIntegers.cpp - Integers in as few bits as hold them ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "NarrowIntegers.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace sluice;

namespace {
struct Bounds {
  int64_t low, high;
};
} // namespace

/// What integers of a type of at most 16 bits are.
static std::optional<Bounds> getBoundsOfType(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.getWidth() > 16)
    return std::nullopt;
  int64_t values = int64_t(1) << integer.getWidth();
  if (isUnsignedType(type))
    return Bounds{0, values - 1};
  return Bounds{-values / 2, values / 2 - 1};
}

/// Sums of narrow integers, at most so many deep, are followed.
static constexpr int deepestSum = 4;

static std::optional<Bounds> getBounds(Value value, int depth = 0) {
  if (!elementTypeOf(value).isSignlessInteger(32) || depth > deepestSum)
    return std::nullopt;
  Operation *op = value.getDefiningOp();
  if (auto cast = dyn_cast_if_present<CastOp>(op))
    return getBoundsOfType(elementTypeOf(cast->getOperand(0)));
  if (auto constant = dyn_cast_if_present<ConstantOp>(op)) {
    auto dense = dyn_cast<DenseIntElementsAttr>(constant.getValue());
    if (!dense || !dense.isSplat())
      return std::nullopt;
    int64_t number = dense.getSplatValue<APInt>().getSExtValue();
    return Bounds{number, number};
  }
  if (!isa_and_present<AddOp, SubOp>(op))
    return std::nullopt;
  auto left = getBounds(op->getOperand(0), depth + 1);
  auto right = getBounds(op->getOperand(1), depth + 1);
  if (!left || !right)
    return std::nullopt;
  if (isa<SubOp>(op))
    return Bounds{left->low - right->high, left->high - right->low};
  return Bounds{left->low + right->low, left->high + right->high};
}

/// The same value in 16 bits. What does not fit them wraps, which sums that do
/// fit do not notice.
static Value rebuild(GraphBuilder &graph, Value value, Type type) {
  Operation *op = value.getDefiningOp();
  if (auto cast = dyn_cast<CastOp>(op))
    return graph.cast(cast->getOperand(0), type);
  if (isa<ConstantOp>(op))
    return graph.cast(value, type);
  Value left = rebuild(graph, op->getOperand(0), type);
  Value right = rebuild(graph, op->getOperand(1), type);
  return isa<SubOp>(op) ? graph.sub(left, right) : graph.add(left, right);
}

/// The value in 8 or 16 bits; null where it is not known to fit.
static Value narrowIntegers(OpBuilder &builder, Value value) {
  constexpr int64_t lowest = -(1 << 15), highest = (1 << 15) - 1;
  auto bounds = getBounds(value);
  if (!bounds || bounds->low < lowest || bounds->high > highest)
    return nullptr;
  GraphBuilder graph(builder, value.getLoc());
  if (auto cast = value.getDefiningOp<CastOp>()) {
    Value source = cast->getOperand(0);
    if (isNarrowInteger(elementTypeOf(source)))
      return source;
  }
  return rebuild(graph, value, builder.getIntegerType(16));
}

static bool narrowInput(kernel::RegionOp region, BlockArgument argument);

/// What a kernel makes, in fewer bits: of its only result; null where that is
/// not known to fit.
static Value narrowResult(kernel::RegionOp producer) {
  Operation *anchor = producer.findAnchor();
  // The code of other anchors is made for the elements they have.
  if (anchor && !isa<TransposeOp>(anchor))
    return nullptr;
  Operation *yield = producer.getBody().front().getTerminator();
  Value result = yield->getOperand(0);
  auto transpose = result.getDefiningOp<TransposeOp>();
  if (!transpose) {
    OpBuilder builder(yield);
    return narrowIntegers(builder, result);
  }
  auto source = dyn_cast<BlockArgument>(transpose.getOperand());
  if (!source || !narrowInput(producer, source))
    return nullptr;
  transpose.getResult().setType(
      transpose.getType().clone(elementTypeOf(source)));
  return result;
}

/// Has the kernel behind an argument of the region make narrow integers, for
/// this argument alone, or goes without it. False where they are not known to
/// fit.
static bool narrowInput(kernel::RegionOp region, BlockArgument argument) {
  if (!argument.hasOneUse())
    return false;
  unsigned number = argument.getArgNumber();
  Value input = region.getInputs()[number];
  auto producer = input.getDefiningOp<kernel::RegionOp>();
  if (!producer || producer->getNumResults() != 1 || !input.hasOneUse())
    return false;
  Value narrow = narrowResult(producer);
  if (!narrow)
    return false;
  argument.setType(narrow.getType());
  if (auto source = dyn_cast<BlockArgument>(narrow)) {
    region.getInputsMutable()[number].set(
        producer.getInputs()[source.getArgNumber()]);
    producer.erase();
    return true;
  }
  Block &body = producer.getBody().front();
  body.getTerminator()->setOperand(0, narrow);
  input.setType(narrow.getType());
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
  return true;
}

void sluice::narrowOperand(kernel::RegionOp region, OpOperand &operand) {
  auto argument = dyn_cast<BlockArgument>(operand.get());
  if (!argument)
    return;
  Type wide = elementTypeOf(argument);
  if (!narrowInput(region, argument))
    return;
  OpBuilder builder = OpBuilder::atBlockBegin(argument.getOwner());
  operand.set(GraphBuilder(builder, argument.getLoc()).cast(argument, wide));
}
