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

Value Translator::growList(AppendOp op, MemRefType type, ValueRange sizes,
                           Location loc) {
  Value list = mapping.lookup(op.getList());
  Value storage = storages.lookup(list);
  auto listType = cast<MemRefType>(list.getType());
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value count = memref::DimOp::create(builder, loc, list, 0);
  Value capacity = memref::DimOp::create(builder, loc, storage, 0);
  Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                     count, capacity);
  // The first dimension of a list is dynamic, as are those that the type of
  // the element does not know better.
  SmallVector<Value> elementSizes;
  for (int64_t i = 1; i < listType.getRank(); ++i) {
    int64_t known = type.getDimSize(i - 1);
    Value size;
    if (ShapedType::isDynamic(known)) {
      size = sizes.front();
      sizes = sizes.drop_front();
    }
    if (!listType.isDynamicDim(i))
      continue;
    elementSizes.push_back(size ? size : index(known));
    Value room = memref::DimOp::create(builder, loc, storage, i);
    Value same = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       room, elementSizes.back());
    fits = arith::AndIOp::create(builder, loc, fits, same);
  }
  auto withCount = [&](Value count) {
    SmallVector<Value> all{count};
    llvm::append_range(all, elementSizes);
    return all;
  };
  auto choice =
      scf::IfOp::create(builder, loc, listType, fits, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(builder, loc, storage);
    builder.setInsertionPointToStart(choice.elseBlock());
    constexpr int64_t smallest = 8;
    Value doubled = arith::MulIOp::create(builder, loc, count, index(2));
    Value rows = arith::MaxSIOp::create(builder, loc, doubled, index(smallest));
    Value fresh = allocateFresh(listType, withCount(rows), loc);
    kernel::CopyOp::create(builder, loc, list, fresh);
    scf::YieldOp::create(builder, loc, fresh);
  }
  Value room = choice.getResult(0);
  Value next = arith::AddIOp::create(builder, loc, count, index(1));
  Value longer =
      kernel::ViewOp::create(builder, loc, listType, room, withCount(next));
  grown[op] = {longer, room};
  mapping.map(op.getResult(), castTo(longer, convert(op.getType()), loc));
  SmallVector<Value> dynamic;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      dynamic.push_back(memref::DimOp::create(builder, loc, longer, i + 1));
  return elementBuffer(room, count, type, dynamic, loc);
}
