//===- NodeNames.cpp - Unique names for nodes -----------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "NodeNames.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace sluice;

namespace {

class NodeNamer {
public:
  /// Keeps the first node of every name; the others wait for `nameOthers`.
  void collect(std::vector<OnnxNode> &nodes) {
    for (size_t index = 0; index < nodes.size(); ++index) {
      OnnxNode &node = nodes[index];
      if (node.name.empty())
        waiting.push_back({&node, node.opType + "_" + std::to_string(index)});
      else if (!taken.insert(node.name).second)
        waiting.push_back({&node, node.name});
      for (OnnxAttribute &attribute : node.attributes)
        for (OnnxGraph &graph : attribute.graphs)
          collect(graph.nodes);
    }
  }

  void nameOthers() {
    for (Waiting &entry : waiting) {
      std::string name = entry.base;
      unsigned &last = lastSuffix.try_emplace(entry.base, 1).first->second;
      while (!taken.insert(name).second)
        name = entry.base + "_" + std::to_string(++last);
      entry.node->name = std::move(name);
    }
  }

private:
  struct Waiting {
    OnnxNode *node;
    std::string base;
  };
  llvm::StringSet<> taken;
  llvm::StringMap<unsigned> lastSuffix;
  std::vector<Waiting> waiting;
};

} // namespace

void onnx_detail::makeNodeNamesUnique(std::vector<OnnxNode> &nodes) {
  NodeNamer namer;
  namer.collect(nodes);
  namer.nameOthers();
}
