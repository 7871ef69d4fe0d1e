//===- WeightsObject.cpp - Weights as a linker input ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A minimal ELF64 relocatable file, written as a stream: header, section
// headers, symbols and strings first, then the weights. LLVM's own writer
// would hold the weights in memory once more.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/Weights.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/EndianStream.h"

using namespace mlir;
using namespace sluice;
namespace elf = llvm::ELF;

namespace {

/// A section header in the order of the file format.
struct SectionHeader {
  uint32_t name = 0, type = 0;
  uint64_t flags = 0, offset = 0, size = 0;
  uint32_t link = 0, info = 0;
  uint64_t alignment = 1, entrySize = 0;

  void write(llvm::support::endian::Writer &writer) const {
    writer.write(name);
    writer.write(type);
    writer.write(flags);
    writer.write<uint64_t>(0); // address
    writer.write(offset);
    writer.write(size);
    writer.write(link);
    writer.write(info);
    writer.write(alignment);
    writer.write(entrySize);
  }
};

constexpr uint64_t headerSize = 64, sectionHeaderSize = 64, symbolSize = 24;

} // namespace

llvm::Error sluice::writeWeightsObject(const WeightsLayout &layout,
                                       llvm::StringRef symbol, bool isAArch64,
                                       llvm::raw_ostream &os) {
  // Section names and the symbol's name.
  std::string strings(1, '\0');
  auto addString = [&](llvm::StringRef text) {
    uint32_t offset = strings.size();
    strings += text.str();
    strings.push_back('\0');
    return offset;
  };
  uint32_t dataName = addString(".lrodata.sluice_weights");
  uint32_t symbolsName = addString(".symtab");
  uint32_t stringsName = addString(".strtab");
  uint32_t stackName = addString(".note.GNU-stack");
  uint32_t weightsName = addString(symbol);

  constexpr uint64_t sections = 5;
  uint64_t symbolsOffset = headerSize + sections * sectionHeaderSize;
  uint64_t stringsOffset = symbolsOffset + 2 * symbolSize;
  uint64_t dataOffset = (stringsOffset + strings.size() + 63) / 64 * 64;

  llvm::support::endian::Writer writer(os, llvm::endianness::little);
  const unsigned char identity[16] = {
      0x7f, 'E', 'L', 'F', elf::ELFCLASS64, elf::ELFDATA2LSB, elf::EV_CURRENT};
  os.write(reinterpret_cast<const char *>(identity), sizeof(identity));
  writer.write<uint16_t>(elf::ET_REL);
  writer.write<uint16_t>(isAArch64 ? elf::EM_AARCH64 : elf::EM_X86_64);
  writer.write<uint32_t>(elf::EV_CURRENT);
  writer.write<uint64_t>(0); // entry
  writer.write<uint64_t>(0); // program headers
  writer.write<uint64_t>(headerSize);
  writer.write<uint32_t>(0); // flags
  writer.write<uint16_t>(headerSize);
  writer.write<uint16_t>(0); // program header size and count
  writer.write<uint16_t>(0);
  writer.write<uint16_t>(sectionHeaderSize);
  writer.write<uint16_t>(sections);
  writer.write<uint16_t>(3); // section with the names

  SectionHeader().write(writer);
  SectionHeader data;
  data.name = dataName;
  data.type = elf::SHT_PROGBITS;
  // Far data: it may lie beyond 2 GB from the code, which never refers to it.
  data.flags = elf::SHF_ALLOC |
               (isAArch64 ? 0 : static_cast<uint64_t>(elf::SHF_X86_64_LARGE));
  data.offset = dataOffset;
  data.size = layout.bytes;
  data.alignment = 64;
  data.write(writer);
  SectionHeader symbols;
  symbols.name = symbolsName;
  symbols.type = elf::SHT_SYMTAB;
  symbols.offset = symbolsOffset;
  symbols.size = 2 * symbolSize;
  symbols.link = 3;
  symbols.info = 1; // the first global symbol
  symbols.alignment = 8;
  symbols.entrySize = symbolSize;
  symbols.write(writer);
  SectionHeader names;
  names.name = stringsName;
  names.type = elf::SHT_STRTAB;
  names.offset = stringsOffset;
  names.size = strings.size();
  names.write(writer);
  SectionHeader stack;
  stack.name = stackName;
  stack.type = elf::SHT_PROGBITS;
  stack.offset = dataOffset;
  stack.write(writer);

  // The null symbol, then the weights.
  os.write_zeros(symbolSize);
  writer.write<uint32_t>(weightsName);
  writer.write<uint8_t>((elf::STB_GLOBAL << 4) | elf::STT_OBJECT);
  writer.write<uint8_t>(elf::STV_HIDDEN);
  writer.write<uint16_t>(1); // section
  writer.write<uint64_t>(0); // value
  writer.write<uint64_t>(layout.bytes);
  os << strings;
  os.write_zeros(dataOffset - stringsOffset - strings.size());
  return streamWeights(layout, [&](ArrayRef<char> bytes) -> llvm::Error {
    os.write(bytes.data(), bytes.size());
    return llvm::Error::success();
  });
}
