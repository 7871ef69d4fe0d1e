//===- KeptSizes.cpp - Sizes that loops keep ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/KeptSizes.h"
#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

KeptSizes::KeptSizes(Operation *root) {
  // Inner loops first, which tell what a step of an outer one does.
  root->walk([&](Operation *op) {
    if (isa<scf::ForOp, scf::WhileOp>(op))
      visitLoop(op);
  });
}

/// The operand of an op that is the size of one of its results, where the op
/// has one index for each dynamic dimension of each result.
static Value sizeOperand(ValueRange sizes, OpResult tensor, int64_t dimension) {
  int64_t place = 0;
  for (Value result : tensor.getOwner()->getResults()) {
    auto type = cast<RankedTensorType>(result.getType());
    if (result == tensor)
      return sizes[place + type.getDynamicDimIndex(dimension)];
    place += type.getNumDynamicDims();
  }
  return {};
}

KnownSize KeptSizes::step(Value tensor, int64_t dimension) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dimension))
    return {Value(), type.getDimSize(dimension)};
  auto found = known.find({tensor, dimension});
  if (found != known.end())
    return found->second;
  Operation *op = tensor.getDefiningOp();
  if (auto conversion = dyn_cast_if_present<tensor::CastOp>(op))
    if (isa<RankedTensorType>(conversion.getSource().getType()))
      return {conversion.getSource(), dimension};
  ValueRange sizes;
  if (auto call = dyn_cast_if_present<kernel::CallOp>(op))
    sizes = call.getSizes();
  else if (auto region = dyn_cast_if_present<kernel::RegionOp>(op))
    sizes = region.getSizes();
  else if (auto alias = dyn_cast_if_present<kernel::AliasOp>(op))
    sizes = alias.getSizes();
  else
    return {tensor, dimension};
  return {sizeOperand(sizes, cast<OpResult>(tensor), dimension), 0};
}

KnownSize KeptSizes::find(Value tensor, int64_t dimension) {
  KnownSize size{tensor, dimension};
  while (size.value) {
    KnownSize origin = size;
    if (isa<RankedTensorType>(size.value.getType())) {
      origin = step(size.value, size.number);
    } else if (auto number = getConstantIntValue(size.value)) {
      origin = {Value(), *number};
    } else if (auto question = size.value.getDefiningOp<tensor::DimOp>()) {
      if (auto place = question.getConstantIndex();
          place && isa<RankedTensorType>(question.getSource().getType()))
        origin = {question.getSource(), *place};
    }
    if (origin == size)
      break;
    size = origin;
  }
  return size;
}

bool KeptSizes::haveSameSizes(Value lhs, Value rhs) {
  int64_t rank = cast<RankedTensorType>(lhs.getType()).getRank();
  for (int64_t i = 0; i < rank; ++i)
    if (find(lhs, i) != find(rhs, i))
      return false;
  return true;
}

void KeptSizes::suppose(ArrayRef<Carried> carried) {
  SmallVector<std::pair<const Carried *, int64_t>> supposed;
  for (const Carried &one : carried)
    if (auto type = dyn_cast<RankedTensorType>(one.argument.getType()))
      for (int64_t i = 0; i < type.getRank(); ++i)
        if (type.isDynamicDim(i)) {
          known[{one.argument, i}] = find(one.initial, i);
          supposed.push_back({&one, i});
        }
  // A size that changes may make others change.
  for (bool changed = true; changed;) {
    changed = false;
    llvm::erase_if(supposed, [&](auto place) {
      auto [one, i] = place;
      if (find(one->next, i) == find(one->initial, i))
        return false;
      known.erase({one->argument, i});
      changed = true;
      return true;
    });
  }
}

void KeptSizes::visitLoop(Operation *op) {
  SmallVector<Carried> carried;
  // What is forwarded has the sizes of what it is made of, if these can be
  // told outside.
  auto forward = [&](ValueRange values, ValueRange targets, Block *hidden) {
    for (auto [value, target] : llvm::zip(values, targets)) {
      auto type = dyn_cast<RankedTensorType>(target.getType());
      for (int64_t i = 0; type && i < type.getRank(); ++i) {
        KnownSize size = find(value, i);
        if (type.isDynamicDim(i) &&
            !(size.value &&
              hidden->getParent()->isAncestor(size.value.getParentRegion())))
          known[{target, i}] = size;
      }
    }
  };
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [initial, argument, next] :
         llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(),
                   loop.getYieldedValues()))
      carried.push_back({initial, argument, next});
    suppose(carried);
    for (auto [argument, result] :
         llvm::zip(loop.getRegionIterArgs(), loop.getResults()))
      forward(argument, result, loop.getBody());
    return;
  }
  auto loop = cast<scf::WhileOp>(op);
  Block &before = loop.getBefore().front(), &after = loop.getAfter().front();
  for (auto [initial, argument, next] :
       llvm::zip(loop.getInits(), before.getArguments(),
                 after.getTerminator()->getOperands()))
    carried.push_back({initial, argument, next});
  // The next state follows from what the condition forwards.
  ValueRange forwarded = loop.getConditionOp().getArgs();
  for (auto [value, argument] : llvm::zip(forwarded, after.getArguments()))
    if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
      for (int64_t i = 0; i < type.getRank(); ++i)
        if (type.isDynamicDim(i))
          known[{argument, i}] = {value, i};
  suppose(carried);
  for (Value argument : after.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
      for (int64_t i = 0; i < type.getRank(); ++i)
        known.erase({argument, i});
  forward(forwarded, after.getArguments(), &before);
  forward(forwarded, loop.getResults(), &before);
}
