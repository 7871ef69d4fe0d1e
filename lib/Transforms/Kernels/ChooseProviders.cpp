//===- ChooseProviders.cpp - Who makes the code of each kernel ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/ProviderPasses.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CHOOSEPROVIDERSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class ChooseProvidersPass final
    : public impl::ChooseProvidersPassBase<ChooseProvidersPass> {
public:
  using ChooseProvidersPassBase::ChooseProvidersPassBase;

  Providers providers = std::make_shared<ProviderRegistry>();

  void runOnOperation() final {
    if (kernels == kernel::builtinProvider)
      return;
    const KernelProvider *provider =
        findProvider(*providers, getOperation(), kernels);
    if (!provider)
      return signalPassFailure();
    const MachineModel *machine =
        getMachine(getAnalysisManager(), getOperation());
    if (!machine)
      return signalPassFailure();
    if (llvm::Error error = provider->checkMachine(*machine)) {
      getOperation().emitError(llvm::toString(std::move(error)));
      return signalPassFailure();
    }
    getOperation().walk([&](Operation *op) {
      if (isa<MatmulOp, ConvOp, ConvTransposeOp>(op))
        choose(op, *provider);
    });
  }

private:
  void choose(Operation *op, const KernelProvider &provider) {
    // The operands of an anchor are always those of its kernel.
    auto isOutside = [](Value) { return true; };
    auto implementation = provider.match({op, op->getResult(0), isOutside});
    if (!implementation) {
      remarks::missed(op, remarks::providers)
          << "not computed by " << provider.getTitle().str() << ": "
          << llvm::toString(implementation.takeError());
      ++numBuiltin;
      return;
    }
    op->setDiscardableAttr(kernel::providerAttributeName,
                           kernel::ProviderAttr::get(&getContext(), kernels));
    remarks::applied(op, remarks::providers)
        << "computed by " << provider.getTitle().str() << " ("
        << *implementation << ")";
    ++numChosen;
  }
};

} // namespace

std::unique_ptr<Pass>
createChooseProvidersPass(Providers providers,
                          const ChooseProvidersPassOptions &options) {
  auto pass = std::make_unique<ChooseProvidersPass>(options);
  pass->providers = std::move(providers);
  return pass;
}

} // namespace sluice
