//===- OutputFile.h - Files that appear when complete -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_DRIVER_OUTPUTFILE_H
#define SLUICE_LIB_DRIVER_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace sluice {

/// Writes a file under a temporary name in its folder and renames it when
/// `write` succeeded; on failure, and on a signal, nothing is left. An empty
/// path or "-" is standard output.
llvm::Error
writeFile(llvm::StringRef path,
          llvm::function_ref<llvm::Error(llvm::raw_ostream &)> write);

/// A file in the temporary folder that is removed at the end of its life, or
/// when a signal ends the process.
class TemporaryFile {
public:
  static llvm::Expected<TemporaryFile> create(llvm::StringRef suffix);
  TemporaryFile(TemporaryFile &&other) : path(std::move(other.path)) {
    other.path.clear();
  }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  ~TemporaryFile();

  std::string path;

private:
  explicit TemporaryFile(std::string path) : path(std::move(path)) {}
};

} // namespace sluice

#endif // SLUICE_LIB_DRIVER_OUTPUTFILE_H
