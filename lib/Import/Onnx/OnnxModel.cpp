//===- OnnxModel.cpp - An ONNX model in memory ----------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "sluice/Import/Onnx/OnnxModel.h"

#include "Messages.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace sluice;
using namespace sluice::onnx_detail;

OnnxType OnnxType::tensor(OnnxElementType elementType,
                          std::optional<std::vector<OnnxDim>> shape) {
  OnnxType type;
  type.kind = Kind::Tensor;
  type.elementType = elementType;
  type.shape = std::move(shape);
  return type;
}

static std::string describeDim(const OnnxDim &dim) {
  switch (dim.kind) {
  case OnnxDim::Kind::Fixed:
    return std::to_string(dim.value);
  case OnnxDim::Kind::Symbolic:
    return dim.symbol;
  case OnnxDim::Kind::Unknown:
    break;
  }
  return "?";
}

std::string OnnxType::describe() const {
  std::string inner = element ? element->describe() : "unknown";
  switch (kind) {
  case Kind::Unknown:
    return "unknown";
  case Kind::Sequence:
    return "sequence(" + inner + ")";
  case Kind::Optional:
    return "optional(" + inner + ")";
  case Kind::Map:
    return "map(" + elementTypeName(elementType) + ", " + inner + ")";
  case Kind::Tensor:
  case Kind::SparseTensor:
    break;
  }
  std::string text = elementTypeName(elementType);
  llvm::raw_string_ostream stream(text);
  if (shape) {
    stream << '[';
    llvm::interleave(
        *shape, stream, [&](const OnnxDim &dim) { stream << describeDim(dim); },
        ",");
    stream << ']';
  } else {
    stream << "[...]";
  }
  return kind == Kind::Tensor ? text : "sparse(" + text + ")";
}

llvm::StringRef sluice::attributeKindName(OnnxAttribute::Kind kind) {
  switch (kind) {
  case OnnxAttribute::Kind::Undefined:
    return "undefined";
  case OnnxAttribute::Kind::Float:
    return "a float";
  case OnnxAttribute::Kind::Int:
    return "an int";
  case OnnxAttribute::Kind::String:
    return "a string";
  case OnnxAttribute::Kind::Tensor:
    return "a tensor";
  case OnnxAttribute::Kind::Graph:
    return "a graph";
  case OnnxAttribute::Kind::Floats:
    return "floats";
  case OnnxAttribute::Kind::Ints:
    return "ints";
  case OnnxAttribute::Kind::Strings:
    return "strings";
  case OnnxAttribute::Kind::Tensors:
    return "tensors";
  case OnnxAttribute::Kind::Graphs:
    return "graphs";
  case OnnxAttribute::Kind::SparseTensor:
    return "a sparse tensor";
  case OnnxAttribute::Kind::SparseTensors:
    return "sparse tensors";
  case OnnxAttribute::Kind::Type:
    return "a type";
  case OnnxAttribute::Kind::Types:
    return "types";
  }
  return "of an unknown kind";
}

std::string OnnxNode::describe() const {
  std::string text =
      name.empty() ? "unnamed node" : "node " + quote(llvm::StringRef(name));
  text += " (";
  if (!domain.empty())
    text += domain + ".";
  return text + opType + ")";
}

const OnnxAttribute *OnnxNode::findAttribute(llvm::StringRef wanted) const {
  auto found = llvm::find_if(attributes, [&](const OnnxAttribute &attribute) {
    return attribute.name == wanted;
  });
  return found == attributes.end() ? nullptr : &*found;
}

/// Whether an attribute of one value has it; lists may be empty.
static bool hasSingleValue(const OnnxAttribute &attribute) {
  switch (attribute.kind) {
  case OnnxAttribute::Kind::Float:
    return attribute.floats.size() == 1;
  case OnnxAttribute::Kind::Int:
    return attribute.ints.size() == 1;
  case OnnxAttribute::Kind::String:
    return attribute.strings.size() == 1;
  case OnnxAttribute::Kind::Tensor:
    return attribute.tensors.size() == 1;
  case OnnxAttribute::Kind::Graph:
    return attribute.graphs.size() == 1;
  case OnnxAttribute::Kind::Type:
    return attribute.types.size() == 1;
  default:
    return true;
  }
}

llvm::Expected<const OnnxAttribute *> OnnxNode::find(llvm::StringRef wanted,
                                                     OnnxAttribute::Kind kind,
                                                     bool required) const {
  const OnnxAttribute *attribute = findAttribute(wanted);
  if (!attribute && !required)
    return nullptr;
  if (!attribute)
    return makeError(describe() + ": attribute " + quote(wanted) +
                     " is missing");
  if (attribute->isReference())
    return makeError(describe() + ": attribute " + quote(wanted) +
                     " refers to an attribute of a function");
  if (attribute->kind != kind)
    return makeError(describe() + ": attribute " + quote(wanted) + " is " +
                     attributeKindName(attribute->kind) + ", expected " +
                     attributeKindName(kind));
  if (!hasSingleValue(*attribute))
    return makeError(describe() + ": attribute " + quote(wanted) +
                     " has no value");
  return attribute;
}

/// What `convert` makes of the attribute that was found, the default if none
/// was.
template <typename Result, typename Convert>
static llvm::Expected<Result>
valueOr(llvm::Expected<const OnnxAttribute *> attribute, Result fallback,
        Convert convert) {
  if (!attribute)
    return attribute.takeError();
  if (!*attribute)
    return fallback;
  return convert(**attribute);
}

static int64_t firstInt(const OnnxAttribute &attribute) {
  return attribute.ints.front();
}
static float firstFloat(const OnnxAttribute &attribute) {
  return attribute.floats.front();
}
static std::string firstString(const OnnxAttribute &attribute) {
  return attribute.strings.front();
}
static std::vector<int64_t> allInts(const OnnxAttribute &attribute) {
  return attribute.ints;
}
static std::vector<float> allFloats(const OnnxAttribute &attribute) {
  return attribute.floats;
}
static std::vector<std::string> allStrings(const OnnxAttribute &attribute) {
  return attribute.strings;
}

llvm::Expected<int64_t> OnnxNode::getInt(llvm::StringRef wanted) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::Int, true), int64_t(0),
                 firstInt);
}

llvm::Expected<int64_t> OnnxNode::getInt(llvm::StringRef wanted,
                                         int64_t fallback) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::Int, false), fallback,
                 firstInt);
}

llvm::Expected<float> OnnxNode::getFloat(llvm::StringRef wanted) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::Float, true), 0.0f,
                 firstFloat);
}

llvm::Expected<float> OnnxNode::getFloat(llvm::StringRef wanted,
                                         float fallback) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::Float, false), fallback,
                 firstFloat);
}

llvm::Expected<std::string> OnnxNode::getString(llvm::StringRef wanted) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::String, true), std::string(),
                 firstString);
}

llvm::Expected<std::string>
OnnxNode::getString(llvm::StringRef wanted, llvm::StringRef fallback) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::String, false),
                 fallback.str(), firstString);
}

llvm::Expected<std::vector<int64_t>>
OnnxNode::getInts(llvm::StringRef wanted) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::Ints, true),
                 std::vector<int64_t>(), allInts);
}

llvm::Expected<std::vector<int64_t>>
OnnxNode::getInts(llvm::StringRef wanted,
                  llvm::ArrayRef<int64_t> fallback) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::Ints, false), fallback.vec(),
                 allInts);
}

llvm::Expected<std::vector<float>>
OnnxNode::getFloats(llvm::StringRef wanted) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::Floats, true),
                 std::vector<float>(), allFloats);
}

llvm::Expected<std::vector<float>>
OnnxNode::getFloats(llvm::StringRef wanted,
                    llvm::ArrayRef<float> fallback) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::Floats, false),
                 fallback.vec(), allFloats);
}

llvm::Expected<std::vector<std::string>>
OnnxNode::getStrings(llvm::StringRef wanted) const {
  return valueOr(find(wanted, OnnxAttribute::Kind::Strings, true),
                 std::vector<std::string>(), allStrings);
}

llvm::Expected<const OnnxTensor *>
OnnxNode::getTensor(llvm::StringRef wanted) const {
  return valueOr<const OnnxTensor *>(
      find(wanted, OnnxAttribute::Kind::Tensor, true), nullptr,
      [](const OnnxAttribute &attribute) {
        return &attribute.tensors.front();
      });
}

llvm::Expected<const OnnxGraph *>
OnnxNode::getGraph(llvm::StringRef wanted) const {
  return valueOr<const OnnxGraph *>(
      find(wanted, OnnxAttribute::Kind::Graph, true), nullptr,
      [](const OnnxAttribute &attribute) { return &attribute.graphs.front(); });
}

llvm::Expected<const OnnxType *>
OnnxNode::getType(llvm::StringRef wanted) const {
  return valueOr<const OnnxType *>(
      find(wanted, OnnxAttribute::Kind::Type, true), nullptr,
      [](const OnnxAttribute &attribute) { return &attribute.types.front(); });
}

/// The element of `range` with that name, or null.
template <typename Range>
static auto findNamed(const Range &range, llvm::StringRef name) {
  auto found = llvm::find_if(
      range, [&](const auto &element) { return element.name == name; });
  return found == range.end() ? nullptr : &*found;
}

const OnnxTensor *OnnxGraph::findInitializer(llvm::StringRef wanted) const {
  return findNamed(initializers, wanted);
}

const OnnxValueInfo *OnnxGraph::findInput(llvm::StringRef wanted) const {
  return findNamed(inputs, wanted);
}

std::vector<const OnnxValueInfo *> OnnxGraph::requiredInputs() const {
  llvm::StringSet<> initialized;
  for (const OnnxTensor &initializer : initializers)
    initialized.insert(initializer.name);
  std::vector<const OnnxValueInfo *> required;
  for (const OnnxValueInfo &input : inputs)
    if (!initialized.contains(input.name))
      required.push_back(&input);
  return required;
}

std::string OnnxFunction::describe() const {
  std::string fullName = domain.empty() ? name : domain + "." + name;
  if (!overload.empty())
    fullName += ":" + overload;
  return "function " + quote(fullName);
}

std::optional<int64_t> OnnxModel::opsetVersion(llvm::StringRef wanted) const {
  for (const OnnxOpset &opset : opsets)
    if (opset.domain == wanted)
      return opset.version;
  return std::nullopt;
}

const OnnxFunction *
OnnxModel::findFunction(llvm::StringRef functionDomain,
                        llvm::StringRef functionName,
                        llvm::StringRef functionOverload) const {
  auto found = llvm::find_if(functions, [&](const OnnxFunction &function) {
    return function.name == functionName && function.domain == functionDomain &&
           function.overload == functionOverload;
  });
  return found == functions.end() ? nullptr : &*found;
}
