//===- BuiltinProvider.cpp - Kernels that the compiler makes itself -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/CpuChoices.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"
#include "sluice/Codegen/Providers/KernelProvider.h"

using namespace mlir;
using namespace sluice;

namespace {

/// Does a kernel compute one value of elementwise ops, and of what moves parts
/// of rows to and from them?
bool isMap(Block &region, const EmitterRegistry &emitters) {
  auto ops = region.without_terminator();
  Operation *yield = region.getTerminator();
  if (yield->getNumOperands() != 1 || !yield->getOperand(0).getDefiningOp())
    return false;
  bool movesRows = false;
  for (Operation &op : ops) {
    if (isa<ElementwiseOpInterface, ConstantOp>(op))
      continue;
    auto movement = dyn_cast<RowMovementOpInterface>(op);
    if (!movement || !movement.getRowMovement())
      return false;
    movesRows = true;
  }
  if (!movesRows)
    return true;
  // What only moves elements may have a better way to do so; rows of one
  // element have no parts.
  int64_t size = shapeOf(yield->getOperand(0)).back();
  return size != 0 && size != 1 &&
         !(llvm::hasSingleElement(ops) && emitters.find(&*ops.begin()).kernel);
}

/// Builds the code of a kernel at the builder's position; all arguments and
/// yielded values are bound to buffers.
LogicalResult emitBuiltinKernel(KernelBuilder &kernel) {
  if (isMap(kernel.region, kernel.emitters))
    return emitMapKernel(kernel);
  // What is in front of an anchor is computed on the way.
  for (Operation &op : llvm::reverse(kernel.region.without_terminator()))
    if (auto emitter = kernel.emitters.find(&op).kernel)
      return emitter(kernel, &op);
  for (Operation &op : kernel.region.without_terminator())
    if (!isa<ElementwiseOpInterface, ConstantOp>(op) &&
        !kernel.emitters.find(&op).element)
      return op.emitError("no code can be generated for ") << op.getName();
  return emitElementKernel(kernel);
}

class BuiltinProvider final : public KernelProvider {
public:
  llvm::StringRef getName() const final { return kernel::builtinProvider; }
  llvm::StringRef getTitle() const final { return "the compiler"; }
  llvm::StringRef getDescription() const final {
    return "the compiler and the default";
  }
  llvm::Error checkMachine(const MachineModel &) const final {
    return llvm::Error::success();
  }
  bool knows(Operation *) const final { return true; }
  /// Whatever the graph can say there is code for; what there is to choose
  /// about it, the families of emitters say.
  llvm::Expected<KernelMatch> match(const KernelGroup &group,
                                    const MachineModel &machine) const final {
    if (auto choose =
            cpuChoices().choices.lookup(group.anchor->getName().getStringRef()))
      return choose(group, machine);
    return KernelMatch{group.anchor->getName().stripDialect().str()};
  }
  SmallVector<OperandPacking, 1> adopt(const KernelGroup &group,
                                       KnownPackings known) const final {
    if (auto adopt = cpuChoices().adoptions.lookup(
            group.anchor->getName().getStringRef()))
      return adopt(group, known);
    return {};
  }
  llvm::LogicalResult emit(KernelBuilder &kernel) const final {
    return emitBuiltinKernel(kernel);
  }
};

} // namespace

std::unique_ptr<KernelProvider> sluice::createBuiltinProvider() {
  return std::make_unique<BuiltinProvider>();
}
