//===- HoistStackBuffers.cpp - Stack buffers out of loops -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "sluice/Conversion/LowerToLLVM/LowerToLLVM.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_HOISTSTACKBUFFERSPASS
#include "sluice/Conversion/LowerToLLVM/Passes.h.inc"

namespace {

class HoistStackBuffersPass final
    : public impl::HoistStackBuffersPassBase<HoistStackBuffersPass> {
public:
  using HoistStackBuffersPassBase::HoistStackBuffersPassBase;

  void runOnOperation() final {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    Block &entry = function.getBody().front();
    SmallVector<memref::AllocaOp> buffers;
    function.walk([&](memref::AllocaOp buffer) {
      if (buffer->getNumOperands() == 0 && buffer->getBlock() != &entry)
        buffers.push_back(buffer);
    });
    for (memref::AllocaOp buffer : llvm::reverse(buffers))
      buffer->moveBefore(&entry, entry.begin());
  }
};

} // namespace
} // namespace sluice
