//===- Files.cpp - Whole files in memory ---------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>

using namespace sluice::run;
namespace fs = std::filesystem;

static std::string reason() { return std::strerror(errno); }

Outcome sluice::run::readFile(const std::string &path,
                              std::vector<uint8_t> &bytes) {
  if (isDirectory(path))
    return badInput("'" + path + "' is a folder, not a file");
  FILE *file = std::fopen(path.c_str(), "rb");
  if (!file)
    return badInput("cannot open '" + path + "': " + reason());
  struct stat state;
  bytes.clear();
  if (fstat(fileno(file), &state) == 0 && state.st_size > 0)
    bytes.reserve(size_t(state.st_size) + 1);
  for (;;) {
    size_t length = bytes.size();
    size_t room = std::max(bytes.capacity() - length, size_t(65536));
    bytes.resize(length + room);
    size_t count = std::fread(bytes.data() + length, 1, room, file);
    bytes.resize(length + count);
    if (count < room)
      break;
  }
  bool failed = std::ferror(file);
  std::fclose(file);
  if (failed)
    return badInput("cannot read '" + path + "': " + reason());
  return {};
}

Outcome sluice::run::writeFile(const std::string &path, const void *data,
                               size_t size) {
  if (path == "-") {
    if (std::fwrite(data, 1, size, stdout) != size || std::fflush(stdout) != 0)
      return badInput("cannot write the standard output: " + reason());
    return {};
  }
  // Pipes and devices cannot be replaced, only written to. A link stays one:
  // the file that it leads to is replaced.
  std::error_code ignored, isNew;
  fs::file_status state = fs::status(path, ignored);
  bool replaced = !fs::exists(state) || fs::is_regular_file(state);
  fs::path resolved = fs::canonical(path, isNew);
  std::string target = isNew ? path : resolved.string();
  std::string temporary = replaced ? target + ".part" : path;
  FILE *file = std::fopen(temporary.c_str(), "wb");
  if (!file)
    return badInput("cannot write '" + path + "': " + reason());
  bool written = std::fwrite(data, 1, size, file) == size;
  written &= std::fclose(file) == 0;
  if (written && replaced)
    written = std::rename(temporary.c_str(), target.c_str()) == 0;
  if (!written) {
    std::string why = reason();
    if (replaced)
      std::remove(temporary.c_str());
    return badInput("cannot write '" + path + "': " + why);
  }
  return {};
}

bool sluice::run::isDirectory(const std::string &path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool sluice::run::endsWith(const std::string &text, const std::string &ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

Outcome sluice::run::listFolder(const std::string &path,
                                std::vector<std::string> &names) {
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error)
    return badInput("cannot list '" + path + "': " + error.message());
  std::sort(names.begin(), names.end());
  return {};
}
