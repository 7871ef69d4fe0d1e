//===- FilePages.cpp - Memory that mapped files take ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Support/FilePages.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/Process.h"
#include <sys/mman.h>

void sluice::dropPages(const llvm::MemoryBuffer &file) {
  // Only of read-only mappings is nothing lost. LLVM's own function of the kind
  // ends in posix_madvise, which does nothing in glibc.
  if (file.getBufferKind() != llvm::MemoryBuffer::MemoryBuffer_MMap)
    return;
  llvm::Align page(llvm::sys::Process::getPageSizeEstimate());
  uintptr_t begin = llvm::alignAddr(file.getBufferStart(), page);
  auto end = reinterpret_cast<uintptr_t>(file.getBufferEnd());
  if (begin < end)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}
