//===- OutputFile.cpp - Files that appear when complete -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "OutputFile.h"
#include "sluice/Support/UniqueFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"

using namespace sluice;
namespace fs = llvm::sys::fs;

static llvm::Error writeError(llvm::StringRef path, const llvm::Twine &reason) {
  return llvm::createStringError("cannot write '" + path + "': " + reason);
}

static bool isStandardOutput(llvm::StringRef path) {
  return path.empty() || path == "-";
}

bool sluice::isStream(llvm::StringRef path) {
  fs::file_status status;
  return isStandardOutput(path) ||
         (!fs::status(path, status) && !fs::is_regular_file(status) &&
          !fs::is_directory(status));
}

/// The file behind links: it is what gets replaced, the link stays.
static std::string resolveLinks(llvm::StringRef path) {
  llvm::SmallString<256> resolved;
  return fs::real_path(path, resolved) ? path.str() : resolved.str().str();
}

llvm::Error sluice::checkOutputPath(llvm::StringRef path) {
  if (isStandardOutput(path))
    return llvm::Error::success();
  if (fs::is_directory(path))
    return writeError(path, "it is a folder");
  if (fs::exists(path))
    if (std::error_code code = fs::access(path, fs::AccessMode::Write))
      return writeError(path, code.message());
  if (isStream(path))
    return llvm::Error::success();
  std::string target = resolveLinks(path);
  llvm::StringRef folder = llvm::sys::path::parent_path(target);
  if (folder.empty())
    folder = ".";
  if (!fs::exists(folder))
    return writeError(path, "there is no folder '" + folder + "'");
  if (!fs::is_directory(folder))
    return writeError(path, "'" + folder + "' is not a folder");
  if (std::error_code code = fs::access(folder, fs::AccessMode::Write))
    return writeError(path, "the folder '" + folder +
                                "' cannot be written: " + code.message());
  return llvm::Error::success();
}

/// Writes to what is at `path`; `name` is for messages.
static llvm::Error writeInPlace(llvm::StringRef path, llvm::StringRef name,
                                FileWriter write) {
  std::error_code failure;
  llvm::raw_fd_ostream os(isStandardOutput(path) ? "-" : path, failure);
  if (failure)
    return writeError(name, failure.message());
  llvm::Error result = write(os);
  os.flush();
  failure = os.error();
  os.clear_error();
  if (!failure)
    return result;
  llvm::consumeError(std::move(result));
  return writeError(name, failure.message());
}

llvm::Error sluice::writeFile(llvm::StringRef path, FileWriter write) {
  if (isStream(path))
    return writeInPlace(path, path, write);
  auto file = TemporaryFile::createFor(path);
  if (!file)
    return file.takeError();
  if (llvm::Error error = file->write(write))
    return error;
  return file->moveToTarget();
}

static llvm::Expected<std::string> createFile(llvm::StringRef prefix,
                                              llvm::StringRef ending,
                                              llvm::StringRef target) {
  llvm::SmallString<128> path;
  int descriptor = -1;
  if (std::error_code code = createUniqueFile(prefix, ending, descriptor, path))
    return writeError(target, code.message());
  llvm::sys::Process::SafelyCloseFileDescriptor(descriptor);
  return path.str().str();
}

/// Where temporary files' names begin.
static llvm::SmallString<128> temporaryPrefix() {
  llvm::SmallString<128> prefix;
  llvm::sys::path::system_temp_directory(/*ErasedOnReboot=*/true, prefix);
  llvm::sys::path::append(prefix, "sluice");
  return prefix;
}

llvm::Expected<TemporaryFile> TemporaryFile::create(llvm::StringRef ending) {
  llvm::SmallString<128> prefix = temporaryPrefix();
  auto path = createFile(prefix, ending, prefix);
  if (!path)
    return path.takeError();
  return TemporaryFile(*path, *path);
}

llvm::Expected<TemporaryFile> TemporaryFile::createFor(llvm::StringRef target) {
  // A stream gets a copy.
  auto path = isStream(target)
                  ? createFile(temporaryPrefix(), ".out", target)
                  : createFile(resolveLinks(target), ".tmp", target);
  if (!path)
    return path.takeError();
  return TemporaryFile(*path, target);
}

llvm::Error TemporaryFile::write(FileWriter write) {
  return writeInPlace(path, target, write);
}

llvm::Error TemporaryFile::moveToTarget() {
  if (isStream(target)) {
    auto content =
        llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                    /*RequiresNullTerminator=*/false);
    if (!content)
      return writeError(target, content.getError().message());
    return writeInPlace(target, target, [&](llvm::raw_ostream &os) {
      os << (*content)->getBuffer();
      return llvm::Error::success();
    });
  }
  if (std::error_code code = fs::rename(path, resolveLinks(target)))
    return writeError(target, code.message());
  llvm::sys::DontRemoveFileOnSignal(path);
  path.clear();
  return llvm::Error::success();
}

TemporaryFile::~TemporaryFile() {
  if (path.empty())
    return;
  fs::remove(path);
  llvm::sys::DontRemoveFileOnSignal(path);
}
