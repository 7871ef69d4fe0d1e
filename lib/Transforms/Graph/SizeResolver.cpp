//===- SizeResolver.cpp - Sizes in terms of a function's inputs -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Transforms/Graph/SizeResolver.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

OpFoldResult SizeResolver::argumentSize(BlockArgument argument,
                                        int64_t dimension) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(argument.getOwner());
  auto dim = [&]() -> OpFoldResult {
    return tensor::DimOp::create(builder, argument.getLoc(), argument,
                                 dimension)
        .getResult();
  };
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto names = function ? function.getArgAttrOfType<ArrayAttr>(
                              argument.getArgNumber(), "sluice.dims")
                        : ArrayAttr();
  if (!names || dimension >= static_cast<int64_t>(names.size()))
    return dim();
  auto name = dyn_cast<StringAttr>(names[dimension]);
  if (!name || name.empty())
    return dim();
  OpFoldResult &known = named[name.getValue()];
  if (!known)
    known = dim();
  return known;
}

OpFoldResult SizeResolver::size(Value tensor, int64_t dimension) {
  int64_t known = shapeOf(tensor)[dimension];
  if (!ShapedType::isDynamic(known))
    return builder.getIndexAttr(known);
  auto it = sizes.find({tensor, dimension});
  if (it != sizes.end())
    return it->second;
  OpFoldResult result;
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    result = argumentSize(argument, dimension);
  } else if (auto cast = tensor.getDefiningOp<tensor::CastOp>()) {
    result = size(cast.getSource(), dimension);
  } else {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(tensor);
    result = tensor::DimOp::create(builder, tensor.getLoc(), tensor, dimension)
                 .getResult();
  }
  return sizes[{tensor, dimension}] = result;
}

Value SizeResolver::simplify(Operation *op) {
  if (auto question = dyn_cast<tensor::DimOp>(op)) {
    auto dimension = question.getConstantIndex();
    if (!dimension)
      return {};
    OpFoldResult answer = size(question.getSource(), *dimension);
    return getValueOrCreateConstantIndexOp(builder, op->getLoc(), answer);
  }
  // What was asked about twice is now seen to be one size.
  SmallVector<Value> folded;
  if (op->getNumResults() != 1 || failed(builder.tryFold(op, folded)) ||
      folded.empty())
    return {};
  return folded.front();
}

void SizeResolver::resolve(Operation *before, Operation *op,
                           MutableArrayRef<OpFoldResult> made) {
  DenseMap<Value, Value> replaced;
  Operation *next = before ? before->getNextNode() : &op->getBlock()->front();
  while (next != op) {
    Operation *current = next;
    next = next->getNextNode();
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(current);
    Value simpler = simplify(current);
    if (!simpler || simpler == current->getResult(0))
      continue;
    replaced[current->getResult(0)] = simpler;
    current->replaceAllUsesWith(ValueRange(simpler));
    current->erase();
  }
  for (OpFoldResult &value : made)
    if (auto old = dyn_cast_if_present<Value>(value))
      if (Value simpler = replaced.lookup(old))
        value = simpler;
}

OpFoldResult SizeResolver::getFoldedSize(OpFoldResult size) {
  if (auto known = getConstantIntValue(size))
    return builder.getIndexAttr(*known);
  return size;
}

LogicalResult SizeResolver::visit(Operation *op) {
  auto shaped = dyn_cast<ReifyRankedShapedTypeOpInterface>(op);
  bool isDynamic = llvm::any_of(op->getResultTypes(), [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && !tensor.hasStaticShape();
  });
  if (!shaped || !isDynamic || !isa<SluiceDialect>(op->getDialect()))
    return success();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(op);
  Operation *before = op->getPrevNode();
  ReifiedRankedShapedTypeDims shapes;
  if (failed(shaped.reifyResultShapes(builder, shapes)))
    return failure();
  SmallVector<OpFoldResult> made;
  for (auto &shape : shapes)
    llvm::append_range(made, shape);
  resolve(before, op, made);
  ArrayRef<OpFoldResult> rest = made;
  for (auto [result, shape] : llvm::zip(op->getResults(), shapes)) {
    for (auto [i, size] : llvm::enumerate(rest.take_front(shape.size())))
      if (ShapedType::isDynamic(shapeOf(result)[i]))
        sizes[{result, i}] = getFoldedSize(size);
    rest = rest.drop_front(shape.size());
  }
  return success();
}
