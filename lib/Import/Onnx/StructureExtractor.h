//===- StructureExtractor.h - A model file without its weights ---*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
//
// Protobuf's parser copies every byte of a message, so a model is not parsed
// directly: a walk over the wire format first writes a copy of the model in
// which tensor data is replaced by references into the mapped file. Protobuf
// then parses that copy, which is small. The walk also enforces the bounds on
// nesting and size, with messages that say where the file breaks them.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_STRUCTUREEXTRACTOR_H
#define SLUICE_LIB_IMPORT_ONNX_STRUCTUREEXTRACTOR_H

#include "sluice/Import/Onnx/OnnxReader.h"

#include <string>
#include <vector>

namespace sluice::onnx_detail {

/// The messages of the ONNX schema that the walk descends into.
enum class MessageKind : uint8_t {
  Model,
  Graph,
  Node,
  Attribute,
  Tensor,
  SparseTensor,
  Function,
  ValueInfo,
  Type,
  TensorType,
  ElementType,
  MapType,
  Shape,
  Dimension,
  Entry,
};

/// The field of a rewritten TensorProto that stands for data left in the file:
/// an index into `ExtractedStructure::data`. Above all of ONNX's own numbers;
/// fields of this number in the file are dropped.
constexpr uint32_t dataReferenceField = 536870000;

/// Where the contents of a data field of a TensorProto lie.
struct TensorDataReference {
  uint32_t field = 0; ///< the field of TensorProto
  llvm::StringRef contents;
};

struct ExtractedStructure {
  std::string serialized;
  std::vector<TensorDataReference> data;
};

/// Strips the message `bytes` of kind `root` of its tensor data and of what the
/// compiler has no use for (documentation, training information).
llvm::Expected<ExtractedStructure>
extractStructure(llvm::StringRef bytes, MessageKind root,
                 const OnnxReadOptions &options);

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_STRUCTUREEXTRACTOR_H
