//===- EmitKernelsPass.cpp - The code of kernels --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/CpuEmission.h"
#include "sluice/Codegen/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_EMITKERNELSPASS
#include "sluice/Codegen/Passes.h.inc"

namespace {

class EmitKernelsPass final
    : public impl::EmitKernelsPassBase<EmitKernelsPass> {
public:
  using EmitKernelsPassBase::EmitKernelsPassBase;

  Providers providers = std::make_shared<ProviderRegistry>();

  void runOnOperation() final {
    kernel::FuncOp kernel = getOperation();
    const KernelProvider *provider =
        findProvider(*providers, kernel, kernel.getProvider());
    const MachineModel *machine =
        provider ? getMachine(getAnalysisManager(), kernel) : nullptr;
    CpuEmissionOptions options;
    options.keepSubnormals = keepSubnormals;
    auto emit = [&](KernelBuilder &builder) { return provider->emit(builder); };
    if (!machine || failed(emitForCpu(kernel, *machine, emit, options)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass>
createEmitKernelsPass(Providers providers,
                      const EmitKernelsPassOptions &options) {
  auto pass = std::make_unique<EmitKernelsPass>(options);
  pass->providers = std::move(providers);
  return pass;
}

} // namespace sluice
