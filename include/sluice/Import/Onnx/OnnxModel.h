//===- OnnxModel.h - An ONNX model in memory ---------------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
//
// What an ONNX file says, without protobuf: plain structs that can be copied,
// edited and built by hand. `readOnnxModel` (OnnxReader.h) fills them.
//
//   llvm::Expected<OnnxModel> model = readOnnxModel("resnet50.onnx", {});
//   if (!model)
//     return model.takeError();
//   if (llvm::Error error = applyShapeOverrides(*model, overrides))
//     return error;
//   if (llvm::Error error = inlineLocalFunctions(*model))
//     return error;
//   for (const OnnxNode &node : model->graph.nodes) {
//     llvm::Expected<std::vector<int64_t>> pads = node.getInts("pads", {});
//     if (!pads) // "node 'conv1' (Conv): attribute 'pads' is a float, ..."
//       return pads.takeError();
//     ...
//   }
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_IMPORT_ONNX_ONNXMODEL_H
#define SLUICE_IMPORT_ONNX_ONNXMODEL_H

#include "sluice/Import/Onnx/OnnxTensor.h"
#include "llvm/Support/MemoryBuffer.h"

#include <utility>
#include <variant>

namespace sluice {

struct OnnxGraph;

/// One dimension of a declared type.
struct OnnxDim {
  enum class Kind : uint8_t { Unknown, Symbolic, Fixed };
  Kind kind = Kind::Unknown;
  int64_t value = 0;  ///< of a fixed dimension, never negative
  std::string symbol; ///< of a symbolic dimension; same name, same size

  static OnnxDim unknown() { return {}; }
  static OnnxDim fixed(int64_t value) { return {Kind::Fixed, value, {}}; }
  static OnnxDim symbolic(std::string symbol) {
    return {Kind::Symbolic, 0, std::move(symbol)};
  }
  bool isFixed() const { return kind == Kind::Fixed; }
  bool isSymbolic() const { return kind == Kind::Symbolic; }
  bool operator==(const OnnxDim &other) const {
    return kind == other.kind && value == other.value && symbol == other.symbol;
  }
  bool operator!=(const OnnxDim &other) const { return !(*this == other); }
};

/// The declared type of a value.
struct OnnxType {
  enum class Kind : uint8_t {
    Unknown,
    Tensor,
    SparseTensor,
    Sequence,
    Optional,
    Map
  };
  Kind kind = Kind::Unknown;
  /// Of a (sparse) tensor; the key type of a map.
  OnnxElementType elementType = OnnxElementType::Undefined;
  /// Absent when the rank is not known.
  std::optional<std::vector<OnnxDim>> shape;
  /// What a sequence, an optional or a map holds.
  std::shared_ptr<const OnnxType> element;

  static OnnxType tensor(OnnxElementType type,
                         std::optional<std::vector<OnnxDim>> shape);
  bool isTensor() const { return kind == Kind::Tensor; }
  /// For messages: "FLOAT[batch,3,?]", "sequence(INT64[])", "unknown".
  std::string describe() const;
};

struct OnnxValueInfo {
  std::string name;
  OnnxType type;
};

/// An attribute of a node. The numbers are ONNX's AttributeProto.AttributeType.
struct OnnxAttribute {
  enum class Kind : uint8_t {
    Undefined = 0,
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Graph = 5,
    Floats = 6,
    Ints = 7,
    Strings = 8,
    Tensors = 9,
    Graphs = 10,
    SparseTensor = 11,
    SparseTensors = 12,
    Type = 13,
    Types = 14,
  };
  std::string name;
  Kind kind = Kind::Undefined;
  /// Inside a function body: the function's attribute that gives the value.
  std::string referencedName;

  /// The value; a single one is a list of one element. The reader
  /// makes sparse tensors dense, so they arrive as Tensor and Tensors.
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  std::vector<OnnxTensor> tensors;
  std::vector<OnnxGraph> graphs;
  std::vector<OnnxType> types;

  bool isReference() const { return !referencedName.empty(); }
};

/// "a float", "ints", "a tensor", ...: for messages.
llvm::StringRef attributeKindName(OnnxAttribute::Kind kind);

struct OnnxNode {
  /// Never empty and unique in the model, subgraphs included ("Conv_12" where
  /// the file has no name, "name_2" for the second node of one name).
  std::string name;
  std::string opType;
  /// "" is the standard domain; "ai.onnx" is normalised to it.
  std::string domain;
  std::string overload;
  /// The opset version of `domain` where this node stands. Stays with the node
  /// when a function that imports another version is inlined.
  int64_t opsetVersion = 0;
  /// Names of values; an omitted optional one is empty. Trailing omitted ones
  /// were removed from `inputs`.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<OnnxAttribute> attributes;

  /// "node 'conv1' (Conv)", or "(com.microsoft.Gelu)" outside the standard
  /// domain: the start of every message about this node.
  std::string describe() const;

  bool hasInput(size_t index) const {
    return index < inputs.size() && !inputs[index].empty();
  }
  bool hasOutput(size_t index) const {
    return index < outputs.size() && !outputs[index].empty();
  }

  /// Null when the node has no such attribute.
  const OnnxAttribute *findAttribute(llvm::StringRef name) const;
  bool hasAttribute(llvm::StringRef name) const {
    return findAttribute(name) != nullptr;
  }

  // Checked getters: the value, or the default when the attribute is absent, or
  // an error that names node and attribute when its kind is another one. The
  // forms without a default fail when the attribute is absent.
  llvm::Expected<int64_t> getInt(llvm::StringRef name) const;
  llvm::Expected<int64_t> getInt(llvm::StringRef name, int64_t fallback) const;
  llvm::Expected<float> getFloat(llvm::StringRef name) const;
  llvm::Expected<float> getFloat(llvm::StringRef name, float fallback) const;
  llvm::Expected<std::string> getString(llvm::StringRef name) const;
  llvm::Expected<std::string> getString(llvm::StringRef name,
                                        llvm::StringRef fallback) const;
  llvm::Expected<std::vector<int64_t>> getInts(llvm::StringRef name) const;
  llvm::Expected<std::vector<int64_t>>
  getInts(llvm::StringRef name, llvm::ArrayRef<int64_t> fallback) const;
  llvm::Expected<std::vector<float>> getFloats(llvm::StringRef name) const;
  llvm::Expected<std::vector<float>>
  getFloats(llvm::StringRef name, llvm::ArrayRef<float> fallback) const;
  llvm::Expected<std::vector<std::string>>
  getStrings(llvm::StringRef name) const;
  /// Never null on success; the attribute must be there.
  llvm::Expected<const OnnxTensor *> getTensor(llvm::StringRef name) const;
  llvm::Expected<const OnnxGraph *> getGraph(llvm::StringRef name) const;
  llvm::Expected<const OnnxType *> getType(llvm::StringRef name) const;

private:
  /// The attribute if there, null if absent and not required.
  llvm::Expected<const OnnxAttribute *>
  find(llvm::StringRef name, OnnxAttribute::Kind kind, bool required) const;
};

/// A graph or subgraph. After reading, nodes stand in topological order and
/// every value has one definition; a subgraph also sees the values of the
/// graphs around it, its own names hiding theirs.
struct OnnxGraph {
  std::string name;
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> initializers;
  /// As in the file: an input that is also an initializer has a default value.
  std::vector<OnnxValueInfo> inputs;
  std::vector<OnnxValueInfo> outputs;
  /// Declared types of inner values; hints, not to be trusted.
  std::vector<OnnxValueInfo> valueInfos;

  const OnnxTensor *findInitializer(llvm::StringRef name) const;
  const OnnxValueInfo *findInput(llvm::StringRef name) const;
  /// The inputs that a caller must give: those that are no initializers.
  std::vector<const OnnxValueInfo *> requiredInputs() const;
};

struct OnnxOpset {
  std::string domain; ///< "" is the standard domain
  int64_t version = 0;
};

/// A model-local function; calls are inlined by `inlineLocalFunctions`.
struct OnnxFunction {
  std::string domain;
  std::string name;
  std::string overload;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> attributes;            ///< without a default value
  std::vector<OnnxAttribute> attributesDefaulted; ///< name, kind and value
  std::vector<OnnxOpset> opsets;
  std::vector<OnnxNode> nodes;
  std::vector<OnnxValueInfo> valueInfos;

  /// "function 'my.domain.Gelu'" with the overload if there is one.
  std::string describe() const;
};

struct OnnxModel {
  std::string path; ///< of the file, for messages; may be empty
  int64_t irVersion = 0;
  std::string producerName;
  std::string producerVersion;
  std::string domain;
  int64_t modelVersion = 0;
  std::vector<OnnxOpset> opsets;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<OnnxFunction> functions;
  OnnxGraph graph;
  /// The mapped files that the bytes of tensors lie in.
  std::vector<std::shared_ptr<const llvm::MemoryBuffer>> files;

  /// The imported version of a domain; empty when it is not imported.
  std::optional<int64_t> opsetVersion(llvm::StringRef domain) const;
  const OnnxFunction *findFunction(llvm::StringRef domain, llvm::StringRef name,
                                   llvm::StringRef overload) const;
};

} // namespace sluice

#endif // SLUICE_IMPORT_ONNX_ONNXMODEL_H
