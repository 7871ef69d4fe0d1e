//===- SkipHost.cpp - Passes that need not see the host ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "SkipHost.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Codegen/CPU/FrameLayout.h"

using namespace mlir;

namespace {

class SkipHostPass final
    : public PassWrapper<SkipHostPass, OperationPass<func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SkipHostPass)

  SkipHostPass(StringRef dialect, std::unique_ptr<Pass> pass)
      : dialect(dialect), passes(func::FuncOp::getOperationName()) {
    passes.addPass(std::move(pass));
  }

  StringRef getName() const final { return "SkipHost"; }

  void getDependentDialects(DialectRegistry &registry) const final {
    passes.getDependentDialects(registry);
  }

  void runOnOperation() final {
    if (getOperation()->hasAttr(sluice::hostAttributeName) && !usesDialect())
      return;
    if (failed(runPipeline(passes, getOperation())))
      signalPassFailure();
  }

private:
  bool usesDialect() {
    return getOperation()
        ->walk([&](Operation *op) {
          return op->getName().getDialectNamespace() == dialect
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  }

  std::string dialect;
  OpPassManager passes;
};

} // namespace

std::unique_ptr<Pass> sluice::createSkippingHost(StringRef dialect,
                                                 std::unique_ptr<Pass> pass) {
  return std::make_unique<SkipHostPass>(dialect, std::move(pass));
}
