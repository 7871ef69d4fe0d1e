//===- Pipeline.h - The stages of compilation by name -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Each stage is a function on a pass manager and a pipeline of sluice-opt:
//
//   --sluice-optimize           graphs: canonical forms, constants, patterns
//   --sluice-lower-to-kernels   groups ops into kernels and outlines them
//   --sluice-lower-cpu          kernels and host to the LLVM dialect
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_PIPELINE_PIPELINE_H
#define SLUICE_PIPELINE_PIPELINE_H

#include "mlir/Pass/PassOptions.h"
#include <string>

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace sluice {

struct TargetOptions : mlir::PassPipelineOptions<TargetOptions> {
  PassOptions::Option<std::string> triple{
      *this, "triple", llvm::cl::desc("Target triple; empty for the host's"),
      llvm::cl::init("")};
  PassOptions::Option<std::string> cpu{*this, "cpu",
                                       llvm::cl::desc("Target CPU, or native"),
                                       llvm::cl::init("native")};
  PassOptions::Option<std::string> kernels{
      *this, "kernels",
      llvm::cl::desc("Who makes the code of products and convolutions: builtin "
                     "or onednn"),
      llvm::cl::init("builtin")};
  PassOptions::Option<bool> keepSubnormals{
      *this, "keep-subnormals",
      llvm::cl::desc("No kernel counts subnormal numbers as zero"),
      llvm::cl::init(false)};
  PassOptions::Option<bool> emulateDotUnits{
      *this, "emulate-dot-units",
      llvm::cl::desc("Spell out in plain arithmetic what multiplies"),
      llvm::cl::init(false)};
};

struct OptimizeOptions : mlir::PassPipelineOptions<OptimizeOptions> {
  PassOptions::Option<std::string> convBn{
      *this, "convbn",
      llvm::cl::desc("How batch normalisation meets convolutions: deploy, tune "
                     "or eval"),
      llvm::cl::init("deploy")};
  PassOptions::Option<bool> keepSubnormals{
      *this, "keep-subnormals",
      llvm::cl::desc("Nor do the kernels that evaluate constants count "
                     "subnormal numbers as zero"),
      llvm::cl::init(false)};
  /// See WeightsLayout; may be empty.
  std::function<void()> dropReadPages;
  /// Whether the passes that compile constants verify what each left.
  bool verifyEachPass = false;
};

/// All dialects a compilation may meet.
void registerDialects(mlir::DialectRegistry &registry);

void buildOptimizePipeline(mlir::OpPassManager &manager,
                           const OptimizeOptions &options);
void buildFormKernelsPipeline(mlir::OpPassManager &manager,
                              const TargetOptions &options);
/// Kernels and host function to loops and buffers, with places for all.
void buildEmitPipeline(mlir::OpPassManager &manager,
                       const TargetOptions &options);
/// From there to the LLVM dialect.
void buildLLVMPipeline(mlir::OpPassManager &manager,
                       const TargetOptions &options);
/// Both.
void buildLowerCpuPipeline(mlir::OpPassManager &manager,
                           const TargetOptions &options);

/// Makes passes and pipelines known to command-line tools.
void registerPassesAndPipelines();

} // namespace sluice

#endif // SLUICE_PIPELINE_PIPELINE_H
