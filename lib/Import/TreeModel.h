//===- TreeModel.h - Decision trees as a model describes them ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_TREEMODEL_H
#define SLUICE_LIB_IMPORT_TREEMODEL_H

#include "NodeContext.h"

namespace sluice {

struct TreeNode {
  /// In the order of the numbers that TreeEnsemble has for them.
  enum class Mode {
    LessEqual,
    Less,
    GreaterEqual,
    Greater,
    Equal,
    NotEqual,
    Member,
    Leaf
  };
  Mode mode = Mode::Leaf;
  /// Does a NaN hold?
  bool nanHolds = false;
  int64_t feature = 0;
  double threshold = 0;
  /// Numbers of nodes.
  int64_t onTrue = -1, onFalse = -1;
};

struct LeafWeight {
  int64_t leaf = 0, target = 0;
  double weight = 0;
};

/// Trees that have been checked: every inner node has two children, no node is
/// in two trees or twice in one, and targets are in range.
struct TreeModel {
  static constexpr int64_t mostTargets = 1 << 24;
  std::vector<TreeNode> nodes;
  std::vector<int64_t> roots;
  /// Those of a leaf stand together, in ascending order of leaves, once they
  /// are grouped.
  std::vector<LeafWeight> weights;
  /// The sorted members of the set that a node with `Mode::Member` asks for.
  llvm::DenseMap<int64_t, std::vector<double>> members;
  int64_t targets = 0;
  /// One more than the last feature that a node looks at.
  int64_t features = 0;

  /// Puts the weights in the order of their leaves, and leaves those of one
  /// leaf in the order that they have.
  void groupWeights();
};

/// The names of the attributes with the weights of TreeEnsembleClassifier
/// ("class") or TreeEnsembleRegressor ("target").
llvm::Expected<TreeModel> readTreeModel(NodeContext &node,
                                        llvm::StringRef weightsPrefix,
                                        int64_t targets);

/// The trees of TreeEnsemble, whose nodes and leaves are numbered apart.
llvm::Expected<TreeModel> readTreeEnsemble(NodeContext &node);

/// Floats in an attribute, or in the tensor `name` + "_as_tensor".
llvm::Expected<std::vector<double>> readRealNumbers(NodeContext &node,
                                                    llvm::StringRef name);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_TREEMODEL_H
