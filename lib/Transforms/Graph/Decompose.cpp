//===- Decompose.cpp - Composite ops as simpler ones ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_DECOMPOSEPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class DecomposePass final : public impl::DecomposePassBase<DecomposePass> {
public:
  using DecomposePassBase::DecomposePassBase;

  void runOnOperation() final {
    IRRewriter rewriter(&getContext());
    // The simpler ops may be composite themselves.
    for (;;) {
      SmallVector<DecomposableOpInterface> composites;
      getOperation().walk([&](DecomposableOpInterface op) {
        if (!onlyUnserved || !cpuEmitters().serves(op))
          composites.push_back(op);
      });
      if (composites.empty())
        return;
      for (DecomposableOpInterface op : composites) {
        if (onlyUnserved)
          remarks::missed(op, remarks::fusion)
              << "no kernel computes this '" +
                     op->getName().stripDialect().str() + "': several do";
        rewriter.setInsertionPoint(op);
        rewriter.replaceOp(op, op.decompose(rewriter));
        ++numDecomposed;
      }
    }
  }
};

} // namespace
} // namespace sluice
