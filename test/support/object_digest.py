"""What an object file consists of, as digests that can be compared.

A section is its bytes and its relocations, these by the names that they refer to, so
that a function that only moved, or calls one that only moved, stays the same.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import hashlib
import io
import re

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

# Constants that LLVM numbers by the function's place in the module.
NUMBERED = re.compile(r"\.LCPI\d+_\d+")
# Only tables of the linker: symbols, names, and relocations, which count with the
# sections that they change.
TABLES = ("SHT_NULL", "SHT_SYMTAB", "SHT_STRTAB", "SHT_REL", "SHT_RELA", "SHT_GROUP",
          "SHT_SYMTAB_SHNDX")


def digest(*parts):
    state = hashlib.blake2b(digest_size=12)
    for part in parts:
        state.update(part if isinstance(part, bytes) else str(part).encode())
        state.update(b"\0")
    return state.hexdigest()


def _relocations(elf):
    """{number of a section: its relocations, as text}"""
    found = {}
    for section in elf.iter_sections():
        if not isinstance(section, RelocationSection):
            continue
        symbols = elf.get_section(section["sh_link"])
        lines = []
        for entry in section.iter_relocations():
            symbol = symbols.get_symbol(entry["r_info_sym"])
            name = NUMBERED.sub("constant", symbol.name)
            if not name and isinstance(symbol["st_shndx"], int):
                name = elf.get_section(symbol["st_shndx"]).name
            addend = entry["r_addend"] if entry.is_RELA() else 0
            lines.append(f"{entry['r_offset']} {entry['r_info_type']} {name} {addend}")
        found[section["sh_info"]] = "\n".join(lines)
    return found


def section_digests(content):
    """{name of a section: digest} of an ELF object file, given as bytes."""
    elf = ELFFile(io.BytesIO(content))
    relocations = _relocations(elf)
    result = {}
    for number, section in enumerate(elf.iter_sections()):
        if section["sh_type"] in TABLES:
            continue
        data = b"" if section["sh_type"] == "SHT_NOBITS" else section.data()
        value = digest(section["sh_size"], data, relocations.get(number, ""))
        # Sections of one name, as those of functions of one name are, count together.
        result[section.name] = digest(result.get(section.name, ""), value)
    return result
