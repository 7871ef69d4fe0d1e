//===- Trailer.cpp - The checksums at the end of an artifact --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/Trailer.h"

#include "XxHash64.h"
#include "sluice/artifact_abi.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace sluice;

namespace {

/// Hashes parts of a file without mapping them: artifacts may be larger than
/// the memory that a compilation should take.
class FileHasher {
public:
  explicit FileHasher(sys::fs::file_t file) : file(file), buffer(1 << 20) {}

  Expected<uint64_t> hash(uint64_t offset, uint64_t size) {
    XxHash64 hasher;
    while (size > 0) {
      size_t count = std::min<uint64_t>(size, buffer.size());
      Expected<size_t> read = sys::fs::readNativeFileSlice(
          file, MutableArrayRef<char>(buffer).take_front(count), offset);
      if (!read)
        return read.takeError();
      if (*read == 0)
        return createStringError("the file ends too early");
      hasher.update(ArrayRef<char>(buffer).take_front(*read));
      offset += *read;
      size -= *read;
    }
    return hasher.finish();
  }

private:
  sys::fs::file_t file;
  std::vector<char> buffer;
};

} // namespace

/// Finds the weights in the file: a read-only section that begins with bytes of
/// their size and checksum. 0 when there is none, which is no error: then
/// they count among the other bytes.
static Expected<uint64_t> findWeights(FileHasher &hasher, StringRef file,
                                      uint64_t size, uint64_t expected) {
  Expected<object::ELF64LEFile> elf = object::ELF64LEFile::create(file);
  if (!elf)
    return elf.takeError();
  auto sections = elf->sections();
  if (!sections)
    return sections.takeError();
  for (const auto &section : *sections) {
    bool readOnlyData =
        section.sh_type == ELF::SHT_PROGBITS &&
        section.sh_flags & ELF::SHF_ALLOC &&
        !(section.sh_flags & (ELF::SHF_WRITE | ELF::SHF_EXECINSTR));
    // Weights are aligned to 64 bytes; other data of the kind may be in front.
    uint64_t skip = alignTo(section.sh_addr, 64) - section.sh_addr;
    uint64_t offset = section.sh_offset + skip;
    if (!readOnlyData || section.sh_size < skip + size ||
        offset > file.size() || size > file.size() - offset)
      continue;
    Expected<uint64_t> checksum = hasher.hash(offset, size);
    if (!checksum)
      return checksum.takeError();
    if (*checksum == expected)
      return offset;
  }
  return 0;
}

/// Describes a file of `size` bytes that begins with an ELF header. Only its
/// headers are mapped.
static Expected<sluice_artifact_trailer>
makeTrailer(sys::fs::file_t handle, StringRef path, uint64_t size,
            uint64_t weightsSize, uint64_t weightsChecksum) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getOpenFile(handle, path, size,
                                /*RequiresNullTerminator=*/false);
  if (!buffer)
    return errorCodeToError(buffer.getError());
  FileHasher hasher(handle);
  uint64_t offset = 0;
  if (weightsSize > 0) {
    Expected<uint64_t> found = findWeights(hasher, (*buffer)->getBuffer(),
                                           weightsSize, weightsChecksum);
    if (!found)
      return found.takeError();
    offset = *found;
  }
  uint64_t embedded = offset ? weightsSize : 0;
  uint64_t rest = offset + embedded;
  Expected<uint64_t> before = hasher.hash(0, offset);
  if (!before)
    return before.takeError();
  Expected<uint64_t> behind = hasher.hash(rest, size - rest);
  if (!behind)
    return behind.takeError();
  return sluice_artifact_trailer{*before,  *behind, offset,
                                 embedded, size,    SLUICE_TRAILER_MAGIC};
}

Error sluice::appendTrailer(StringRef path, uint64_t weightsSize,
                            uint64_t weightsChecksum) {
  Expected<sys::fs::file_t> handle = sys::fs::openNativeFileForRead(path);
  if (!handle)
    return createFileError(path, handle.takeError());
  sys::fs::file_status status;
  std::error_code code = sys::fs::status(*handle, status);
  Expected<sluice_artifact_trailer> trailer =
      code ? Expected<sluice_artifact_trailer>(errorCodeToError(code))
           : makeTrailer(*handle, path, status.getSize(), weightsSize,
                         weightsChecksum);
  sys::fs::closeFile(*handle);
  if (!trailer)
    return createFileError(path, trailer.takeError());
  raw_fd_ostream os(path, code, sys::fs::CD_OpenExisting, sys::fs::FA_Write,
                    sys::fs::OF_Append);
  if (code)
    return createFileError(path, code);
  os.write(reinterpret_cast<const char *>(&*trailer), sizeof *trailer);
  os.close();
  if (os.has_error()) {
    code = os.error();
    os.clear_error();
    return createFileError(path, code);
  }
  return Error::success();
}
