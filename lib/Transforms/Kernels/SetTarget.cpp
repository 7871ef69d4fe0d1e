//===- SetTarget.cpp - Say what code is made for --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_SETTARGETPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class SetTargetPass final : public impl::SetTargetPassBase<SetTargetPass> {
public:
  using SetTargetPassBase::SetTargetPassBase;

  void runOnOperation() final {
    auto target = resolveTarget(&getContext(), triple, cpu);
    if (!target) {
      getOperation().emitError(llvm::toString(target.takeError()));
      return signalPassFailure();
    }
    getOperation()->setAttr(kernel::targetAttributeName, *target);
  }
};

} // namespace
} // namespace sluice
