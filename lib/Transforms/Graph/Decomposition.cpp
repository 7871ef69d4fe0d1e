//===- Decomposition.cpp - Taking composite ops apart ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Decomposition.h"
#include "mlir/IR/PatternMatch.h"
#include "sluice/Transforms/Host/CheckSizes.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace sluice;

void sluice::decompose(func::FuncOp function,
                       ArrayRef<DecomposableOpInterface> composites) {
  SmallPtrSet<Operation *, 16> checked;
  for (DecomposableOpInterface op : composites)
    checked.insert(op);
  checkSizes(function, [&](Operation *op) { return checked.contains(op); });
  IRRewriter rewriter(function.getContext());
  for (DecomposableOpInterface op : composites) {
    rewriter.setInsertionPoint(op);
    rewriter.replaceOp(op, op.decompose(rewriter));
  }
}
