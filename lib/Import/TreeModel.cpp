//===- TreeModel.cpp - Decision trees as a model describes them -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "TreeModel.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <map>
#include <numeric>

using namespace mlir;
using namespace sluice;
using Mode = TreeNode::Mode;

llvm::Expected<std::vector<double>> sluice::readRealNumbers(NodeContext &node,
                                                            StringRef name) {
  std::string tensorName = (name + "_as_tensor").str();
  if (node.node.hasAttribute(tensorName)) {
    SLUICE_TRY(tensor, node.node.getTensor(tensorName));
    auto numbers = tensor->asDoubles();
    if (!numbers)
      return node.invalid("'" + tensorName +
                          "': " + llvm::toString(numbers.takeError()));
    if (!numbers->empty() || !node.node.hasAttribute(name))
      return std::move(*numbers);
  }
  SLUICE_TRY(floats, node.node.getFloats(name, {}));
  return std::vector<double>(floats.begin(), floats.end());
}

void TreeModel::groupWeights() {
  std::vector<size_t> next(nodes.size() + 1, 0);
  for (const LeafWeight &weight : weights)
    ++next[weight.leaf + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<LeafWeight> grouped(weights.size());
  for (const LeafWeight &weight : weights)
    grouped[next[weight.leaf]++] = weight;
  weights = std::move(grouped);
}

static llvm::Error checkFeature(NodeContext &node, int64_t feature,
                                TreeModel &model) {
  if (feature < 0 || feature >= INT32_MAX)
    return node.invalid("there is no feature " + Twine(feature));
  model.features = std::max(model.features, feature + 1);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// TreeEnsembleClassifier and TreeEnsembleRegressor
//===----------------------------------------------------------------------===//

namespace {

/// Nodes are called by the numbers of their tree and, within it, themselves.
class NumberedTrees {
public:
  NumberedTrees(NodeContext &node, StringRef prefix, int64_t targets)
      : node(node), prefix(prefix.str()) {
    model.targets = targets;
  }

  llvm::Expected<TreeModel> read();

private:
  using Name = std::pair<int64_t, int64_t>;
  llvm::Error readInts(StringRef name, size_t count,
                       std::vector<int64_t> &result, bool isOptional = false);
  llvm::Error readNodes();
  llvm::Error indexNames();
  /// The number of the node with a name, or -1.
  int64_t find(Name name) const;
  llvm::Error linkChildren();
  llvm::Error findRoots();
  llvm::Error checkReach();
  llvm::Error readWeights();
  std::string describe(size_t number) const {
    return "node " + std::to_string(nodeIds[number]) + " of tree " +
           std::to_string(treeIds[number]);
  }

  NodeContext &node;
  std::string prefix;
  TreeModel model;
  std::vector<int64_t> treeIds, nodeIds;
  /// All names in ascending order, each with the number of its node.
  std::vector<std::pair<Name, int64_t>> numbers;
  std::vector<bool> isChild;
};

} // namespace

static std::optional<Mode> modeOfName(StringRef name) {
  return llvm::StringSwitch<std::optional<Mode>>(name)
      .Case("BRANCH_LEQ", Mode::LessEqual)
      .Case("BRANCH_LT", Mode::Less)
      .Case("BRANCH_GTE", Mode::GreaterEqual)
      .Case("BRANCH_GT", Mode::Greater)
      .Case("BRANCH_EQ", Mode::Equal)
      .Case("BRANCH_NEQ", Mode::NotEqual)
      .Case("LEAF", Mode::Leaf)
      .Default(std::nullopt);
}

llvm::Error NumberedTrees::readInts(StringRef name, size_t count,
                                    std::vector<int64_t> &result,
                                    bool isOptional) {
  if (llvm::Error error = node.node.getInts(name, {}).moveInto(result))
    return error;
  if (result.size() == count || (isOptional && result.empty()))
    return llvm::Error::success();
  return node.invalid("'" + name + "' has " + Twine(result.size()) +
                      " elements, not " + Twine(count));
}

llvm::Error NumberedTrees::readNodes() {
  SLUICE_TRY(modes, node.node.getStrings("nodes_modes"));
  size_t count = modes.size();
  std::vector<int64_t> features, missing;
  if (llvm::Error error = readInts("nodes_treeids", count, treeIds))
    return error;
  if (llvm::Error error = readInts("nodes_nodeids", count, nodeIds))
    return error;
  if (llvm::Error error = readInts("nodes_featureids", count, features))
    return error;
  if (llvm::Error error = readInts("nodes_missing_value_tracks_true", count,
                                   missing, /*isOptional=*/true))
    return error;
  SLUICE_TRY(thresholds, readRealNumbers(node, "nodes_values"));
  if (thresholds.size() != count)
    return node.invalid("'nodes_values' has " + Twine(thresholds.size()) +
                        " elements, not " + Twine(count));
  if (count == 0)
    return node.invalid("there are no nodes");
  model.nodes.resize(count);
  for (size_t i = 0; i < count; ++i) {
    auto mode = modeOfName(modes[i]);
    if (!mode)
      return node.invalid("there is no mode '" + modes[i] + "'");
    TreeNode &item = model.nodes[i];
    item.mode = *mode;
    item.threshold = thresholds[i];
    item.nanHolds = !missing.empty() && missing[i] == 1;
    if (item.mode == Mode::Leaf)
      continue;
    item.feature = features[i];
    if (llvm::Error error = checkFeature(node, item.feature, model))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error NumberedTrees::indexNames() {
  numbers.reserve(model.nodes.size());
  for (size_t i = 0; i < model.nodes.size(); ++i)
    numbers.push_back({{treeIds[i], nodeIds[i]}, static_cast<int64_t>(i)});
  llvm::sort(numbers);
  for (size_t i = 1; i < numbers.size(); ++i)
    if (numbers[i].first == numbers[i - 1].first)
      return node.invalid(describe(numbers[i].second) + " is there twice");
  return llvm::Error::success();
}

int64_t NumberedTrees::find(Name name) const {
  auto found = llvm::lower_bound(
      numbers, name,
      [](const std::pair<Name, int64_t> &entry, const Name &wanted) {
        return entry.first < wanted;
      });
  return found == numbers.end() || found->first != name ? -1 : found->second;
}

llvm::Error NumberedTrees::linkChildren() {
  size_t count = model.nodes.size();
  std::vector<int64_t> onTrue, onFalse;
  if (llvm::Error error = readInts("nodes_truenodeids", count, onTrue))
    return error;
  if (llvm::Error error = readInts("nodes_falsenodeids", count, onFalse))
    return error;
  isChild.assign(count, false);
  for (size_t i = 0; i < count; ++i) {
    TreeNode &item = model.nodes[i];
    if (item.mode == Mode::Leaf)
      continue;
    using Link = std::pair<int64_t, int64_t *>;
    for (auto [id, child] :
         {Link{onTrue[i], &item.onTrue}, Link{onFalse[i], &item.onFalse}}) {
      *child = find({treeIds[i], id});
      if (*child < 0)
        return node.invalid("the child " + Twine(id) + " of " + describe(i) +
                            " is missing");
    }
    // Both ways of a node may lead to one child.
    SmallVector<int64_t, 2> children{item.onTrue};
    if (item.onFalse != item.onTrue)
      children.push_back(item.onFalse);
    for (int64_t child : children) {
      if (isChild[child])
        return node.invalid(describe(child) + " is the child of two nodes");
      isChild[child] = true;
    }
  }
  return llvm::Error::success();
}

llvm::Error NumberedTrees::findRoots() {
  // In the order of the file.
  std::map<int64_t, int64_t> rootOfTree;
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    if (isChild[i])
      continue;
    if (!rootOfTree.insert({treeIds[i], i}).second)
      return node.invalid("tree " + Twine(treeIds[i]) + " has several roots, " +
                          describe(rootOfTree[treeIds[i]]) + " and " +
                          describe(i));
    model.roots.push_back(i);
  }
  return checkReach();
}

llvm::Error NumberedTrees::checkReach() {
  // Every node has one parent or is a root, so whatever is not reached is, or
  // hangs on, a cycle.
  std::vector<bool> isReached(model.nodes.size(), false);
  std::vector<int64_t> stack = model.roots;
  while (!stack.empty()) {
    int64_t at = stack.back();
    stack.pop_back();
    if (isReached[at])
      continue;
    isReached[at] = true;
    if (model.nodes[at].mode == Mode::Leaf)
      continue;
    stack.push_back(model.nodes[at].onTrue);
    stack.push_back(model.nodes[at].onFalse);
  }
  for (size_t i = 0; i < isReached.size(); ++i)
    if (!isReached[i])
      return node.invalid(describe(i) + " cannot be reached from a root: there "
                                        "is a cycle");
  return llvm::Error::success();
}

llvm::Error NumberedTrees::readWeights() {
  std::vector<int64_t> trees, nodes, targets;
  SLUICE_TRY(weights, readRealNumbers(node, prefix + "_weights"));
  size_t count = weights.size();
  if (llvm::Error error = readInts(prefix + "_treeids", count, trees))
    return error;
  if (llvm::Error error = readInts(prefix + "_nodeids", count, nodes))
    return error;
  if (llvm::Error error = readInts(prefix + "_ids", count, targets))
    return error;
  for (size_t i = 0; i < count; ++i) {
    int64_t found = find({trees[i], nodes[i]});
    if (found < 0)
      return node.invalid("there is a weight for node " + Twine(nodes[i]) +
                          " of tree " + Twine(trees[i]) + ", which is missing");
    if (targets[i] < 0 || targets[i] >= model.targets)
      return node.invalid("'" + prefix + "_ids' names " + Twine(targets[i]) +
                          ", but there are " + Twine(model.targets));
    // Published models have weights at inner nodes; they mean nothing.
    if (model.nodes[found].mode == Mode::Leaf)
      model.weights.push_back({found, targets[i], weights[i]});
  }
  model.groupWeights();
  return llvm::Error::success();
}

llvm::Expected<TreeModel> NumberedTrees::read() {
  if (llvm::Error error = readNodes())
    return error;
  if (llvm::Error error = indexNames())
    return error;
  if (llvm::Error error = linkChildren())
    return error;
  if (llvm::Error error = findRoots())
    return error;
  if (llvm::Error error = readWeights())
    return error;
  return std::move(model);
}

llvm::Expected<TreeModel> sluice::readTreeModel(NodeContext &node,
                                                StringRef weightsPrefix,
                                                int64_t targets) {
  return NumberedTrees(node, weightsPrefix, targets).read();
}

//===----------------------------------------------------------------------===//
// TreeEnsemble
//===----------------------------------------------------------------------===//

namespace {

/// Inner nodes and leaves are lists of their own; trees are where roots are.
class ListedTrees {
public:
  explicit ListedTrees(NodeContext &node) : node(node) {}
  llvm::Expected<TreeModel> read();

private:
  llvm::Expected<std::vector<double>> readTensor(StringRef name,
                                                 bool isOptional);
  llvm::Error readNodes();
  llvm::Error readMembers();
  llvm::Error readLeaves();
  /// The node that stands for a child, which may be a leaf.
  llvm::Expected<int64_t> child(int64_t number, bool isLeaf);
  llvm::Error build();

  NodeContext &node;
  TreeModel model;
  std::vector<int64_t> trueIds, falseIds, trueLeaves, falseLeaves;
  std::vector<int64_t> leafTargets, roots;
  std::vector<double> leafWeights;
  std::vector<bool> isReached;
};

} // namespace

llvm::Expected<std::vector<double>> ListedTrees::readTensor(StringRef name,
                                                            bool isOptional) {
  if (isOptional && !node.node.hasAttribute(name))
    return std::vector<double>();
  SLUICE_TRY(tensor, node.node.getTensor(name));
  auto numbers = tensor->asDoubles();
  if (!numbers)
    return node.invalid("'" + name +
                        "': " + llvm::toString(numbers.takeError()));
  return std::move(*numbers);
}

llvm::Error ListedTrees::readNodes() {
  SLUICE_TRY(tensor, node.node.getTensor("nodes_modes"));
  auto modes = tensor->asInts();
  if (!modes)
    return node.invalid("'nodes_modes': " + llvm::toString(modes.takeError()));
  SLUICE_TRY(splits, readTensor("nodes_splits", /*isOptional=*/false));
  SLUICE_TRY(features, node.node.getInts("nodes_featureids"));
  SLUICE_TRY(missing, node.node.getInts("nodes_missing_value_tracks_true", {}));
  using List = std::pair<const char *, std::vector<int64_t> *>;
  for (auto [name, list] : {List{"nodes_truenodeids", &trueIds},
                            List{"nodes_falsenodeids", &falseIds},
                            List{"nodes_trueleafs", &trueLeaves},
                            List{"nodes_falseleafs", &falseLeaves}}) {
    if (llvm::Error error = node.node.getInts(name).moveInto(*list))
      return error;
    if (list->size() != modes->size())
      return node.invalid("'" + Twine(name) + "' has " + Twine(list->size()) +
                          " elements, not " + Twine(modes->size()));
  }
  size_t count = modes->size();
  if (splits.size() != count || features.size() != count ||
      (!missing.empty() && missing.size() != count))
    return node.invalid("the attributes of nodes differ in length");
  model.nodes.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if ((*modes)[i] < 0 || (*modes)[i] > static_cast<int64_t>(Mode::Member))
      return node.invalid("there is no mode " + Twine((*modes)[i]));
    TreeNode &item = model.nodes[i];
    item.mode = static_cast<Mode>((*modes)[i]);
    item.feature = features[i];
    item.threshold = splits[i];
    item.nanHolds = !missing.empty() && missing[i] == 1;
    if (llvm::Error error = checkFeature(node, item.feature, model))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error ListedTrees::readMembers() {
  SLUICE_TRY(values, readTensor("membership_values", /*isOptional=*/true));
  size_t at = 0;
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    if (model.nodes[i].mode != Mode::Member)
      continue;
    // The members of each set end with a NaN.
    auto begin = values.begin() + at;
    auto end = std::find_if(begin, values.end(),
                            [](double value) { return std::isnan(value); });
    if (end == values.end())
      return node.invalid("'membership_values' has fewer sets than there are "
                          "nodes that ask for one");
    std::vector<double> &set = model.members[i];
    set.assign(begin, end);
    llvm::sort(set);
    set.erase(std::unique(set.begin(), set.end()), set.end());
    at = end - values.begin() + 1;
  }
  if (at != values.size())
    return node.invalid("'membership_values' has more sets than there are "
                        "nodes that ask for one");
  return llvm::Error::success();
}

llvm::Error ListedTrees::readLeaves() {
  if (llvm::Error error =
          node.node.getInts("leaf_targetids").moveInto(leafTargets))
    return error;
  if (llvm::Error error = readTensor("leaf_weights", /*isOptional=*/false)
                              .moveInto(leafWeights))
    return error;
  if (leafTargets.size() != leafWeights.size())
    return node.invalid("there are " + Twine(leafTargets.size()) +
                        " targets and " + Twine(leafWeights.size()) +
                        " weights of leaves");
  int64_t least = 1;
  for (int64_t target : leafTargets) {
    if (target < 0 || target >= INT32_MAX)
      return node.invalid("there is no target " + Twine(target));
    least = std::max(least, target + 1);
  }
  SLUICE_TRY(targets, node.node.getInt("n_targets", least));
  if (targets < least)
    return node.invalid("a leaf is for target " + Twine(least - 1) +
                        ", but there are " + Twine(targets));
  if (targets > TreeModel::mostTargets)
    return node.unsupported(Twine(targets) + " targets");
  model.targets = targets;
  return llvm::Error::success();
}

llvm::Expected<int64_t> ListedTrees::child(int64_t number, bool isLeaf) {
  if (!isLeaf) {
    int64_t inner = isReached.size();
    if (number < 0 || number >= inner)
      return node.invalid("there is no node " + Twine(number) +
                          ", which is a child or a root");
    if (isReached[number])
      return node.invalid("node " + Twine(number) +
                          " is the child of two nodes, or in a cycle");
    isReached[number] = true;
    return number;
  }
  if (number < 0 || number >= static_cast<int64_t>(leafWeights.size()))
    return node.invalid("there is no leaf " + Twine(number));
  int64_t leaf = model.nodes.size();
  model.nodes.emplace_back();
  model.weights.push_back({leaf, leafTargets[number], leafWeights[number]});
  return leaf;
}

llvm::Error ListedTrees::build() {
  if (llvm::Error error = node.node.getInts("tree_roots").moveInto(roots))
    return error;
  if (roots.empty())
    return node.invalid("there are no trees");
  isReached.assign(model.nodes.size(), false);
  std::vector<int64_t> stack;
  for (int64_t root : roots) {
    SLUICE_TRY(number, child(root, /*isLeaf=*/false));
    model.roots.push_back(number);
    stack.push_back(number);
  }
  while (!stack.empty()) {
    int64_t at = stack.back();
    stack.pop_back();
    SLUICE_TRY(onTrue, child(trueIds[at], trueLeaves[at]));
    // Both ways of a node may lead to one leaf, which makes it one.
    SLUICE_TRY(onFalse, child(falseIds[at], falseLeaves[at]));
    model.nodes[at].onTrue = onTrue;
    model.nodes[at].onFalse = onFalse;
    if (!trueLeaves[at])
      stack.push_back(onTrue);
    if (!falseLeaves[at])
      stack.push_back(onFalse);
  }
  model.groupWeights();
  return llvm::Error::success();
}

llvm::Expected<TreeModel> ListedTrees::read() {
  if (llvm::Error error = readNodes())
    return error;
  if (llvm::Error error = readMembers())
    return error;
  if (llvm::Error error = readLeaves())
    return error;
  if (llvm::Error error = build())
    return error;
  return std::move(model);
}

llvm::Expected<TreeModel> sluice::readTreeEnsemble(NodeContext &node) {
  return ListedTrees(node).read();
}
