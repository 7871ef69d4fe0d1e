//===- ExternalData.cpp - Weights beside the model file -------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "ExternalData.h"

#include "Messages.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace sluice;
using namespace sluice::onnx_detail;
namespace path = llvm::sys::path;

llvm::Expected<SharedBuffer>
sluice::onnx_detail::mapFile(llvm::StringRef filePath) {
  // A path with a zero byte would name another file to the system than to us.
  if (filePath.contains('\0'))
    return makeError("the path has a zero byte in it");
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(filePath, status))
    return makeError(code.message());
  // Devices and pipes could go on for ever.
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return makeError("not a regular file");
  // A buffer without terminator can be mapped whatever the size of the file.
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      llvm::MemoryBuffer::getFile(filePath, /*IsText=*/false,
                                  /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeError(buffer.getError().message());
  return SharedBuffer(std::move(*buffer));
}

ExternalData ExternalData::forModelFile(llvm::StringRef modelPath) {
  llvm::StringRef parent = path::parent_path(modelPath);
  ExternalData data = forFolder(parent.empty() ? "." : parent);
  llvm::SmallString<256> resolved;
  if (!llvm::sys::fs::real_path(modelPath, resolved))
    data.allowedFolders.push_back(path::parent_path(resolved).str());
  return data;
}

ExternalData ExternalData::forFolder(llvm::StringRef folder) {
  ExternalData data;
  data.folder = folder.str();
  llvm::SmallString<256> resolved;
  if (!folder.empty() && !llvm::sys::fs::real_path(folder, resolved))
    data.allowedFolders.push_back(resolved.str().str());
  return data;
}

/// Whether `file` is below `folder`; both absolute and without links.
static bool isInside(llvm::StringRef file, llvm::StringRef folder) {
  auto fileName = path::begin(file), fileEnd = path::end(file);
  auto folderName = path::begin(folder), folderEnd = path::end(folder);
  for (; folderName != folderEnd; ++folderName, ++fileName)
    if (fileName == fileEnd || *fileName != *folderName)
      return false;
  return fileName != fileEnd;
}

llvm::Expected<std::string>
ExternalData::resolve(llvm::StringRef location) const {
  if (folder.empty())
    return makeError("external data is not allowed here");
  if (location.empty())
    return makeError("the location is empty");
  if (location.contains('\0'))
    return makeError("the location has a zero byte in it");
  // Both kinds of separators and roots count, wherever the model was made.
  for (path::Style style : {path::Style::posix, path::Style::windows})
    if (path::has_root_path(location, style))
      return makeError("the location is absolute; it must be relative to the "
                       "model's folder");
  for (llvm::StringRef part : llvm::make_range(
           path::begin(location, path::Style::windows), path::end(location)))
    if (part == "..")
      return makeError("the location leaves the model's folder");

  llvm::SmallString<256> joined(folder);
  path::append(joined, location);
  llvm::SmallString<256> resolved;
  if (std::error_code code = llvm::sys::fs::real_path(joined, resolved))
    return makeError(code.message());
  for (const std::string &allowed : allowedFolders)
    if (isInside(resolved, allowed))
      return resolved.str().str();
  return makeError("a symbolic link leads out of the model's folder, to " +
                   quote(resolved));
}

llvm::Expected<SharedBuffer> ExternalData::open(llvm::StringRef location) {
  auto known = files.find(location);
  if (known != files.end())
    return known->second;
  llvm::Expected<std::string> resolved = resolve(location);
  if (!resolved)
    return resolved.takeError();
  llvm::Expected<SharedBuffer> buffer = mapFile(*resolved);
  if (buffer)
    files[location] = *buffer;
  return buffer;
}

llvm::Expected<ExternalData::Slice>
ExternalData::slice(const ExternalLocation &where, uint64_t size) {
  std::string context = "external data " + quote(where.location);
  llvm::Expected<SharedBuffer> buffer = open(where.location);
  if (!buffer)
    return addContext(context, buffer.takeError());
  if (where.length && *where.length != size)
    return makeError(context + ": the length is " + llvm::Twine(*where.length) +
                     " bytes, but type and shape need " + llvm::Twine(size));
  uint64_t available = (*buffer)->getBufferSize();
  if (where.offset > available || size > available - where.offset)
    return makeError(context + ": " + llvm::Twine(size) +
                     " bytes from offset " + llvm::Twine(where.offset) +
                     " end past the file's " + llvm::Twine(available) +
                     " bytes");
  Slice result;
  result.bytes = llvm::ArrayRef<char>(
      (*buffer)->getBufferStart() + where.offset, static_cast<size_t>(size));
  result.owner = *buffer;
  return result;
}

std::vector<SharedBuffer> ExternalData::openFiles() const {
  std::vector<SharedBuffer> opened;
  for (const auto &file : files)
    opened.push_back(file.second);
  return opened;
}
