//===- Files.h - Whole files in memory -----------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_FILES_H
#define SLUICE_TOOLS_SLUICERUN_FILES_H

#include "Failure.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::run {

Outcome readFile(const std::string &path, std::vector<uint8_t> &bytes);

/// Writes beside the target and renames, so that a failed write leaves neither
/// a partial nor a lost file. "-" is the standard output.
Outcome writeFile(const std::string &path, const void *data, size_t size);

bool isDirectory(const std::string &path);
bool endsWith(const std::string &text, const std::string &ending);

/// The names of the files in a folder, sorted.
Outcome listFolder(const std::string &path, std::vector<std::string> &names);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_FILES_H
