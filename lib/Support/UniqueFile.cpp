//===- UniqueFile.cpp - Files with names that nobody has ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Support/UniqueFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"

namespace fs = llvm::sys::fs;

std::error_code sluice::createUniqueFile(llvm::StringRef prefix,
                                         llvm::StringRef ending,
                                         int &descriptor,
                                         llvm::SmallVectorImpl<char> &name) {
  constexpr unsigned tries = 1000;
  std::error_code code;
  for (unsigned number = 0; number < tries; ++number) {
    name.clear();
    (prefix + "." + llvm::Twine(llvm::sys::Process::getProcessId()) + "-" +
     llvm::Twine(number) + ending)
        .toVector(name);
    llvm::StringRef path(name.data(), name.size());
    code = std::make_error_code(std::errc::file_exists);
    if (fs::exists(path))
      continue;
    // Registered before it is there: a signal may come right after that.
    llvm::sys::RemoveFileOnSignal(path);
    code = fs::openFileForReadWrite(path, descriptor, fs::CD_CreateNew,
                                    fs::OF_None);
    if (!code)
      return code;
    llvm::sys::DontRemoveFileOnSignal(path);
    if (code != std::errc::file_exists)
      return code;
  }
  return code;
}
