//===- VectorizeLoops.cpp - Generic ops to loops over vectors -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/VectorizeLoops/VectorizeLoops.h"
#include "LoopEmitter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

using namespace mlir;

namespace sluice {

/// Writes the index computations of a body as arithmetic.
static void expandAffine(RewriterBase &rewriter, linalg::GenericOp op) {
  SmallVector<affine::AffineApplyOp> applies;
  op.getRegion().walk(
      [&](affine::AffineApplyOp apply) { applies.push_back(apply); });
  for (affine::AffineApplyOp apply : applies) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(apply);
    auto expanded = affine::expandAffineMap(
        rewriter, apply.getLoc(), apply.getAffineMap(), apply.getOperands());
    if (expanded)
      rewriter.replaceOp(apply, *expanded);
  }
}

LogicalResult lowerGenericToLoops(RewriterBase &rewriter, linalg::LinalgOp op,
                                  const VectorizeOptions &options) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("must work on buffers to become loops");
  OpBuilder::InsertionGuard guard(rewriter);
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  if (!generic) {
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::GenericOp> result =
        linalg::generalizeNamedOp(rewriter, op);
    if (failed(result))
      return op.emitOpError("has no generic form");
    generic = *result;
  }
  expandAffine(rewriter, generic);
  rewriter.setInsertionPoint(generic);
  FailureOr<loops::IterationSpace> space =
      loops::buildIterationSpace(rewriter, generic);
  if (failed(space)) {
    if (failed(linalg::linalgOpToLoops(rewriter, generic)))
      return generic.emitOpError("cannot be lowered to loops");
    rewriter.eraseOp(generic);
    return success();
  }
  loops::simplify(*space);
  loops::Plan plan = loops::makePlan(generic, *space, options.machine);
  loops::LoopEmitter(rewriter, generic, *space, plan, options).emit();
  rewriter.eraseOp(generic);
  return success();
}

} // namespace sluice
