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
// What they make code for is the module's `kernel.target`, which
// --sluice-set-target sets; without one it is this machine.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_PIPELINE_PIPELINE_H
#define SLUICE_PIPELINE_PIPELINE_H

#include "mlir/Pass/PassOptions.h"
#include "sluice/Pipeline/Providers.h"
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace sluice {

struct KernelOptions : mlir::PassPipelineOptions<KernelOptions> {
  PassOptions::Option<std::string> kernels{
      *this, "kernels",
      llvm::cl::desc("Who makes the code of products and convolutions, as far "
                     "as they can"),
      llvm::cl::init("builtin")};
  PassOptions::Option<bool> keepSubnormals{
      *this, "keep-subnormals",
      llvm::cl::desc("No kernel counts subnormal numbers as zero"),
      llvm::cl::init(false)};
  PassOptions::Option<bool> emulateDotUnits{
      *this, "emulate-dot-units",
      llvm::cl::desc("Spell out in plain arithmetic what multiplies"),
      llvm::cl::init(false)};
  /// Who there is to make it.
  Providers providers = createProviders();
};

struct OptimizeOptions : mlir::PassPipelineOptions<OptimizeOptions> {
  PassOptions::Option<std::string> convBn{
      *this, "convbn",
      llvm::cl::desc("How batch normalisation meets convolutions: deploy, tune "
                     "or eval"),
      llvm::cl::init("deploy")};
  PassOptions::Option<bool> keepDenseExperts{
      *this, "keep-dense-experts",
      llvm::cl::desc("Sums over all experts of a layer stay as they are"),
      llvm::cl::init(false)};
  PassOptions::Option<bool> keepSubnormals{
      *this, "keep-subnormals",
      llvm::cl::desc("Nor do the kernels that evaluate constants count "
                     "subnormal numbers as zero"),
      llvm::cl::init(false)};
  /// See WeightsLayout; may be empty.
  std::function<void()> dropReadPages;
  /// Whether the passes that compile constants verify what each left.
  bool verifyEachPass = false;
  /// Names of passes that are left out; see listOptionalPasses.
  std::vector<std::string> without;
};

/// All dialects a compilation may meet.
void registerDialects(mlir::DialectRegistry &registry);

void buildOptimizePipeline(mlir::OpPassManager &manager,
                           const OptimizeOptions &options);
/// The names of that pipeline's passes which programs are right without.
std::vector<std::string> listOptionalPasses();
void buildFormKernelsPipeline(mlir::OpPassManager &manager,
                              const KernelOptions &options);
/// Kernels and host function to loops and buffers, with places for all.
void buildEmitPipeline(mlir::OpPassManager &manager,
                       const KernelOptions &options);
/// From there to the LLVM dialect.
void buildLLVMPipeline(mlir::OpPassManager &manager);
/// Both.
void buildLowerCpuPipeline(mlir::OpPassManager &manager,
                           const KernelOptions &options);

/// Makes passes and pipelines known to command-line tools.
void registerPassesAndPipelines();

} // namespace sluice

#endif // SLUICE_PIPELINE_PIPELINE_H
