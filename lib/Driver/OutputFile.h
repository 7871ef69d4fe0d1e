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

/// Whether `path` is standard output, a device or a pipe: something that is
/// written to, not replaced.
bool isStream(llvm::StringRef path);

/// Says why a file could not be put at `path`, before work is spent on it.
llvm::Error checkOutputPath(llvm::StringRef path);

/// Writes the content of a file.
using FileWriter = llvm::function_ref<llvm::Error(llvm::raw_ostream &)>;

/// Writes a file under a temporary name in its folder and renames it when
/// `write` succeeded; on failure, and on a signal, nothing is left. An empty
/// path or "-" is standard output.
llvm::Error writeFile(llvm::StringRef path, FileWriter write);

/// A file that is removed at the end of its life, or when a signal ends the
/// process.
class TemporaryFile {
public:
  /// Makes one in the folder for temporary files.
  static llvm::Expected<TemporaryFile> create(llvm::StringRef ending);
  /// Makes one that can become `target`.
  static llvm::Expected<TemporaryFile> createFor(llvm::StringRef target);
  TemporaryFile(TemporaryFile &&other)
      : path(std::move(other.path)), target(std::move(other.target)) {
    other.path.clear();
  }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  ~TemporaryFile();

  llvm::Error write(FileWriter write);
  /// Puts the file where it belongs: renames it, or copies it to a stream.
  llvm::Error moveToTarget();

  std::string path;

private:
  TemporaryFile(llvm::StringRef path, llvm::StringRef target)
      : path(path), target(target) {}

  /// What the file will become; messages are about this.
  std::string target;
};

} // namespace sluice

#endif // SLUICE_LIB_DRIVER_OUTPUTFILE_H
