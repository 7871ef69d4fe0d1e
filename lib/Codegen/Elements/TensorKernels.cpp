//===- TensorKernels.cpp - Elements of data-movement ops ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

using namespace mlir;
using namespace sluice;

static Value transposeElement(KernelBuilder &kernel, OpResult result,
                              ValueRange indices) {
  auto op = cast<TransposeOp>(result.getOwner());
  SmallVector<Value> place(indices.size());
  for (auto [i, dimension] : llvm::enumerate(op.getPermutation()))
    place[dimension] = indices[i];
  return kernel.load(op.getOperand(), place);
}

static Value broadcastElement(KernelBuilder &kernel, OpResult result,
                              ValueRange indices) {
  auto op = cast<BroadcastOp>(result.getOwner());
  ArrayRef<int64_t> shape = shapeOf(op.getOperand());
  SmallVector<Value> place;
  for (int64_t i = 0, rank = shape.size(); i < rank; ++i) {
    Value at = indices[indices.size() - rank + i];
    if (shape[i] == 1)
      at = kernel.index(0);
    else if (ShapedType::isDynamic(shape[i]))
      at = kernel.broadcastIndex(kernel.size(op.getOperand(), i), at);
    place.push_back(at);
  }
  return kernel.load(op.getOperand(), place);
}

static Value shapeElement(KernelBuilder &kernel, OpResult result,
                          ValueRange indices) {
  auto op = cast<ShapeOp>(result.getOwner());
  // A chain of choices: the rank is small.
  Value size = kernel.number(elementTypeOf(result), 0);
  for (int64_t i = op.getStart(), end = op.getEnd(); i < end; ++i) {
    Value here = arith::CmpIOp::create(kernel.builder, kernel.loc,
                                       arith::CmpIPredicate::eq, indices[0],
                                       kernel.index(i - op.getStart()));
    Value candidate = kernel.fromIndex(kernel.size(op.getOperand(), i),
                                       elementTypeOf(result));
    size = arith::SelectOp::create(kernel.builder, kernel.loc, here, candidate,
                                   size);
  }
  return size;
}

void sluice::registerTensorEmitters(EmitterRegistry &registry) {
  registry.addElement<TransposeOp>(transposeElement);
  registry.addElement<BroadcastOp>(broadcastElement);
  registry.addElement<ShapeOp>(shapeElement);
}
