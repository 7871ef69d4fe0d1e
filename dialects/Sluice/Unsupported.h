//===- Unsupported.h - What is legal but not compiled -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Errors of type inference and verification say that an op's rules are broken.
// Some ops keep the rules and still cannot be compiled: the rank of their
// result is known at run time only, or a size is beyond what is computed with.
// Those errors carry a mark, so that an import tells one from the other.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_UNSUPPORTED_H
#define SLUICE_DIALECTS_SLUICE_UNSUPPORTED_H

#include "mlir/IR/Diagnostics.h"
#include <optional>

namespace sluice {

/// An error with the mark.
mlir::InFlightDiagnostic emitUnsupported(mlir::Location location);

/// As MLIR's `emitOptionalError`, with the mark.
template <typename... Args>
llvm::LogicalResult
emitOptionalUnsupported(std::optional<mlir::Location> location,
                        Args &&...args) {
  if (location) {
    mlir::InFlightDiagnostic diagnostic = emitUnsupported(*location);
    (void)(diagnostic << ... << std::forward<Args>(args));
  }
  return llvm::failure();
}

/// Does the error carry the mark?
bool isUnsupported(mlir::Diagnostic &diagnostic);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_UNSUPPORTED_H
