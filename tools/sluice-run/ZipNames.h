//===- ZipNames.h - Names in zip archives ---------------------*- C++ -*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
// PKWARE's APPNOTE.TXT, 4.4.4 and appendix D: names are in code page 437 unless
// a flag says UTF-8.

#ifndef SLUICE_TOOLS_SLUICERUN_ZIPNAMES_H
#define SLUICE_TOOLS_SLUICERUN_ZIPNAMES_H

#include <cstdint>
#include <string>

namespace sluice::run {

/// The bit of an entry's flags which says that its name is UTF-8.
constexpr uint16_t zipNameIsUtf8 = 1u << 11;

/// The flags of an entry with this name: those that say how it is encoded.
uint16_t zipNameFlags(const std::string &name);

/// The UTF-8 form of a name that was found without the flag. Writers that do
/// not know the flag put the system's encoding there, which mostly is UTF-8
/// too; what cannot be that is code page 437.
std::string decodeZipName(const std::string &name);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_ZIPNAMES_H
