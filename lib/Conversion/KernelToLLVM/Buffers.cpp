//===- Buffers.cpp - Buffers as addresses and sizes -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"

using namespace mlir;

namespace sluice {

bool isFlattened(Type type) {
  auto buffer = dyn_cast<MemRefType>(type);
  return buffer && buffer.getLayout().isIdentity();
}

SmallVector<Value> KernelLowering::allSizes(MemRefType type,
                                            ValueRange dynamicSizes) {
  SmallVector<Value> sizes;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      sizes.push_back(toI64(dynamicSizes.front()));
      dynamicSizes = dynamicSizes.drop_front();
    } else {
      sizes.push_back(constant(size));
    }
  }
  return sizes;
}

Value KernelLowering::makeBuffer(Value address, MemRefType type,
                                 ValueRange dynamicSizes) {
  auto descriptor =
      MemRefDescriptor::poison(builder, loc, converter.convertType(type));
  descriptor.setAllocatedPtr(builder, loc, address);
  descriptor.setAlignedPtr(builder, loc, address);
  descriptor.setConstantOffset(builder, loc, 0);
  SmallVector<Value> sizes = allSizes(type, dynamicSizes);
  Value stride = constant(1);
  for (int64_t i = type.getRank(); i-- > 0;) {
    descriptor.setSize(builder, loc, i, sizes[i]);
    descriptor.setStride(builder, loc, i, stride);
    if (i > 0)
      stride = LLVM::MulOp::create(builder, loc, stride, sizes[i]);
  }
  return UnrealizedConversionCastOp::create(builder, loc, type,
                                            Value(descriptor))
      .getResult(0);
}

static Value withoutCasts(Value buffer) {
  while (auto cast = buffer.getDefiningOp<memref::CastOp>())
    buffer = cast.getSource();
  return buffer;
}

void KernelLowering::setPlace(Operation *op, Value address, ValueRange sizes) {
  places[op->getResult(0)] = {address, llvm::to_vector(sizes)};
  placed.push_back(op);
}

const BufferPlace *KernelLowering::findPlace(Value buffer) {
  auto it = places.find(withoutCasts(buffer));
  return it == places.end() ? nullptr : &it->second;
}

Value KernelLowering::dynamicSize(Value buffer, int64_t dimension) {
  buffer = withoutCasts(buffer);
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(dimension))
    return arith::ConstantIndexOp::create(builder, loc,
                                          type.getDimSize(dimension));
  if (const BufferPlace *place = findPlace(buffer))
    return place->sizes[type.getDynamicDimIndex(dimension)];
  return memref::DimOp::create(builder, loc, buffer, dimension);
}

static void eraseUnusedCasts(Value buffer) {
  for (Operation *user : llvm::make_early_inc_range(buffer.getUsers()))
    if (auto cast = dyn_cast<memref::CastOp>(user)) {
      eraseUnusedCasts(cast);
      if (cast->use_empty())
        cast->erase();
    }
}

void KernelLowering::finish() {
  // From the last to the first, so that views go before what they look at.
  for (Operation *op : llvm::reverse(placed)) {
    Value buffer = op->getResult(0);
    eraseUnusedCasts(buffer);
    if (!buffer.use_empty()) {
      builder.setInsertionPoint(op);
      loc = op->getLoc();
      const BufferPlace &place = places.find(buffer)->second;
      buffer.replaceAllUsesWith(makeBuffer(
          place.address, cast<MemRefType>(buffer.getType()), place.sizes));
    }
    op->erase();
  }
  places.clear();
  placed.clear();
}

Value KernelLowering::addressOf(Value buffer) {
  if (const BufferPlace *place = findPlace(buffer))
    return place->address;
  Value index =
      memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, buffer);
  return LLVM::IntToPtrOp::create(builder, loc, pointer, toI64(index));
}

Value KernelLowering::byteSize(MemRefType type, ValueRange dynamicSizes) {
  int64_t known = (type.getElementTypeBitWidth() + 7) / 8;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      known *= size;
  Value bytes = constant(known);
  for (Value size : dynamicSizes)
    bytes = LLVM::MulOp::create(builder, loc, bytes, toI64(size));
  return bytes;
}

Value KernelLowering::checkedByteSize(MemRefType type,
                                      ValueRange dynamicSizes) {
  if (dynamicSizes.empty())
    return byteSize(type, dynamicSizes);
  Value bytes = byteSize(MemRefType::get({}, type.getElementType()), {});
  Value senseless = LLVM::ConstantOp::create(builder, loc, builder.getI1Type(),
                                             builder.getBoolAttr(false));
  auto count = [&](Value failure) {
    senseless = LLVM::OrOp::create(builder, loc, senseless, failure);
  };
  auto pair = LLVM::LLVMStructType::getLiteral(builder.getContext(),
                                               {i64, builder.getI1Type()});
  for (Value size : allSizes(type, dynamicSizes)) {
    Value product =
        LLVM::SMulWithOverflowOp::create(builder, loc, pair, bytes, size);
    bytes = LLVM::ExtractValueOp::create(builder, loc, product, 0);
    count(LLVM::ExtractValueOp::create(builder, loc, product, 1));
    count(LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::slt, size,
                               constant(0)));
  }
  return LLVM::SelectOp::create(builder, loc, senseless, constant(-1), bytes);
}

/// Replaces the buffers among a kernel's arguments by addresses and sizes, and
/// keeps the kernel a function of its own.
void KernelLowering::flattenArguments(func::FuncOp kernel) {
  SmallVector<Attribute> attributes{builder.getStringAttr("noinline")};
  if (auto own = kernel->getAttrOfType<ArrayAttr>(llvmAttributesName))
    llvm::append_range(attributes, own);
  kernel->setAttr(llvmAttributesName, builder.getArrayAttr(attributes));
  SmallVector<Type> types;
  for (Type type : kernel.getFunctionType().getInputs()) {
    if (!isFlattened(type)) {
      types.push_back(type);
      continue;
    }
    types.push_back(pointer);
    types.append(cast<MemRefType>(type).getNumDynamicDims(),
                 builder.getIndexType());
  }
  kernel.setFunctionType(builder.getFunctionType(types, {}));
  if (kernel.isDeclaration())
    return;
  loc = kernel.getLoc();
  Block &entry = kernel.getBody().front();
  builder.setInsertionPointToStart(&entry);
  for (unsigned next = 0; next < entry.getNumArguments(); ++next) {
    BlockArgument buffer = entry.getArgument(next);
    if (!isFlattened(buffer.getType()))
      continue;
    auto type = cast<MemRefType>(buffer.getType());
    Value address = entry.insertArgument(next++, pointer, loc);
    SmallVector<Value> sizes;
    for (int64_t i = 0, e = type.getNumDynamicDims(); i < e; ++i)
      sizes.push_back(
          entry.insertArgument(next++, builder.getIndexType(), loc));
    buffer.replaceAllUsesWith(makeBuffer(address, type, sizes));
    entry.eraseArgument(next--);
  }
}

} // namespace sluice
