//===- OneDnnKernel.h - A kernel that oneDNN computes -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What a kernel computes is described in terms of sluice/onednn_abi.h; the
// library itself, where this compiler was built with it, tells what it makes of
// a description.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_ONEDNN_ONEDNNKERNEL_H
#define SLUICE_LIB_CODEGEN_ONEDNN_ONEDNNKERNEL_H

#include "sluice/Codegen/Providers/KernelProvider.h"
#include "sluice/onednn_abi.h"

namespace sluice {

/// The libdnnl that artifacts are linked with; empty where this compiler was
/// built without it.
llvm::StringRef getOneDnnLibrary();

struct OneDnnKernel {
  sluice_onednn_kernel description;
  /// In the order of `sluice_onednn_run`; the third is the result.
  llvm::SmallVector<mlir::Value> operands;
  /// What oneDNN says on this machine, with all of its threads.
  sluice_onednn_report report;
};

/// The kernel that computes a group, or the reason why there is none.
/// Products and convolutions, before their weights are packed.
bool isOneDnnAnchor(mlir::Operation *op);

llvm::Expected<OneDnnKernel> describeOneDnnKernel(const KernelGroup &group);

/// Constant weights keep the order of the model, rows upright: the library has
/// its own order, known only where it runs. `unpacked` is set to the reason
/// where the library does not get them as constants.
llvm::SmallVector<OperandPacking, 1> packOneDnnWeights(const KernelGroup &group,
                                                       std::string &unpacked);

/// Builds the code of a kernel whose provider is oneDNN.
llvm::LogicalResult emitOneDnnKernel(KernelBuilder &kernel);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_ONEDNN_ONEDNNKERNEL_H
