//===- LayoutWeights.cpp - Give every constant a place --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/PackedWeights.h"
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
    auto none = builder.getDictionaryAttr({});
    module.walk([&](kernel::WeightOp op) {
      DictionaryAttr packing = op.getPackingAttr() ? op.getPackingAttr() : none;
      auto [it, isNew] =
          offsets.try_emplace({op.getValue(), getPackedOrder(packing)}, total);
      if (isNew) {
        values.push_back(op.getValue());
        packings.push_back(packing);
        places.push_back(total);
        auto type = cast<MemRefType>(op.getType());
        int64_t bytes =
            type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
        total += (bytes + alignment - 1) / alignment * alignment;
      }
      op.setOffsetAttr(builder.getI64IntegerAttr(it->second));
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
