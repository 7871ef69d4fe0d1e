//===- sluice-opt.cpp - Runs passes and pipelines on MLIR files -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "sluice/Pipeline/Pipeline.h"
#include "sluice/Support/Version.h"
#include "llvm/Support/CommandLine.h"

static const char *const overview =
    R"(Sluice: runs passes and stages of the compiler on MLIR files

  sluicec net.onnx --emit=sluice -o net.mlir          makes such a file
  sluice-opt net.mlir --sluice-optimize               graph passes
  sluice-opt net.mlir --sluice-optimize --sluice-form-kernels-pipeline
                                                      ... and kernels
  sluice-opt net.mlir --sluice-infer-shapes           one pass of them

Standard input is read when no file is given.
)";

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter(sluice::printVersion);
  mlir::DialectRegistry registry;
  sluice::registerDialects(registry);
  sluice::registerPassesAndPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, overview, registry));
}
