//===- VerifyModel.cpp - Checks of a whole model --------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "Messages.h"
#include "NodeNames.h"
#include "VerifyGraph.h"
#include "sluice/Import/Onnx/OnnxTransforms.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace sluice;
using namespace sluice::onnx_detail;

namespace {

/// Finds functions that call themselves, or each other too deep to inline.
class CallChecker {
public:
  explicit CallChecker(const FunctionTable &functions) : functions(functions) {}

  llvm::Error check(const OnnxFunction &function) {
    if (finished.contains(&function))
      return llvm::Error::success();
    if (llvm::is_contained(chain, &function))
      return makeError(function.describe() + " calls itself");
    if (chain.size() == deepestCalls)
      return makeError("functions call each other more than " +
                       llvm::Twine(deepestCalls) + " deep, down to " +
                       function.describe());
    chain.push_back(&function);
    if (llvm::Error error = checkCalls(function.nodes))
      return error;
    chain.pop_back();
    finished.insert(&function);
    return llvm::Error::success();
  }

private:
  llvm::Error checkCalls(llvm::ArrayRef<OnnxNode> nodes) {
    for (const OnnxNode &node : nodes) {
      if (const OnnxFunction *callee = functions.find(node))
        if (llvm::Error error = check(*callee))
          return error;
      for (const OnnxAttribute &attribute : node.attributes)
        for (const OnnxGraph &graph : attribute.graphs)
          if (llvm::Error error = checkCalls(graph.nodes))
            return error;
    }
    return llvm::Error::success();
  }

  static constexpr size_t deepestCalls = 64;
  const FunctionTable &functions;
  llvm::SmallVector<const OnnxFunction *> chain;
  llvm::SmallPtrSet<const OnnxFunction *, 16> finished;
};

} // namespace

static llvm::Error checkAttributeNames(const OnnxFunction &function) {
  llvm::StringSet<> names;
  auto add = [&](const std::string &name) -> llvm::Error {
    if (names.insert(name).second)
      return llvm::Error::success();
    return makeError("attribute " + quote(name) + " is there twice");
  };
  for (const std::string &name : function.attributes)
    if (llvm::Error error = add(name))
      return error;
  for (const OnnxAttribute &attribute : function.attributesDefaulted) {
    if (llvm::Error error = add(attribute.name))
      return error;
    if (attribute.isReference())
      return makeError("the default of attribute " + quote(attribute.name) +
                       " is no value");
  }
  return llvm::Error::success();
}

static llvm::Error verifyFunction(OnnxFunction &function,
                                  const FunctionTable &functions) {
  llvm::Expected<llvm::StringMap<int64_t>> opsets =
      collectOpsets(function.opsets);
  if (!opsets)
    return opsets.takeError();
  if (llvm::Error error = checkAttributeNames(function))
    return error;
  VerifyContext context{std::move(*opsets), &functions, &function};
  ValueScope scope;
  for (const std::string &input : function.inputs)
    if (input.empty() || !scope.names.insert(input).second)
      return makeError("input " + quote(input) + " is there twice or empty");
  makeNodeNamesUnique(function.nodes);
  if (llvm::Error error = verifyNodes(function.nodes, scope, context))
    return error;
  for (const std::string &output : function.outputs)
    if (!scope.contains(output))
      return makeError("output " + quote(output) + " is not defined anywhere");
  return llvm::Error::success();
}

llvm::Error sluice::verifyOnnxModel(OnnxModel &model) {
  FunctionTable functions;
  for (const OnnxFunction &function : model.functions)
    if (llvm::Error error = functions.add(function))
      return error;
  CallChecker calls(functions);
  for (const OnnxFunction &function : model.functions)
    if (llvm::Error error = calls.check(function))
      return error;
  for (OnnxFunction &function : model.functions)
    if (llvm::Error error = verifyFunction(function, functions))
      return addContext(function.describe(), std::move(error));

  llvm::Expected<llvm::StringMap<int64_t>> opsets = collectOpsets(model.opsets);
  if (!opsets)
    return opsets.takeError();
  VerifyContext context{std::move(*opsets), &functions, nullptr};
  makeNodeNamesUnique(model.graph.nodes);
  return verifyGraph(model.graph, /*outer=*/nullptr, context);
}
