//===- FuzzedModel.h - A fuzzer's bytes as a model --------------*- C++ -*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TEST_FUZZ_FUZZEDMODEL_H
#define SLUICE_TEST_FUZZ_FUZZEDMODEL_H

#include "sluice/Import/Onnx/OnnxReader.h"
#include "sluice/Import/Onnx/OnnxTransforms.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluice::fuzz {

/// Reads bytes as sluicec reads a file, with limits that keep a run short.
inline llvm::Expected<OnnxModel> readModel(const uint8_t *data, size_t size) {
  OnnxReadOptions options;
  options.denseLimit = uint64_t(1) << 20;
  llvm::MemoryBufferRef buffer(
      llvm::StringRef(reinterpret_cast<const char *>(data), size), "fuzz");
  return readOnnxModel(buffer, /*owner=*/nullptr, /*folder=*/"", options);
}

/// The same with local functions inlined, as the importer wants it; nothing
/// where the bytes are no model.
inline std::optional<OnnxModel> readInlinedModel(const uint8_t *data,
                                                 size_t size) {
  llvm::Expected<OnnxModel> model = readModel(data, size);
  if (!model) {
    llvm::consumeError(model.takeError());
    return std::nullopt;
  }
  if (llvm::Error error = inlineLocalFunctions(*model, /*nodeLimit=*/1000)) {
    llvm::consumeError(std::move(error));
    return std::nullopt;
  }
  return std::move(*model);
}

} // namespace sluice::fuzz

#endif // SLUICE_TEST_FUZZ_FUZZEDMODEL_H
