//===- TensorFile.cpp - Tensors from and to files of any known kind ------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "TensorFile.h"

#include "Files.h"
#include "NumpyFile.h"
#include "TensorProtoFile.h"
#include "ZipFile.h"

#include <filesystem>

using namespace sluice::run;

static Outcome readRaw(const std::string &path, std::vector<uint8_t> bytes,
                       Tensor &tensor) {
  size_t size;
  if (!byteSize(tensor.dtype, tensor.dims, size))
    return badInput("the shape of '" + path +
                    "' is not known; raw files need --shape or --dim");
  if (size != bytes.size())
    return badInput("'" + path + "' has " + std::to_string(bytes.size()) +
                    " bytes, " + typeText(tensor.dtype, tensor.dims) + " has " +
                    std::to_string(size));
  tensor.data = std::move(bytes);
  return {};
}

Outcome sluice::run::readTensor(const std::string &path, Tensor &tensor) {
  std::vector<uint8_t> bytes;
  if (Outcome failure = readFile(path, bytes))
    return failure;
  if (endsWith(path, ".npy"))
    return parseNumpy(bytes, path, tensor);
  if (endsWith(path, ".pb"))
    return parseTensorProto(bytes, path, tensor);
  if (endsWith(path, ".npz"))
    return badInput("'" + path +
                    "' holds several arrays; use --inputs or "
                    "--expect without a name");
  return readRaw(path, std::move(bytes), tensor);
}

static std::string withoutEnding(const std::string &name) {
  return name.substr(0, name.rfind('.'));
}

static Outcome readArchive(const std::string &path,
                           std::vector<Tensor> &tensors) {
  std::vector<uint8_t> bytes;
  std::vector<ZipEntry> entries;
  if (Outcome failure = readFile(path, bytes))
    return failure;
  if (Outcome failure = parseZip(bytes, path, entries))
    return failure;
  for (const ZipEntry &entry : entries) {
    Tensor tensor;
    if (Outcome failure =
            parseNumpy(entry.data, path + ":" + entry.name, tensor))
      return failure;
    tensor.name =
        endsWith(entry.name, ".npy") ? withoutEnding(entry.name) : entry.name;
    tensors.push_back(std::move(tensor));
  }
  return {};
}

Outcome sluice::run::readTensors(const std::string &path,
                                 std::vector<Tensor> &tensors) {
  if (!isDirectory(path)) {
    if (endsWith(path, ".npz"))
      return readArchive(path, tensors);
    return badInput("'" + path + "' is neither a folder nor an .npz file");
  }
  std::vector<std::string> names;
  if (Outcome failure = listFolder(path, names))
    return failure;
  for (const std::string &name : names) {
    if (!endsWith(name, ".npy") && !endsWith(name, ".pb"))
      continue;
    Tensor tensor;
    if (Outcome failure = readTensor(path + "/" + name, tensor))
      return failure;
    tensor.name = withoutEnding(name);
    tensors.push_back(std::move(tensor));
  }
  return {};
}

/// Tensor names may be paths; file names may not.
static std::string fileName(const std::string &name) {
  std::string result = name;
  for (char &letter : result)
    if (letter == '/' || letter == '\0')
      letter = '_';
  return result + ".npy";
}

Outcome sluice::run::writeTensors(const std::string &path,
                                  const std::vector<Tensor> &tensors) {
  if (endsWith(path, ".npz")) {
    std::vector<ZipEntry> entries;
    for (const Tensor &tensor : tensors)
      entries.push_back({tensor.name + ".npy", formatNumpy(tensor)});
    std::vector<uint8_t> bytes;
    if (Outcome failure = formatZip(entries, bytes))
      return failure;
    return writeFile(path, bytes.data(), bytes.size());
  }
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    return badInput("cannot make the folder '" + path +
                    "': " + error.message());
  for (const Tensor &tensor : tensors) {
    std::vector<uint8_t> bytes = formatNumpy(tensor);
    if (Outcome failure = writeFile(path + "/" + fileName(tensor.name),
                                    bytes.data(), bytes.size()))
      return failure;
  }
  return {};
}
