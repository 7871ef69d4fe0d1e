//===- LayoutWeights.cpp - Give every constant a place --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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
    SmallVector<Attribute> values, packings;
    SmallVector<int64_t> places;
    int64_t total = 0;
    OpBuilder builder(module.getContext());
    // Stands in the list of encodings for none.
    Attribute none = builder.getUnitAttr();
    auto place = [&](ElementsAttr value, Attribute packing, ShapedType type) {
      auto [it, isNew] = offsets.try_emplace({value, packing}, total);
      if (isNew) {
        values.push_back(value);
        packings.push_back(packing);
        places.push_back(total);
        int64_t bytes =
            type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
        total += (bytes + alignment - 1) / alignment * alignment;
      }
      return it->second;
    };
    module.walk([&](kernel::WeightOp op) {
      int64_t offset =
          place(op.getValue(),
                op.getPackingAttr() ? Attribute(op.getPackingAttr()) : none,
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
        defaults.push_back(value ? place(value, none, value.getShapedType())
                                 : -1);
      }
      function->setAttr("sluice.default_offsets",
                        builder.getDenseI64ArrayAttr(defaults));
    });
    module->setAttr("sluice.weights", builder.getArrayAttr(values));
    module->setAttr("sluice.weight_packings", builder.getArrayAttr(packings));
    module->setAttr("sluice.weight_offsets",
                    builder.getDenseI64ArrayAttr(places));
    module->setAttr("sluice.weights_bytes", builder.getI64IntegerAttr(total));
  }
};

} // namespace
} // namespace sluice
