//===- OutlineKernels.cpp - Name kernels and share identical ones ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/AsmState.h"
#include "mlir/IR/SymbolTable.h"
#include "sluice/Analysis/KernelWork.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_OUTLINEKERNELSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// The text of a region without locations: equal text, equal code.
std::string describe(kernel::RegionOp region) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OpPrintingFlags flags;
  flags.useLocalScope().printGenericOpForm();
  os << region.getAnchor() << ' ' << region.getProvider() << ' '
     << region.getConfigAttr() << ' ' << kernel::getOwnTarget(region) << '\n';
  for (BlockArgument argument : region.getBody().getArguments())
    os << argument.getType() << ' ';
  os << '\n';
  // Value numbers follow from the order of ops, so they agree as well.
  AsmState state(region, flags);
  for (Operation &op : region.getBody().front()) {
    op.print(os, state);
    os << '\n';
  }
  return text;
}

/// Kernels of libraries are named after them as well.
StringAttr getFunctionName(kernel::RegionOp region) {
  if (region.getProvider() == kernel::builtinProvider)
    return region.getAnchorAttr();
  return StringAttr::get(region.getContext(),
                         region.getProvider() + "_" + region.getAnchor());
}

class OutlineKernelsPass final
    : public impl::OutlineKernelsPassBase<OutlineKernelsPass> {
public:
  using OutlineKernelsPassBase::OutlineKernelsPassBase;

  void runOnOperation() final {
    ModuleOp module = getOperation();
    llvm::StringMap<StringAttr> known;
    SymbolTable symbols(module);
    SmallVector<kernel::RegionOp> regions;
    module.walk([&](kernel::RegionOp region) { regions.push_back(region); });
    OpBuilder builder(module.getContext());
    for (kernel::RegionOp region : regions) {
      Work work = getKernelWork(region);
      StringAttr &name = known[describe(region)];
      if (!name) {
        builder.setInsertionPointToEnd(module.getBody());
        auto function = kernel::FuncOp::create(
            builder, region.getLoc(), getFunctionName(region),
            region.getAnchorAttr(), region.getProviderAttr(),
            region.getConfigAttr(), region.getBody());
        if (auto target = kernel::getOwnTarget(region))
          function->setAttr(kernel::targetAttributeName, target);
        name = symbols.insert(function);
      }
      builder.setInsertionPoint(region);
      auto call = kernel::CallOp::create(
          builder, region.getLoc(), region.getResultTypes(),
          FlatSymbolRefAttr::get(name), region.getInputs(), region.getSizes(),
          /*parameters=*/ValueRange(), region.getReusableAttr());
      call->setAttr("flops", builder.getF64FloatAttr(work.operations));
      call->setAttr("bytes", builder.getF64FloatAttr(work.bytes));
      region->replaceAllUsesWith(call);
      region.erase();
    }
  }
};

} // namespace
} // namespace sluice
