//===- ParallelLoop.cpp - Loops that threads share ------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/ParallelLoop.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/FrameLayout.h"

using namespace mlir;
using namespace sluice;
using Index = IndexBuilder::Index;

double sluice::getNanoseconds(Work work) {
  // An operation takes as long as an f32 of a cache.
  constexpr double bytesPerOperation = 4;
  return (work.operations * bytesPerOperation + work.bytes) /
         MachineModel::nearBytesPerNanosecond;
}

void sluice::parallelLoop(IndexBuilder &index, Index count, double cost,
                          llvm::function_ref<void(Index)> body) {
  if (IndexBuilder::isConstant(count, 0))
    return;
  if (IndexBuilder::isConstant(count, 1))
    return body(index.constant(0));
  OpBuilder &builder = index.builder;
  Value zero = index.value(index.constant(0)),
        one = index.value(index.constant(1));
  auto loop =
      scf::ParallelOp::create(builder, index.loc, ValueRange{zero},
                              ValueRange{index.value(count)}, ValueRange{one});
  loop->setAttr(costAttributeName, builder.getF64FloatAttr(cost));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  body(loop.getInductionVars().front());
}
