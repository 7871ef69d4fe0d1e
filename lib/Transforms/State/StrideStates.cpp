//===- StrideStates.cpp - Let kernels read states where they lie ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Analysis/StateViews.h"
#include "sluice/Codegen/CPU/Products/StridedBuffers.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/State/Passes.h"
#include <map>

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_STRIDESTATESPASS
#include "sluice/Transforms/State/Passes.h.inc"

namespace {

class StrideStatesPass final
    : public impl::StrideStatesPassBase<StrideStatesPass> {
public:
  using StrideStatesPassBase::StrideStatesPassBase;

  void runOnOperation() final {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main)
      return;
    KeptSizes sizes(main);
    StateViews views(main, sizes);
    if (views.empty())
      return;
    SymbolTable symbols(getOperation());
    main.walk([&](kernel::CallOp call) { stride(call, views, symbols); });
    for (kernel::FuncOp kernel : replaced)
      if (SymbolTable::symbolKnownUseEmpty(kernel, getOperation()))
        symbols.erase(kernel);
  }

private:
  /// The axes of the operands that the kernel of a call reads in place.
  std::vector<int64_t> findAxes(kernel::CallOp call, kernel::FuncOp kernel,
                                const StateViews &views) {
    std::vector<int64_t> axes(call.getInputs().size(), -1);
    for (auto [i, input] : llvm::enumerate(call.getInputs())) {
      auto axis = views.findAxis(input);
      if (!axis || StateViews::isContiguous(
                       cast<RankedTensorType>(input.getType()), *axis))
        continue;
      if (readsStrided(kernel, i, *axis)) {
        axes[i] = *axis;
        continue;
      }
      remarks::missed(call, remarks::state)
          << "every run copies what a kernel of the kind '"
          << kernel.getAnchor().str()
          << "' reads of a state: only products and attention read it where it "
             "lies";
    }
    return axes;
  }

  void stride(kernel::CallOp call, const StateViews &views,
              SymbolTable &symbols) {
    auto kernel = symbols.lookup<kernel::FuncOp>(call.getCallee());
    // What is missing, lowering reports.
    if (!kernel)
      return;
    std::vector<int64_t> axes = findAxes(call, kernel, views);
    if (llvm::all_of(axes, [](int64_t axis) { return axis < 0; }))
      return;
    // Calls that agree share a kernel.
    StringAttr &name = variants[{call.getCallee().str(), axes}];
    if (!name) {
      kernel::FuncOp variant = kernel.clone();
      variant.setStrided(axes);
      name = symbols.insert(variant, std::next(kernel->getIterator()));
      replaced.insert(kernel);
    }
    call.setCalleeAttr(FlatSymbolRefAttr::get(name));
  }

  std::map<std::pair<std::string, std::vector<int64_t>>, StringAttr> variants;
  llvm::SetVector<kernel::FuncOp> replaced;
};

} // namespace
} // namespace sluice
