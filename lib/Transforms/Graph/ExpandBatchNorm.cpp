//===- ExpandBatchNorm.cpp - Batch norms to factors and addends -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Decomposition.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_EXPANDBATCHNORMPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

struct ExpandBatchNormPass final
    : impl::ExpandBatchNormPassBase<ExpandBatchNormPass> {
  void runOnOperation() final {
    SmallVector<DecomposableOpInterface> norms;
    getOperation().walk([&](BatchNormOp op) { norms.push_back(op); });
    decompose(getOperation(), norms);
  }
};

} // namespace
} // namespace sluice
