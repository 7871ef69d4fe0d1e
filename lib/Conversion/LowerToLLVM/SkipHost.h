//===- SkipHost.h - Passes that need not see the host -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CONVERSION_LOWERTOLLVM_SKIPHOST_H
#define SLUICE_LIB_CONVERSION_LOWERTOLLVM_SKIPHOST_H

#include "mlir/Pass/Pass.h"

namespace sluice {

/// Runs a pass for functions on all but those of the host's that have no
/// operation of a dialect when it comes to them: conversions look at every
/// operation, several times, and the host function, which is as long as the
/// graph, has nothing for most.
std::unique_ptr<mlir::Pass>
createSkippingHost(llvm::StringRef dialect, std::unique_ptr<mlir::Pass> pass);

} // namespace sluice

#endif // SLUICE_LIB_CONVERSION_LOWERTOLLVM_SKIPHOST_H
