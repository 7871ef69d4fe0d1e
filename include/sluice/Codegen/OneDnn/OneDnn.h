//===- OneDnn.h - Kernels that oneDNN computes ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// oneDNN is an optional provider of products and convolutions, with the
// elementwise ops behind them that it has as post-ops. What a kernel computes
// is described in terms of sluice/onednn_abi.h; the library itself, where this
// compiler was built with it, tells what it makes of a description.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ONEDNN_ONEDNN_H
#define SLUICE_CODEGEN_ONEDNN_ONEDNN_H

#include "mlir/IR/Value.h"
#include "sluice/onednn_abi.h"
#include "llvm/Support/Error.h"

namespace sluice {

class KernelBuilder;
struct MachineModel;

/// The file name of the archive that artifacts with such kernels contain.
inline constexpr llvm::StringLiteral oneDnnArchiveName = "libsluice_onednn.a";

/// The libdnnl that artifacts are linked with; empty where this compiler was
/// built without it.
llvm::StringRef getOneDnnLibrary();

/// Fails where oneDNN cannot be a provider for a machine: where it is missing,
/// or when compiling for another architecture than this one.
llvm::Error checkOneDnn(const MachineModel &machine);

struct OneDnnKernel {
  sluice_onednn_kernel description;
  /// In the order of `sluice_onednn_run`; the third is the result.
  llvm::SmallVector<mlir::Value> operands;
  /// What oneDNN says on this machine, with all of its threads.
  sluice_onednn_report report;
};

/// The kernel that computes `anchor` (a product or a convolution, with packed
/// weights or without) and what follows it up to `result`, or the reason why
/// there is none. `isOutside` tells what the kernel gets as an operand.
llvm::Expected<OneDnnKernel>
describeOneDnnKernel(mlir::Operation *anchor, mlir::Value result,
                     llvm::function_ref<bool(mlir::Value)> isOutside);

/// Builds the code of a kernel whose provider is oneDNN.
llvm::LogicalResult emitOneDnnKernel(KernelBuilder &kernel);

} // namespace sluice

#endif // SLUICE_CODEGEN_ONEDNN_ONEDNN_H
