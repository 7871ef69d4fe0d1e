//===- GraphConversion.cpp - ModelProto to OnnxModel ----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "GraphConversion.h"

#include "Messages.h"
#include "OnnxSchema.h"

using namespace sluice;
using namespace sluice::onnx_detail;
using onnx::AttributeProto;

namespace {

/// Converts everything that may hold tensors.
class Converter {
public:
  explicit Converter(const TensorSource &source) : source(source) {}

  llvm::Expected<OnnxGraph> convert(const onnx::GraphProto &proto) const;
  llvm::Expected<OnnxNode> convert(const onnx::NodeProto &proto) const;
  llvm::Expected<OnnxAttribute> convert(const AttributeProto &proto) const;
  llvm::Expected<OnnxFunction> convert(const onnx::FunctionProto &proto) const;

private:
  llvm::Error convertAttributes(
      const google::protobuf::RepeatedPtrField<AttributeProto> &protos,
      std::vector<OnnxAttribute> &attributes) const;
  llvm::Error setValue(OnnxAttribute &attribute,
                       const AttributeProto &proto) const;
  llvm::Error addTensor(OnnxAttribute &attribute,
                        llvm::Expected<OnnxTensor> tensor) const;
  llvm::Error addGraph(OnnxAttribute &attribute,
                       const onnx::GraphProto &proto) const;
  llvm::Error addType(OnnxAttribute &attribute,
                      const onnx::TypeProto &proto) const;

  const TensorSource &source;
};

} // namespace

/// "ai.onnx" is another spelling of the standard domain.
static std::string normalizeDomain(const std::string &domain) {
  return domain == "ai.onnx" ? std::string() : domain;
}

static llvm::Expected<OnnxValueInfo>
convertValueInfo(const onnx::ValueInfoProto &proto) {
  OnnxValueInfo info;
  info.name = proto.name();
  llvm::Expected<OnnxType> type = convertType(proto.type());
  if (!type)
    return addContext("the type of " + quote(proto.name()), type.takeError());
  info.type = std::move(*type);
  return info;
}

static llvm::Error convertValueInfos(
    const google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> &protos,
    std::vector<OnnxValueInfo> &infos) {
  for (const onnx::ValueInfoProto &proto : protos) {
    llvm::Expected<OnnxValueInfo> info = convertValueInfo(proto);
    if (!info)
      return info.takeError();
    infos.push_back(std::move(*info));
  }
  return llvm::Error::success();
}

static std::vector<OnnxOpset>
convertOpsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>
                  &protos) {
  std::vector<OnnxOpset> opsets;
  for (const onnx::OperatorSetIdProto &proto : protos)
    opsets.push_back({normalizeDomain(proto.domain()), proto.version()});
  return opsets;
}

template <typename Strings>
static std::vector<std::string> convertStrings(const Strings &strings) {
  return {strings.begin(), strings.end()};
}

/// The kind of an attribute that carries no type, as old files have them.
static AttributeProto::AttributeType inferKind(const AttributeProto &proto) {
  if (proto.has_f())
    return AttributeProto::FLOAT;
  if (proto.has_i())
    return AttributeProto::INT;
  if (proto.has_s())
    return AttributeProto::STRING;
  if (proto.has_t())
    return AttributeProto::TENSOR;
  if (proto.has_g())
    return AttributeProto::GRAPH;
  if (proto.has_sparse_tensor())
    return AttributeProto::SPARSE_TENSOR;
  if (proto.has_tp())
    return AttributeProto::TYPE_PROTO;
  if (proto.floats_size())
    return AttributeProto::FLOATS;
  if (proto.ints_size())
    return AttributeProto::INTS;
  if (proto.strings_size())
    return AttributeProto::STRINGS;
  if (proto.tensors_size())
    return AttributeProto::TENSORS;
  if (proto.graphs_size())
    return AttributeProto::GRAPHS;
  return AttributeProto::UNDEFINED;
}

llvm::Error Converter::addTensor(OnnxAttribute &attribute,
                                 llvm::Expected<OnnxTensor> tensor) const {
  if (!tensor)
    return tensor.takeError();
  attribute.tensors.push_back(std::move(*tensor));
  return llvm::Error::success();
}

llvm::Error Converter::addGraph(OnnxAttribute &attribute,
                                const onnx::GraphProto &proto) const {
  llvm::Expected<OnnxGraph> graph = convert(proto);
  if (!graph)
    return graph.takeError();
  attribute.graphs.push_back(std::move(*graph));
  return llvm::Error::success();
}

llvm::Error Converter::addType(OnnxAttribute &attribute,
                               const onnx::TypeProto &proto) const {
  llvm::Expected<OnnxType> type = convertType(proto);
  if (!type)
    return type.takeError();
  attribute.types.push_back(std::move(*type));
  return llvm::Error::success();
}

llvm::Error Converter::setValue(OnnxAttribute &attribute,
                                const AttributeProto &proto) const {
  auto addAll = [](const auto &protos, auto add) -> llvm::Error {
    for (const auto &proto : protos)
      if (llvm::Error error = add(proto))
        return error;
    return llvm::Error::success();
  };
  auto addSparse = [&](const onnx::SparseTensorProto &sparse) {
    return addTensor(attribute, convertSparseTensor(sparse, source));
  };
  switch (attribute.kind) {
  // A number or string that is zero or empty may be left out of the file.
  case OnnxAttribute::Kind::Float:
    attribute.floats = {proto.f()};
    return llvm::Error::success();
  case OnnxAttribute::Kind::Int:
    attribute.ints = {proto.i()};
    return llvm::Error::success();
  case OnnxAttribute::Kind::String:
    attribute.strings = {proto.s()};
    return llvm::Error::success();
  case OnnxAttribute::Kind::Floats:
    attribute.floats.assign(proto.floats().begin(), proto.floats().end());
    return llvm::Error::success();
  case OnnxAttribute::Kind::Ints:
    attribute.ints.assign(proto.ints().begin(), proto.ints().end());
    return llvm::Error::success();
  case OnnxAttribute::Kind::Strings:
    attribute.strings = convertStrings(proto.strings());
    return llvm::Error::success();
  case OnnxAttribute::Kind::Tensor:
    if (!proto.has_t())
      return makeError("has no tensor");
    return addTensor(attribute, convertTensor(proto.t(), source));
  case OnnxAttribute::Kind::Tensors:
    return addAll(proto.tensors(), [&](const onnx::TensorProto &tensor) {
      return addTensor(attribute, convertTensor(tensor, source));
    });
  case OnnxAttribute::Kind::SparseTensor:
    if (!proto.has_sparse_tensor())
      return makeError("has no sparse tensor");
    return addSparse(proto.sparse_tensor());
  case OnnxAttribute::Kind::SparseTensors:
    return addAll(proto.sparse_tensors(), addSparse);
  case OnnxAttribute::Kind::Graph:
    if (!proto.has_g())
      return makeError("has no graph");
    return addGraph(attribute, proto.g());
  case OnnxAttribute::Kind::Graphs:
    return addAll(proto.graphs(), [&](const onnx::GraphProto &graph) {
      return addGraph(attribute, graph);
    });
  case OnnxAttribute::Kind::Type:
    if (!proto.has_tp())
      return makeError("has no type");
    return addType(attribute, proto.tp());
  case OnnxAttribute::Kind::Types:
    return addAll(proto.type_protos(), [&](const onnx::TypeProto &type) {
      return addType(attribute, type);
    });
  case OnnxAttribute::Kind::Undefined:
    break;
  }
  return makeError("has no value, or one of an unknown kind");
}

llvm::Expected<OnnxAttribute>
Converter::convert(const AttributeProto &proto) const {
  OnnxAttribute attribute;
  attribute.name = proto.name();
  attribute.referencedName = proto.ref_attr_name();
  AttributeProto::AttributeType carried = inferKind(proto);
  AttributeProto::AttributeType declared =
      proto.has_type() ? proto.type() : AttributeProto::UNDEFINED;
  std::string context = "attribute " + quote(proto.name());
  attribute.kind = static_cast<OnnxAttribute::Kind>(
      declared == AttributeProto::UNDEFINED ? carried : declared);
  if (attribute.isReference())
    return attribute;
  if (attribute.kind != static_cast<OnnxAttribute::Kind>(carried) &&
      carried != AttributeProto::UNDEFINED)
    return makeError(
        context + " says that it is " + attributeKindName(attribute.kind) +
        ", but carries " +
        attributeKindName(static_cast<OnnxAttribute::Kind>(carried)));
  if (llvm::Error error = setValue(attribute, proto))
    return addContext(context, std::move(error));
  // What was sparse is dense now.
  if (attribute.kind == OnnxAttribute::Kind::SparseTensor)
    attribute.kind = OnnxAttribute::Kind::Tensor;
  if (attribute.kind == OnnxAttribute::Kind::SparseTensors)
    attribute.kind = OnnxAttribute::Kind::Tensors;
  return attribute;
}

llvm::Error Converter::convertAttributes(
    const google::protobuf::RepeatedPtrField<AttributeProto> &protos,
    std::vector<OnnxAttribute> &attributes) const {
  for (const AttributeProto &proto : protos) {
    llvm::Expected<OnnxAttribute> attribute = convert(proto);
    if (!attribute)
      return attribute.takeError();
    attributes.push_back(std::move(*attribute));
  }
  return llvm::Error::success();
}

llvm::Expected<OnnxNode>
Converter::convert(const onnx::NodeProto &proto) const {
  OnnxNode node;
  node.name = proto.name();
  node.opType = proto.op_type();
  node.domain = normalizeDomain(proto.domain());
  node.overload = laterString(proto, LaterField::nodeOverload);
  node.inputs = convertStrings(proto.input());
  while (!node.inputs.empty() && node.inputs.back().empty())
    node.inputs.pop_back();
  node.outputs = convertStrings(proto.output());
  if (llvm::Error error = convertAttributes(proto.attribute(), node.attributes))
    return addContext(node.describe(), std::move(error));
  return node;
}

llvm::Expected<OnnxGraph>
Converter::convert(const onnx::GraphProto &proto) const {
  OnnxGraph graph;
  graph.name = proto.name();
  for (const onnx::TensorProto &initializer : proto.initializer()) {
    llvm::Expected<OnnxTensor> tensor = convertTensor(initializer, source);
    if (!tensor)
      return addContext("initializer " + quote(initializer.name()),
                        tensor.takeError());
    graph.initializers.push_back(std::move(*tensor));
  }
  for (const onnx::SparseTensorProto &sparse : proto.sparse_initializer()) {
    llvm::Expected<OnnxTensor> tensor = convertSparseTensor(sparse, source);
    if (!tensor)
      return addContext("sparse initializer " + quote(sparse.values().name()),
                        tensor.takeError());
    graph.initializers.push_back(std::move(*tensor));
  }
  if (llvm::Error error = convertValueInfos(proto.input(), graph.inputs))
    return std::move(error);
  if (llvm::Error error = convertValueInfos(proto.output(), graph.outputs))
    return std::move(error);
  if (llvm::Error error =
          convertValueInfos(proto.value_info(), graph.valueInfos))
    return std::move(error);
  for (const onnx::NodeProto &nodeProto : proto.node()) {
    llvm::Expected<OnnxNode> node = convert(nodeProto);
    if (!node)
      return node.takeError();
    graph.nodes.push_back(std::move(*node));
  }
  return graph;
}

/// Parses what protobuf kept of a field that its schema does not know.
template <typename Proto>
static llvm::Error parseLater(llvm::StringRef contents, Proto &proto) {
  if (proto.ParseFromArray(contents.data(), static_cast<int>(contents.size())))
    return llvm::Error::success();
  return makeError("is damaged");
}

llvm::Expected<OnnxFunction>
Converter::convert(const onnx::FunctionProto &proto) const {
  OnnxFunction function;
  function.domain = normalizeDomain(proto.domain());
  function.name = proto.name();
  function.overload = laterString(proto, LaterField::functionOverload);
  function.inputs = convertStrings(proto.input());
  function.outputs = convertStrings(proto.output());
  function.attributes = convertStrings(proto.attribute());
  function.opsets = convertOpsets(proto.opset_import());
  auto addDefault = [&](llvm::StringRef contents) -> llvm::Error {
    AttributeProto attributeProto;
    if (llvm::Error error = parseLater(contents, attributeProto))
      return error;
    llvm::Expected<OnnxAttribute> attribute = convert(attributeProto);
    if (!attribute)
      return attribute.takeError();
    function.attributesDefaulted.push_back(std::move(*attribute));
    return llvm::Error::success();
  };
  auto addValueInfo = [&](llvm::StringRef contents) -> llvm::Error {
    onnx::ValueInfoProto infoProto;
    if (llvm::Error error = parseLater(contents, infoProto))
      return error;
    llvm::Expected<OnnxValueInfo> info = convertValueInfo(infoProto);
    if (!info)
      return info.takeError();
    function.valueInfos.push_back(std::move(*info));
    return llvm::Error::success();
  };
  if (llvm::Error error =
          forEachLater(proto, LaterField::functionAttributeProto, addDefault))
    return addContext(function.describe(), std::move(error));
  if (llvm::Error error =
          forEachLater(proto, LaterField::functionValueInfo, addValueInfo))
    return addContext(function.describe(), std::move(error));
  for (const onnx::NodeProto &nodeProto : proto.node()) {
    llvm::Expected<OnnxNode> node = convert(nodeProto);
    if (!node)
      return addContext(function.describe(), node.takeError());
    function.nodes.push_back(std::move(*node));
  }
  return function;
}

llvm::Expected<OnnxModel>
sluice::onnx_detail::convertModel(const onnx::ModelProto &proto,
                                  const TensorSource &source) {
  if (!proto.has_graph())
    return makeError("has no graph; is this an ONNX model?");
  Converter converter(source);
  OnnxModel model;
  model.irVersion = proto.ir_version();
  model.producerName = proto.producer_name();
  model.producerVersion = proto.producer_version();
  model.domain = proto.domain();
  model.modelVersion = proto.model_version();
  model.opsets = convertOpsets(proto.opset_import());
  for (const onnx::StringStringEntryProto &entry : proto.metadata_props())
    model.metadata.emplace_back(entry.key(), entry.value());
  for (const onnx::FunctionProto &functionProto : proto.functions()) {
    llvm::Expected<OnnxFunction> function = converter.convert(functionProto);
    if (!function)
      return function.takeError();
    model.functions.push_back(std::move(*function));
  }
  llvm::Expected<OnnxGraph> graph = converter.convert(proto.graph());
  if (!graph)
    return graph.takeError();
  model.graph = std::move(*graph);
  return model;
}
