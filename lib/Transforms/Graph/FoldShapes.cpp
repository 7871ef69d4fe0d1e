//===- FoldShapes.cpp - Constants for shape arithmetic --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FOLDSHAPESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Shapes and the indices computed from them are shorter than this.
constexpr int64_t maxElements = 64;

/// The value as a constant, if all of its elements are known; else null.
DenseElementsAttr evaluate(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() || type.getNumElements() > maxElements)
    return {};
  auto elementType = dyn_cast<IntegerType>(type.getElementType());
  if (!elementType)
    return {};
  auto elements = evaluateConstantElements(value);
  if (!elements)
    return {};
  SmallVector<APInt> numbers;
  for (int64_t element : *elements)
    numbers.push_back(elementType.isInteger(1)
                          ? APInt(1, element != 0)
                          : APInt(elementType.getWidth(), element,
                                  /*isSigned=*/true, /*implicitTrunc=*/true));
  return DenseElementsAttr::get(type, numbers);
}

class FoldShapesPass final : public impl::FoldShapesPassBase<FoldShapesPass> {
public:
  using FoldShapesPassBase::FoldShapesPassBase;

  void runOnOperation() final {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<SluiceDialect>(op->getDialect()) && !isa<ConstantOp>(op) &&
          op->getNumResults() == 1)
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      DenseElementsAttr value = evaluate(op->getResult(0));
      if (!value)
        continue;
      OpBuilder builder(op);
      Value constant = ConstantOp::create(builder, op->getLoc(), value);
      op->getResult(0).replaceAllUsesWith(constant);
      op->erase();
    }
  }
};

} // namespace
} // namespace sluice
