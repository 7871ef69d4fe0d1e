//===- VectorizeLoopsPass.cpp - Structured ops to loops over vectors ------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/Passes.h"
#include "sluice/Codegen/CPU/VectorizeLoops/VectorizeLoops.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_VECTORIZELOOPSPASS
#include "sluice/Codegen/CPU/Passes.h.inc"

namespace {

class VectorizeLoopsPass final
    : public impl::VectorizeLoopsPassBase<VectorizeLoopsPass> {
public:
  using VectorizeLoopsPassBase::VectorizeLoopsPassBase;

  void runOnOperation() final {
    const MachineModel *machine =
        getMachine(getAnalysisManager(), getOperation());
    if (!machine)
      return signalPassFailure();
    VectorizeOptions options;
    options.machine = *machine;
    options.parallel = parallel;
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops)
      if (failed(lowerGenericToLoops(rewriter, op, options)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace sluice
