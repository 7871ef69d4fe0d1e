//===- AttentionKernels.cpp - Softmax attention on a CPU ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionEmitter.h"
#include "AttentionLimits.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/CPU/KernelConfiguration.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

/// Is there code for an attention? The others are taken apart.
static bool servesAttention(Operation *operation) {
  auto op = cast<AttentionOp>(operation);
  auto isShort = [](int64_t size) {
    return !ShapedType::isDynamic(size) && size <= mostAttentionDepth;
  };
  // A softmax of sinks and a fallback is nobody's.
  return op.getScoreType().isF32() && op.getGroupSize() &&
         isShort(op.getDepth()) && isShort(op.getValueDepth()) &&
         !(op.getSinks() && op.getFallback());
}

/// What is wrong with a configuration; empty where it fits.
static std::string explainMisfit(AttentionOp op,
                                 kernel::CpuAttentionAttr config) {
  ArrayRef<int64_t> blocks = op.getBlockSizes();
  if (!blocks.empty() && (blocks[0] % config.getQueryBlock() != 0 ||
                          blocks[1] % config.getKeyBlock() != 0))
    return "blocks of queries and keys are no parts of those that its list "
           "names";
  if (getStackBytes(op, config) > 2 * mostStackBytes)
    return "its blocks take too much of the stack";
  if (config.getInPlace() && !readsInPlace(op))
    return "keys and values whose elements are no neighbours are copied";
  if (config.getSplit() && (op.getSinks() || op.getFallback()))
    return "with sinks and fallbacks, keys are not split";
  return {};
}

static LogicalResult emitAttention(KernelBuilder &kernel,
                                   Operation *operation) {
  auto op = cast<AttentionOp>(operation);
  if (!servesAttention(op))
    return op.emitError("no kernel computes such an attention; "
                        "sluice-decompose takes it apart");
  for (Value operand : op->getOperands())
    if (!kernel.buffer(operand))
      return op.emitError("must have its operands in memory");
  for (Value result : op->getResults())
    if (!kernel.buffer(result))
      return op.emitError("must be alone in its kernel");
  auto config = readConfiguration<kernel::CpuAttentionAttr>(op);
  if (failed(config))
    return failure();
  const MachineModel &machine = CpuLoops::of(kernel).machine;
  SmallVector<kernel::CpuAttentionAttr> forms;
  for (auto form = *config; form; form = form.getFewRows())
    forms.push_back(form);
  DotUnitModel unit = chooseDotUnit(ProductTypes(), machine);
  for (kernel::CpuAttentionAttr form : forms) {
    if (unit.lanes != form.getLanes())
      return op.emitError("the target has no vectors of ")
             << form.getLanes() << " of these elements";
    std::string misfit = explainMisfit(op, form);
    if (!misfit.empty())
      return op.emitError("the configuration of its kernel does not fit: ")
             << misfit;
  }
  auto emitForm = [&](kernel::CpuAttentionAttr form) {
    AttentionEmitter(kernel, op, form,
                     createDotUnit(unit, kernel.builder.getF32Type()))
        .emit();
  };
  IndexBuilder index(kernel.builder, kernel.loc);
  Index rows = index.mul(
      getAsOpFoldResult(kernel.size(op.getQuery(), op.getQueryOrder()[2])),
      *op.getGroupSize());
  std::function<void(ArrayRef<kernel::CpuAttentionAttr>)> emitForms =
      [&](ArrayRef<kernel::CpuAttentionAttr> forms) {
        if (forms.size() == 1)
          return emitForm(forms.front());
        index.ifLess(
            index.constant(forms[1].getQueryBlock()), rows,
            [&] { emitForm(forms.front()); },
            [&] { emitForms(forms.drop_front()); });
      };
  emitForms(forms);
  return success();
}

/// Queries, keys and values lie any steps apart; the elements of a row are
/// neighbours then.
static bool readsStrided(OpOperand &use, int64_t) {
  auto op = cast<AttentionOp>(use.getOwner());
  return llvm::is_contained(
      {&op.getQueryMutable(), &op.getKeyMutable(), &op.getValueMutable()},
      &use);
}

void sluice::registerAttentionEmitters(EmitterRegistry &registry) {
  registry.addKernel<AttentionOp>(emitAttention, servesAttention);
  registry.addStrided<AttentionOp>(readsStrided);
  registry.flushSubnormals<AttentionOp>();
}
