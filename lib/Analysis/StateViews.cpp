//===- StateViews.cpp - Which tensors lie in the memory of states ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/StateViews.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sluice;

bool StateViews::isContiguous(RankedTensorType type, int64_t axis) {
  return llvm::all_of(type.getShape().take_front(axis),
                      [](int64_t size) { return size == 1; });
}

std::optional<int64_t> StateViews::findAxis(Value tensor) const {
  auto it = axes.find(tensor);
  return it == axes.end() ? std::nullopt : std::optional(it->second);
}

/// The dimension of the alias that is the axis: it has its size, and as many
/// elements lie behind it.
std::optional<int64_t> StateViews::followAlias(kernel::AliasOp alias,
                                               int64_t axis) {
  // The product of fixed sizes behind a dimension, and the others in order.
  auto behind = [&](Value tensor, int64_t dimension) {
    std::pair<int64_t, SmallVector<KnownSize>> result{1, {}};
    for (int64_t i = dimension + 1,
                 rank = cast<RankedTensorType>(tensor.getType()).getRank();
         i < rank; ++i) {
      KnownSize size = sizes.find(tensor, i);
      if (size.value)
        result.second.push_back(size);
      else
        result.first *= size.number;
    }
    return result;
  };
  Value source = alias.getSource(), result = alias.getResult();
  KnownSize length = sizes.find(source, axis);
  auto wanted = behind(source, axis);
  auto type = cast<RankedTensorType>(result.getType());
  for (int64_t i = 0; length.value && i < type.getRank(); ++i)
    if (type.isDynamicDim(i) && sizes.find(result, i) == length &&
        behind(result, i) == wanted)
      return i;
  return std::nullopt;
}

StateViews::StateViews(func::FuncOp main, KeptSizes &sizes) : sizes(sizes) {
  // States that nothing grows are as other inputs.
  main.walk([&](GrowStateOp grow) {
    Value state = grow.getState();
    while (auto cast = state.getDefiningOp<tensor::CastOp>())
      state = cast.getSource();
    axes[state] = static_cast<int64_t>(grow.getAxis());
  });
  if (axes.empty())
    return;
  main.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto grow = dyn_cast<GrowStateOp>(op)) {
      axes[grow.getResult()] = static_cast<int64_t>(grow.getAxis());
    } else if (auto cast = dyn_cast<tensor::CastOp>(op)) {
      if (auto axis = findAxis(cast.getSource()))
        axes[cast.getResult()] = *axis;
    } else if (auto alias = dyn_cast<kernel::AliasOp>(op)) {
      if (auto axis = findAxis(alias.getSource()))
        if (auto mine = followAlias(alias, *axis))
          axes[alias.getResult()] = *mine;
    }
  });
}
