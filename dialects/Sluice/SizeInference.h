//===- SizeInference.h - Sizes that tensors say -----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_SIZEINFERENCE_H
#define SLUICE_DIALECTS_SLUICE_SIZEINFERENCE_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace sluice {

/// Element `index` of a tensor of sizes, as types say it: dynamic where only a
/// run knows it. An error, which calls it `what`, where it is known and below
/// `least`: so the lowest number of all, which types take for a dynamic size,
/// never passes for one.
llvm::FailureOr<int64_t> inferSize(std::optional<mlir::Location> location,
                                   mlir::Value sizes, int64_t index,
                                   llvm::StringRef what = "size",
                                   int64_t least = 0);

/// Checks the shape of the vector that holds a result's sizes: only a known
/// number of dimensions is compiled.
llvm::LogicalResult verifyShapeVector(std::optional<mlir::Location> location,
                                      llvm::ArrayRef<int64_t> shape);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_SIZEINFERENCE_H
