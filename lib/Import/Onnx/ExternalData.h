//===- ExternalData.h - Weights beside the model file ------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_EXTERNALDATA_H
#define SLUICE_LIB_IMPORT_ONNX_EXTERNALDATA_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::onnx_detail {

using SharedBuffer = std::shared_ptr<const llvm::MemoryBuffer>;

/// Maps a regular file for reading.
llvm::Expected<SharedBuffer> mapFile(llvm::StringRef path);

/// Where a tensor says its bytes are.
struct ExternalLocation {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

/// The external-data files of one model, each mapped once. A model is not
/// trusted: it may only name files in its own folder.
class ExternalData {
public:
  /// For a model file: data may lie in the folder of `modelPath`, or, if that
  /// is a symbolic link, in the folder of the file it stands for (the layout of
  /// download caches that keep files under their hash).
  static ExternalData forModelFile(llvm::StringRef modelPath);
  /// For a model without a file; none is allowed when `folder` is empty.
  static ExternalData forFolder(llvm::StringRef folder);

  struct Slice {
    llvm::ArrayRef<char> bytes;
    SharedBuffer owner;
  };
  /// The `size` bytes of a tensor.
  llvm::Expected<Slice> slice(const ExternalLocation &where, uint64_t size);
  /// The files that have been opened.
  std::vector<SharedBuffer> openFiles() const;

private:
  llvm::Expected<SharedBuffer> open(llvm::StringRef location);
  llvm::Expected<std::string> resolve(llvm::StringRef location) const;

  std::string folder; ///< that locations are relative to
  llvm::SmallVector<std::string, 2> allowedFolders; ///< without symbolic links
  llvm::StringMap<SharedBuffer> files;              ///< by location
};

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_EXTERNALDATA_H
