//===- Weights.h - The constants of a model as bytes ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ARTIFACT_WEIGHTS_H
#define SLUICE_ARTIFACT_WEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace sluice {

/// The constants that `sluice-layout-weights` placed, in order of offset.
struct WeightsLayout {
  llvm::SmallVector<mlir::ElementsAttr> values;
  /// How each is reordered; empty dictionaries for those that are not.
  llvm::SmallVector<mlir::DictionaryAttr> packings;
  llvm::SmallVector<int64_t> offsets;
  int64_t bytes = 0;
};

WeightsLayout getWeightsLayout(mlir::ModuleOp module);

/// The bytes of one constant in storage types (bool is a byte), little-endian
/// and contiguous. `scratch` may be used to hold them.
llvm::Expected<llvm::ArrayRef<char>>
getConstantBytes(mlir::ElementsAttr value, std::vector<char> &scratch);

/// Hands all bytes, padding included, to `sink`, constant by constant, so that
/// no copy of all weights is ever made.
llvm::Error
streamWeights(const WeightsLayout &layout,
              llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)> sink);

/// xxHash64 of the weights, as the loader computes it.
llvm::Expected<uint64_t> hashWeights(const WeightsLayout &layout);

/// The symbol that stands for the weights in an object file.
inline constexpr llvm::StringLiteral weightsSymbolName = "sluice_model_weights";

/// Writes a relocatable ELF file whose only section holds the weights under
/// `symbol` (hidden).
llvm::Error writeWeightsObject(const WeightsLayout &layout,
                               llvm::StringRef symbol, bool isAArch64,
                               llvm::raw_ostream &os);

} // namespace sluice

#endif // SLUICE_ARTIFACT_WEIGHTS_H
