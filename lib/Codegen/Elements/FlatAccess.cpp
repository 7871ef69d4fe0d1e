//===- FlatAccess.cpp - Kernels that see tensors as runs ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/FlatAccess.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace sluice;

bool sluice::isAlone(KernelBuilder &kernel, Operation *op) {
  for (Operation &other : kernel.region.without_terminator())
    if (&other != op && !isa<ConstantOp>(other))
      return false;
  auto hasBuffer = [&](Value value) { return !!kernel.buffer(value); };
  return llvm::all_of(op->getResults(), hasBuffer);
}

Value sluice::flatBuffer(KernelBuilder &kernel, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Type element = KernelBuilder::storageType(type.getElementType());
  if (type.hasStaticShape())
    return kernel::ViewOp::create(
        kernel.builder, kernel.loc,
        MemRefType::get({type.getNumElements()}, element),
        kernel.buffer(tensor), ValueRange());
  return kernel::ViewOp::create(
      kernel.builder, kernel.loc,
      MemRefType::get({ShapedType::kDynamic}, element), kernel.buffer(tensor),
      kernel.product(kernel.sizes(tensor)));
}

Value sluice::sizeProduct(KernelBuilder &kernel, Value tensor, int64_t begin,
                          int64_t end) {
  Value product = kernel.index(1);
  for (int64_t i = begin; i < end; ++i)
    product = kernel.mul(product, kernel.size(tensor, i));
  return product;
}

Value sluice::loadFlat(KernelBuilder &kernel, Value flat, Value index,
                       Type elementType) {
  return kernel.toCompute(
      memref::LoadOp::create(kernel.builder, kernel.loc, flat, index),
      elementType);
}

void sluice::storeFlat(KernelBuilder &kernel, Value element, Value flat,
                       Value index, Type elementType) {
  memref::StoreOp::create(kernel.builder, kernel.loc,
                          kernel.toStorage(element, elementType), flat, index);
}

void sluice::copyRun(KernelBuilder &kernel, Value source, Value sourceOffset,
                     Value target, Value targetOffset, Value count) {
  kernel.forEach(count, [&](ValueRange at) {
    Value element = memref::LoadOp::create(kernel.builder, kernel.loc, source,
                                           kernel.add(sourceOffset, at[0]));
    memref::StoreOp::create(kernel.builder, kernel.loc, element, target,
                            kernel.add(targetOffset, at[0]));
  });
}

void sluice::fillRun(KernelBuilder &kernel, Value stored, Value target,
                     Value offset, Value count) {
  kernel.forEach(count, [&](ValueRange at) {
    memref::StoreOp::create(kernel.builder, kernel.loc, stored, target,
                            kernel.add(offset, at[0]));
  });
}

void sluice::when(KernelBuilder &kernel, Value condition,
                  llvm::function_ref<void()> onTrue,
                  llvm::function_ref<void()> onFalse) {
  auto branch = scf::IfOp::create(kernel.builder, kernel.loc, condition,
                                  /*withElseRegion=*/!!onFalse);
  OpBuilder::InsertionGuard guard(kernel.builder);
  kernel.builder.setInsertionPointToStart(branch.thenBlock());
  onTrue();
  if (!onFalse)
    return;
  kernel.builder.setInsertionPointToStart(branch.elseBlock());
  onFalse();
}

Value sluice::compare(KernelBuilder &kernel, arith::CmpIPredicate predicate,
                      Value lhs, Value rhs) {
  return arith::CmpIOp::create(kernel.builder, kernel.loc, predicate, lhs, rhs);
}

Value sluice::select(KernelBuilder &kernel, Value condition, Value onTrue,
                     Value onFalse) {
  return arith::SelectOp::create(kernel.builder, kernel.loc, condition, onTrue,
                                 onFalse);
}

Value sluice::isInside(KernelBuilder &kernel, Value index, Value size) {
  return compare(kernel, arith::CmpIPredicate::ult, index, size);
}

Value sluice::both(KernelBuilder &kernel, Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return lhs ? lhs : rhs;
  return arith::AndIOp::create(kernel.builder, kernel.loc, lhs, rhs);
}

Value sluice::wrapNegative(KernelBuilder &kernel, Value index, Value size) {
  Value isNegative =
      compare(kernel, arith::CmpIPredicate::slt, index, kernel.index(0));
  return select(kernel, isNegative, kernel.add(index, size), index);
}

Value sluice::loadGuarded(KernelBuilder &kernel, Value inside, Value tensor,
                          ValueRange indices) {
  Type elementType = elementTypeOf(tensor);
  Type type = getComputeType(elementType);
  return kernel.choose(
      inside, type,
      [&] { return SmallVector<Value>{kernel.load(tensor, indices)}; },
      [&] { return SmallVector<Value>{kernel.number(elementType, 0)}; })[0];
}

Value sluice::loadIndex(KernelBuilder &kernel, Value tensor,
                        ValueRange indices) {
  return kernel.toIndex(kernel.load(tensor, indices), elementTypeOf(tensor));
}

Value sluice::either(KernelBuilder &kernel, Value lhs, Value rhs) {
  return arith::OrIOp::create(kernel.builder, kernel.loc, lhs, rhs);
}

Value sluice::negation(KernelBuilder &kernel, Value condition) {
  Value yes = arith::ConstantIntOp::create(kernel.builder, kernel.loc, 1, 1);
  return arith::XOrIOp::create(kernel.builder, kernel.loc, condition, yes);
}

Value sluice::allocateNumbers(KernelBuilder &kernel, Value count) {
  Value bytes = kernel.mul(count, kernel.index(8));
  auto type =
      MemRefType::get({ShapedType::kDynamic}, kernel.builder.getI64Type());
  return kernel.view(kernel.allocate(bytes), kernel.index(0), type, count);
}

Value sluice::loadNumber(KernelBuilder &kernel, Value numbers, ValueRange at) {
  Value number =
      memref::LoadOp::create(kernel.builder, kernel.loc, numbers, at);
  return arith::IndexCastOp::create(kernel.builder, kernel.loc,
                                    kernel.builder.getIndexType(), number);
}

void sluice::storeNumber(KernelBuilder &kernel, Value number, Value numbers,
                         ValueRange at) {
  Value wide = arith::IndexCastOp::create(kernel.builder, kernel.loc,
                                          kernel.builder.getI64Type(), number);
  memref::StoreOp::create(kernel.builder, kernel.loc, wide, numbers, at);
}
