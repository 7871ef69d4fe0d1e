//===- KernelToLLVM.h - The kernel dialect to LLVM --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONVERSION_KERNELTOLLVM_KERNELTOLLVM_H
#define SLUICE_CONVERSION_KERNELTOLLVM_KERNELTOLLVM_H

#include "mlir/Pass/Pass.h"

namespace sluice {

#define GEN_PASS_DECL
#include "sluice/Conversion/KernelToLLVM/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "sluice/Conversion/KernelToLLVM/Passes.h.inc"

/// Runs the graph's kernels on buffers; has the frame as its argument.
inline constexpr llvm::StringLiteral hostFunctionName = "sluice_host";
/// Computes the size of the workspace, where the inputs' sizes decide.
inline constexpr llvm::StringLiteral planFunctionName = "sluice_plan";
/// The artifact's entry points.
inline constexpr llvm::StringLiteral runFunctionName = "sluice_run";
inline constexpr llvm::StringLiteral workspaceFunctionName =
    "sluice_workspace_size";

} // namespace sluice

#endif // SLUICE_CONVERSION_KERNELTOLLVM_KERNELTOLLVM_H
