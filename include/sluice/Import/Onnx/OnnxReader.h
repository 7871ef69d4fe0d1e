//===- OnnxReader.h - Read ONNX files ----------------------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
//
// Reads a model without copying its weights and checks it: whatever is in the
// file, the answer is a well-formed OnnxModel or an error that says what is
// wrong and where.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_IMPORT_ONNX_ONNXREADER_H
#define SLUICE_IMPORT_ONNX_ONNXREADER_H

#include "sluice/Import/Onnx/OnnxModel.h"

#include "llvm/Support/MemoryBufferRef.h"

namespace sluice {

/// Bounds that keep a hostile file from taking the machine down. The defaults
/// are far above what exporters write.
struct OnnxReadOptions {
  /// Bytes of the model that are not tensor data.
  uint64_t structureLimit = uint64_t(128) << 20;
  /// Protobuf messages (nodes, attributes, tensors, dimensions, ...) in one
  /// model.
  uint64_t messageLimit = 4'000'000;
  /// Messages inside each other; a subgraph takes three.
  unsigned nestingLimit = 96;
  /// Bytes that all sparse tensors together may take when made dense.
  uint64_t denseLimit = uint64_t(1) << 30;
};

/// Maps, reads and verifies a model. External data is looked up in the folder
/// of `path`, never outside of it.
llvm::Expected<OnnxModel> readOnnxModel(llvm::StringRef path,
                                        const OnnxReadOptions &options);

/// The same for a model in memory. Bytes of `buffer` are referenced as long as
/// `owner` lives, which the model's tensors share; a null owner means that the
/// caller keeps the buffer. External data is looked up in `folder`; an empty
/// folder means that the model must not have any.
llvm::Expected<OnnxModel> readOnnxModel(llvm::MemoryBufferRef buffer,
                                        std::shared_ptr<const void> owner,
                                        llvm::StringRef folder,
                                        const OnnxReadOptions &options);

/// Reads a serialised TensorProto, as in the ONNX backend test data.
llvm::Expected<OnnxTensor> readOnnxTensor(llvm::StringRef path,
                                          const OnnxReadOptions &options);

} // namespace sluice

#endif // SLUICE_IMPORT_ONNX_ONNXREADER_H
