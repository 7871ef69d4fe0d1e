//===- GrowStates.cpp - Outputs that continue a state of the model --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Analysis/StateViews.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/State/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_GROWSTATESPASS
#include "sluice/Transforms/State/Passes.h.inc"

namespace {

Value withoutCasts(Value tensor) {
  while (auto cast = tensor.getDefiningOp<tensor::CastOp>())
    tensor = cast.getSource();
  return tensor;
}

/// The concatenation that a tensor is, if its first operand is an argument of
/// the function and there are others.
ConcatOp matchGrowth(Value tensor) {
  auto concat = withoutCasts(tensor).getDefiningOp<ConcatOp>();
  if (!concat || concat.getNumOperands() < 2)
    return {};
  auto argument = dyn_cast<BlockArgument>(withoutCasts(concat.getOperand(0)));
  return argument && isa<func::FuncOp>(argument.getOwner()->getParentOp())
             ? concat
             : ConcatOp();
}

/// What names of states have in common: "present.0.key" and
/// "past_key_values.0.key" are "0.key".
std::string commonName(StringRef name) {
  std::string text = name.lower();
  for (StringRef word : {"past_key_values", "present_key_values", "present",
                         "past", "next", "prev", "output", "input", "out", "in",
                         "initial", "final", "new", "old"})
    for (size_t at; (at = text.find(word.str())) != std::string::npos;)
      text.erase(at, word.size());
  llvm::erase_if(text, [](char letter) { return !llvm::isAlnum(letter); });
  return text;
}

/// The argument of the function that a tensor is after ops that update it.
BlockArgument findUpdatedArgument(Value tensor) {
  Value state = withoutCasts(tensor);
  while (auto result = dyn_cast<OpResult>(state)) {
    auto anchor = dyn_cast<AnchorOpInterface>(result.getOwner());
    OpOperand *updated =
        anchor ? anchor.findUpdatedOperand(result.getResultNumber()) : nullptr;
    if (!updated)
      return {};
    state = withoutCasts(updated->get());
  }
  auto argument = cast<BlockArgument>(state);
  bool isInput = isa<func::FuncOp>(argument.getOwner()->getParentOp()) &&
                 argument.getType() == tensor.getType();
  return isInput ? argument : BlockArgument();
}

class GrowStatesPass final : public impl::GrowStatesPassBase<GrowStatesPass> {
public:
  using GrowStatesPassBase::GrowStatesPassBase;

  void runOnOperation() final {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !function.getBody().hasOneBlock())
      return;
    Operation *end = function.getBody().front().getTerminator();
    SmallVector<bool> isState(end->getNumOperands(), false);
    for (BlockArgument argument : function.getArguments()) {
      StateAttr state = getState(function, argument.getArgNumber());
      if (!state || state.getOutput() >= end->getNumOperands())
        continue;
      isState[state.getOutput()] = true;
      if (state.getAxis())
        grow(argument, end->getOperand(state.getOutput()), *state.getAxis());
    }
    for (OpOperand &result : end->getOpOperands())
      if (!isState[result.getOperandNumber()])
        offer(function, result);
  }

private:
  void grow(BlockArgument argument, Value output, int64_t axis) {
    ConcatOp concat = matchGrowth(output);
    if (!concat || static_cast<int64_t>(concat.getAxis()) != axis ||
        withoutCasts(concat.getOperand(0)) != argument)
      return;
    OpBuilder builder(concat);
    ValueRange rest = concat.getOperands().drop_front();
    Value added = rest.size() == 1 ? rest.front()
                                   : ConcatOp::create(builder, concat.getLoc(),
                                                      rest, concat.getAxis())
                                         .getResult();
    Value grown = GrowStateOp::create(builder, concat.getLoc(), argument, added,
                                      concat.getAxis());
    if (grown.getType() != concat.getType())
      grown = tensor::CastOp::create(builder, concat.getLoc(), concat.getType(),
                                     grown);
    concat.replaceAllUsesWith(grown);
    concat.erase();
  }

  /// Says that an output could be a state.
  void offer(func::FuncOp function, OpOperand &result) {
    unsigned number = result.getOperandNumber();
    auto name = function.getResultAttrOfType<StringAttr>(number, "sluice.name");
    auto nameOf = [&](unsigned argument) {
      return function.getArgAttrOfType<StringAttr>(argument, "sluice.name");
    };
    Operation *maker = withoutCasts(result.get()).getDefiningOp();
    if (!name || !maker)
      return;
    if (ConcatOp concat = matchGrowth(result.get())) {
      auto argument = cast<BlockArgument>(withoutCasts(concat.getOperand(0)));
      auto axis = static_cast<int64_t>(concat.getAxis());
      StringAttr input = nameOf(argument.getArgNumber());
      if (input && !getState(function, argument.getArgNumber()) &&
          cast<RankedTensorType>(argument.getType()).isDynamicDim(axis))
        offer(maker, name, input, "@" + std::to_string(axis));
      return;
    }
    // What operators update by their meaning, whatever the names are.
    if (BlockArgument argument = findUpdatedArgument(result.get())) {
      StringAttr input = nameOf(argument.getArgNumber());
      if (input && !getState(function, argument.getArgNumber()))
        offer(maker, name, input, "");
      return;
    }
    for (BlockArgument argument : function.getArguments()) {
      StringAttr input = nameOf(argument.getArgNumber());
      if (input && !getState(function, argument.getArgNumber()) &&
          argument.getType() == result.get().getType() &&
          !commonName(name).empty() && name != input &&
          commonName(name) == commonName(input))
        return offer(maker, name, input, "");
    }
  }
  void offer(Operation *maker, StringAttr output, StringAttr input,
             const std::string &axis) {
    remarks::missed(maker, remarks::state)
        << output.str() + " could be the state of " + input.str() +
               ": --state=" + output.str() + ":" + input.str() + axis;
  }
};

} // namespace
} // namespace sluice
