//===- FoldLoopSizes.cpp - Sizes that loops keep --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Analysis/KeptSizes.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FOLDLOOPSIZESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class FoldLoopSizesPass final
    : public impl::FoldLoopSizesPassBase<FoldLoopSizesPass> {
public:
  using FoldLoopSizesPassBase::FoldLoopSizesPassBase;

  void runOnOperation() final {
    std::vector<std::pair<tensor::DimOp, KnownSize>> answers;
    {
      KeptSizes sizes(getOperation());
      getOperation()->walk([&](tensor::DimOp question) {
        auto dimension = question.getConstantIndex();
        if (!dimension ||
            !isa<RankedTensorType>(question.getSource().getType()))
          return;
        KnownSize size = sizes.find(question.getSource(), *dimension);
        if (size != KnownSize{question.getSource(), *dimension})
          answers.push_back({question, size});
      });
    }
    for (auto &[question, size] : answers) {
      OpBuilder builder(question);
      question.replaceAllUsesWith(makeValue(builder, question.getLoc(), size));
    }
    for (auto &[question, size] : answers)
      question->erase();
    asked.clear();
  }

private:
  Value makeValue(OpBuilder &builder, Location loc, const KnownSize &size) {
    if (!size.value)
      return arith::ConstantIndexOp::create(builder, loc, size.number);
    if (!isa<RankedTensorType>(size.value.getType()))
      return size.value;
    Value &answer = asked[{size.value, size.number}];
    if (!answer) {
      builder.setInsertionPointAfterValue(size.value);
      answer = tensor::DimOp::create(builder, loc, size.value, size.number);
    }
    return answer;
  }

  DenseMap<std::pair<Value, int64_t>, Value> asked;
};

} // namespace
} // namespace sluice
