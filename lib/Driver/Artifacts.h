//===- Artifacts.h - From the lowered module to files -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_DRIVER_ARTIFACTS_H
#define SLUICE_LIB_DRIVER_ARTIFACTS_H

#include "sluice/Artifact/Descriptor.h"
#include "sluice/Artifact/Weights.h"
#include "sluice/Driver/Driver.h"

namespace sluice {

/// The model's name in symbols and in its header.
std::string getModelName(const CompileOptions &options);

/// Where the typed header goes; nothing for what has none.
std::optional<std::string> getHeaderPath(const CompileOptions &options);

/// Where the weights go if not into the artifact.
std::optional<std::string> getWeightsPath(const CompileOptions &options);

/// What the descriptor says, from the module on buffers.
llvm::Expected<DescriptorContents>
describeModel(mlir::ModuleOp module, const MachineModel &machine,
              const ProviderRegistry &providers, const CompileOptions &options);

/// Compiles the module in the LLVM dialect and writes what was asked for.
CompileStatus writeMachineCode(mlir::ModuleOp module,
                               const DescriptorContents &contents,
                               const WeightsLayout &weights,
                               const CompileOptions &options,
                               llvm::raw_ostream &diagnostics);

} // namespace sluice

#endif // SLUICE_LIB_DRIVER_ARTIFACTS_H
