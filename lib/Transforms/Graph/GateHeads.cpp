//===- GateHeads.cpp - Heads that a gate leaves out -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// P. Jin et al., "MoH: Multi-Head Attention as Mixture-of-Head Attention",
// 2024: each token has a few of the heads, and the others count nothing.
//
//===----------------------------------------------------------------------===//

#include "ConstantNumbers.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_GATEHEADSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class GateHeadsPass final : public impl::GateHeadsPassBase<GateHeadsPass> {
public:
  using GateHeadsPassBase::GateHeadsPassBase;

  void runOnOperation() final {
    // They move.
    SmallVector<AttentionOp> all;
    getOperation().walk([&](AttentionOp op) { all.push_back(op); });
    for (AttentionOp op : all)
      if (Value gate = findGate(op))
        hide(op, gate);
  }

private:
  static Value findGate(AttentionOp op);
  void hide(AttentionOp op, Value gate);
};

} // namespace

/// Does the value have zeros where something was not chosen: is it written into
/// zeros, or a choice between numbers and zero?
static bool hasChosenZeros(Value value, unsigned depth = 0) {
  constexpr unsigned farthest = 8;
  Operation *op = value.getDefiningOp();
  if (!op || depth > farthest)
    return false;
  if (auto scatter = dyn_cast<ScatterElementsOp>(op))
    return isConstantZero(scatter.getOperand(), /*all=*/true);
  if (isa<SelectOp>(op))
    return isConstantZero(op->getOperand(1), /*all=*/true) ||
           isConstantZero(op->getOperand(2), /*all=*/true);
  // Zero stays zero.
  if (isa<MulOp>(op))
    return hasChosenZeros(op->getOperand(0), depth + 1) ||
           hasChosenZeros(op->getOperand(1), depth + 1);
  if (isa<DivOp, CastOp, TransposeOp>(op) || op->hasTrait<trait::IsView>())
    return hasChosenZeros(op->getOperand(0), depth + 1);
  return false;
}

/// What the result, and nothing else of it, is multiplied by, if that is one
/// number for each head or for each head and query.
Value GateHeadsPass::findGate(AttentionOp op) {
  Value result = op.getResult();
  // A query without keys must give zeros.
  if (!result.hasOneUse() || op.getLogSumExp() || op.getFallback() ||
      op.getNanRows() || op.getResultOrder()[3] != 3)
    return nullptr;
  OpOperand &use = *result.use_begin();
  auto product = dyn_cast<MulOp>(use.getOwner());
  if (!product)
    return nullptr;
  Value gate = product->getOperand(1 - use.getOperandNumber());
  ArrayRef<int64_t> shape = shapeOf(gate);
  if (shape.empty() || shape.size() > 4 || shape.back() != 1 ||
      gate.getDefiningOp() == op ||
      !(isConstantZero(gate, /*all=*/false) || hasChosenZeros(gate)))
    return nullptr;
  return gate;
}

/// What a gate of zero leaves out sees no key.
void GateHeadsPass::hide(AttentionOp op, Value gate) {
  OpBuilder builder(op);
  // The gate may come behind the attention; it cannot follow from it.
  Operation *producer = gate.getDefiningOp();
  if (producer->getBlock() != op->getBlock())
    return;
  if (op->isBeforeInBlock(producer)) {
    op->moveAfter(producer);
    builder.setInsertionPoint(op);
  }
  GraphBuilder steps(builder, op.getLoc());
  int64_t missing = 4 - shapeOf(gate).size();
  if (missing > 0)
    gate = steps.unsqueeze(gate, llvm::to_vector(llvm::seq(missing)));
  gate = steps.transpose(gate, op.getResultOrder());
  Value seen =
      steps.make<NotOp>(steps.make<EqualOp>(gate, steps.number(gate, 0)));
  if (Value mask = op.getMask())
    seen = steps.make<AndOp>(mask, seen);
  op.getMaskMutable().assign(seen);
  remarks::applied(op, remarks::attention)
      << "heads are computed where their gate is not zero";
}

} // namespace sluice
