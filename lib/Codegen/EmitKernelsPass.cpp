//===- EmitKernelsPass.cpp - Kernels to functions on buffers --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Codegen/CPU/Products/StridedBuffers.h"
#include "sluice/Codegen/CPU/Products/TilingOverrides.h"
#include "sluice/Codegen/CPU/RowVectors.h"
#include "sluice/Codegen/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_EMITKERNELSPASS
#include "sluice/Codegen/Passes.h.inc"

namespace {

/// Element functions reify sizes with `tensor.dim`; the answer is the size of
/// the tensor's buffer.
void resolveTensorSizes(KernelBuilder &kernel, func::FuncOp function) {
  SmallVector<tensor::DimOp> questions;
  function.walk([&](tensor::DimOp op) { questions.push_back(op); });
  for (tensor::DimOp op : questions) {
    OpBuilder::InsertionGuard guard(kernel.builder);
    kernel.builder.setInsertionPoint(op);
    op.replaceAllUsesWith(kernel.size(op.getSource(), *op.getConstantIndex()));
    op.erase();
  }
}

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

/// Whether one of the ops flushes subnormals and computes in f32.
bool flushesSubnormals(kernel::FuncOp kernel) {
  if (kernel.getProvider() != kernel::builtinProvider)
    return false;
  return llvm::any_of(kernel.getBody().front(), [](Operation &op) {
    return emitterRegistry().flushing.contains(op.getName().getStringRef()) &&
           getComputeType(elementTypeOf(op.getResult(0))).isF32();
  });
}

bool keepsScalars(kernel::FuncOp kernel) {
  return llvm::any_of(kernel.getBody().front(), [](Operation &op) {
    return emitterRegistry().interleaving.contains(op.getName().getStringRef());
  });
}

class EmitKernelsPass final
    : public impl::EmitKernelsPassBase<EmitKernelsPass> {
public:
  using EmitKernelsPassBase::EmitKernelsPassBase;

  Providers providers = std::make_shared<ProviderRegistry>();

  void runOnOperation() final {
    SymbolTable symbols(getOperation());
    WalkResult packings = getOperation().walk([&](kernel::CallOp call) {
      auto callee = symbols.lookup<kernel::FuncOp>(call.getCallee());
      if (!callee)
        return WalkResult::advance();
      const MachineModel *machine =
          getMachine(getAnalysisManager(), getOperation(), callee);
      return WalkResult(machine ? verifyPacking(call, callee, *machine)
                                : failure());
    });
    if (packings.wasInterrupted())
      return signalPassFailure();
    SmallVector<kernel::FuncOp> kernels(
        getOperation().getOps<kernel::FuncOp>());
    for (kernel::FuncOp kernel : kernels)
      if (failed(emit(kernel)))
        return signalPassFailure();
  }

private:
  LogicalResult emit(kernel::FuncOp source) {
    const KernelProvider *provider =
        findProvider(*providers, source, source.getProvider());
    if (!provider)
      return failure();
    const MachineModel *machine =
        getMachine(getAnalysisManager(), getOperation(), source);
    if (!machine)
      return failure();
    Block &region = source.getBody().front();
    OpBuilder builder(source);
    if (emulateDotUnits)
      source->setAttr(emulatesDotUnitsAttributeName, builder.getUnitAttr());
    Location loc = source.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    SmallVector<Type> types{pointer};
    for (BlockArgument argument : region.getArguments()) {
      auto type = cast<RankedTensorType>(argument.getType());
      auto axis = findStridedAxis(source, argument.getArgNumber());
      if (axis && !readsStrided(source, argument.getArgNumber(), *axis))
        return source.emitError("cannot read argument ")
               << argument.getArgNumber() << " with strides";
      types.push_back(axis ? stridedType(type, *axis)
                           : KernelBuilder::bufferType(type));
    }
    Operation *yield = region.getTerminator();
    for (Value yielded : yield->getOperands())
      types.push_back(
          KernelBuilder::bufferType(cast<RankedTensorType>(yielded.getType())));
    auto scratchType =
        MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
    types.push_back(scratchType);
    auto function = func::FuncOp::create(builder, loc, source.getSymName(),
                                         builder.getFunctionType(types, {}));
    function.setPrivate();
    if (auto target = kernel::getOwnTarget(source))
      function->setAttr(kernel::targetAttributeName, target);
    if (source.getProvider() != kernel::builtinProvider)
      function->setAttr(kernel::providerAttributeName,
                        source.getProviderAttr());
    if (!keepSubnormals && flushesSubnormals(source))
      function->setAttr(flushesSubnormalsAttributeName, builder.getUnitAttr());
    if (keepsScalars(source))
      function->setAttr(llvmAttributesName,
                        builder.getStrArrayAttr(keepsScalarsAttribute));
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToStart(body);

    unsigned last = body->getNumArguments() - 1;
    CpuLoops loops(*machine, body->getArgument(0), body->getArgument(last));
    RowVectors rows(*machine);
    KernelBuilder kernel(builder, loc, region, loops, rows, emitterRegistry());
    unsigned next = 1;
    for (Value argument : region.getArguments())
      kernel.bind(argument, body->getArgument(next++));
    SmallVector<std::pair<Value, Value>> copies;
    for (Value yielded : yield->getOperands()) {
      Value memory = body->getArgument(next++);
      // A value that is yielded twice, or an argument, is stored twice.
      if (kernel.buffer(yielded))
        copies.push_back({yielded, memory});
      else
        kernel.bind(yielded, memory);
    }
    if (failed(provider->emit(kernel)))
      return failure();
    for (auto [yielded, memory] : copies)
      memref::CopyOp::create(builder, loc, kernel.buffer(yielded), memory);
    func::ReturnOp::create(builder, loc);
    resolveTensorSizes(kernel, function);
    // Tables of nothing are views of scratch memory too.
    if (loops.scratchBuffer.use_empty())
      (void)function.eraseArgument(last);
    else
      function->setAttr(
          scratchAttributeName,
          builder.getI64IntegerAttr(std::max<int64_t>(loops.scratchBytes, 1)));
    source.erase();
    return success();
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
