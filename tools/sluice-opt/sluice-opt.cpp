//===- sluice-opt.cpp - Runs passes and pipelines on MLIR files -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "sluice/Codegen/CPU/Passes.h"
#include "sluice/Conversion/LowerToLLVM/LowerToLLVM.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<sluice::SluiceDialect, sluice::kernel::KernelDialect>();
  mlir::registerAllPasses();
  sluice::registerCodegenCPUPasses();
  sluice::registerLowerToLLVM();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Sluice pass driver\n", registry));
}
