//===- LinearAttentionKernels.cpp - Linear attention on a CPU -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LinearAttentionEmitter.h"
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/CPU/TaskStack.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

/// Is there code for it? The others are scans.
static bool servesLinearAttention(Operation *operation) {
  auto op = cast<LinearAttentionOp>(operation);
  auto isShort = [](int64_t size) {
    return !ShapedType::isDynamic(size) && size > 0 && size <= mostLinearDepth;
  };
  int64_t group = op.getGroup();
  return elementTypeOf(op.getInitial()).isF32() && isShort(op.getDepth()) &&
         !ShapedType::isDynamic(op.getValueDepth()) && op.getValueDepth() > 0 &&
         !ShapedType::isDynamic(group) && group > 0;
}

/// What a task may have of columns besides what a chunk has of all keys.
static int64_t countStackColumns(LinearAttentionOp op,
                                 const LinearAttentionSizes &sizes) {
  int64_t chunk = sizes.chunk, depth = op.getDepth();
  // Keys, their panel, what they are multiplied with, and products of decays.
  int64_t rows = op.getDecay() && op.decaysByRow() ? 4 : 3;
  // Scores, and the products and quotients of decays of the state.
  int64_t elements = rows * chunk * llvm::alignTo(depth, sizes.lanes) +
                     chunk * (2 * chunk + 1);
  // The state and values.
  return (mostStackBytes / 4 - elements) / (depth + chunk) / sizes.lanes *
         sizes.lanes;
}

/// What a task keeps of the state fits the second-level cache beside a chunk's
/// keys and values, and a thread's stack: a chunk passes over it twice, and the
/// scores of queries and keys are computed for each task. Longer chunks make
/// more scores, and load and store the state less often.
static LinearAttentionSizes chooseSizes(LinearAttentionOp op,
                                        const MachineModel &machine) {
  constexpr int64_t usualChunk = 16, leastColumns = 32, mostColumns = 256,
                    mostBytes = 128 << 10;
  LinearAttentionSizes sizes;
  sizes.lanes = chooseDotUnit(ProductTypes(), machine).lanes;
  sizes.chunk = llvm::alignTo(usualChunk, sizes.lanes);
  int64_t bytes = std::min(machine.l2Bytes / 4, mostBytes);
  int64_t most =
      std::clamp<int64_t>(bytes / 4 / op.getDepth(), leastColumns, mostColumns);
  most = std::min(most, countStackColumns(op, sizes));
  int64_t blocks = llvm::divideCeil(op.getValueDepth(), most);
  sizes.valueBlock =
      llvm::alignTo(llvm::divideCeil(op.getValueDepth(), blocks), sizes.lanes);
  return sizes;
}

static LogicalResult emitLinearAttention(KernelBuilder &kernel,
                                         Operation *operation) {
  auto op = cast<LinearAttentionOp>(operation);
  if (!servesLinearAttention(op))
    return op.emitError("no kernel computes such a linear attention; "
                        "sluice-decompose makes a scan of it");
  if (!isAlone(kernel, op))
    return op.emitError("must be alone in its kernel");
  const MachineModel &machine = CpuLoops::of(kernel).machine;
  DotUnitModel unit = chooseDotUnit(ProductTypes(), machine);
  LinearAttentionEmitter(kernel, op, chooseSizes(op, machine), machine,
                         createDotUnit(unit, kernel.builder.getF32Type()))
      .emit();
  return success();
}

void sluice::registerLinearAttentionEmitters(EmitterRegistry &registry) {
  registry.addKernel<LinearAttentionOp>(emitLinearAttention,
                                        servesLinearAttention);
  registry.flushSubnormals<LinearAttentionOp>();
}
