//===- Weights.h - The constants of a model as bytes ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ARTIFACT_WEIGHTS_H
#define SLUICE_ARTIFACT_WEIGHTS_H

#include "dialects/Kernel/PackingInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <functional>

namespace sluice {

/// The constants that `sluice-layout-weights` placed, in order of offset.
struct WeightsLayout {
  struct Constant {
    mlir::ElementsAttr value;
    /// How it is reordered; null where it is not.
    kernel::PackingAttrInterface packing;
    int64_t offset;
  };
  llvm::SmallVector<Constant> constants;
  int64_t bytes = 0;
  /// Takes the pages of mapped files that values lie in out of memory; they are
  /// read again when needed. Called now and then while weights are streamed.
  std::function<void()> dropReadPages;
};

WeightsLayout getWeightsLayout(mlir::ModuleOp module);

/// Takes the next bytes of the weights.
using WeightsSink = llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)>;

/// Hands all bytes, padding included, to `sink` in pieces, so that no copy of
/// all weights is ever made.
llvm::Error streamWeights(const WeightsLayout &layout, WeightsSink sink);

} // namespace sluice

#endif // SLUICE_ARTIFACT_WEIGHTS_H
