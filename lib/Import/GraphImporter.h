//===- GraphImporter.h - Translates one graph -------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_GRAPHIMPORTER_H
#define SLUICE_LIB_IMPORT_GRAPHIMPORTER_H

#include "NodeContext.h"
#include "sluice/Import/Importer.h"
#include "llvm/ADT/StringSet.h"
#include <memory>

namespace sluice {

/// State of one import that all graphs share.
struct ImportState {
  mlir::MLIRContext &context;
  std::vector<UnsupportedNode> unsupported;
  /// Name and operator of each of these.
  llvm::DenseSet<std::pair<llvm::StringRef, llvm::StringRef>> reported;
  /// What each node that breaks ONNX's rules does wrong.
  std::vector<std::string> damaged;
  /// Constants of more bytes become dense resources.
  uint64_t inlineConstantLimit = 1024;
};

/// Translates a graph and, through `NodeContext::subgraph`, those inside it.
class GraphImporter {
public:
  GraphImporter(ImportState &state, GraphImporter *parent)
      : state(state), parent(parent),
        divergence(parent ? parent->divergence : 0) {}

  /// Names a value; the graph's inputs are bound this way.
  void bind(llvm::StringRef name, mlir::Value value) { values[name] = value; }

  /// Translates initializers and nodes, and returns the outputs. Nodes that
  /// are not supported, or of the model's own graph broken, are collected in
  /// the state; what depends on them is checked as far as possible, and the
  /// returned values are null.
  llvm::Expected<Values> importGraph(const OnnxGraph &graph,
                                     mlir::OpBuilder &builder);

  llvm::Expected<mlir::Value> importConstant(const OnnxTensor &tensor,
                                             mlir::OpBuilder &builder,
                                             mlir::Location loc);
  mlir::Type convertElementType(OnnxElementType type) const;
  /// What the graph declares a value of its own to be; null where it does not.
  const OnnxType *declaredType(llvm::StringRef name) const {
    return declared.lookup(name);
  }

  /// Is a value of this graph an output, or does a node read it?
  bool isUsed(llvm::StringRef name);

  ImportState &state;

private:
  /// Null where the value's producer is not supported.
  llvm::Expected<mlir::Value> lookUp(llvm::StringRef name, const OnnxNode &user,
                                     mlir::OpBuilder &builder);
  /// Translates the nodes from the one numbered `first` on.
  llvm::Expected<Values> importNodes(const OnnxGraph &graph, size_t first,
                                     mlir::OpBuilder &builder);
  llvm::Error importNode(const OnnxNode &node, mlir::OpBuilder &builder);
  /// Remembers what is wrong with a node, so that others are looked at too.
  /// Only where no branch could still turn out not to run: there the error
  /// comes back.
  llvm::Error reportDamaged(const OnnxNode &node, llvm::Error error);
  /// Translates an If whose branches' values have no common type, and the
  /// rest of the graph once for each branch.
  llvm::Expected<Values> importDivergingIf(const OnnxGraph &graph, size_t index,
                                           mlir::OpBuilder &builder);
  /// Names the results of a node. Null values are unsupported outputs; with
  /// more nodes reported than `reportedBefore`, those of subgraphs explain
  /// them.
  void bindOutputs(const OnnxNode &node, const Values &inputs,
                   const Values &results, size_t reportedBefore);
  void reportUnsupported(const OnnxNode &node, const Values &inputs,
                         llvm::StringRef reason);

  GraphImporter *parent;
  /// How many diverging branches this translation is part of.
  unsigned divergence;
  llvm::StringMap<mlir::Value> values;
  /// Initializers become constants at their first use.
  llvm::StringMap<const OnnxTensor *> initializers;
  llvm::StringMap<const OnnxType *> declared;
  const OnnxGraph *graph = nullptr;
  /// All names that nodes read and outputs have; made when it is asked for.
  std::shared_ptr<const llvm::StringSet<>> used;
};

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_GRAPHIMPORTER_H
