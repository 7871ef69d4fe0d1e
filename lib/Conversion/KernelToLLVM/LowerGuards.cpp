//===- LowerGuards.cpp - Return where a buffer could not be had -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "sluice/Conversion/KernelToLLVM/KernelToLLVM.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_LOWERGUARDSPASS
#include "sluice/Conversion/KernelToLLVM/Passes.h.inc"

namespace {

class LowerGuardsPass final
    : public impl::LowerGuardsPassBase<LowerGuardsPass> {
public:
  using LowerGuardsPassBase::LowerGuardsPassBase;

  void runOnOperation() final {
    leaves.clear();
    SmallVector<LLVM::CallOp> guards;
    getOperation().walk([&](LLVM::CallOp call) {
      if (call.getCallee() == "sluice.guard")
        guards.push_back(call);
    });
    // From the last to the first: a block that is split moves what follows.
    for (LLVM::CallOp guard : llvm::reverse(guards))
      lower(guard);
    if (Operation *marker = getOperation().lookupSymbol("sluice.guard"))
      marker->erase();
  }

private:
  /// Where each function returns early.
  DenseMap<Operation *, Block *> leaves;

  void lower(LLVM::CallOp guard) {
    auto function = guard->getParentOfType<LLVM::LLVMFuncOp>();
    Location loc = guard.getLoc();
    Value pointer = guard.getArgOperands()[0];
    Block *before = guard->getBlock();
    Block *after = before->splitBlock(guard->getNextNode());
    OpBuilder builder(guard);
    Block *&leave = leaves[function];
    if (!leave) {
      leave = builder.createBlock(&function.getBody());
      LLVM::ReturnOp::create(builder, loc, ValueRange());
      builder.setInsertionPoint(guard);
    }
    Value null = LLVM::ZeroOp::create(builder, loc, pointer.getType());
    Value isNull = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq,
                                        pointer, null);
    LLVM::CondBrOp::create(builder, loc, isNull, leave, after);
    guard.erase();
  }
};

} // namespace
} // namespace sluice
