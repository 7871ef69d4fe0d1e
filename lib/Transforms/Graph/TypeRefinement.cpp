//===- TypeRefinement.cpp - Better types for values -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Transforms/Graph/TypeRefinement.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sluice;

RankedTensorType sluice::intersectTypes(RankedTensorType a,
                                        RankedTensorType b) {
  if (a.getElementType() != b.getElementType() || a.getRank() != b.getRank())
    return {};
  SmallVector<int64_t> shape(a.getShape());
  for (auto [size, other] : llvm::zip(shape, b.getShape())) {
    if (ShapedType::isDynamic(size))
      size = other;
    else if (!ShapedType::isDynamic(other) && other != size)
      return {};
  }
  return a.clone(shape);
}

bool sluice::acceptsRefinedOperands(Operation *op) {
  return isa<SluiceDialect>(op->getDialect()) ||
         isa<tensor::DimOp, tensor::ExtractOp, tensor::CastOp, func::ReturnOp>(
             op) ||
         (isa<scf::YieldOp>(op) && isa<scf::IfOp>(op->getParentOp()));
}

bool sluice::isContradictory(Operation *op) {
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return !tensor::CastOp::areCastCompatible(cast->getOperandTypes(),
                                              cast->getResultTypes());
  auto inference = dyn_cast<InferTypeOpInterface>(op);
  SmallVector<Type> inferred;
  return inference &&
         (failed(inference.inferReturnTypes(
              op->getContext(), std::nullopt, op->getOperands(),
              op->getAttrDictionary(), op->getPropertiesStorage(),
              op->getRegions(), inferred)) ||
          !inference.isCompatibleReturnTypes(inferred, op->getResultTypes()));
}

bool sluice::refineUse(OpOperand &use, Value refined) {
  Operation *op = use.getOwner();
  if (!acceptsRefinedOperands(op))
    return false;
  Value before = use.get();
  use.set(refined);
  if (!isContradictory(op))
    return true;
  use.set(before);
  return false;
}

void sluice::updateResultTypes(func::FuncOp function) {
  Operation *end = function.getBody().back().getTerminator();
  function.setFunctionType(FunctionType::get(function.getContext(),
                                             function.getArgumentTypes(),
                                             end->getOperandTypes()));
}

bool sluice::refineType(Value value, RankedTensorType type) {
  Type old = value.getType();
  if (old == type)
    return false;
  // Folding a cast into an scf.for would claim that the loop keeps the sizes.
  if (llvm::any_of(value.getUsers(),
                   [](Operation *user) { return isa<scf::ForOp>(user); }))
    return false;
  value.setType(type);
  SmallVector<OpOperand *> strict;
  for (OpOperand &use : value.getUses())
    if (!acceptsRefinedOperands(use.getOwner()) ||
        isContradictory(use.getOwner()))
      strict.push_back(&use);
  if (strict.empty())
    return true;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Value cast = tensor::CastOp::create(builder, value.getLoc(), old, value);
  for (OpOperand *use : strict)
    use->set(cast);
  return true;
}

Value sluice::cloneWithOperands(OpBuilder &builder, Operation *op,
                                ValueRange operands) {
  auto inference = cast<InferTypeOpInterface>(op);
  SmallVector<Type> types;
  if (failed(inference.inferReturnTypes(
          op->getContext(), std::nullopt, operands, op->getAttrDictionary(),
          op->getPropertiesStorage(), op->getRegions(), types)))
    return nullptr;
  Operation *copy = builder.clone(*op);
  copy->setOperands(operands);
  copy->getResult(0).setType(types.front());
  return copy->getResult(0);
}
