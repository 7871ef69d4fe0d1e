//===- FilePages.h - Memory that mapped files take --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_SUPPORT_FILEPAGES_H
#define SLUICE_SUPPORT_FILEPAGES_H

#include "llvm/Support/MemoryBuffer.h"

namespace sluice {

/// Takes what has been read of a mapped file out of this process's memory; it
/// comes in again when it is used. Does nothing to other buffers.
void dropPages(const llvm::MemoryBuffer &file);

} // namespace sluice

#endif // SLUICE_SUPPORT_FILEPAGES_H
