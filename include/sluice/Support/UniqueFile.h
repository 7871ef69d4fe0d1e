//===- UniqueFile.h - Files with names that nobody has ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_SUPPORT_UNIQUEFILE_H
#define SLUICE_SUPPORT_UNIQUEFILE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <system_error>

namespace sluice {

/// Creates and opens a new file whose name begins with `prefix`, a path, and
/// ends with `ending`. It is removed when a signal ends the process. Unlike
/// LLVM's function of the kind, this takes paths with '%' in them.
std::error_code createUniqueFile(llvm::StringRef prefix, llvm::StringRef ending,
                                 int &descriptor,
                                 llvm::SmallVectorImpl<char> &name);

} // namespace sluice

#endif // SLUICE_SUPPORT_UNIQUEFILE_H
