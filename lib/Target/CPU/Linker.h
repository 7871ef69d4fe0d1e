//===- Linker.h - Calls of LLD in this process ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TARGET_CPU_LINKER_H
#define SLUICE_LIB_TARGET_CPU_LINKER_H

#include "lld/Common/Driver.h"
#include "llvm/Support/Error.h"
#include <mutex>

namespace sluice {

/// One of LLD's linkers. Its state belongs to the process, so there is to be
/// one of these for each, which lets callers in one after the other. After a
/// breakdown that state may be anything, and every further call is an error.
class Linker {
public:
  explicit Linker(lld::Driver driver) : driver(driver) {}

  /// Links as the command line says, which begins with the linker's name. What
  /// LLD printed is the message of the error, a `LinkError`.
  llvm::Error run(llvm::ArrayRef<std::string> commandLine);

private:
  lld::Driver driver;
  std::mutex mutex;
  bool isBroken = false;
};

} // namespace sluice

#endif // SLUICE_LIB_TARGET_CPU_LINKER_H
