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
  DotUnitModel unit = chooseDotUnit(ProductTypes(), machine);
  if (unit.lanes != config->getLanes())
    return op.emitError("the target has no vectors of ")
           << config->getLanes() << " of these elements";
  std::string misfit = explainMisfit(op, *config);
  if (!misfit.empty())
    return op.emitError("the configuration of its kernel does not fit: ")
           << misfit;
  AttentionEmitter(kernel, op, *config,
                   createDotUnit(unit, kernel.builder.getF32Type()))
      .emit();
  return success();
}

void sluice::registerAttentionEmitters(EmitterRegistry &registry) {
  registry.addKernel<AttentionOp>(emitAttention, servesAttention);
  registry.flushSubnormals<AttentionOp>();
}
