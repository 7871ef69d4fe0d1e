//===- TargetAnalysis.cpp - What code is made for -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/TargetAnalysis.h"

using namespace mlir;

namespace sluice {

kernel::CpuTargetAttr getTarget(MLIRContext *context,
                                const MachineModel &machine) {
  // What CPUs of the name have goes without saying.
  MachineModel usual = llvm::cantFail(
      deriveMachineModel({machine.triple, machine.cpu, {}, {}, {}, {}}));
  Builder builder(context);
  ArrayAttr features;
  if (machine.requiredFeatures != usual.requiredFeatures)
    features = builder.getStrArrayAttr(SmallVector<StringRef>(
        machine.requiredFeatures.begin(), machine.requiredFeatures.end()));
  auto unusual = [](int64_t bytes, int64_t usualBytes) {
    return bytes == usualBytes ? std::nullopt : std::optional(bytes);
  };
  return kernel::CpuTargetAttr::get(context, machine.triple, machine.cpu,
                                    features,
                                    unusual(machine.l1Bytes, usual.l1Bytes),
                                    unusual(machine.l2Bytes, usual.l2Bytes),
                                    unusual(machine.l3Bytes, usual.l3Bytes));
}

/// Where names of CPUs and triples become machines.
static llvm::Expected<MachineModel> resolveMachine(StringRef triple,
                                                   StringRef cpu) {
  return getMachineModel(triple, cpu);
}

llvm::Expected<kernel::CpuTargetAttr>
resolveTarget(MLIRContext *context, StringRef triple, StringRef cpu) {
  context->getOrLoadDialect<kernel::KernelDialect>();
  auto machine = resolveMachine(triple, cpu);
  if (!machine)
    return machine.takeError();
  return getTarget(context, *machine);
}

MachineModel getMachineModel(kernel::CpuTargetAttr target) {
  // The attribute's verifier has checked all that can fail.
  return llvm::cantFail(
      deriveMachineModel({target.getTriple().str(), target.getCpu().str(),
                          target.getFeatureNames(), target.getL1Bytes(),
                          target.getL2Bytes(), target.getL3Bytes()}));
}

static kernel::TargetAttrInterface findTarget(Operation *op) {
  Operation *holder = kernel::findTargetHolder(op);
  return holder ? kernel::getOwnTarget(holder) : nullptr;
}

TargetAnalysis::TargetAnalysis(Operation *op) : op(op), target(findTarget(op)) {
  if (auto cpu = dyn_cast_if_present<kernel::CpuTargetAttr>(target)) {
    machine = getMachineModel(cpu);
    return;
  }
  if (target) {
    op->emitError("no code can be generated for targets of the kind '")
        << target.getKind() << "'";
    return;
  }
  auto native = resolveMachine("", "native");
  if (native)
    machine = std::move(*native);
  else
    op->emitError(llvm::toString(native.takeError()));
}

bool TargetAnalysis::isInvalidated(const AnalysisManager::PreservedAnalyses &) {
  return findTarget(op) != target;
}

const MachineModel *getMachine(AnalysisManager manager, Operation *op) {
  if (!kernel::getOwnTarget(op))
    for (Operation *parent = op->getParentOp(); parent;
         parent = parent->getParentOp()) {
      if (auto known = manager.getCachedParentAnalysis<TargetAnalysis>(parent))
        return known->get().getMachine();
      if (kernel::getOwnTarget(parent))
        break;
    }
  return manager.getAnalysis<TargetAnalysis>().getMachine();
}

const MachineModel *getMachine(AnalysisManager manager, Operation *op,
                               Operation *inner) {
  for (; inner != op; inner = inner->getParentOp())
    if (kernel::getOwnTarget(inner))
      return manager.getChildAnalysis<TargetAnalysis>(inner).getMachine();
  return getMachine(manager, op);
}

} // namespace sluice
