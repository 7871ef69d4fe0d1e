//===- Version.cpp - Which Sluice this is ---------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Support/Version.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/TargetParser/Host.h"

void sluice::printVersion(llvm::raw_ostream &os) {
  os << "Sluice " SLUICE_VERSION "\n"
     << "LLVM " LLVM_VERSION_STRING "\n"
     << "This machine: " << llvm::sys::getDefaultTargetTriple() << ", "
     << llvm::sys::getHostCPUName() << "\n";
}
