//===- sluicec.cpp - Compiles ONNX models ---------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include "llvm/Support/InitLLVM.h"

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  int exitCode = 0;
  auto options = sluice::parseCommandLine(argc, argv, exitCode);
  if (!options)
    return exitCode;
  return static_cast<int>(sluice::compile(*options, llvm::errs()));
}
