//===- ExpandBatchNorm.cpp - Batch norms to factors and addends -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_EXPANDBATCHNORMPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

struct ExpandBatchNormPass final
    : impl::ExpandBatchNormPassBase<ExpandBatchNormPass> {
  void runOnOperation() final {
    IRRewriter rewriter(&getContext());
    SmallVector<BatchNormOp> norms;
    getOperation().walk([&](BatchNormOp op) { norms.push_back(op); });
    for (BatchNormOp op : norms) {
      rewriter.setInsertionPoint(op);
      rewriter.replaceOp(op, op.decompose(rewriter));
    }
  }
};

} // namespace
} // namespace sluice
