//===- LayoutWeights.cpp - Give every constant a place --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_LAYOUTWEIGHTSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class LayoutWeightsPass final
    : public impl::LayoutWeightsPassBase<LayoutWeightsPass> {
public:
  using LayoutWeightsPassBase::LayoutWeightsPassBase;

  void runOnOperation() final {
    constexpr int64_t alignment = 64;
    ModuleOp module = getOperation();
    DenseMap<std::pair<Attribute, Attribute>, int64_t> offsets;
    int64_t total = 0;
    SymbolTable symbols(module);
    OpBuilder builder(module.getContext());
    auto place = [&](Location loc, ElementsAttr value,
                     kernel::PackingAttrInterface packing, ShapedType type) {
      auto [it, isNew] = offsets.try_emplace({value, packing}, total);
      if (isNew) {
        builder.setInsertionPointToEnd(module.getBody());
        symbols.insert(kernel::ConstantOp::create(builder, loc, "constant",
                                                  value, packing, total));
        int64_t bytes =
            type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
        total += (bytes + alignment - 1) / alignment * alignment;
      }
      return it->second;
    };
    module.walk([&](kernel::WeightOp op) {
      int64_t offset = place(op.getLoc(), op.getValue(), op.getPackingAttr(),
                             cast<MemRefType>(op.getType()));
      op.setOffsetAttr(builder.getI64IntegerAttr(offset));
    });
    // Inputs that need not be set have their defaults among the weights.
    module.walk([&](func::FuncOp function) {
      auto inputs = function->getAttrOfType<ArrayAttr>("sluice.inputs");
      if (!inputs)
        return;
      SmallVector<int64_t> defaults;
      for (Attribute input : inputs) {
        auto value =
            cast<DictionaryAttr>(input).getAs<ElementsAttr>("sluice.default");
        defaults.push_back(value ? place(function.getLoc(), value, nullptr,
                                         value.getShapedType())
                                 : -1);
      }
      function->setAttr("sluice.default_offsets",
                        builder.getDenseI64ArrayAttr(defaults));
    });
    module->setAttr("sluice.weights_bytes", builder.getI64IntegerAttr(total));
  }
};

} // namespace
} // namespace sluice
