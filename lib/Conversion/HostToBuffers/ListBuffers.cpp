//===- ListBuffers.cpp - Elements of lists in buffers ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Translator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace sluice;

void Translator::translateElement(ElementOp op) {
  Location loc = op.getLoc();
  auto type = cast<MemRefType>(convert(op.getType()));
  Value list = mapping.lookup(op.getList());
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(memref::DimOp::create(builder, loc, list, i + 1));
  mapping.map(op.getResult(), elementBuffer(list, mapping.lookup(op.getIndex()),
                                            type, sizes, loc));
}

void Translator::translateSetElement(SetElementOp op) {
  Location loc = op.getLoc();
  Value list = mapping.lookup(op.getList());
  Type type = convert(op.getType());
  if (written.contains(op)) {
    mapping.map(op.getResult(), castTo(list, type, loc));
    return;
  }
  Value target = list;
  if (!inPlace.contains(op)) {
    target = allocateFor(op.getResult(), dynamicSizes(list, loc), loc);
    kernel::CopyOp::create(builder, loc, list, target);
  }
  Value element = mapping.lookup(op.getElement());
  Value place = elementBuffer(target, mapping.lookup(op.getIndex()),
                              cast<MemRefType>(element.getType()),
                              dynamicSizes(element, loc), loc);
  kernel::CopyOp::create(builder, loc, element, place);
  mapping.map(op.getResult(), castTo(target, type, loc));
}

void Translator::translateAppend(AppendOp op) {
  if (written.contains(op))
    return;
  Location loc = op.getLoc();
  Value list = mapping.lookup(op.getList());
  Value element = mapping.lookup(op.getElement());
  auto type = cast<MemRefType>(element.getType());
  if (storages.contains(list)) {
    Value place = growList(op, type, dynamicSizes(element, loc), loc);
    kernel::CopyOp::create(builder, loc, element, place);
    return;
  }
  Value count = memref::DimOp::create(builder, loc, list, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  SmallVector<Value> sizes;
  for (auto [i, known] : llvm::enumerate(op.getType().getShape()))
    if (ShapedType::isDynamic(known))
      sizes.push_back(
          i == 0 ? arith::AddIOp::create(builder, loc, count, one).getResult()
                 : memref::DimOp::create(builder, loc, element, i - 1)
                       .getResult());
  Value longer = allocateFor(op.getResult(), sizes, loc);
  kernel::CopyOp::create(builder, loc, list, longer);
  kernel::CopyOp::create(
      builder, loc, element,
      elementBuffer(longer, count, type, dynamicSizes(element, loc), loc));
  mapping.map(op.getResult(), longer);
}
