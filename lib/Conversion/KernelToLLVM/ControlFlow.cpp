//===- ControlFlow.cpp - Buffers that loops and branches pass on ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Control flow of the host function passes buffers on as kernels take them: as
// their address and their dynamic sizes. Descriptors would be most of the code
// of a graph with many loops.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

using namespace mlir;

namespace sluice {

static SmallVector<Type> flattenTypes(TypeRange types, Type pointer) {
  SmallVector<Type> flat;
  for (Type type : types) {
    if (!isFlattened(type)) {
      flat.push_back(type);
      continue;
    }
    flat.push_back(pointer);
    flat.append(cast<MemRefType>(type).getNumDynamicDims(),
                IndexType::get(type.getContext()));
  }
  return flat;
}

bool KernelLowering::passesBuffersOn(Operation *op) {
  if (!isa<RegionBranchOpInterface, RegionBranchTerminatorOpInterface>(op))
    return false;
  return llvm::any_of(op->getOperandTypes(), isFlattened) ||
         llvm::any_of(op->getResultTypes(), isFlattened);
}

SmallVector<Value> KernelLowering::flatten(ValueRange values) {
  SmallVector<Value> flat;
  for (Value value : values) {
    if (!isFlattened(value.getType())) {
      flat.push_back(value);
      continue;
    }
    flat.push_back(addressOf(value));
    auto type = cast<MemRefType>(value.getType());
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (type.isDynamicDim(i))
        flat.push_back(dynamicSize(value, i));
  }
  return flat;
}

void KernelLowering::replaceByFlat(ValueRange values, ValueRange flat) {
  for (Value value : values) {
    if (!isFlattened(value.getType())) {
      value.replaceAllUsesWith(flat.front());
      flat = flat.drop_front();
      continue;
    }
    int64_t count = cast<MemRefType>(value.getType()).getNumDynamicDims() + 1;
    auto place = UnrealizedConversionCastOp::create(
        builder, loc, value.getType(), flat.take_front(count));
    value.replaceAllUsesWith(place.getResult(0));
    setPlace(place, flat.front(), flat.take_front(count).drop_front());
    flat = flat.drop_front(count);
  }
}

void KernelLowering::flattenArguments(Block &block) {
  unsigned count = block.getNumArguments();
  SmallVector<Type> types = flattenTypes(block.getArgumentTypes(), pointer);
  SmallVector<Location> locations(types.size(), loc);
  block.addArguments(types, locations);
  builder.setInsertionPointToStart(&block);
  replaceByFlat(ValueRange(block.getArguments()).take_front(count),
                ValueRange(block.getArguments()).drop_front(count));
  block.eraseArguments(0, count);
}

void KernelLowering::lowerControlFlow(Operation *op) {
  if (op->hasTrait<OpTrait::IsTerminator>()) {
    op->setOperands(flatten(op->getOperands()));
    return;
  }
  OperationState state(loc, op->getName());
  state.addOperands(flatten(op->getOperands()));
  state.addTypes(flattenTypes(op->getResultTypes(), pointer));
  state.addAttributes(op->getAttrs());
  for (Region &region : op->getRegions())
    state.addRegion()->takeBody(region);
  Operation *flat = builder.create(state);
  for (Region &region : flat->getRegions())
    for (Block &block : region)
      if (llvm::any_of(block.getArgumentTypes(), isFlattened))
        flattenArguments(block);
  builder.setInsertionPointAfter(flat);
  replaceByFlat(op->getResults(), flat->getResults());
  op->erase();
}

void KernelLowering::lowerSize(memref::DimOp op) {
  std::optional<int64_t> dimension = op.getConstantIndex();
  if (!dimension || !findPlace(op.getSource()))
    return;
  op.replaceAllUsesWith(dynamicSize(op.getSource(), *dimension));
  op->erase();
}

} // namespace sluice
