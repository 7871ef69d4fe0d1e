//===- SizeResolver.cpp - Sizes in terms of a function's inputs -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "SizeResolver.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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
  } else {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(tensor);
    result = tensor::DimOp::create(builder, tensor.getLoc(), tensor, dimension)
                 .getResult();
  }
  return sizes[{tensor, dimension}] = result;
}

void SizeResolver::resolve(Operation *before, Operation *op) {
  SmallVector<tensor::DimOp> questions;
  for (Operation *made = op->getPrevNode(); made != before;
       made = made->getPrevNode())
    if (auto question = dyn_cast<tensor::DimOp>(made);
        question && question.getConstantIndex())
      questions.push_back(question);
  for (tensor::DimOp question : llvm::reverse(questions)) {
    OpFoldResult answer =
        size(question.getSource(), *question.getConstantIndex());
    if (answer == OpFoldResult(question.getResult()))
      continue;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(question);
    question.replaceAllUsesWith(
        getValueOrCreateConstantIndexOp(builder, question.getLoc(), answer));
    question.erase();
  }
}

void SizeResolver::visit(Operation *op) {
  auto shaped = dyn_cast<ReifyRankedShapedTypeOpInterface>(op);
  bool isDynamic = llvm::any_of(op->getResultTypes(), [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && !tensor.hasStaticShape();
  });
  if (!shaped || !isDynamic || !isa<SluiceDialect>(op->getDialect()))
    return;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(op);
  Operation *before = op->getPrevNode();
  ReifiedRankedShapedTypeDims shapes;
  if (failed(shaped.reifyResultShapes(builder, shapes)))
    return;
  // What reification returns may be one of the questions that disappear.
  for (auto [result, shape] : llvm::zip(op->getResults(), shapes))
    for (auto [i, reified] : llvm::enumerate(shape)) {
      if (!ShapedType::isDynamic(shapeOf(result)[i]))
        continue;
      std::pair<Value, int64_t> place{result, i};
      auto question = dyn_cast_if_present<Value>(reified);
      auto dim = question ? question.getDefiningOp<tensor::DimOp>() : nullptr;
      if (dim && dim.getConstantIndex())
        sizes[place] = size(dim.getSource(), *dim.getConstantIndex());
      else
        sizes[place] = reified;
    }
  resolve(before, op);
}
