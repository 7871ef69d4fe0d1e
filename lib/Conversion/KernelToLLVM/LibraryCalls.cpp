//===- LibraryCalls.cpp - Kernels that a library computes -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "sluice/Support/NodeNames.h"

using namespace mlir;

namespace sluice {

LLVM::GlobalOp KernelLowering::makeGlobal(StringRef ending, Type type,
                                          bool isConstant, Attribute value) {
  std::string name = (currentFunction().getSymName() + ending).str();
  OpBuilder::InsertionGuard restore(builder);
  builder.setInsertionPointToEnd(module.getBody());
  return LLVM::GlobalOp::create(builder, loc, type, isConstant,
                                LLVM::Linkage::Private, name, value);
}

LLVM::LLVMFuncOp KernelLowering::getLibraryFunction(StringRef name) {
  LLVM::LLVMFuncOp &function = libraryFunctions[name];
  if (!function) {
    OpBuilder::InsertionGuard restore(builder);
    builder.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(builder.getContext()),
        {pointer, pointer, pointer, pointer, pointer, i64, pointer});
    function = LLVM::LLVMFuncOp::create(builder, loc, name, type);
  }
  return function;
}

void KernelLowering::lowerLibraryCall(kernel::LibraryCallOp op) {
  auto address = [&](LLVM::GlobalOp global) -> Value {
    return LLVM::AddressOfOp::create(builder, loc, global);
  };
  ArrayRef<int64_t> numbers = op.getDescription();
  auto count = static_cast<int64_t>(numbers.size());
  Value description = address(makeGlobal(
      ".description", LLVM::LLVMArrayType::get(i64, count), /*isConstant=*/true,
      DenseElementsAttr::get(RankedTensorType::get({count}, i64), numbers)));
  // A null pointer until the first run.
  Value state = address(makeGlobal(".state", i64, /*isConstant=*/false,
                                   builder.getI64IntegerAttr(0)));
  SmallVector<StringRef> nodes = findNodeNames(loc);
  std::string name = nodes.empty() ? std::string() : nodes.front().str();
  name.push_back('\0');
  Value node = address(makeGlobal(
      ".node", LLVM::LLVMArrayType::get(builder.getI8Type(), name.size()),
      /*isConstant=*/true, builder.getStringAttr(name)));
  Value array = LLVM::AllocaOp::create(builder, loc, pointer, pointer,
                                       constant(op.getBuffers().size()));
  for (auto [i, buffer] : llvm::enumerate(op.getBuffers()))
    LLVM::StoreOp::create(builder, loc, addressOf(buffer),
                          advance(array, i * 8));
  Value scratch = op.getScratch()
                      ? addressOf(op.getScratch())
                      : Value(LLVM::ZeroOp::create(builder, loc, pointer));
  LLVM::CallOp::create(builder, loc, getLibraryFunction(op.getCallee()),
                       ValueRange{op.getFrame(), description, state, array,
                                  scratch, constant(op.getScratchBytes()),
                                  node});
}

} // namespace sluice
