//===- SplitConcatenations.cpp - Concatenations of concatenations ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The kernel of a concatenation has a loop per operand. One of thousands is
// made in steps instead, whose kernels are mostly the same one: the code is
// short, while each element is copied a few times.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_SPLITCONCATENATIONSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Operands of one step.
constexpr size_t stepOperands = 16;

class SplitConcatenationsPass final
    : public impl::SplitConcatenationsPassBase<SplitConcatenationsPass> {
public:
  using SplitConcatenationsPassBase::SplitConcatenationsPassBase;

  void runOnOperation() final {
    SmallVector<ConcatOp> wide;
    getOperation().walk([&](ConcatOp op) {
      if (op.getOperands().size() > maximumOperands)
        wide.push_back(op);
    });
    for (ConcatOp op : wide)
      split(op);
  }

private:
  void split(ConcatOp op) {
    OpBuilder builder(op);
    SmallVector<Value> operands(op.getOperands());
    while (operands.size() > stepOperands) {
      SmallVector<Value> joined;
      for (ArrayRef<Value> rest = operands; !rest.empty();) {
        ArrayRef<Value> step =
            rest.take_front(std::min(rest.size(), stepOperands));
        rest = rest.drop_front(step.size());
        joined.push_back(
            step.size() == 1
                ? step.front()
                : ConcatOp::create(builder, op.getLoc(), step, op.getAxis())
                      .getResult());
      }
      operands = std::move(joined);
    }
    op->setOperands(operands);
  }
};

} // namespace
} // namespace sluice
