//===- InferShapes.cpp - Refine result types in order ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/TensorExtent.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Transforms/Graph/TypeRefinement.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_INFERSHAPESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class InferShapesPass final
    : public impl::InferShapesPassBase<InferShapesPass> {
public:
  using InferShapesPassBase::InferShapesPassBase;
  void runOnOperation() final;

private:
  void refineBlock(Block &block);
  void refineResults(Operation *op);
  void refineIf(scf::IfOp op);
  /// Lets users see through a cast that forgets sizes.
  void refineCast(tensor::CastOp op);
  void setType(Value value, RankedTensorType type);
  std::optional<bool> knownCondition(Value condition) const;
  /// Replaces the op by the branch its known condition selects. The branch's
  /// ops stand where the op stood.
  void inlineBranch(scf::IfOp op, bool condition);

  /// Conditions of the branches around what is refined, and which these are.
  DenseMap<Value, bool> decided;
};

/// What holds for both of two tensors; null if they have nothing in common.
RankedTensorType uniteTypes(RankedTensorType a, RankedTensorType b) {
  if (a.getElementType() != b.getElementType() || a.getRank() != b.getRank())
    return {};
  SmallVector<int64_t> shape(a.getShape());
  for (auto [size, other] : llvm::zip(shape, b.getShape()))
    if (size != other)
      size = ShapedType::kDynamic;
  return a.clone(shape);
}

} // namespace

std::optional<bool> InferShapesPass::knownCondition(Value condition) const {
  if (auto known = decided.find(condition); known != decided.end())
    return known->second;
  if (auto extract = condition.getDefiningOp<tensor::ExtractOp>()) {
    auto type = cast<RankedTensorType>(extract.getTensor().getType());
    if (!type.hasStaticShape() || type.getNumElements() != 1)
      return std::nullopt;
    if (auto element = evaluateConstantElement(extract.getTensor(), 0))
      return *element != 0;
    return std::nullopt;
  }
  if (auto constant = condition.getDefiningOp<arith::ConstantOp>())
    if (auto value = dyn_cast<IntegerAttr>(constant.getValue()))
      return !value.getValue().isZero();
  return std::nullopt;
}

void InferShapesPass::setType(Value value, RankedTensorType type) {
  refineType(value, type);
}

void InferShapesPass::refineResults(Operation *op) {
  auto interface = dyn_cast<InferTypeOpInterface>(op);
  if (!interface || !isa<SluiceDialect>(op->getDialect()))
    return;
  // Without a location nothing is reported: a contradiction in a branch that
  // is never taken is no error.
  SmallVector<Type> inferred;
  if (failed(interface.inferReturnTypes(
          op->getContext(), std::nullopt, op->getOperands(),
          op->getAttrDictionary(), op->getPropertiesStorage(), op->getRegions(),
          inferred)) ||
      inferred.size() != op->getNumResults())
    return;
  for (auto [result, type] : llvm::zip(op->getResults(), inferred)) {
    auto old = dyn_cast<RankedTensorType>(result.getType());
    auto now = dyn_cast<RankedTensorType>(type);
    if (!old || !now)
      continue;
    // What fits no memory stays dynamic: running it fails, compiling it may
    // not.
    RankedTensorType refined = intersectTypes(old, now);
    if (refined && succeeded(verifyExtent(std::nullopt, refined)))
      setType(result, refined);
  }
}

void InferShapesPass::inlineBranch(scf::IfOp op, bool condition) {
  Region &region = condition ? op.getThenRegion() : op.getElseRegion();
  if (region.empty()) {
    op.erase();
    return;
  }
  Block &body = region.front();
  Operation *yield = body.getTerminator();
  OpBuilder builder(op);
  for (auto [result, value] :
       llvm::zip(op.getResults(), yield->getOperands())) {
    if (result.getType() != value.getType())
      value =
          tensor::CastOp::create(builder, op.getLoc(), result.getType(), value);
    result.replaceAllUsesWith(value);
  }
  yield->erase();
  op->getBlock()->getOperations().splice(op->getIterator(),
                                         body.getOperations());
  op.erase();
}

void InferShapesPass::refineIf(scf::IfOp op) {
  if (op.getNumResults() == 0)
    return;
  Operation *onTrue = op.thenYield(), *onFalse = op.elseYield();
  for (OpResult result : op.getResults()) {
    unsigned i = result.getResultNumber();
    auto old = dyn_cast<RankedTensorType>(result.getType());
    auto left = dyn_cast<RankedTensorType>(onTrue->getOperand(i).getType());
    auto right = dyn_cast<RankedTensorType>(onFalse->getOperand(i).getType());
    if (!old || !left || !right)
      continue;
    RankedTensorType united = uniteTypes(left, right);
    RankedTensorType refined =
        united ? intersectTypes(old, united) : RankedTensorType();
    if (refined)
      setType(result, refined);
    // Both branches yield the type of the result.
    for (Operation *yield : {onTrue, onFalse}) {
      Value value = yield->getOperand(i);
      if (value.getType() == result.getType())
        continue;
      OpBuilder builder(yield);
      yield->setOperand(i, tensor::CastOp::create(builder, op.getLoc(),
                                                  result.getType(), value));
    }
  }
}

void InferShapesPass::refineCast(tensor::CastOp op) {
  auto source = dyn_cast<RankedTensorType>(op.getSource().getType());
  auto result = dyn_cast<RankedTensorType>(op.getType());
  if (!source || !result)
    return;
  RankedTensorType both = intersectTypes(source, result);
  if (both && both != source)
    return setType(op.getResult(), both);
  for (OpOperand &use : llvm::make_early_inc_range(op.getResult().getUses()))
    refineUse(use, op.getSource());
}

void InferShapesPass::refineBlock(Block &block) {
  for (auto it = block.begin(); it != block.end();) {
    Operation *op = &*it;
    auto branch = dyn_cast<scf::IfOp>(op);
    if (branch) {
      if (auto condition = knownCondition(branch.getCondition())) {
        // Continue with the ops that take its place.
        bool isFirst = it == block.begin();
        auto before = isFirst ? it : std::prev(it);
        inlineBranch(branch, *condition);
        it = isFirst ? block.begin() : std::next(before);
        continue;
      }
    }
    for (Region &region : op->getRegions()) {
      if (branch)
        decided[branch.getCondition()] = &region == &branch.getThenRegion();
      for (Block &inner : region)
        refineBlock(inner);
    }
    if (branch) {
      decided.erase(branch.getCondition());
      refineIf(branch);
    } else if (auto cast = dyn_cast<tensor::CastOp>(op))
      refineCast(cast);
    else if (isa<func::ReturnOp>(op))
      updateResultTypes(getOperation());
    else
      refineResults(op);
    ++it;
  }
}

void InferShapesPass::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isExternal())
    return;
  decided.clear();
  for (Block &block : function.getBody())
    refineBlock(block);
}

} // namespace sluice
