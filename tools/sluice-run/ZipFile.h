//===- ZipFile.h - Zip archives, as far as .npz needs them ---------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_ZIPFILE_H
#define SLUICE_TOOLS_SLUICERUN_ZIPFILE_H

#include "Failure.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::run {

struct ZipEntry {
  std::string name;
  std::vector<uint8_t> data;
};

/// Unpacks an archive: stored and deflated entries, checksums compared. `what`
/// is for messages.
Outcome parseZip(const std::vector<uint8_t> &bytes, const std::string &what,
                 std::vector<ZipEntry> &entries);

/// An archive of stored entries; fails past the format's 4 GB.
Outcome formatZip(const std::vector<ZipEntry> &entries,
                  std::vector<uint8_t> &bytes);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_ZIPFILE_H
