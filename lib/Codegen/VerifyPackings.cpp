//===- VerifyPackings.cpp - Weights and tiles that fit each other ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/SymbolTable.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Codegen/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_VERIFYPACKINGSPASS
#include "sluice/Codegen/Passes.h.inc"

namespace {

/// Panels have the width of the tile that reads them, and only the packing
/// pass can choose both: a tiling that changed since reads the wrong weights.
LogicalResult verifyPacking(kernel::CallOp call, kernel::FuncOp kernel,
                            const MachineModel &machine) {
  if (kernel.getProvider() != kernel::builtinProvider)
    return success();
  for (Operation &op : kernel.getBody().front()) {
    if (!isa<PackedMatmulOp, PackedConvOp, PackedConvTransposeOp>(op))
      continue;
    auto argument = dyn_cast<BlockArgument>(op.getOperand(1));
    if (!argument || argument.getArgNumber() >= call.getInputs().size())
      continue;
    auto weights = call.getInputs()[argument.getArgNumber()]
                       .getDefiningOp<PackedConstantOp>();
    if (weights && !fitsPacking(&op, kernel.getTilingAttr(),
                                weights.getPackingAttr(), machine))
      return call.emitError("the weights are packed for another tiling than "
                            "that of kernel '")
             << kernel.getSymName() << "'";
  }
  return success();
}

class VerifyPackingsPass final
    : public impl::VerifyPackingsPassBase<VerifyPackingsPass> {
public:
  using VerifyPackingsPassBase::VerifyPackingsPassBase;

  void runOnOperation() final {
    markAllAnalysesPreserved();
    // Computed for the module here, it serves the passes on kernels.
    if (!getMachine(getAnalysisManager(), getOperation()))
      return signalPassFailure();
    SymbolTable symbols(getOperation());
    WalkResult result = getOperation().walk([&](kernel::CallOp call) {
      auto callee = symbols.lookup<kernel::FuncOp>(call.getCallee());
      if (!callee)
        return WalkResult::advance();
      const MachineModel *machine =
          getMachine(getAnalysisManager(), getOperation(), callee);
      return WalkResult(machine ? verifyPacking(call, callee, *machine)
                                : failure());
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
} // namespace sluice
