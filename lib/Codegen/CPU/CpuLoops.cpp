//===- CpuLoops.cpp - Loops, memory and failures of CPU kernels -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/CpuLoops.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"

using namespace mlir;
using namespace sluice;

char CpuLoops::ID;

Cost CpuLoops::getCost(Work work) const { return {getNanoseconds(work)}; }

void CpuLoops::parallel(KernelBuilder &kernel, Value count, Cost each,
                        Body body) {
  OpBuilder &builder = kernel.builder;
  OpBuilder::InsertionGuard guard(builder);
  auto loop =
      scf::ParallelOp::create(builder, kernel.loc, ValueRange{kernel.index(0)},
                              ValueRange{count}, ValueRange{kernel.index(1)});
  loop->setAttr(costAttributeName, builder.getF64FloatAttr(each.value));
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVars()[0]);
}

/// Pieces of a vector, one a task.
static void parallelPieces(KernelBuilder &kernel, Value count, Cost each,
                           LoopModel::IndexBody body) {
  constexpr int64_t piece = 512;
  Value pieces = kernel.div(kernel.add(count, kernel.index(piece - 1)),
                            kernel.index(piece));
  kernel.parallel(pieces, each * piece, [&](Value which) {
    Value begin = kernel.mul(which, kernel.index(piece));
    Value end =
        arith::MinSIOp::create(kernel.builder, kernel.loc,
                               kernel.add(begin, kernel.index(piece)), count);
    kernel.forEach({kernel.sub(end, begin)}, [&](ValueRange inner) {
      Value at = kernel.add(begin, inner[0]);
      body(at);
    });
  });
}

void CpuLoops::parallelElements(KernelBuilder &kernel, ValueRange extents,
                                Cost each, IndexBody body) {
  if (extents.empty())
    return body({});
  if (extents.size() == 1)
    return parallelPieces(kernel, extents[0], each, body);
  ValueRange outer = extents.drop_back();
  Cost inner = each * getConstantIntValue(extents.back()).value_or(64);
  kernel.parallel(kernel.product(outer), inner, [&](Value flat) {
    SmallVector<Value> indices(outer.size());
    for (size_t i = outer.size(); i-- > 0;) {
      indices[i] = i == 0 ? flat : kernel.rem(flat, outer[i]);
      if (i != 0)
        flat = kernel.div(flat, outer[i]);
    }
    kernel.forEach({extents.back()}, [&](ValueRange last) {
      SmallVector<Value> all = indices;
      all.push_back(last[0]);
      body(all);
    });
  });
}

Value CpuLoops::allocate(KernelBuilder &kernel, Value bytes) {
  auto type =
      MemRefType::get({ShapedType::kDynamic}, kernel.builder.getI8Type());
  return kernel::AllocateOp::create(kernel.builder, kernel.loc, type, frame,
                                    bytes);
}

Value CpuLoops::scratch(int64_t bytes) {
  scratchBytes = std::max(scratchBytes, bytes);
  return scratchBuffer;
}

void CpuLoops::check(KernelBuilder &kernel, Value condition,
                     StringRef message) {
  kernel::CheckOp::create(kernel.builder, kernel.loc, frame, condition,
                          message);
}
