//===- StridedBuffers.cpp - Kernels on parts of longer tensors ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/Products/StridedBuffers.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"

using namespace mlir;
using namespace sluice;

std::optional<int64_t> sluice::findStridedAxis(kernel::FuncOp kernel,
                                               unsigned argument) {
  std::optional<ArrayRef<int64_t>> axes = kernel.getStrided();
  if (!axes || (*axes)[argument] < 0)
    return std::nullopt;
  return (*axes)[argument];
}

MemRefType sluice::stridedType(RankedTensorType type, int64_t axis) {
  SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
  int64_t stride = 1;
  for (int64_t i = type.getRank(); i-- > axis;) {
    strides[i] = stride;
    stride = ShapedType::isDynamic(stride) || type.isDynamicDim(i)
                 ? ShapedType::kDynamic
                 : stride * type.getDimSize(i);
  }
  return MemRefType::get(
      type.getShape(), KernelBuilder::storageType(type.getElementType()),
      StridedLayoutAttr::get(type.getContext(), /*offset=*/0, strides));
}

Value sluice::strideOf(KernelBuilder &kernel, Value buffer, int64_t dimension) {
  auto strided = memref::ExtractStridedMetadataOp::create(kernel.builder,
                                                          kernel.loc, buffer);
  return strided.getStrides()[dimension];
}

bool sluice::readsStrided(kernel::FuncOp kernel, unsigned argument,
                          int64_t axis) {
  Block &region = kernel.getBody().front();
  auto type = cast<RankedTensorType>(region.getArgument(argument).getType());
  if (kernel.getProvider() != kernel::builtinProvider || axis >= type.getRank())
    return false;
  // Whoever asks for sizes only reads nothing.
  auto asksForSizes = [](Operation *user) { return isa<ShapeOp>(user); };
  if (llvm::all_of(region.getArgument(argument).getUsers(), asksForSizes))
    return true;
  auto takes = [&](OpOperand &use) {
    auto reads = cpuEmitters().find(use.getOwner()).readsStrided;
    return reads && reads(use, axis);
  };
  // The anchor is what builds the kernel whole.
  auto isAnchor = [](Operation &op) {
    return cpuEmitters().find(&op).kernel != nullptr;
  };
  return llvm::count_if(region.without_terminator(), isAnchor) == 1 &&
         llvm::all_of(region.getArgument(argument).getUses(), takes);
}
