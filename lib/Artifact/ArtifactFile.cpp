//===- ArtifactFile.cpp - What is added to an artifact after linking ------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/ArtifactFile.h"

#include "XxHash64.h"
#include "sluice/Artifact/Descriptor.h"
#include "sluice/artifact_abi.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace sluice;

using Elf = object::ELF64LEFile;

/// Headers and symbols are read where they lie, so they can be changed there.
template <typename Part> static Part &writable(const Part &part) {
  return const_cast<Part &>(part);
}

static Error writeFailure(StringRef name, std::error_code code) {
  return createStringError(code,
                           "cannot write '" + name + "': " + code.message());
}

/// Reports what went wrong with a stream that goes on silently.
static Error checkWrites(raw_fd_ostream &os, StringRef name) {
  os.flush();
  if (!os.has_error())
    return Error::success();
  std::error_code code = os.error();
  os.clear_error();
  return writeFailure(name, code);
}

/// Writes the weights at the stream's position and returns their checksum.
static Expected<uint64_t> writeWeights(const WeightsLayout &layout,
                                       raw_fd_ostream &os, StringRef name) {
  XxHash64 hash;
  Error error = streamWeights(layout, [&](ArrayRef<char> bytes) -> Error {
    hash.update(bytes);
    os.write(bytes.data(), bytes.size());
    // Ends the work when the disk is full.
    return os.has_error() ? checkWrites(os, name) : Error::success();
  });
  if (!error)
    error = checkWrites(os, name);
  if (error)
    return error;
  return hash.finish();
}

Expected<uint64_t> sluice::writeWeightsFile(const WeightsLayout &layout,
                                            StringRef path, StringRef name) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return writeFailure(name, code);
  return writeWeights(layout, os, name);
}

ArtifactFile::ArtifactFile(StringRef name, StringRef linked)
    : name(name), image(linked.begin(), linked.end()) {}

Expected<ArtifactFile> ArtifactFile::open(StringRef path, StringRef name) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> linked = MemoryBuffer::getFile(path);
  if (!linked)
    return createFileError(name, linked.getError());
  ArtifactFile file(name, (*linked)->getBuffer());
  if (Error error = file.locateObject())
    return createFileError(name, std::move(error));
  std::error_code code;
  file.os =
      std::make_unique<raw_fd_ostream>(path, code, sys::fs::CD_OpenExisting,
                                       sys::fs::FA_Write, sys::fs::OF_None);
  if (code)
    return writeFailure(name, code);
  return file;
}

Error ArtifactFile::locateObject() {
  StringRef bytes(image.data(), image.size());
  if (identify_magic(bytes) != file_magic::archive)
    return Elf::create(bytes).takeError();
  auto archive = object::Archive::create(MemoryBufferRef(bytes, name));
  if (!archive)
    return archive.takeError();
  Error error = Error::success();
  for (const object::Archive::Child &child : (*archive)->children(error)) {
    Expected<StringRef> member = child.getBuffer();
    if (!member)
      return member.takeError();
    objectOffset = member->data() - bytes.data();
  }
  if (error)
    return error;
  return Elf::create(object()).takeError();
}

namespace {
/// A linked object and its sections.
struct ObjectView {
  Elf elf;
  Elf::Elf_Shdr_Range sections;

  static Expected<ObjectView> open(StringRef bytes) {
    auto elf = Elf::create(bytes);
    if (!elf)
      return elf.takeError();
    auto sections = elf->sections();
    if (!sections)
      return sections.takeError();
    return ObjectView{*elf, *sections};
  }

  bool isShared() const { return elf.getHeader().e_type == ELF::ET_DYN; }
};
} // namespace

/// The one segment that a section is in.
static Elf::Elf_Phdr *findSegment(const Elf::Elf_Shdr &section,
                                  Elf::Elf_Phdr_Range segments) {
  for (const Elf::Elf_Phdr &segment : segments)
    if (segment.p_type == ELF::PT_LOAD && segment.p_vaddr == section.sh_addr &&
        segment.p_memsz == section.sh_size)
      return &writable(segment);
  return nullptr;
}

Error ArtifactFile::placeWeights(uint64_t size) {
  auto view = ObjectView::open(object());
  if (!view)
    return view.takeError();
  auto segments = view->elf.program_headers();
  if (!segments)
    return segments.takeError();
  for (const Elf::Elf_Shdr &section : view->sections) {
    Expected<StringRef> sectionName = view->elf.getSectionName(section);
    if (!sectionName)
      return sectionName.takeError();
    if (*sectionName != weightsSectionName ||
        section.sh_type != ELF::SHT_NOBITS)
      continue;
    if (section.sh_size != size)
      break;
    // The address modulo a page must be the offset's.
    uint64_t alignment = section.sh_addralign, skew = 0;
    Elf::Elf_Phdr *segment = findSegment(section, *segments);
    if (segment) {
      alignment = segment->p_align;
      skew = segment->p_vaddr % alignment;
    } else if (!segments->empty()) {
      break;
    }
    uint64_t offset = alignTo(object().size(), alignment, skew);
    writable(section).sh_type = ELF::SHT_PROGBITS;
    writable(section).sh_offset = offset;
    if (segment) {
      segment->p_offset = offset;
      segment->p_filesz = size;
    }
    image.resize(objectOffset + offset);
    weightsSize = size;
    return Error::success();
  }
  return createStringError("no section was reserved for the weights");
}

/// Tells an archive of its last member's new size.
static Error setMemberSize(char *memberEnd, uint64_t size) {
  // Decimal digits and blanks; two more bytes end the member's header.
  constexpr size_t width = 10;
  std::string digits = std::to_string(size);
  if (digits.size() > width)
    return createStringError("an archive cannot hold weights of that size");
  digits.resize(width, ' ');
  llvm::copy(digits, memberEnd - 2 - width);
  return Error::success();
}

Expected<uint64_t> ArtifactFile::appendWeights(const WeightsLayout &layout) {
  if (Error error = placeWeights(layout.bytes))
    return createFileError(name, std::move(error));
  if (objectOffset)
    if (Error error = setMemberSize(image.data() + objectOffset,
                                    image.size() - objectOffset + weightsSize))
      return error;
  os->seek(image.size());
  return writeWeights(layout, *os, name);
}

/// The places in the file of the symbols with these names.
static Expected<SmallVector<uint64_t>>
findSymbols(StringRef object, ArrayRef<std::string> wanted) {
  auto view = ObjectView::open(object);
  if (!view)
    return view.takeError();
  SmallVector<uint64_t> places;
  for (const Elf::Elf_Shdr &table : view->sections) {
    if (table.sh_type != (view->isShared() ? ELF::SHT_DYNSYM : ELF::SHT_SYMTAB))
      continue;
    auto symbols = view->elf.symbols(&table);
    if (!symbols)
      return symbols.takeError();
    auto names = view->elf.getStringTableForSymtab(table);
    if (!names)
      return names.takeError();
    for (const Elf::Elf_Sym &symbol : *symbols) {
      auto name = symbol.getName(*names);
      if (!name)
        return name.takeError();
      if (!is_contained(wanted, *name))
        continue;
      auto section = view->elf.getSection(symbol.st_shndx);
      if (!section)
        return section.takeError();
      // Addresses count from the section's start in object files.
      places.push_back(symbol.st_value + (*section)->sh_offset -
                       (view->isShared() ? (*section)->sh_addr : 0));
    }
  }
  return places;
}

Error ArtifactFile::setWeightsChecksum(uint64_t checksum,
                                       ArrayRef<std::string> descriptors) {
  auto places = findSymbols(object(), descriptors);
  if (!places)
    return places.takeError();
  for (uint64_t place : *places) {
    uint64_t offset =
        place + offsetof(sluice_model_descriptor, weights_checksum);
    if (offset + sizeof checksum > object().size())
      return createStringError("a descriptor lies outside the file");
    support::endian::write64le(image.data() + objectOffset + offset, checksum);
  }
  return Error::success();
}

Error ArtifactFile::finish(bool withTrailer) {
  os->seek(0);
  os->write(image.data(), image.size());
  if (withTrailer) {
    // Weights have a checksum of their own; they are last.
    XxHash64 before, behind;
    (weightsSize ? before : behind).update(image);
    sluice_artifact_trailer trailer = {before.finish(),
                                       behind.finish(),
                                       weightsSize ? image.size() : 0,
                                       weightsSize,
                                       image.size() + weightsSize,
                                       SLUICE_TRAILER_MAGIC};
    os->seek(image.size() + weightsSize);
    os->write(reinterpret_cast<const char *>(&trailer), sizeof trailer);
  }
  os->close();
  return checkWrites(*os, name);
}
