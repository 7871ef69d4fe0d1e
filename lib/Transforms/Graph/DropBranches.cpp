//===- DropBranches.cpp - Branches whose gate is zero ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// x + f(x) * gate is x where the gate is a constant of zeros: a layer that was
// left out when the model was made (AxFormer).
//
//===----------------------------------------------------------------------===//

#include "ConstantNumbers.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Analysis/SymbolicShapes.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_DROPBRANCHESPASS
#include "sluice/Transforms/Passes.h.inc"

/// Is it a product with a constant of nothing but zeros? Gates of weights are
/// among the weights by now.
static bool hasZeroGate(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<FloatType>(elementTypeOf(value)))
    return false;
  if (auto linear = dyn_cast<LinearOpInterface>(op))
    return isConstantZero(linear.getWeightsOperand().get(), /*all=*/true);
  return isa<MulOp>(op) && llvm::any_of(op->getOperands(), [](Value operand) {
           return isConstantZero(operand, /*all=*/true);
         });
}

namespace {

class DropBranchesPass final
    : public impl::DropBranchesPassBase<DropBranchesPass> {
public:
  using DropBranchesPassBase::DropBranchesPassBase;

  void runOnOperation() final {
    SymbolicShapes symbols;
    getOperation().walk([&](AddOp sum) {
      for (unsigned i : {0, 1}) {
        Value branch = sum->getOperand(i), rest = sum->getOperand(1 - i);
        if (rest.getType() != sum.getType() || !hasZeroGate(branch) ||
            !symbols.haveSameShape(rest, sum.getResult()))
          continue;
        remarks::applied(branch.getDefiningOp(), remarks::constants)
            << "a branch whose gate is a constant zero is not computed";
        sum.getResult().replaceAllUsesWith(rest);
        sum->erase();
        return;
      }
    });
  }
};

} // namespace
} // namespace sluice
