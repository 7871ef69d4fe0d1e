//===- ModelSignature.h - What callers of a model see -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ARTIFACT_MODELSIGNATURE_H
#define SLUICE_ARTIFACT_MODELSIGNATURE_H

#include "sluice/artifact_abi.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// One input or output.
struct TensorSignature {
  std::string name;
  sluice_dtype dtype = SLUICE_DTYPE_UNDEFINED;
  std::vector<int64_t> dims;         ///< -1 where dynamic
  std::vector<std::string> dimNames; ///< as many; empty where fixed or unnamed
};

struct ModelSignature {
  /// A C identifier: the model's name in symbols and in the header.
  std::string name;
  std::vector<TensorSignature> inputs;
  std::vector<TensorSignature> outputs;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// Turns any text, such as a file's name, into a C identifier.
std::string makeModelName(const std::string &text);

} // namespace sluice

#endif // SLUICE_ARTIFACT_MODELSIGNATURE_H
