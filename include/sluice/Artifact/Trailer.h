//===- Trailer.h - The checksums at the end of an artifact ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ARTIFACT_TRAILER_H
#define SLUICE_ARTIFACT_TRAILER_H

#include "llvm/Support/Error.h"

namespace sluice {

/// Appends the trailer of artifact_abi.h to a linked shared artifact, so that
/// the loader notices every damaged byte. `weightsSize` and `weightsChecksum`
/// The weights are found by their section and checksum.
llvm::Error appendTrailer(llvm::StringRef path, uint64_t weightsSize,
                          uint64_t weightsChecksum);

} // namespace sluice

#endif // SLUICE_ARTIFACT_TRAILER_H
