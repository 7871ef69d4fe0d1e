//===- TreeImport.cpp - Ensembles of decision trees -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"
#include "ScoreTransforms.h"
#include "TreeTables.h"
#include <cmath>

using namespace mlir;
using namespace sluice;

namespace {

/// How many of a target's leaves have a weight for it, of all trees: a row may
/// meet none, always one, or one at times.
enum class Coverage { Never, Sometimes, Always };

/// What `aggregate_function` says.
struct Aggregate {
  ReductionKind kind = ReductionKind::Sum;
  bool isAverage = false;
};

} // namespace

static std::vector<Coverage> findCoverage(const TreeModel &model) {
  // A row surely meets a weight where a tree has one in each of its leaves.
  std::vector<int64_t> treeOf(model.nodes.size(), -1);
  std::vector<int64_t> leavesOfTree(model.roots.size(), 0);
  for (auto [tree, root] : llvm::enumerate(model.roots)) {
    std::vector<int64_t> stack{root};
    while (!stack.empty()) {
      int64_t at = stack.back();
      stack.pop_back();
      treeOf[at] = tree;
      const TreeNode &item = model.nodes[at];
      if (item.mode == TreeNode::Mode::Leaf) {
        ++leavesOfTree[tree];
        continue;
      }
      stack.push_back(item.onTrue);
      if (item.onFalse != item.onTrue)
        stack.push_back(item.onFalse);
    }
  }
  // Leaves with a weight, by target and tree.
  llvm::DenseMap<std::pair<int64_t, int64_t>, int64_t> covered;
  std::vector<Coverage> coverage(model.targets, Coverage::Never);
  llvm::DenseMap<std::pair<int64_t, int64_t>, int64_t> lastLeaf;
  for (const LeafWeight &weight : model.weights) {
    std::pair<int64_t, int64_t> key(weight.target, treeOf[weight.leaf]);
    auto [last, isNew] = lastLeaf.insert({key, weight.leaf});
    if (!isNew && last->second == weight.leaf)
      continue;
    last->second = weight.leaf;
    Coverage &of = coverage[weight.target];
    of = ++covered[key] == leavesOfTree[key.second] || of == Coverage::Always
             ? Coverage::Always
             : Coverage::Sometimes;
  }
  return coverage;
}

/// Column `which` of [rows, columns], as [rows, 1].
static Value column(Composition &ops, Value matrix, int64_t which) {
  return ops.slice(matrix, 1, which, which + 1);
}

//===----------------------------------------------------------------------===//
// Regression
//===----------------------------------------------------------------------===//

/// What the leaves add up to, with 0 for targets that a row meets no weight
/// for.
static Value aggregate(Composition &ops, Value rows, const TreeModel &model,
                       Aggregate how) {
  NodeContext &node = ops.node;
  Type type = elementTypeOf(rows);
  Value sum =
      ops.unwrap(createTreeEnsemble(node, rows, model, {how.kind, type}));
  if (how.isAverage)
    return ops.div(sum, ops.number(sum, model.roots.size()));
  std::vector<Coverage> coverage = findCoverage(model);
  if (how.kind == ReductionKind::Sum ||
      llvm::all_of(coverage, [](Coverage c) { return c == Coverage::Always; }))
    return sum;
  if (llvm::any_of(model.weights, [](const LeafWeight &weight) {
        return std::isinf(static_cast<float>(weight.weight));
      }))
    return ops.fail(node.unsupported("infinite weights where a row may meet "
                                     "none"));
  return ops.select(ops.make<IsInfOp>(sum), ops.number(sum, 0), sum);
}

static llvm::Expected<Values> importTreeEnsembleRegressor(NodeContext &node) {
  SLUICE_TRY(rows, readRows(node, 0, /*keepDouble=*/true));
  SLUICE_TRY(targets, node.node.getInt("n_targets", 1));
  SLUICE_TRY(transform, readPostTransform(node));
  SLUICE_TRY(name, node.node.getString("aggregate_function", "SUM"));
  SLUICE_TRY(base, readRealNumbers(node, "base_values"));
  if (targets < 1)
    return node.invalid("there are " + Twine(targets) + " targets");
  if (targets > TreeModel::mostTargets)
    return node.unsupported(Twine(targets) + " targets");
  Aggregate how;
  if (name == "AVERAGE")
    how.isAverage = true;
  else if (name == "MIN")
    how.kind = ReductionKind::Min;
  else if (name == "MAX")
    how.kind = ReductionKind::Max;
  else if (name != "SUM")
    return node.invalid("there is no aggregate_function '" + name + "'");
  int64_t count = base.size();
  if (count != 0 && count != targets)
    return node.invalid("there are " + Twine(count) + " base values for " +
                        Twine(targets) + " targets");
  SLUICE_TRY(model, readTreeModel(node, "target", targets));
  Composition ops(node);
  Value scores = aggregate(ops, rows, model, how);
  if (count != 0)
    scores = ops.add(scores,
                     constantNumbers(node, elementTypeOf(rows), base, count));
  scores = transformScores(ops, scores, transform);
  return ops.finish({ops.cast(scores, node.builder.getF32Type())});
}

/// The transforms and aggregates of TreeEnsemble are numbers.
static llvm::Expected<Values> importTreeEnsemble(NodeContext &node) {
  SLUICE_TRY(transformNumber, node.node.getInt("post_transform", 0));
  SLUICE_TRY(aggregateNumber, node.node.getInt("aggregate_function", 1));
  SLUICE_TRY(rows, readRows(node, 0, /*keepDouble=*/true));
  constexpr PostTransform transforms[] = {
      PostTransform::None, PostTransform::Softmax, PostTransform::Logistic,
      PostTransform::SoftmaxZero, PostTransform::Probit};
  const Aggregate aggregates[] = {{ReductionKind::Sum, /*isAverage=*/true},
                                  {ReductionKind::Sum},
                                  {ReductionKind::Min},
                                  {ReductionKind::Max}};
  if (transformNumber < 0 ||
      transformNumber >= static_cast<int64_t>(std::size(transforms)))
    return node.invalid("there is no post_transform " + Twine(transformNumber));
  if (aggregateNumber < 0 ||
      aggregateNumber >= static_cast<int64_t>(std::size(aggregates)))
    return node.invalid("there is no aggregate_function " +
                        Twine(aggregateNumber));
  SLUICE_TRY(model, readTreeEnsemble(node));
  Composition ops(node);
  Value scores = aggregate(ops, rows, model, aggregates[aggregateNumber]);
  scores = transformScores(ops, scores, transforms[transformNumber]);
  return ops.finish({ops.cast(scores, elementTypeOf(node.input(0)))});
}

//===----------------------------------------------------------------------===//
// Classification
//===----------------------------------------------------------------------===//

namespace {

/// Scores, labels and their corner cases as ONNX Runtime has them: with two
/// classes much depends on whether a row meets weights for the second one.
class TreeClassifierImporter {
public:
  explicit TreeClassifierImporter(NodeContext &node) : node(node), ops(node) {}
  llvm::Expected<Values> import();

private:
  llvm::Error read();
  void addPresence();
  /// Does a row meet a weight for a class that has some? [rows, 1].
  Value isPresent(int64_t which);
  /// A score of a class, which is zero where a row meets no weight for it.
  Value ifPresent(int64_t which, Value score);
  llvm::Expected<Values> importMany();
  llvm::Expected<Values> importTwo();
  llvm::Expected<Values> importOne();
  /// A row's two scores and its label, from the single score that it has.
  std::pair<Value, Value> fromOne(Value score);
  /// The same from both scores.
  std::pair<Value, Value> fromTwo(Value first, Value second, bool hasSecond);
  /// The label that a score above or below the limit means.
  Value decide(Value score);

  NodeContext &node;
  Composition ops;
  ClassLabels labels;
  PostTransform transform = PostTransform::None;
  TreeModel model;
  std::vector<double> base;
  std::vector<Coverage> coverage;
  /// The column of the sums that tells whether a class is present, or -1.
  std::vector<int64_t> presence;
  Value rows, sums;
  /// Weights are for one of two classes only.
  bool isBinary = false;
  bool allPositive = true;
};

} // namespace

llvm::Error TreeClassifierImporter::read() {
  if (llvm::Error error = readRows(node, 0, /*keepDouble=*/true).moveInto(rows))
    return error;
  if (llvm::Error error = readPostTransform(node).moveInto(transform))
    return error;
  if (llvm::Error error =
          readClassLabels(node, "classlabels_strings", "classlabels_int64s")
              .moveInto(labels))
    return error;
  if (llvm::Error error = readRealNumbers(node, "base_values").moveInto(base))
    return error;
  if (llvm::Error error =
          readTreeModel(node, "class", labels.count).moveInto(model))
    return error;
  int64_t count = base.size();
  if (count != 0 && count != labels.count && !(count == 1 && labels.count == 2))
    return node.invalid("there are " + Twine(count) + " base values for " +
                        Twine(labels.count) + " classes");
  coverage = findCoverage(model);
  int64_t classes = 0;
  for (Coverage of : coverage)
    classes += of != Coverage::Never;
  isBinary = labels.count == 2 && classes == 1;
  for (const LeafWeight &weight : model.weights)
    allPositive &= weight.weight >= 0;
  return llvm::Error::success();
}

/// Where it depends on the row whether a class is present, the leaves count.
void TreeClassifierImporter::addPresence() {
  presence.assign(labels.count, -1);
  auto isPartial = [](Coverage of) { return of == Coverage::Sometimes; };
  auto isAlways = [](Coverage of) { return of == Coverage::Always; };
  if (labels.count == 2) {
    for (int64_t which : {0, 1})
      if (isPartial(coverage[which]))
        presence[which] = model.targets++;
  } else if (labels.count > 2 && base.empty() &&
             !llvm::all_of(coverage, isAlways)) {
    for (int64_t &place : presence)
      place = model.targets++;
  }
  if (model.targets == labels.count)
    return;
  std::vector<LeafWeight> counts;
  for (const LeafWeight &weight : model.weights)
    if (presence[weight.target] >= 0)
      counts.push_back({weight.leaf, presence[weight.target], 1.0});
  model.weights.insert(model.weights.end(), counts.begin(), counts.end());
  model.groupWeights();
}

/// A value like `score` that is zero.
static Value zeroLike(Composition &ops, Value score) {
  if (ops.failed())
    return nullptr;
  return ops.cast(ops.make<LessOp>({score, score}), elementTypeOf(score));
}

Value TreeClassifierImporter::ifPresent(int64_t which, Value score) {
  if (coverage[which] == Coverage::Always || ops.failed())
    return score;
  if (coverage[which] == Coverage::Never)
    return zeroLike(ops, score);
  return ops.select(isPresent(which), score, ops.number(score, 0));
}

Value TreeClassifierImporter::isPresent(int64_t which) {
  Value count = column(ops, sums, presence[which]);
  return ops.make<GreaterOp>({count, ops.number(count, 0)});
}

Value TreeClassifierImporter::decide(Value score) {
  double limit = isBinary && allPositive ? 0.5 : 0.0;
  Value isAbove = ops.make<GreaterOp>({score, ops.number(score, limit)});
  // Where both classes have weights, the labels are 1 and 0.
  int64_t above = isBinary ? labels.label(1) : 1;
  int64_t below = isBinary ? labels.label(0) : 0;
  return chooseLabel(ops, labels, isAbove, above, below);
}

std::pair<Value, Value> TreeClassifierImporter::fromOne(Value score) {
  Value label = decide(score);
  auto pair = [&](Value first, Value second) {
    return ops.failed() ? Value() : ops.concat({first, second}, 1);
  };
  Value zero = zeroLike(ops, score);
  if (transform == PostTransform::Probit)
    return {pair(transformScores(ops, score, transform), zero), label};
  // With one base value and weights for both classes nobody says what the
  // second score is.
  if (!isBinary && !base.empty())
    return {pair(score, zero), label};
  if (transform != PostTransform::Logistic && isBinary && allPositive)
    return {pair(ops.sub(ops.number(score, 1), score), score), label};
  Value both = pair(ops.make<NegOp>(score), score);
  if (transform == PostTransform::Logistic)
    both = transformScores(ops, both, transform);
  return {both, label};
}

std::pair<Value, Value>
TreeClassifierImporter::fromTwo(Value first, Value second, bool hasSecond) {
  Value label = decide(hasSecond ? second : first);
  Value both = ops.failed() ? Value() : ops.concat({first, second}, 1);
  return {transformScores(ops, both, transform), label};
}

llvm::Expected<Values> TreeClassifierImporter::importTwo() {
  Value first = column(ops, sums, 0), second = column(ops, sums, 1);
  auto plus = [&](Value score, double number) {
    return ops.add(score, ops.number(score, number));
  };
  bool mayHave = coverage[1] != Coverage::Never;
  bool mayLack = coverage[1] != Coverage::Always;
  std::pair<Value, Value> with, without;
  bool isMoved = base.size() == 2;
  Value moved = base.empty() ? first : plus(first, base[0]);
  moved = ifPresent(0, moved);
  if (mayHave && isMoved) {
    // The first score is taken for that of the second class.
    Value taken = plus(first, base[1]);
    with = fromTwo(ifPresent(0, ops.make<NegOp>(taken)), taken,
                   /*hasSecond=*/true);
  } else if (mayHave) {
    with = fromTwo(moved, second, /*hasSecond=*/true);
  }
  if (mayLack && isMoved)
    without = fromTwo(moved, zeroLike(ops, first), /*hasSecond=*/false);
  else if (mayLack)
    without = fromOne(moved);
  if (!mayHave || !mayLack) {
    auto [scores, label] = mayHave ? with : without;
    return ops.finish({label, scores});
  }
  Value has = isPresent(1);
  Value scores = ops.select(has, with.first, without.first);
  Value label;
  if (!labels.areStrings)
    label = ops.select(ops.squeeze(has, 1), with.second, without.second);
  return ops.finish({label, scores});
}

llvm::Expected<Values> TreeClassifierImporter::importMany() {
  int64_t count = labels.count;
  Value scores = ops.slice(sums, 1, 0, count);
  if (!base.empty()) {
    scores = ops.add(scores,
                     constantNumbers(node, elementTypeOf(rows), base, count));
    return ops.finish({labelOf(ops, labels, bestClass(ops, scores)),
                       transformScores(ops, scores, transform)});
  }
  // Only classes that a row meets a weight for can win.
  Value candidates = scores;
  if (presence[0] >= 0) {
    Value counts = ops.slice(sums, 1, presence[0], presence[0] + count);
    candidates = ops.select(
        ops.make<GreaterOp>({counts, ops.number(counts, 0)}), scores,
        ops.number(scores, -std::numeric_limits<double>::infinity()));
  }
  return ops.finish({labelOf(ops, labels, bestClass(ops, candidates)),
                     transformScores(ops, scores, transform)});
}

llvm::Expected<Values> TreeClassifierImporter::importOne() {
  Value score = sums;
  if (!base.empty())
    score = ops.add(score, ops.number(score, base[0]));
  return ops.finish({decide(score), transformScores(ops, score, transform)});
}

llvm::Expected<Values> TreeClassifierImporter::import() {
  if (llvm::Error error = read())
    return error;
  addPresence();
  Type type = elementTypeOf(rows);
  SLUICE_TRY(joined,
             createTreeEnsemble(node, rows, model, {ReductionKind::Sum, type}));
  sums = joined;
  auto results = labels.count == 1   ? importOne()
                 : labels.count == 2 ? importTwo()
                                     : importMany();
  if (!results)
    return results.takeError();
  SLUICE_TRY(scores, node.cast((*results)[1], node.builder.getF32Type()));
  return Values{(*results)[0], scores};
}

static llvm::Expected<Values> importTreeEnsembleClassifier(NodeContext &node) {
  return TreeClassifierImporter(node).import();
}

void sluice::registerTreeImports(ImportRegistry &registry) {
  auto add = [&](const char *name, Arity arity, ImportEntry::Function function,
                 int64_t minOpset) {
    registry.add(std::string("ai.onnx.ml.") + name, arity, function, minOpset);
  };
  add("TreeEnsemble", 1, importTreeEnsemble, 5);
  add("TreeEnsembleClassifier", {1, 1, 2}, importTreeEnsembleClassifier, 1);
  add("TreeEnsembleRegressor", 1, importTreeEnsembleRegressor, 1);
}
