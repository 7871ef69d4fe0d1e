/*===- elf_file.c - Is this file safe to map as code? -------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * The dynamic loader trusts its input: a truncated file ends in SIGBUS, a bent
 * table in SIGSEGV. So whatever it will follow is checked here first. Together
 * with the trailer's checksum that covers accidents, not attacks: an artifact
 * is code, and loading one from an untrusted source is running it.
 *
 *===----------------------------------------------------------------------===*/
#include "elf_file.h"

#include "hash.h"
#include "status.h"

#include <elf.h>
#include <string.h>

#if defined(__x86_64__)
enum { host_machine = EM_X86_64 };
#elif defined(__aarch64__)
enum { host_machine = EM_AARCH64 };
#else
#error "Sluice artifacts run on x86-64 and AArch64"
#endif

static const char *machine_name(unsigned machine) {
  switch (machine) {
  case EM_X86_64:
    return "x86-64";
  case EM_AARCH64:
    return "AArch64";
  case EM_386:
    return "32-bit x86";
  case EM_ARM:
    return "32-bit ARM";
  case EM_RISCV:
    return "RISC-V";
  }
  return "another architecture";
}

static bool inside(uint64_t offset, uint64_t length, uint64_t size) {
  return offset <= size && length <= size - offset;
}

bool sluice_find_trailer(struct sluice_file_view file,
                         sluice_artifact_trailer *trailer) {
  if (file.size < sizeof *trailer)
    return false;
  memcpy(trailer, file.data + file.size - sizeof *trailer, sizeof *trailer);
  return trailer->magic == SLUICE_TRAILER_MAGIC;
}

static sluice_status damaged(const char *path, const char *what,
                             sluice_error *error) {
  return sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                     "'%s' is truncated or damaged: %s", path, what);
}

static sluice_status check_trailer(struct sluice_file_view file,
                                   const char *path, sluice_error *error) {
  sluice_artifact_trailer trailer;
  if (!sluice_find_trailer(file, &trailer))
    return sluice_succeed(error);
  if (trailer.file_size != file.size - sizeof trailer ||
      !inside(trailer.weights_offset, trailer.weights_size, trailer.file_size))
    return damaged(path, "its size is not the one it was written with", error);
  uint64_t rest = trailer.weights_offset + trailer.weights_size;
  if (sluice_hash_bytes(file.data, trailer.weights_offset) !=
          trailer.checksum_before ||
      sluice_hash_bytes(file.data + rest, trailer.file_size - rest) !=
          trailer.checksum_behind)
    return damaged(path, "its checksum does not match", error);
  return sluice_succeed(error);
}

static sluice_status check_header(const Elf64_Ehdr *header, const char *path,
                                  sluice_error *error) {
  if (header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_machine != host_machine)
    return sluice_fail(error, SLUICE_UNSUPPORTED_ISA,
                       "'%s' is built for %s, this machine is %s", path,
                       machine_name(header->e_machine),
                       machine_name(host_machine));
  if (header->e_type != ET_DYN)
    return sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                       "'%s' is an ELF file but not a shared object", path);
  if (header->e_ident[EI_VERSION] != EV_CURRENT ||
      header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0)
    return damaged(path, "its ELF header is senseless", error);
  return sluice_succeed(error);
}

static Elf64_Phdr read_segment(struct sluice_file_view file,
                               const Elf64_Ehdr *header, unsigned index) {
  Elf64_Phdr segment;
  memcpy(&segment, file.data + header->e_phoff + index * sizeof segment,
         sizeof segment);
  return segment;
}

/* Finds the file offset of `length` bytes at a virtual address; false if no
 * loaded segment has them. */
static bool locate(struct sluice_file_view file, const Elf64_Ehdr *header,
                   uint64_t address, uint64_t length, uint64_t *offset) {
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    Elf64_Phdr segment = read_segment(file, header, i);
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr)
      continue;
    uint64_t distance = address - segment.p_vaddr;
    if (!inside(distance, length, segment.p_filesz))
      continue;
    *offset = segment.p_offset + distance;
    return true;
  }
  return false;
}

bool sluice_read_image(struct sluice_file_view file, uint64_t address,
                       void *data, size_t size) {
  Elf64_Ehdr header;
  uint64_t offset;
  if (file.size < sizeof header)
    return false;
  memcpy(&header, file.data, sizeof header);
  if (!inside(header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf64_Phdr),
              file.size) ||
      !locate(file, &header, address, size, &offset) ||
      !inside(offset, size, file.size))
    return false;
  memcpy(data, file.data + offset, size);
  return true;
}

static sluice_status check_segments(struct sluice_file_view file,
                                    const Elf64_Ehdr *header, const char *path,
                                    sluice_error *error) {
  uint64_t previous_end = 0;
  bool loads = false;
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    Elf64_Phdr segment = read_segment(file, header, i);
    if (segment.p_type == PT_NULL)
      continue;
    if (segment.p_filesz &&
        !inside(segment.p_offset, segment.p_filesz, file.size))
      return damaged(path, "a segment lies outside the file", error);
    if (segment.p_type != PT_LOAD)
      continue;
    uint64_t end;
    if (segment.p_memsz < segment.p_filesz ||
        __builtin_add_overflow(segment.p_vaddr, segment.p_memsz, &end) ||
        end > (uint64_t)1 << 47 || segment.p_vaddr < previous_end)
      return damaged(path, "its segments overlap or overflow", error);
    if (segment.p_align & (segment.p_align - 1) ||
        (segment.p_align > 1 &&
         (segment.p_vaddr - segment.p_offset) % segment.p_align))
      return damaged(path, "a segment is misaligned", error);
    previous_end = end;
    loads = true;
  }
  if (!loads)
    return damaged(path, "it has nothing to load", error);
  return sluice_succeed(error);
}

/* Tables whose addresses and sizes the dynamic section gives. */
struct dynamic_table {
  uint64_t address;
  uint64_t size;
};

static sluice_status check_dynamic(struct sluice_file_view file,
                                   const Elf64_Ehdr *header, const char *path,
                                   sluice_error *error) {
  Elf64_Phdr dynamic = {0};
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    Elf64_Phdr segment = read_segment(file, header, i);
    if (segment.p_type == PT_DYNAMIC)
      dynamic = segment;
  }
  uint64_t offset;
  if (dynamic.p_filesz == 0 ||
      !locate(file, header, dynamic.p_vaddr, dynamic.p_filesz, &offset))
    return damaged(path, "it has no dynamic section", error);
  struct dynamic_table strings = {0, 0}, relocations = {0, 0}, calls = {0, 0};
  uint64_t symbols = 0;
  bool ended = false;
  for (uint64_t at = 0; !ended && at + sizeof(Elf64_Dyn) <= dynamic.p_filesz;
       at += sizeof(Elf64_Dyn)) {
    Elf64_Dyn entry;
    memcpy(&entry, file.data + offset + at, sizeof entry);
    switch (entry.d_tag) {
    case DT_NULL:
      ended = true;
      break;
    case DT_STRTAB:
      strings.address = entry.d_un.d_ptr;
      break;
    case DT_STRSZ:
      strings.size = entry.d_un.d_val;
      break;
    case DT_SYMTAB:
      symbols = entry.d_un.d_ptr;
      break;
    case DT_RELA:
      relocations.address = entry.d_un.d_ptr;
      break;
    case DT_RELASZ:
      relocations.size = entry.d_un.d_val;
      break;
    case DT_JMPREL:
      calls.address = entry.d_un.d_ptr;
      break;
    case DT_PLTRELSZ:
      calls.size = entry.d_un.d_val;
      break;
    }
  }
  const struct dynamic_table *tables[] = {&strings, &relocations, &calls};
  for (int i = 0; i < 3; ++i)
    if (tables[i]->size &&
        !locate(file, header, tables[i]->address, tables[i]->size, &offset))
      return damaged(path, "a table of its dynamic section lies outside",
                     error);
  if (!ended || strings.size == 0 ||
      !locate(file, header, symbols, sizeof(Elf64_Sym), &offset))
    return damaged(path, "its dynamic section is incomplete", error);
  return sluice_succeed(error);
}

sluice_status sluice_check_file(struct sluice_file_view file, const char *path,
                                sluice_error *error) {
  Elf64_Ehdr header;
  if (file.size < SELFMAG || memcmp(file.data, ELFMAG, SELFMAG) != 0)
    return sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                       "'%s' is not a compiled model: it is %s", path,
                       file.size ? "no shared object" : "empty");
  if (file.size < sizeof header)
    return damaged(path, "its ELF header is cut off", error);
  memcpy(&header, file.data, sizeof header);
  sluice_status status = check_trailer(file, path, error);
  if (status == SLUICE_OK)
    status = check_header(&header, path, error);
  if (status != SLUICE_OK)
    return status;
  if (!inside(header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf64_Phdr),
              file.size))
    return damaged(path, "its segment table is cut off", error);
  /* The section table comes last in the file, so it tells of truncation even
   * where everything that is loaded is still there. */
  if (header.e_shnum &&
      !inside(header.e_shoff, (uint64_t)header.e_shnum * header.e_shentsize,
              file.size))
    return damaged(path, "its section table is cut off", error);
  status = check_segments(file, &header, path, error);
  if (status == SLUICE_OK)
    status = check_dynamic(file, &header, path, error);
  return status;
}
