//===- Description.h - Parts of a oneDNN kernel's description ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_ONEDNN_DESCRIPTION_H
#define SLUICE_LIB_CODEGEN_ONEDNN_DESCRIPTION_H

#include "OneDnnKernel.h"

namespace sluice {

/// Describes the ops from `sums`, the anchor's result, to `result` as a bias
/// and post-ops.
llvm::Error describePostOps(mlir::Value sums, mlir::Value result,
                            llvm::function_ref<bool(mlir::Value)> isOutside,
                            OneDnnKernel &kernel);

/// Asks oneDNN what it makes of a description; fails where that is nothing
/// useful.
llvm::Error inspectOneDnnKernel(const sluice_onednn_kernel &description,
                                sluice_onednn_report &report);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_ONEDNN_DESCRIPTION_H
