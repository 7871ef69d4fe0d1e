//===- ChooseProviders.cpp - Who makes the code of each kernel ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/OneDnn/OneDnn.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CHOOSEPROVIDERSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class ChooseProvidersPass final
    : public impl::ChooseProvidersPassBase<ChooseProvidersPass> {
public:
  using ChooseProvidersPassBase::ChooseProvidersPassBase;

  void runOnOperation() final {
    if (kernels == kernel::builtinProvider)
      return;
    if (kernels != "onednn") {
      getOperation().emitError("there is no kernel provider '")
          << kernels << "'; there are: builtin, onednn";
      return signalPassFailure();
    }
    const MachineModel *machine =
        getMachine(getAnalysisManager(), getOperation());
    if (!machine)
      return signalPassFailure();
    if (llvm::Error error = checkOneDnn(*machine)) {
      getOperation().emitError(llvm::toString(std::move(error)));
      return signalPassFailure();
    }
    getOperation().walk([&](Operation *op) {
      if (isa<MatmulOp, ConvOp, ConvTransposeOp>(op))
        choose(op);
    });
  }

private:
  void choose(Operation *op) {
    // The operands of an anchor are always those of its kernel.
    auto isOutside = [](Value) { return true; };
    auto kernel = describeOneDnnKernel(op, op->getResult(0), isOutside);
    if (!kernel) {
      remarks::missed(op, remarks::providers)
          << "not computed by oneDNN: " << llvm::toString(kernel.takeError());
      ++numBuiltin;
      return;
    }
    op->setDiscardableAttr(kernel::providerAttributeName,
                           kernel::ProviderAttr::get(&getContext(), kernels));
    remarks::applied(op, remarks::providers)
        << "computed by oneDNN (" << kernel->report.implementation << ")";
    ++numOneDnn;
  }
};

} // namespace
} // namespace sluice
