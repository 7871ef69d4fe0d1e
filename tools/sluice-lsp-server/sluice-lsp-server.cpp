//===- sluice-lsp-server.cpp - Helps editors with MLIR files --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "sluice/Pipeline/Pipeline.h"
#include "sluice/Support/Version.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/LogicalResult.h"

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter(sluice::printVersion);
  mlir::DialectRegistry registry;
  sluice::registerDialects(registry);
  return mlir::succeeded(mlir::MlirLspServerMain(argc, argv, registry)) ? 0 : 1;
}
