//===- OutputFile.cpp - Files that appear when complete -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"

using namespace sluice;

static llvm::Error writeError(llvm::StringRef path, std::error_code code) {
  return llvm::createStringError(code, "cannot write '%s': %s",
                                 path.str().c_str(), code.message().c_str());
}

llvm::Error
sluice::writeFile(llvm::StringRef path,
                  llvm::function_ref<llvm::Error(llvm::raw_ostream &)> write) {
  // Standard output, a device or a pipe is written as it is.
  llvm::sys::fs::file_status status;
  bool isStandard = path.empty() || path == "-";
  if (isStandard || (!llvm::sys::fs::status(path, status) &&
                     !llvm::sys::fs::is_regular_file(status))) {
    std::error_code code;
    llvm::raw_fd_ostream os(isStandard ? "-" : path, code);
    if (code)
      return writeError(path, code);
    if (llvm::Error error = write(os))
      return error;
    os.flush();
    if (std::error_code failure = os.error()) {
      os.clear_error();
      return writeError(path, failure);
    }
    return llvm::Error::success();
  }
  auto file = llvm::sys::fs::TempFile::create(
      path + ".%%%%%%.tmp", llvm::sys::fs::all_read | llvm::sys::fs::all_write);
  if (!file)
    return writeError(path, llvm::errorToErrorCode(file.takeError()));
  std::error_code failure;
  llvm::Error result = llvm::Error::success();
  {
    llvm::raw_fd_ostream os(file->FD, /*shouldClose=*/false);
    if (llvm::Error error = write(os))
      result = llvm::joinErrors(std::move(result), std::move(error));
    os.flush();
    failure = os.error();
    os.clear_error();
  }
  if (result || failure) {
    llvm::consumeError(file->discard());
    if (failure) {
      llvm::consumeError(std::move(result));
      return writeError(path, failure);
    }
    return result;
  }
  if (llvm::Error error = file->keep(path)) {
    std::error_code code = llvm::errorToErrorCode(std::move(error));
    llvm::consumeError(file->discard());
    return writeError(path, code);
  }
  return llvm::Error::success();
}

llvm::Expected<TemporaryFile> TemporaryFile::create(llvm::StringRef suffix) {
  llvm::SmallString<128> path;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("sluice", suffix, path))
    return llvm::createStringError(code, "cannot make a temporary file: %s",
                                   code.message().c_str());
  llvm::sys::RemoveFileOnSignal(path);
  return TemporaryFile(std::string(path));
}

TemporaryFile::~TemporaryFile() {
  if (path.empty())
    return;
  llvm::sys::fs::remove(path);
  llvm::sys::DontRemoveFileOnSignal(path);
}
