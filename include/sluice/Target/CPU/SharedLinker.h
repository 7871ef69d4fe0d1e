//===- SharedLinker.h - Objects to a shared library -------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TARGET_CPU_SHAREDLINKER_H
#define SLUICE_TARGET_CPU_SHAREDLINKER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace sluice {

struct SharedLinkOptions {
  std::string triple;
  /// Where the library goes. Written under a temporary name in the same folder
  /// and renamed when complete.
  std::string output;
  /// What messages call the output; empty: its path.
  std::string displayName;
  /// DT_SONAME; empty: the output's file name.
  std::string soname;
  /// The symbols that stay visible; all others become local.
  std::vector<std::string> exports;
  /// Object files, archives or linker scripts on disk.
  std::vector<std::string> inputFiles;
  /// Object files in memory.
  std::vector<llvm::ArrayRef<char>> inputObjects;
  /// Archives and shared libraries that the objects call, in linking order;
  /// a shared one becomes a dependency.
  std::vector<std::string> libraries;
  /// Folders searched for the target's libc and libm before the usual places.
  std::vector<std::string> libraryFolders;
  /// An input section that goes behind all that the code refers to, in a
  /// segment of its own; empty: none. However large, it keeps nothing else
  /// apart.
  std::string lastSection;
};

/// What is to be linked does not fit together or is not there. Other errors are
/// about the place for the result.
class LinkError : public llvm::ErrorInfo<LinkError> {
public:
  static char ID;
  explicit LinkError(std::string message) : message(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  std::string message;
};

/// Links a shared library with LLD, in this process. Calls are serialised: LLD
/// has global state.
///
/// libc and libm become dependencies where the target's are found; otherwise
/// their symbols stay undefined, for the loading process to provide.
llvm::Error linkSharedLibrary(const SharedLinkOptions &options);

/// Joins the inputs to one object file instead. Nothing is resolved against
/// libraries, dropped or hidden; names, libraries and folders in the options
/// are ignored.
llvm::Error linkObject(const SharedLinkOptions &options);

} // namespace sluice

#endif // SLUICE_TARGET_CPU_SHAREDLINKER_H
