//===- Decompose.cpp - Composite ops as simpler ones ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Decomposition.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_DECOMPOSEPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class DecomposePass final : public impl::DecomposePassBase<DecomposePass> {
public:
  using DecomposePassBase::DecomposePassBase;

  void runOnOperation() final {
    // The simpler ops may be composite themselves.
    for (;;) {
      SmallVector<DecomposableOpInterface> composites;
      getOperation().walk([&](DecomposableOpInterface op) {
        if (!onlyUnserved || !cpuEmitters().serves(op))
          composites.push_back(op);
      });
      if (composites.empty())
        return;
      if (onlyUnserved)
        for (DecomposableOpInterface op : composites)
          remarks::missed(op, remarks::fusion)
              << "no kernel computes this '" +
                     op->getName().stripDialect().str() + "': several do";
      decompose(getOperation(), composites);
    }
  }
};

} // namespace
} // namespace sluice
