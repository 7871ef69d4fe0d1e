//===- TreeTables.cpp - Decision trees as the kernel reads them -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "TreeTables.h"
#include "llvm/ADT/bit.h"
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace sluice;
using Mode = TreeNode::Mode;

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

namespace {

/// Where an answer leads: to one of the two children of the node that is being
/// built, or to another of its tests.
struct Answer {
  enum class Kind { Yes, No, Test } kind = Kind::Yes;
  size_t test = 0;
};
constexpr Answer yes{Answer::Kind::Yes}, no{Answer::Kind::No};

/// Is a feature, with its sign or the opposite one, at most a threshold?
struct Test {
  bool isNegated = false;
  double threshold = 0;
  Answer onTrue, onFalse;
};

/// The tests that one node of a model becomes; the last one comes first.
class NodeTests {
public:
  NodeTests(Type elementType, const TreeNode &item, ArrayRef<double> members);

  std::vector<Test> tests;

private:
  Answer add(bool isNegated, double threshold, Answer onTrue, Answer onFalse) {
    tests.push_back({isNegated, threshold, onTrue, onFalse});
    return {Answer::Kind::Test, tests.size() - 1};
  }
  double round(double number) const {
    return isDouble ? number : static_cast<double>(static_cast<float>(number));
  }
  /// The next lower number. Nothing is at most NaN, which is below the lowest.
  double below(double number) const {
    if (number == -infinity)
      return notANumber;
    return isDouble ? std::nextafter(number, -infinity)
                    : std::nextafterf(static_cast<float>(number),
                                      -std::numeric_limits<float>::infinity());
  }
  void never(bool nanHolds);
  Answer equals(double value, bool nanHolds, Answer onTrue, Answer onFalse);
  Answer search(ArrayRef<double> members, bool nanHolds);

  bool isDouble;
};

} // namespace

/// What no number passes, but NaN may.
void NodeTests::never(bool nanHolds) {
  if (nanHolds)
    add(false, infinity, no, yes);
  else
    add(false, notANumber, yes, no);
}

Answer NodeTests::equals(double value, bool nanHolds, Answer onTrue,
                         Answer onFalse) {
  if (nanHolds) {
    // NaN fails both tests, as the value itself does.
    Answer second = add(true, below(-value), onFalse, onTrue);
    return add(false, below(value), onFalse, second);
  }
  Answer second = add(true, -value, onTrue, onFalse);
  return add(false, value, second, onFalse);
}

/// Bisects sorted members. NaN fails every test on its way, so it arrives at
/// the last of them.
Answer NodeTests::search(ArrayRef<double> members, bool nanHolds) {
  if (members.size() == 1)
    return equals(members[0], nanHolds, yes, no);
  size_t half = members.size() / 2;
  Answer lower = search(members.take_front(half), /*nanHolds=*/false);
  Answer upper = search(members.drop_front(half), nanHolds);
  return add(false, members[half - 1], lower, upper);
}

NodeTests::NodeTests(Type elementType, const TreeNode &item,
                     ArrayRef<double> members)
    : isDouble(elementType.isF64()) {
  double t = round(item.threshold);
  bool nanHolds = item.nanHolds;
  if (item.mode == Mode::Member) {
    std::vector<double> set;
    for (double member : members)
      set.push_back(round(member));
    set.erase(std::unique(set.begin(), set.end()), set.end());
    if (set.empty())
      never(nanHolds);
    else
      search(set, nanHolds);
    return;
  }
  if (item.mode == Mode::NotEqual) {
    // NaN differs from everything.
    if (std::isnan(t))
      add(false, notANumber, no, yes);
    else
      equals(t, /*nanHolds=*/false, no, yes);
    return;
  }
  if (std::isnan(t)) {
    never(nanHolds);
    return;
  }
  switch (item.mode) {
  case Mode::LessEqual:
    nanHolds ? add(true, below(-t), no, yes) : add(false, t, yes, no);
    return;
  case Mode::Less:
    nanHolds ? add(true, -t, no, yes) : add(false, below(t), yes, no);
    return;
  case Mode::GreaterEqual:
    nanHolds ? add(false, below(t), no, yes) : add(true, -t, yes, no);
    return;
  case Mode::Greater:
    nanHolds ? add(false, t, no, yes) : add(true, below(-t), yes, no);
    return;
  default:
    equals(t, nanHolds, yes, no);
    return;
  }
}

namespace {

class TableBuilder {
public:
  TableBuilder(const TreeModel &model, const TreeJoin &join)
      : model(model), join(join), isDouble(join.elementType.isF64()) {}

  void build();

  std::vector<int64_t> nodes, trees, leaves, columns;
  int64_t negated = 0;
  bool isContiguous = false;
  /// Do leaves name their weights' places in `leaves`?
  bool hasLists = false;

private:
  static constexpr int64_t words = TreeEnsembleOp::nodeWords;
  /// What stands for the column of NaNs until the others are numbered.
  static constexpr int64_t nanColumn = -1;

  /// A place to be filled, and how far it is from the root.
  struct Place {
    int64_t slot = 0, distance = 0;
  };
  struct Work {
    int64_t number = 0;
    Place place;
  };

  int64_t bits(double number) const {
    if (isDouble)
      return llvm::bit_cast<int64_t>(number);
    return llvm::bit_cast<int32_t>(static_cast<float>(number));
  }
  int64_t identity() const {
    return bits(join.kind == ReductionKind::Sum   ? 0.0
                : join.kind == ReductionKind::Min ? infinity
                                                  : -infinity);
  }
  ArrayRef<LeafWeight> weightsOf(int64_t leaf) const {
    return ArrayRef(model.weights)
        .slice(firstWeight[leaf], firstWeight[leaf + 1] - firstWeight[leaf]);
  }
  /// The one target that the leaves of a tree have a weight for, at most one
  /// each.
  std::optional<int64_t> onlyTarget(int64_t root) const;
  void write(int64_t slot, double threshold, int64_t column, int64_t child) {
    nodes[slot] = bits(threshold);
    nodes[slot + 1] = column;
    nodes[slot + 2] = child;
  }
  int64_t addNodes(int64_t count) {
    int64_t slot = nodes.size();
    nodes.resize(slot + count * words);
    return slot;
  }
  void buildTree(int64_t root, int64_t target);
  void buildNode(const Work &work);
  void buildLeaf(int64_t leaf, Place place);
  void placeAnswer(const std::vector<Test> &tests, int64_t feature,
                   Answer answer, Place place);
  void link(int64_t child, ArrayRef<Place> places, int64_t column);
  void numberColumns();

  const TreeModel &model;
  const TreeJoin &join;
  bool isDouble;
  /// Where in the model's weights those of each node begin.
  std::vector<size_t> firstWeight;

  // Of the tree that is being built.
  std::vector<Work> queue;
  SmallVector<Place> yesPlaces, noPlaces;
  int64_t depth = 0;
};

} // namespace

std::optional<int64_t> TableBuilder::onlyTarget(int64_t root) const {
  std::optional<int64_t> target;
  std::vector<int64_t> stack{root};
  while (!stack.empty()) {
    const TreeNode &item = model.nodes[stack.back()];
    ArrayRef<LeafWeight> weights = weightsOf(stack.back());
    stack.pop_back();
    if (item.mode != Mode::Leaf) {
      stack.push_back(item.onTrue);
      if (item.onFalse != item.onTrue)
        stack.push_back(item.onFalse);
      continue;
    }
    if (weights.size() > 1 ||
        (!weights.empty() && target && *target != weights[0].target))
      return std::nullopt;
    if (!weights.empty())
      target = weights[0].target;
  }
  return target.value_or(0);
}

void TableBuilder::buildLeaf(int64_t leaf, Place place) {
  depth = std::max(depth, place.distance);
  ArrayRef<LeafWeight> weights = weightsOf(leaf);
  nodes[place.slot + 1] = nanColumn;
  nodes[place.slot + 2] = place.slot;
  if (!hasLists) {
    nodes[place.slot] = weights.empty() ? identity() : bits(weights[0].weight);
    return;
  }
  nodes[place.slot] = leaves.size();
  leaves.push_back(weights.size());
  for (const LeafWeight &weight : weights) {
    leaves.push_back(weight.target);
    leaves.push_back(bits(weight.weight));
  }
}

void TableBuilder::placeAnswer(const std::vector<Test> &tests, int64_t feature,
                               Answer answer, Place place) {
  if (answer.kind != Answer::Kind::Test) {
    (answer.kind == Answer::Kind::Yes ? yesPlaces : noPlaces).push_back(place);
    return;
  }
  const Test &test = tests[answer.test];
  int64_t children = addNodes(2);
  write(place.slot, test.threshold, feature * 2 + test.isNegated, children);
  placeAnswer(tests, feature, test.onFalse, {children, place.distance + 1});
  placeAnswer(tests, feature, test.onTrue,
              {children + words, place.distance + 1});
}

void TableBuilder::link(int64_t child, ArrayRef<Place> places, int64_t column) {
  if (places.empty())
    return;
  Place last = places.back();
  if (places.size() > 1) {
    for (Place place : places)
      last.distance = std::max(last.distance, place.distance);
    // The others pass on, one step later, whatever `column` has.
    ++last.distance;
    for (Place place : places.drop_back())
      write(place.slot, notANumber, column, last.slot);
  }
  queue.push_back({child, last});
}

void TableBuilder::buildNode(const Work &work) {
  int64_t number = work.number;
  // What both ways of a node lead to stands for the node.
  while (model.nodes[number].mode != Mode::Leaf &&
         model.nodes[number].onTrue == model.nodes[number].onFalse)
    number = model.nodes[number].onTrue;
  const TreeNode &item = model.nodes[number];
  if (item.mode == Mode::Leaf)
    return buildLeaf(number, work.place);
  ArrayRef<double> members;
  if (auto found = model.members.find(number); found != model.members.end())
    members = found->second;
  NodeTests node(join.elementType, item, members);
  yesPlaces.clear();
  noPlaces.clear();
  placeAnswer(node.tests, item.feature,
              {Answer::Kind::Test, node.tests.size() - 1}, work.place);
  int64_t column = nodes[work.place.slot + 1];
  link(item.onTrue, yesPlaces, column);
  link(item.onFalse, noPlaces, column);
}

void TableBuilder::buildTree(int64_t root, int64_t target) {
  depth = 0;
  int64_t slot = addNodes(1);
  queue.assign(1, {root, {slot, 0}});
  for (size_t next = 0; next < queue.size(); ++next) {
    Work work = queue[next];
    buildNode(work);
  }
  trees.push_back(slot);
  trees.push_back(depth);
  trees.push_back(target);
}

void TableBuilder::numberColumns() {
  // In order: features as they are, then those with the opposite sign.
  std::vector<int64_t> used;
  for (size_t i = 1; i < nodes.size(); i += words)
    if (nodes[i] != nanColumn)
      used.push_back(nodes[i]);
  auto order = [](int64_t a, int64_t b) {
    return std::pair(a % 2, a) < std::pair(b % 2, b);
  };
  llvm::sort(used, order);
  used.erase(std::unique(used.begin(), used.end()), used.end());
  for (int64_t column : used)
    negated += column % 2;
  // Most features in use are all copied, which is faster than each by itself.
  isContiguous =
      negated == 0 && static_cast<int64_t>(used.size()) * 2 >= model.features;
  if (isContiguous) {
    used.resize(model.features);
    for (int64_t i = 0; i < model.features; ++i)
      used[i] = i * 2;
  }
  llvm::DenseMap<int64_t, int64_t> numbers;
  for (int64_t column : used) {
    numbers[column] = columns.size();
    columns.push_back(column / 2);
  }
  for (size_t i = 1; i < nodes.size(); i += words)
    nodes[i] = nodes[i] == nanColumn ? columns.size() : numbers[nodes[i]];
}

void TableBuilder::build() {
  firstWeight.assign(model.nodes.size() + 1, 0);
  for (const LeafWeight &weight : model.weights)
    ++firstWeight[weight.leaf + 1];
  std::partial_sum(firstWeight.begin(), firstWeight.end(), firstWeight.begin());
  std::vector<int64_t> targets;
  for (int64_t root : model.roots) {
    auto target = onlyTarget(root);
    hasLists |= !target;
    targets.push_back(target.value_or(0));
  }
  for (auto [root, target] : llvm::zip_equal(model.roots, targets))
    buildTree(root, target);
  numberColumns();
}

/// A constant of words as wide as the element type.
static llvm::Expected<Value> wordConstant(NodeContext &node, Type elementType,
                                          ArrayRef<int64_t> words,
                                          ArrayRef<int64_t> dims) {
  bool isDouble = elementType.isF64();
  std::string bytes;
  bytes.reserve(words.size() * (isDouble ? 8 : 4));
  for (int64_t word : words) {
    auto narrow = static_cast<int32_t>(word);
    if (isDouble)
      bytes.append(reinterpret_cast<const char *>(&word), sizeof(word));
    else
      bytes.append(reinterpret_cast<const char *>(&narrow), sizeof(narrow));
  }
  return node.constant(makeOwnedTensor(node.node.name,
                                       isDouble ? OnnxElementType::Int64
                                                : OnnxElementType::Int32,
                                       dims.vec(), std::move(bytes)));
}

llvm::Expected<Value> sluice::createTreeEnsemble(NodeContext &node, Value rows,
                                                 const TreeModel &model,
                                                 const TreeJoin &join) {
  TableBuilder builder(model, join);
  builder.build();
  auto size = [](const std::vector<int64_t> &list) {
    return static_cast<int64_t>(list.size());
  };
  if (size(builder.nodes) > INT32_MAX || size(builder.leaves) > INT32_MAX)
    return node.unsupported("more than 2^31 words of trees");
  Type type = join.elementType;
  int64_t treeWords = TreeEnsembleOp::treeWords;
  SLUICE_TRY(nodes,
             wordConstant(node, type, builder.nodes, size(builder.nodes)));
  SLUICE_TRY(trees, wordConstant(node, type, builder.trees,
                                 {size(builder.trees) / treeWords, treeWords}));
  SLUICE_TRY(columns,
             wordConstant(node, type, builder.columns, size(builder.columns)));
  SmallVector<Value> operands{rows, nodes, trees, columns};
  if (builder.hasLists) {
    SLUICE_TRY(leaves,
               wordConstant(node, type, builder.leaves, size(builder.leaves)));
    operands.push_back(leaves);
  }
  SmallVector<NamedAttribute> attributes{
      node.attribute(
          "kind", ReductionKindAttr::get(node.builder.getContext(), join.kind)),
      node.integer("targets", model.targets),
      node.integer("features", model.features),
      node.integer("negated", builder.negated)};
  if (builder.isContiguous)
    attributes.push_back(node.flag("contiguous"));
  return node.create<TreeEnsembleOp>(operands, attributes);
}
