//===- sluice-opt.cpp - Runs passes and pipelines on MLIR files -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "OutOfMemory.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "sluice/Pipeline/Pipeline.h"
#include "sluice/Support/Version.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include <cstdlib>
#include <new>

static const char *const overview =
    R"(Sluice: runs passes and stages of the compiler on MLIR files

  sluicec net.onnx --emit=sluice -o net.mlir          makes such a file
  sluice-opt net.mlir --sluice-optimize               graph passes
  sluice-opt net.mlir --sluice-optimize --sluice-lower-to-kernels
                                                      ... and kernels
  sluice-opt net.mlir --sluice-infer-shapes           one pass of them

Standard input is read when no file is given.
)";

/// What sluicec exits with where compiling fails.
static constexpr int compileFailed = 4;

int main(int argc, char **argv) {
  sluice::endWhenOutOfMemory(compileFailed);
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { std::get_new_handler()(); });
  llvm::cl::SetVersionPrinter(sluice::printVersion);
  mlir::DialectRegistry registry;
  sluice::registerDialects(registry);
  sluice::registerPassesAndPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, overview, registry));
}
