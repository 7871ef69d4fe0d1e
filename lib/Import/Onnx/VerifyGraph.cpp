//===- VerifyGraph.cpp - Checks of one graph ------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "VerifyGraph.h"

#include "Messages.h"
#include "NodeOrder.h"

#include "llvm/ADT/STLExtras.h"

using namespace sluice;
using namespace sluice::onnx_detail;

/// One string for the three names; names from files may contain anything but
/// are kept apart by their lengths.
static std::string functionKey(llvm::StringRef domain, llvm::StringRef name,
                               llvm::StringRef overload) {
  return std::to_string(domain.size()) + ":" + std::to_string(name.size()) +
         ":" + (domain + name + overload).str();
}

llvm::Error FunctionTable::add(const OnnxFunction &function) {
  if (function.name.empty())
    return makeError("a function has no name");
  std::string key =
      functionKey(function.domain, function.name, function.overload);
  if (!functions.try_emplace(key, &function).second)
    return makeError(function.describe() + " is defined twice");
  return llvm::Error::success();
}

const OnnxFunction *FunctionTable::find(const OnnxNode &call) const {
  return functions.lookup(functionKey(call.domain, call.opType, call.overload));
}

llvm::Expected<llvm::StringMap<int64_t>>
sluice::onnx_detail::collectOpsets(llvm::ArrayRef<OnnxOpset> opsets) {
  llvm::StringMap<int64_t> versions;
  for (const OnnxOpset &opset : opsets) {
    if (opset.version < 1)
      return makeError("the opset import of domain " + quote(opset.domain) +
                       " has version " + llvm::Twine(opset.version));
    auto [known, isNew] = versions.try_emplace(opset.domain, opset.version);
    if (!isNew && known->second != opset.version)
      return makeError(
          "domain " + quote(opset.domain) + " is imported in versions " +
          llvm::Twine(known->second) + " and " + llvm::Twine(opset.version));
  }
  return versions;
}

static llvm::Error resolveOpset(OnnxNode &node, const VerifyContext &context) {
  if (node.opsetVersion != 0)
    return llvm::Error::success();
  auto version = context.opsets.find(node.domain);
  if (version != context.opsets.end()) {
    node.opsetVersion = version->second;
    return llvm::Error::success();
  }
  // A call of a local function says all that is needed.
  if (context.functions->find(node))
    return llvm::Error::success();
  return makeError(node.describe() + ": its domain " +
                   (node.domain.empty() ? "'ai.onnx'" : quote(node.domain)) +
                   " is not among the opset imports");
}

static llvm::Error checkAttribute(const OnnxAttribute &attribute,
                                  const OnnxFunction *function) {
  if (attribute.name.empty())
    return makeError("an attribute has no name");
  if (!attribute.isReference())
    return llvm::Error::success();
  std::string what = "attribute " + quote(attribute.name) + " refers to " +
                     quote(attribute.referencedName) + ", ";
  if (!function)
    return makeError(what + "but stands in no function");
  auto isDefault = [&](const OnnxAttribute &candidate) {
    return candidate.name == attribute.referencedName;
  };
  if (!llvm::is_contained(function->attributes, attribute.referencedName) &&
      !llvm::any_of(function->attributesDefaulted, isDefault))
    return makeError(what + "which the function does not have");
  return llvm::Error::success();
}

static llvm::Error checkNode(OnnxNode &node, const VerifyContext &context) {
  if (node.opType.empty())
    return makeError(node.describe() + ": has no operator");
  if (llvm::Error error = resolveOpset(node, context))
    return error;
  llvm::StringSet<> names;
  for (const OnnxAttribute &attribute : node.attributes) {
    if (llvm::Error error = checkAttribute(attribute, context.function))
      return addContext(node.describe(), std::move(error));
    if (!names.insert(attribute.name).second)
      return makeError(node.describe() + ": attribute " +
                       quote(attribute.name) + " is there twice");
  }
  return llvm::Error::success();
}

llvm::Error sluice::onnx_detail::verifyNodes(std::vector<OnnxNode> &nodes,
                                             ValueScope &scope,
                                             const VerifyContext &context) {
  for (OnnxNode &node : nodes) {
    if (llvm::Error error = checkNode(node, context))
      return error;
    for (const std::string &output : node.outputs)
      if (!output.empty() && !scope.names.insert(output).second)
        return makeError(node.describe() + ": its output " + quote(output) +
                         " is already defined");
  }
  for (const OnnxNode &node : nodes)
    for (size_t index = 0; index < node.inputs.size(); ++index)
      if (node.hasInput(index) && !scope.contains(node.inputs[index]))
        return makeError(node.describe() + ": its input " +
                         quote(node.inputs[index]) +
                         " is not defined anywhere");
  if (llvm::Error error = sortTopologically(nodes))
    return error;
  for (OnnxNode &node : nodes)
    for (OnnxAttribute &attribute : node.attributes)
      for (OnnxGraph &graph : attribute.graphs)
        if (llvm::Error error = verifyGraph(graph, &scope, context))
          return addContext(node.describe() + ": attribute " +
                                quote(attribute.name),
                            std::move(error));
  return llvm::Error::success();
}

llvm::Error sluice::onnx_detail::verifyGraph(OnnxGraph &graph,
                                             const ValueScope *outer,
                                             const VerifyContext &context) {
  ValueScope scope;
  scope.outer = outer;
  for (const OnnxValueInfo &input : graph.inputs) {
    if (input.name.empty())
      return makeError("a graph input has no name");
    if (!scope.names.insert(input.name).second)
      return makeError("graph input " + quote(input.name) + " is there twice");
  }
  llvm::StringSet<> initializers;
  for (const OnnxTensor &initializer : graph.initializers) {
    if (initializer.name.empty())
      return makeError("an initializer has no name");
    if (!initializers.insert(initializer.name).second)
      return makeError("initializer " + quote(initializer.name) +
                       " is there twice");
    scope.names.insert(initializer.name);
  }
  if (llvm::Error error = verifyNodes(graph.nodes, scope, context))
    return error;
  llvm::StringSet<> outputs;
  for (const OnnxValueInfo &output : graph.outputs) {
    if (!scope.contains(output.name))
      return makeError("graph output " + quote(output.name) +
                       " is not defined anywhere");
    // A subgraph may give one value for several outputs; those of a model have
    // to be told apart by name.
    if (!outputs.insert(output.name).second && !outer && !context.function)
      return makeError("graph output " + quote(output.name) +
                       " is there twice");
  }
  return llvm::Error::success();
}
