//===- Descriptor.h - The model descriptor of an artifact -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ARTIFACT_DESCRIPTOR_H
#define SLUICE_ARTIFACT_DESCRIPTOR_H

#include "mlir/IR/BuiltinOps.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Artifact/ModelSignature.h"
#include "sluice/Codegen/Providers/KernelProvider.h"

namespace sluice {

/// One launch of a kernel, for profiles.
struct KernelInfo {
  std::string name;
  std::string kind;
  std::string nodes;
  double flops = -1;
  double bytes = -1;
};

struct DescriptorContents {
  ModelSignature signature;
  std::vector<KernelInfo> kernels;
  MachineModel machine;
  int64_t weightsBytes = 0;
  /// The name of a side file beside the artifact; empty where weights are
  /// embedded.
  std::string weightsFile;
  /// What the kernels need beside the artifact's own code.
  LinkRequirements requirements;
  int64_t workspaceBytes = -1;
  int64_t livenessBound = -1;
};

/// The name of a linked model's descriptor, which its typed header declares.
std::string descriptorSymbol(const ModelSignature &signature);

/// All names that an artifact may have its descriptor under.
std::vector<std::string> descriptorSymbols(const ModelSignature &signature);

/// The section of embedded weights. On x86-64 linkers keep sections of this
/// name away from code, so that it reaches its other data whatever their size.
inline constexpr llvm::StringLiteral weightsSectionName =
    ".lrodata.sluice_weights";

/// Adds the descriptor (see artifact_abi.h) to a module in the LLVM dialect
/// that has the entry points; everything but the descriptor becomes internal.
/// It is exported under its `descriptorSymbol` and, with `shared`, under the
/// name that loaders look for.
///
/// For embedded weights, their section gets their size but no contents: a
/// linker would hold those in memory, twice. `ArtifactFile` appends them to
/// the linked file and fills in their checksum, which is 0 until then.
void addDescriptor(mlir::ModuleOp module, const DescriptorContents &contents,
                   bool shared);

} // namespace sluice

#endif // SLUICE_ARTIFACT_DESCRIPTOR_H
