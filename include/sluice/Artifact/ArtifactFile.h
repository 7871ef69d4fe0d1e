//===- ArtifactFile.h - What is added to an artifact after linking -*- C++ -*-//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ARTIFACT_ARTIFACTFILE_H
#define SLUICE_ARTIFACT_ARTIFACTFILE_H

#include "sluice/Artifact/Weights.h"
#include "llvm/Support/raw_ostream.h"

namespace sluice {

/// A linked artifact: a shared library, an object file, or an archive whose
/// last member is an object file. What the linker made is held in memory and
/// changed there; weights of any size go to the file directly.
class ArtifactFile {
public:
  /// Messages are about `name`.
  static llvm::Expected<ArtifactFile> open(llvm::StringRef path,
                                           llvm::StringRef name);

  /// Appends the weights and makes them the contents of the section that was
  /// reserved for them. Returns their checksum.
  llvm::Expected<uint64_t> appendWeights(const WeightsLayout &layout);

  /// Fills in the weights' checksum in the descriptors with these names. Those
  /// that the file does not have are passed over.
  llvm::Error setWeightsChecksum(uint64_t checksum,
                                 llvm::ArrayRef<std::string> descriptors);

  /// Writes all changes. `withTrailer` appends the trailer of artifact_abi.h,
  /// so that the loader notices every damaged byte.
  llvm::Error finish(bool withTrailer);

private:
  ArtifactFile(llvm::StringRef name, llvm::StringRef linked);

  llvm::Error locateObject();
  llvm::StringRef object() const {
    return llvm::StringRef(image.data(), image.size()).drop_front(objectOffset);
  }
  llvm::Error placeWeights(uint64_t size);

  std::string name;
  /// Everything in front of the weights.
  std::vector<char> image;
  /// Where the object begins; in an archive, behind its member's header.
  uint64_t objectOffset = 0;
  uint64_t weightsSize = 0;
  std::unique_ptr<llvm::raw_fd_ostream> os;
};

/// Writes a file of the weights alone and returns their checksum. Messages are
/// about `name`.
llvm::Expected<uint64_t> writeWeightsFile(const WeightsLayout &layout,
                                          llvm::StringRef path,
                                          llvm::StringRef name);

} // namespace sluice

#endif // SLUICE_ARTIFACT_ARTIFACTFILE_H
