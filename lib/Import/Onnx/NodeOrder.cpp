//===- NodeOrder.cpp - Topological order of nodes -------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "NodeOrder.h"

#include "Messages.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <functional>
#include <queue>

using namespace sluice;
using namespace sluice::onnx_detail;

/// Calls `use` with every name that `graph` takes from the graphs around it.
static void visitCaptures(const OnnxGraph &graph,
                          llvm::function_ref<void(llvm::StringRef)> use) {
  llvm::StringSet<> own;
  for (const OnnxValueInfo &input : graph.inputs)
    own.insert(input.name);
  for (const OnnxTensor &initializer : graph.initializers)
    own.insert(initializer.name);
  for (const OnnxNode &node : graph.nodes)
    for (const std::string &output : node.outputs)
      own.insert(output);
  auto useOuter = [&](llvm::StringRef name) {
    if (!name.empty() && !own.contains(name))
      use(name);
  };
  for (const OnnxNode &node : graph.nodes) {
    llvm::for_each(node.inputs, useOuter);
    for (const OnnxAttribute &attribute : node.attributes)
      for (const OnnxGraph &inner : attribute.graphs)
        visitCaptures(inner, useOuter);
  }
  for (const OnnxValueInfo &output : graph.outputs)
    useOuter(output.name);
}

/// For each node the nodes that it uses.
static std::vector<std::vector<size_t>>
findDependencies(llvm::ArrayRef<OnnxNode> nodes) {
  llvm::StringMap<size_t> producers;
  for (size_t index = 0; index < nodes.size(); ++index)
    for (const std::string &output : nodes[index].outputs)
      if (!output.empty())
        producers[output] = index;
  std::vector<std::vector<size_t>> dependencies(nodes.size());
  for (size_t index = 0; index < nodes.size(); ++index) {
    auto use = [&](llvm::StringRef name) {
      auto producer = producers.find(name);
      if (producer != producers.end())
        dependencies[index].push_back(producer->second);
    };
    llvm::for_each(nodes[index].inputs, use);
    for (const OnnxAttribute &attribute : nodes[index].attributes)
      for (const OnnxGraph &graph : attribute.graphs)
        visitCaptures(graph, use);
  }
  return dependencies;
}

/// Among nodes that all wait for another of them there is a cycle: follow the
/// dependencies until a node comes again.
static llvm::Error reportCycle(llvm::ArrayRef<OnnxNode> nodes,
                               llvm::ArrayRef<std::vector<size_t>> dependencies,
                               llvm::ArrayRef<size_t> unmet) {
  size_t current = static_cast<size_t>(
      llvm::find_if(unmet, [](size_t count) { return count != 0; }) -
      unmet.begin());
  std::vector<size_t> path;
  std::vector<bool> onPath(nodes.size());
  while (!onPath[current]) {
    onPath[current] = true;
    path.push_back(current);
    current = *llvm::find_if(dependencies[current],
                             [&](size_t used) { return unmet[used] != 0; });
  }
  path.erase(path.begin(), llvm::find(path, current));

  constexpr size_t longestShown = 10;
  std::string text = "nodes form a cycle: " + nodes[current].describe();
  for (size_t index = 1; index < path.size(); ++index) {
    if (index == longestShown) {
      text += " needs ... (" + std::to_string(path.size() - index) + " more)";
      break;
    }
    text += " needs " + nodes[path[index]].describe();
  }
  return makeError(text + " needs " + nodes[current].describe());
}

llvm::Error
sluice::onnx_detail::sortTopologically(std::vector<OnnxNode> &nodes) {
  std::vector<std::vector<size_t>> dependencies = findDependencies(nodes);
  bool isSorted = true;
  for (size_t index = 0; index < nodes.size() && isSorted; ++index)
    isSorted = llvm::all_of(dependencies[index],
                            [&](size_t used) { return used < index; });
  if (isSorted)
    return llvm::Error::success();

  std::vector<size_t> unmet(nodes.size());
  std::vector<std::vector<size_t>> users(nodes.size());
  for (size_t index = 0; index < nodes.size(); ++index) {
    unmet[index] = dependencies[index].size();
    for (size_t used : dependencies[index])
      users[used].push_back(index);
  }
  // The ready node that comes first in the file goes first.
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t index = 0; index < nodes.size(); ++index)
    if (unmet[index] == 0)
      ready.push(index);
  std::vector<size_t> order;
  while (!ready.empty()) {
    size_t next = ready.top();
    ready.pop();
    order.push_back(next);
    for (size_t user : users[next])
      if (--unmet[user] == 0)
        ready.push(user);
  }
  if (order.size() != nodes.size())
    return reportCycle(nodes, dependencies, unmet);
  std::vector<OnnxNode> sorted;
  sorted.reserve(nodes.size());
  for (size_t index : order)
    sorted.push_back(std::move(nodes[index]));
  nodes = std::move(sorted);
  return llvm::Error::success();
}
