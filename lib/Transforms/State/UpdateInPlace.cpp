//===- UpdateInPlace.cpp - Kernels that write over what they update -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Kernel/Ties.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Analysis/KeptSizes.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/State/Passes.h"
#include <map>

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_UPDATEINPLACEPASS
#include "sluice/Transforms/State/Passes.h.inc"

namespace {

using kernel::withoutViews;

/// A result of a call and the input that it is to be written over.
struct Update {
  kernel::CallOp call;
  unsigned result, input;
};

class UpdateInPlacePass final
    : public impl::UpdateInPlacePassBase<UpdateInPlacePass> {
public:
  using UpdateInPlacePassBase::UpdateInPlacePassBase;

  void runOnOperation() final {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock())
      return;
    SymbolTable table(getOperation());
    KeptSizes kept(main);
    symbols = &table;
    sizes = &kept;
    ties.clear();
    updateStates(main);
    main.walk([&](scf::ForOp loop) { updateCarried(loop); });
    main.walk([&](scf::WhileOp loop) { updateCarried(loop); });
    applyTies();
  }

private:
  void updateStates(func::FuncOp main) {
    Operation *end = main.getBody().front().getTerminator();
    for (BlockArgument argument : main.getArguments()) {
      StateAttr state = getState(main, argument.getArgNumber());
      if (!state || state.getAxis() || state.getInPlace() ||
          state.getOutput() >= end->getNumOperands() ||
          !update(argument, end->getOperand(state.getOutput()),
                  /*isState=*/true))
        continue;
      main.setArgAttr(argument.getArgNumber(), stateAttributeName,
                      StateAttr::get(&getContext(), state.getOutput(),
                                     state.getAxis(), state.getCapacity(),
                                     /*in_place=*/true));
    }
  }

  void updateCarried(scf::ForOp loop) {
    for (auto [argument, next] :
         llvm::zip(loop.getRegionIterArgs(), loop.getYieldedValues()))
      update(argument, next, /*isState=*/false);
  }

  /// The body sees what the block in front of the condition forwards to it; a
  /// state that it sees twice is read under the other name.
  void updateCarried(scf::WhileOp loop) {
    ValueRange forwarded = loop.getConditionOp().getArgs();
    for (auto [argument, next] :
         llvm::zip(loop.getBeforeArguments(), loop.getYieldedValues())) {
      auto isArgument = [argument = Value(argument)](Value value) {
        return withoutViews(value) == argument;
      };
      if (llvm::count_if(forwarded, isArgument) != 1)
        continue;
      for (auto [value, inBody] :
           llvm::zip(forwarded, loop.getAfterArguments()))
        if (value == argument)
          update(inBody, next, /*isState=*/false);
    }
  }

  /// Ties the results that a tensor becomes `next` by, if all of these are
  /// updates of one another.
  bool update(BlockArgument origin, Value next, bool isState) {
    if (!isa<RankedTensorType>(origin.getType()))
      return false;
    kernel::CallOp reader;
    std::vector<Update> path =
        findPath(origin, withoutViews(next), isState, reader);
    for (const Update &step : path)
      getTies(step.call)[step.result] = step.input;
    if (!path.empty() || !isState)
      return !path.empty();
    if (reader)
      remarks::missed(reader, remarks::state)
          << "every run makes the state anew, which a kernel of the kind '"
          << getKernel(reader).getAnchor().str()
          << "' could update where it lies: something else reads it at the "
             "same time or later";
    else if (Operation *maker = withoutViews(next).getDefiningOp())
      remarks::missed(maker, remarks::state)
          << "every run makes the state anew: none of its kernels can write it "
             "over the old one";
    return false;
  }

  /// Calls in the block of `origin` that make `target` from it, each of which
  /// can write over what the one before has made. Where there are none,
  /// `reader` is a call that could but for other uses of its input.
  std::vector<Update> findPath(BlockArgument origin, Value target, bool isState,
                               kernel::CallOp &reader) {
    // Nobody updates a state in many steps.
    constexpr unsigned mostCalls = 64;
    llvm::SmallDenseMap<Value, Update> nextOf;
    SmallVector<Value> open{target};
    for (unsigned i = 0; i < mostCalls && !open.empty(); ++i) {
      auto result = dyn_cast<OpResult>(open.pop_back_val());
      auto call = result ? dyn_cast<kernel::CallOp>(result.getOwner())
                         : kernel::CallOp();
      if (!call || call->getBlock() != origin.getOwner())
        continue;
      for (unsigned input = 0, e = call.getInputs().size(); input < e;
           ++input) {
        Update step{call, result.getResultNumber(), input};
        Value before = withoutViews(call.getInputs()[input]);
        if (nextOf.contains(before) || !canUpdate(step, isState))
          continue;
        if (kernel::findOverlappingUse(call, input)) {
          reader = before == origin ? call : reader;
          continue;
        }
        nextOf.insert({before, step});
        if (before == origin)
          return followPath(origin, target, nextOf);
        open.push_back(before);
      }
    }
    return {};
  }

  static std::vector<Update>
  followPath(Value origin, Value target,
             const llvm::SmallDenseMap<Value, Update> &nextOf) {
    std::vector<Update> path;
    while (origin != target) {
      path.push_back(nextOf.find(origin)->second);
      kernel::CallOp call = path.back().call;
      origin = call.getResult(path.back().result);
    }
    return path;
  }

  /// Can a kernel write a result over an input, and has not been told of
  /// another one? Elementwise kernels can; where a loop carries the state, they
  /// write to another buffer without a copy anyway, which may be the loop's
  /// result.
  bool canUpdate(const Update &step, bool isState) {
    kernel::CallOp call = step.call;
    kernel::FuncOp kernel = getKernel(call);
    OpResult result = call->getResult(step.result);
    Value input = call.getInputs()[step.input];
    if (!kernel || kernel.isEmitted() ||
        kernel.getProvider() != kernel::builtinProvider ||
        input.getType() != result.getType() || isTied(step))
      return false;
    Block &body = kernel.getBody().front();
    BlockArgument argument = body.getArgument(step.input);
    auto made =
        dyn_cast<OpResult>(body.getTerminator()->getOperand(step.result));
    auto anchor = made ? dyn_cast<AnchorOpInterface>(made.getOwner())
                       : AnchorOpInterface();
    if (OpOperand *updated =
            anchor ? anchor.findUpdatedOperand(made.getResultNumber())
                   : nullptr)
      return updated->get() == argument && argument.hasOneUse();
    return isState && call.getNumResults() == 1 &&
           llvm::is_contained(call.getReusable(),
                              static_cast<int64_t>(step.input)) &&
           sizes->haveSameSizes(input, result);
  }

  bool isTied(const Update &step) {
    ArrayRef<int64_t> known = getTies(step.call);
    return known[step.result] >= 0 ||
           llvm::is_contained(known, static_cast<int64_t>(step.input));
  }

  kernel::FuncOp getKernel(kernel::CallOp call) {
    return symbols->lookup<kernel::FuncOp>(call.getCallee());
  }

  /// What has been found of a call.
  std::vector<int64_t> &getTies(kernel::CallOp call) {
    std::vector<int64_t> &own = ties[call];
    if (own.empty()) {
      own.assign(call.getTies().begin(), call.getTies().end());
      own.resize(call.getNumResults(), -1);
    }
    return own;
  }

  /// Gives calls with ties a kernel with these; calls that agree share one.
  void applyTies() {
    std::map<std::pair<std::string, std::vector<int64_t>>, StringAttr> variants;
    llvm::SetVector<kernel::FuncOp> replaced;
    for (auto &[op, own] : ties) {
      auto call = cast<kernel::CallOp>(op);
      if (llvm::all_of(own, [](int64_t tie) { return tie < 0; }))
        continue;
      kernel::FuncOp kernel = getKernel(call);
      StringAttr &name = variants[{call.getCallee().str(), own}];
      if (!name) {
        kernel::FuncOp variant = kernel.clone();
        variant.setTies(own);
        name = symbols->insert(variant, std::next(kernel->getIterator()));
        replaced.insert(kernel);
      }
      call.setCalleeAttr(FlatSymbolRefAttr::get(name));
      call.setTies(own);
      // Nothing else takes over what is tied.
      SmallVector<int64_t> reusable(call.getReusable());
      llvm::erase_if(reusable, [&own = own](int64_t input) {
        return llvm::is_contained(own, input);
      });
      call.setReusable(reusable);
    }
    for (kernel::FuncOp kernel : replaced)
      if (SymbolTable::symbolKnownUseEmpty(kernel, getOperation()))
        symbols->erase(kernel);
  }

  SymbolTable *symbols = nullptr;
  KeptSizes *sizes = nullptr;
  llvm::MapVector<Operation *, std::vector<int64_t>> ties;
};

} // namespace
} // namespace sluice
