//===- ModelSignature.h - What callers of a model see -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ARTIFACT_MODELSIGNATURE_H
#define SLUICE_ARTIFACT_MODELSIGNATURE_H

#include "sluice/Artifact/SizeFormula.h"
#include "sluice/artifact_abi.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// What an input is in runs for which it is not set.
struct DefaultValue {
  std::vector<int64_t> dims;
  int64_t offset = 0; ///< of its elements in the weights
};

/// One input or output.
struct TensorSignature {
  std::string name;
  sluice_dtype dtype = SLUICE_DTYPE_UNDEFINED;
  std::vector<int64_t> dims; ///< -1 where dynamic
  /// As many. Empty where fixed or unknown; of outputs also formulas.
  std::vector<std::string> dimNames;
  /// Of outputs, where the size follows from those of the inputs; may be empty.
  std::vector<SizeFormula> formulas;
  /// Of inputs that need not be set.
  std::optional<DefaultValue> defaultValue;
};

/// An output that an input of the next run continues; see types.h.
struct StateSignature {
  int64_t output = 0; ///< their indices
  int64_t input = 0;
  std::optional<int64_t> axis; ///< along which runs append
  bool isInPlace = false;
  int64_t capacity = 0;
};

struct ModelSignature {
  /// A C identifier: the model's name in symbols and in the header.
  std::string name;
  std::vector<TensorSignature> inputs;
  std::vector<TensorSignature> outputs;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<StateSignature> states;
};

/// Turns any text, such as a file's name, into a C identifier.
std::string makeModelName(const std::string &text);

} // namespace sluice

#endif // SLUICE_ARTIFACT_MODELSIGNATURE_H
