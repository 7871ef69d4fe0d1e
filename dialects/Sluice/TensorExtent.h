//===- TensorExtent.h - How large tensors may be ----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_TENSOREXTENT_H
#define SLUICE_DIALECTS_SLUICE_TENSOREXTENT_H

#include "mlir/IR/Location.h"
#include "mlir/IR/Types.h"
#include "llvm/Support/LogicalResult.h"
#include <cstdint>
#include <optional>

namespace sluice {

/// The most dimensions a tensor may have, as in the runtime.
constexpr int64_t maxRank = 64;

/// Fails where a tensor has too many dimensions or more bytes than any memory,
/// so that sizes, strides and offsets can be multiplied without overflow.
llvm::LogicalResult verifyExtent(std::optional<mlir::Location> location,
                                 mlir::Type type);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_TENSOREXTENT_H
