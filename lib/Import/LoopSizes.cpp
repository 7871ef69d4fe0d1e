//===- LoopSizes.cpp - Sizes of a loop's values in front of it ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LoopSizes.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

LoopSizes::LoopSizes(OpBuilder &builder, Block &body, ValueRange initial)
    : builder(builder), body(body), initial(initial) {
  Value first =
      arith::ConstantIndexOp::create(builder, builder.getUnknownLoc(), 0);
  mapping.map(body.getArgument(0), first);
  SmallVector<Operation *> ops;
  for (Operation &op : body)
    ops.push_back(&op);
  for (Operation *op : ops)
    visit(op);
}

static bool isDynamicTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && !tensor.hasStaticShape();
}

void LoopSizes::visit(Operation *op) {
  if (!llvm::any_of(op->getResultTypes(), isDynamicTensor))
    return;
  auto forEachDynamic = [&](llvm::function_ref<Value(OpResult, int64_t)> size) {
    for (OpResult result : op->getResults())
      if (isDynamicTensor(result.getType()))
        for (auto [i, known] : llvm::enumerate(shapeOf(result)))
          if (ShapedType::isDynamic(known))
            sizes[{result, i}] = size(result, i);
  };
  if (auto conversion = dyn_cast<tensor::CastOp>(op)) {
    forEachDynamic([&](OpResult, int64_t i) {
      return sizeInFront(conversion.getSource(), i);
    });
  } else if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    forEachDynamic([&](OpResult, int64_t i) {
      return moveToFront(empty.getDynamicSize(i));
    });
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    // What an inner loop fills keeps its sizes.
    forEachDynamic([&](OpResult result, int64_t i) {
      unsigned number = result.getResultNumber();
      auto set = loop.getYieldedValues()[number].getDefiningOp<SetElementOp>();
      return set ? sizeInFront(loop.getInitArgs()[number], i) : Value();
    });
  } else if (auto shaped = dyn_cast<ReifyRankedShapedTypeOpInterface>(op)) {
    // What reification builds in the body is only looked at.
    Operation *before = op->getPrevNode();
    OpBuilder inside(op);
    ReifiedRankedShapedTypeDims shapes;
    if (succeeded(shaped.reifyResultShapes(inside, shapes)))
      forEachDynamic([&](OpResult result, int64_t i) -> Value {
        OpFoldResult size = shapes[result.getResultNumber()][i];
        if (auto constant = getConstantIntValue(size))
          return arith::ConstantIndexOp::create(builder, op->getLoc(),
                                                *constant);
        return moveToFront(cast<Value>(size));
      });
    while (op->getPrevNode() != before) {
      for (Value value : op->getPrevNode()->getResults())
        mapping.erase(value);
      op->getPrevNode()->erase();
    }
  }
}

Value LoopSizes::sizeInFront(Value tensor, int64_t dimension) {
  Location loc = tensor.getLoc();
  int64_t known = shapeOf(tensor)[dimension];
  if (!ShapedType::isDynamic(known))
    return arith::ConstantIndexOp::create(builder, loc, known);
  Value outside = tensor;
  if (auto argument = dyn_cast<BlockArgument>(tensor);
      argument && argument.getOwner() == &body)
    outside = initial[argument.getArgNumber() - 1];
  else if (tensor.getParentBlock() == &body)
    return sizes.lookup({tensor, dimension});
  Value &size = sizes[{outside, dimension}];
  if (!size)
    size = tensor::DimOp::create(builder, loc, outside, dimension);
  return size;
}

Value LoopSizes::moveToFront(Value index, unsigned depth) {
  if (Value known = mapping.lookupOrNull(index))
    return known;
  if (index.getParentBlock() != &body)
    return index;
  Operation *op = index.getDefiningOp();
  // Sizes are short formulas.
  constexpr unsigned deepest = 64;
  if (!op || depth == deepest)
    return {};
  Value moved;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    if (auto dimension = dim.getConstantIndex())
      moved = sizeInFront(dim.getSource(), *dimension);
  } else if (isa<arith::ArithDialect>(op->getDialect()) &&
             op->getNumRegions() == 0 && op->getNumResults() == 1) {
    for (Value operand : op->getOperands()) {
      Value front = moveToFront(operand, depth + 1);
      if (!front)
        return {};
      mapping.map(operand, front);
    }
    moved = builder.clone(*op, mapping)->getResult(0);
  }
  if (moved)
    mapping.map(index, moved);
  return moved;
}

std::optional<SmallVector<Value>> LoopSizes::sizesOf(Value tensor) {
  SmallVector<Value> found;
  for (auto [i, known] : llvm::enumerate(shapeOf(tensor))) {
    if (!ShapedType::isDynamic(known))
      continue;
    Value size = sizeInFront(tensor, i);
    if (!size)
      return std::nullopt;
    found.push_back(size);
  }
  return found;
}
