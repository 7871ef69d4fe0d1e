//===- Limits.h - Bounds of numbers in attributes ---------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_KERNEL_LIMITS_H
#define SLUICE_DIALECTS_KERNEL_LIMITS_H

#include "mlir/IR/Diagnostics.h"
#include <optional>

namespace sluice::kernel {

/// A parameter of an attribute, if it is given, and what it may be.
struct Limit {
  llvm::StringRef name;
  std::optional<int64_t> value;
  int64_t least, most;
};

/// Fails, with a message, at the first parameter outside its bounds.
llvm::LogicalResult
verifyLimits(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
             llvm::ArrayRef<Limit> limits);

} // namespace sluice::kernel

#endif // SLUICE_DIALECTS_KERNEL_LIMITS_H
