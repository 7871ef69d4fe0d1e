//===- RefineOperands.cpp - Refine types by what reads values -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/TensorExtent.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Transforms/Graph/TypeRefinement.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_REFINEOPERANDSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class RefineOperandsPass final
    : public impl::RefineOperandsPassBase<RefineOperandsPass> {
public:
  using RefineOperandsPassBase::RefineOperandsPassBase;

  void runOnOperation() final {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<OperandSizesOpInterface, tensor::CastOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : llvm::reverse(ops))
      refineOperands(op);
    updateResultTypes(getOperation());
  }

private:
  void refineOperands(Operation *op);
  /// The reader demands that what it reads there has this size.
  void refine(Operation *reader, OperandDimension place, int64_t size);
  /// A cast of what is read there to a type with this size, in front of all
  /// readers that run whenever `reader` does.
  void castTo(Operation *reader, OperandDimension place, int64_t size);

  /// Is the size known behind a cast that hides it from readers, because they
  /// contradict it?
  static bool isHidden(Value value, int64_t dimension);

  /// Dimensions that are spoken for, of values that the reader's block defines.
  DenseSet<std::pair<Value, int64_t>> refined;
  DenseMap<Value, tensor::CastOp> casts;
};

} // namespace

void RefineOperandsPass::refineOperands(Operation *op) {
  if (auto sizes = dyn_cast<OperandSizesOpInterface>(op))
    return sizes.demandSizes(
        [&](OperandDimension place, int64_t size) { refine(op, place, size); });
  // A cast may sit behind ops that pass its sizes on by now.
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !isa<RankedTensorType>(op->getOperand(0).getType()))
    return;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    refine(op, {&op->getOpOperand(0), static_cast<int64_t>(i)}, size);
}

bool RefineOperandsPass::isHidden(Value value, int64_t dimension) {
  auto cast = value.getDefiningOp<tensor::CastOp>();
  auto type = cast ? dyn_cast<RankedTensorType>(cast.getSource().getType())
                   : RankedTensorType();
  return type && !type.isDynamicDim(dimension);
}

void RefineOperandsPass::refine(Operation *reader, OperandDimension place,
                                int64_t size) {
  if (ShapedType::isDynamic(size))
    return;
  Block *block = reader->getBlock();
  while (true) {
    Value value = place.operand->get();
    if (!ShapedType::isDynamic(shapeOf(value)[place.dimension]) ||
        isHidden(value, place.dimension))
      return;
    // Only what runs whenever the value is there says something about it.
    bool isAlwaysRead = value.getParentBlock() == block;
    if (isAlwaysRead && !refined.insert({value, place.dimension}).second)
      return;
    auto producer = value.getDefiningOp<OperandSizesOpInterface>();
    if (!isAlwaysRead || !producer)
      break;
    auto source = producer.getSizeSource(
        cast<OpResult>(value).getResultNumber(), place.dimension);
    if (!source)
      break;
    place = *source;
  }
  // The cast that demands it is the one that there would be.
  if (!isa<tensor::CastOp>(place.operand->getOwner()))
    castTo(reader, place, size);
}

void RefineOperandsPass::castTo(Operation *reader, OperandDimension place,
                                int64_t size) {
  Value value = place.operand->get();
  bool isAlwaysRead = value.getParentBlock() == reader->getBlock();
  tensor::CastOp known = isAlwaysRead ? casts.lookup(value) : tensor::CastOp();
  auto type = cast<RankedTensorType>((known ? known : value).getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[place.dimension] = size;
  type = type.clone(shape);
  // What fits no memory stays dynamic: running it fails, compiling it may not.
  if (failed(verifyExtent(std::nullopt, type)))
    return;
  if (known)
    return known.getResult().setType(type);
  OpBuilder builder(place.operand->getOwner());
  if (isAlwaysRead)
    builder.setInsertionPointAfterValue(value);
  auto made = tensor::CastOp::create(builder, reader->getLoc(), type, value);
  if (!isAlwaysRead)
    return place.operand->set(made);
  casts[value] = made;
  // Readers that demand another size keep what they read.
  for (OpOperand &use : llvm::make_early_inc_range(value.getUses()))
    if (use.getOwner() != made &&
        use.getOwner()->getBlock() == reader->getBlock())
      refineUse(use, made);
  // What a branch yields has the types of its op until these are refined, too.
  for (OpOperand &use : llvm::make_early_inc_range(made->getUses())) {
    auto yield = dyn_cast<scf::YieldOp>(use.getOwner());
    if (!yield)
      continue;
    builder.setInsertionPoint(yield);
    use.set(tensor::CastOp::create(builder, reader->getLoc(), value.getType(),
                                   made));
  }
}

} // namespace sluice
