//===- Version.h - Which Sluice this is -------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_SUPPORT_VERSION_H
#define SLUICE_SUPPORT_VERSION_H

#include "llvm/Support/raw_ostream.h"

namespace sluice {

/// Prints the versions of Sluice and LLVM, and the CPU that code is compiled
/// for unless another one is named; for --version.
void printVersion(llvm::raw_ostream &os);

} // namespace sluice

#endif // SLUICE_SUPPORT_VERSION_H
