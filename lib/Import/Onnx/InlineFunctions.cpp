//===- InlineFunctions.cpp - Model-local functions ------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "Messages.h"
#include "NodeNames.h"
#include "VerifyGraph.h"
#include "sluice/Import/Onnx/OnnxTransforms.h"

#include "llvm/ADT/STLExtras.h"

using namespace sluice;
using namespace sluice::onnx_detail;

namespace {

/// What the values of a function body are called at one call of it.
struct RenameScope {
  llvm::StringMap<std::string> names;
  const RenameScope *outer = nullptr;

  /// Null for values from outside of the body.
  const std::string *find(llvm::StringRef name) const {
    auto found = names.find(name);
    if (found != names.end())
      return &found->second;
    return outer ? outer->find(name) : nullptr;
  }
  void rename(std::string &name) const {
    if (const std::string *renamed = find(name))
      name = *renamed;
  }
};

class Inliner {
public:
  Inliner(const FunctionTable &functions, uint64_t nodeLimit)
      : functions(functions), costLeft(nodeLimit * costOfNode) {}

  /// Learns the names that new ones must not collide with.
  void reserveNames(const OnnxGraph &graph);
  llvm::Error expand(std::vector<OnnxNode> &nodes);

private:
  llvm::Expected<std::vector<OnnxNode>>
  instantiate(const OnnxNode &call, const OnnxFunction &function);
  llvm::Error bindValues(const OnnxNode &call, const OnnxFunction &function,
                         RenameScope &scope, std::vector<OnnxNode> &forwarded);
  llvm::Error instantiateNode(OnnxNode &node, const OnnxNode &call,
                              const OnnxFunction &function, RenameScope &scope);
  llvm::Error instantiateGraph(OnnxGraph &graph, const OnnxNode &call,
                               const OnnxFunction &function,
                               const RenameScope &outer);
  std::string freshName(const OnnxNode &call, llvm::StringRef name);
  llvm::Error pay(const OnnxNode &node);

  static constexpr uint64_t costOfNode = 1024;
  const FunctionTable &functions;
  /// Functions that call each other can make a small file explode; what is
  /// bounded is about the bytes of memory.
  uint64_t costLeft;
  llvm::StringSet<> takenNames;
};

} // namespace

void Inliner::reserveNames(const OnnxGraph &graph) {
  for (const OnnxValueInfo &input : graph.inputs)
    takenNames.insert(input.name);
  for (const OnnxTensor &initializer : graph.initializers)
    takenNames.insert(initializer.name);
  for (const OnnxNode &node : graph.nodes) {
    for (const std::string &output : node.outputs)
      takenNames.insert(output);
    for (const OnnxAttribute &attribute : node.attributes)
      for (const OnnxGraph &inner : attribute.graphs)
        reserveNames(inner);
  }
}

std::string Inliner::freshName(const OnnxNode &call, llvm::StringRef name) {
  std::string base = call.name + "/" + name.str();
  std::string result = base;
  for (unsigned suffix = 2; !takenNames.insert(result).second; ++suffix)
    result = base + "_" + std::to_string(suffix);
  return result;
}

llvm::Error Inliner::pay(const OnnxNode &node) {
  uint64_t cost = costOfNode + node.name.size();
  for (const std::string &name : node.inputs)
    cost += sizeof(name) + name.size();
  for (const std::string &name : node.outputs)
    cost += sizeof(name) + name.size();
  for (const OnnxAttribute &attribute : node.attributes) {
    cost += sizeof(attribute) + attribute.floats.size() * sizeof(float) +
            attribute.ints.size() * sizeof(int64_t);
    for (const std::string &text : attribute.strings)
      cost += sizeof(text) + text.size();
    for (const OnnxTensor &tensor : attribute.tensors)
      for (const std::string &text : tensor.strings)
        cost += sizeof(text) + text.size();
    for (const OnnxGraph &graph : attribute.graphs)
      cost += graph.initializers.size() * sizeof(OnnxTensor);
  }
  if (cost > costLeft)
    return makeError(node.describe() +
                     ": inlining functions makes the model too large");
  costLeft -= cost;
  return llvm::Error::success();
}

/// The attribute of `function` that a reference in its body stands for at
/// `call`; null when the call does not give it and it has no default.
static const OnnxAttribute *findActual(llvm::StringRef name,
                                       const OnnxNode &call,
                                       const OnnxFunction &function) {
  if (const OnnxAttribute *given = call.findAttribute(name))
    return given;
  for (const OnnxAttribute &attribute : function.attributesDefaulted)
    if (attribute.name == name)
      return &attribute;
  return nullptr;
}

/// Replaces references by values, and drops those that have none: the operator
/// then uses its own default.
static llvm::Error resolveReferences(OnnxNode &node, const OnnxNode &call,
                                     const OnnxFunction &function) {
  std::vector<OnnxAttribute> resolved;
  for (OnnxAttribute &attribute : node.attributes) {
    if (!attribute.isReference()) {
      resolved.push_back(std::move(attribute));
      continue;
    }
    const OnnxAttribute *actual =
        findActual(attribute.referencedName, call, function);
    if (!actual)
      continue;
    if (attribute.kind != OnnxAttribute::Kind::Undefined &&
        attribute.kind != actual->kind)
      return makeError(call.describe() + ": attribute " + quote(actual->name) +
                       " is " + attributeKindName(actual->kind) + ", but " +
                       function.describe() + " uses it as " +
                       attributeKindName(attribute.kind));
    resolved.push_back(*actual);
    resolved.back().name = std::move(attribute.name);
  }
  node.attributes = std::move(resolved);
  return llvm::Error::success();
}

llvm::Error Inliner::bindValues(const OnnxNode &call,
                                const OnnxFunction &function,
                                RenameScope &scope,
                                std::vector<OnnxNode> &forwarded) {
  if (call.inputs.size() > function.inputs.size() ||
      call.outputs.size() > function.outputs.size())
    return makeError(
        call.describe() + ": has " + llvm::Twine(call.inputs.size()) +
        " inputs and " + llvm::Twine(call.outputs.size()) + " outputs, but " +
        function.describe() + " has " + llvm::Twine(function.inputs.size()) +
        " and " + llvm::Twine(function.outputs.size()));
  for (size_t index = 0; index < function.inputs.size(); ++index)
    scope.names[function.inputs[index]] =
        call.hasInput(index) ? call.inputs[index] : std::string();
  for (size_t index = 0; index < call.outputs.size(); ++index) {
    if (!call.hasOutput(index))
      continue;
    const std::string &formal = function.outputs[index];
    if (scope.names.try_emplace(formal, call.outputs[index]).second)
      continue;
    // The function returns an input, or one value twice.
    OnnxNode forward;
    forward.name = call.name + "/" + formal;
    forward.opType = "Identity";
    forward.opsetVersion = 1;
    forward.inputs = {scope.names[formal]};
    forward.outputs = {call.outputs[index]};
    if (forward.inputs.front().empty())
      return makeError(call.describe() + ": output " +
                       quote(call.outputs[index]) + " is the omitted input " +
                       quote(formal) + " of the function");
    forwarded.push_back(std::move(forward));
  }
  return llvm::Error::success();
}

llvm::Error Inliner::instantiateNode(OnnxNode &node, const OnnxNode &call,
                                     const OnnxFunction &function,
                                     RenameScope &scope) {
  node.name = call.name + "/" + node.name;
  for (std::string &input : node.inputs)
    scope.rename(input);
  while (!node.inputs.empty() && node.inputs.back().empty())
    node.inputs.pop_back();
  for (std::string &output : node.outputs) {
    if (output.empty())
      continue;
    auto [entry, isNew] = scope.names.try_emplace(output);
    if (isNew)
      entry->second = freshName(call, output);
    output = entry->second;
  }
  // Subgraphs of the body are renamed; one that comes in through an attribute
  // of the call speaks of the caller's values and stays.
  for (OnnxAttribute &attribute : node.attributes)
    for (OnnxGraph &graph : attribute.graphs)
      if (llvm::Error error = instantiateGraph(graph, call, function, scope))
        return error;
  if (llvm::Error error = resolveReferences(node, call, function))
    return error;
  return pay(node);
}

llvm::Error Inliner::instantiateGraph(OnnxGraph &graph, const OnnxNode &call,
                                      const OnnxFunction &function,
                                      const RenameScope &outer) {
  RenameScope scope;
  scope.outer = &outer;
  auto define = [&](std::string &name) {
    auto [entry, isNew] = scope.names.try_emplace(name);
    if (isNew)
      entry->second = freshName(call, name);
    name = entry->second;
  };
  for (OnnxValueInfo &input : graph.inputs)
    define(input.name);
  for (OnnxTensor &initializer : graph.initializers)
    define(initializer.name);
  // All names of the graph hide those around it, also before their definition.
  for (const OnnxNode &node : graph.nodes)
    for (std::string output : node.outputs)
      if (!output.empty())
        define(output);
  for (OnnxNode &node : graph.nodes)
    if (llvm::Error error = instantiateNode(node, call, function, scope))
      return error;
  for (OnnxValueInfo &output : graph.outputs) {
    scope.rename(output.name);
    if (output.name.empty())
      return makeError(call.describe() +
                       ": a subgraph of the function returns an input that "
                       "the call omits");
  }
  for (OnnxValueInfo &info : graph.valueInfos)
    scope.rename(info.name);
  return llvm::Error::success();
}

llvm::Expected<std::vector<OnnxNode>>
Inliner::instantiate(const OnnxNode &call, const OnnxFunction &function) {
  RenameScope scope;
  std::vector<OnnxNode> forwarded;
  if (llvm::Error error = bindValues(call, function, scope, forwarded))
    return std::move(error);
  std::vector<OnnxNode> body;
  for (const OnnxNode &original : function.nodes) {
    if (llvm::Error error = pay(original))
      return std::move(error);
    body.push_back(original);
    if (llvm::Error error = instantiateNode(body.back(), call, function, scope))
      return std::move(error);
  }
  llvm::move(forwarded, std::back_inserter(body));
  return body;
}

llvm::Error Inliner::expand(std::vector<OnnxNode> &nodes) {
  std::vector<OnnxNode> expanded;
  for (OnnxNode &node : nodes) {
    const OnnxFunction *function = functions.find(node);
    if (!function) {
      for (OnnxAttribute &attribute : node.attributes)
        for (OnnxGraph &graph : attribute.graphs)
          if (llvm::Error error = expand(graph.nodes))
            return error;
      expanded.push_back(std::move(node));
      continue;
    }
    llvm::Expected<std::vector<OnnxNode>> body = instantiate(node, *function);
    if (!body)
      return body.takeError();
    if (llvm::Error error = expand(*body))
      return error;
    llvm::move(*body, std::back_inserter(expanded));
  }
  nodes = std::move(expanded);
  return llvm::Error::success();
}

llvm::Error sluice::inlineLocalFunctions(OnnxModel &model, uint64_t nodeLimit) {
  if (model.functions.empty())
    return llvm::Error::success();
  FunctionTable functions;
  for (const OnnxFunction &function : model.functions)
    if (llvm::Error error = functions.add(function))
      return error;
  Inliner inliner(functions, nodeLimit);
  inliner.reserveNames(model.graph);
  if (llvm::Error error = inliner.expand(model.graph.nodes))
    return error;
  model.functions.clear();
  makeNodeNamesUnique(model.graph.nodes);
  return llvm::Error::success();
}
