//===- SplitModule.h - A module in parts to compile apart -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TARGET_CPU_SPLITMODULE_H
#define SLUICE_TARGET_CPU_SPLITMODULE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringSet.h"
#include <vector>

namespace sluice {

/// Parts of one module in the LLVM dialect.
struct SplitModule {
  struct Part {
    mlir::OwningOpRef<mlir::ModuleOp> module;
    /// It is one long function that only calls kernels, for which LLVM's
    /// optimiser, register allocator and scheduler take more than linear time
    /// without making a run faster.
    bool isLongHost = false;
  };
  std::vector<Part> parts;
  /// Symbols that are internal to the whole, defined in one part and used in
  /// another. Their definitions have become external; whoever makes code of the
  /// parts keeps them from being seen by others.
  llvm::StringSet<> shared;
};

/// Moves the functions and globals of `module` into parts, in their order. A
/// part ends when it has `partSize` operations, which depends on the module
/// alone, so that code does not depend on how many threads compile it. A
/// function that is marked as the host's and has more than `longHost`
/// operations, or is marked as a piece of a long one, is a part of its own.
/// What a part uses of others is declared in it.
SplitModule splitModule(mlir::ModuleOp module, int64_t partSize,
                        int64_t longHost);

} // namespace sluice

#endif // SLUICE_TARGET_CPU_SPLITMODULE_H
