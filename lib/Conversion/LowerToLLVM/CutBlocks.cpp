//===- CutBlocks.cpp - Short blocks before control flow is lowered --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A loop or branch becomes blocks by splitting the one around it, which moves
// all ops behind: time would be quadratic in the length of the host function.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Conversion/LowerToLLVM/LowerToLLVM.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CUTBLOCKSPASS
#include "sluice/Conversion/LowerToLLVM/Passes.h.inc"

namespace {

class CutBlocksPass final : public impl::CutBlocksPassBase<CutBlocksPass> {
public:
  using CutBlocksPassBase::CutBlocksPassBase;

  void runOnOperation() final {
    SmallVector<Operation *> cuts;
    for (Block &block : getOperation().getBody()) {
      unsigned length = 0;
      bool isSplit = false;
      for (Operation &op : block) {
        isSplit |= isa<scf::SCFDialect>(op.getDialect());
        if (++length < maximumOps || !isSplit)
          continue;
        if (op.getNextNode())
          cuts.push_back(op.getNextNode());
        length = 0;
        isSplit = false;
      }
    }
    // From the last to the first, so that each op moves once.
    for (Operation *first : llvm::reverse(cuts)) {
      Block *before = first->getBlock();
      Block *after = before->splitBlock(first);
      auto builder = OpBuilder::atBlockEnd(before);
      cf::BranchOp::create(builder, first->getLoc(), after);
    }
  }
};

} // namespace
} // namespace sluice
