//===- RecogniseExperts.cpp - Mixtures of experts -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Exporters write a mixture of experts one expert after the other: a list of
// the tokens that chose it, their rows, the expert's products, its results
// added to those of the others at the tokens' places. All of these become one
// group of rows for each expert, and a product with a matrix for each group.
//
//===----------------------------------------------------------------------===//

#include "DenseExperts.h"
#include "ExpertBranches.h"
#include "ShapeBuilder.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_RECOGNISEEXPERTSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// What a layer becomes.
struct Outcome {
  int64_t experts = 0, slots = 0, products = 0;
  /// Why not, where it stays as it is.
  std::string reason;

  explicit operator bool() const { return reason.empty(); }
};

Outcome failure(const Twine &why) {
  Outcome outcome;
  outcome.reason = why.str();
  return outcome;
}

/// Builds a layer in front of the op that it replaces, and takes it away again
/// where it cannot be built.
class LayerBuilder {
public:
  LayerBuilder(Operation *last, const ExpertRouting &routing, int64_t experts,
               SymbolicShapes &symbols)
      : last(last), previous(last->getPrevNode()), routing(routing),
        experts(experts), symbols(symbols), builder(last),
        graph(builder, last->getLoc()) {}

  /// The sum for each token of its experts' rows, times `weights` of the pairs
  /// if there are any, plus `addends`, replaces the op's result.
  Outcome replace(ArrayRef<Value> rows,
                  llvm::function_ref<Value(GraphBuilder &)> makeWeights,
                  ArrayRef<Value> addends);

private:
  /// What tokens have together, in their shape.
  Value combine(Value rows, Value counting);

  Operation *last, *previous;
  const ExpertRouting &routing;
  int64_t experts;
  SymbolicShapes &symbols;
  OpBuilder builder;
  GraphBuilder graph;
};

/// The branches of one layer, the last first.
class ExpertLayer {
public:
  ExpertLayer(SmallVector<ExpertBranch> branches, SymbolicShapes &symbols)
      : branches(std::move(branches)), symbols(symbols) {}

  /// Replaces the last branch's result.
  Outcome replace();

private:
  bool fail(const Twine &why) {
    reason = why.str();
    return false;
  }
  bool findRouting();
  /// Puts branches in the order of their experts' numbers.
  bool sortByNumber();
  /// How many experts the tables have that theirs are looked up in; 0 where
  /// there is none.
  int64_t countTableRows();

  SmallVector<ExpertBranch> branches;
  SymbolicShapes &symbols;
  ExpertRouting routing;
  int64_t groups = 0;
  std::string reason;
};

/// Is a list as long as this number, or the run fails?
bool isChecked(Value list, int64_t length) {
  for (Operation *user : list.getUsers()) {
    if (isa<TransposeOp>(user) && isChecked(user->getResult(0), length))
      return true;
    auto size = dyn_cast<tensor::DimOp>(user);
    if (!size)
      continue;
    for (Operation *reader : size->getUsers()) {
      auto compare = dyn_cast<arith::CmpIOp>(reader);
      if (!compare || compare.getPredicate() != arith::CmpIPredicate::eq ||
          getConstantIntValue(compare.getRhs()) != length)
        continue;
      if (llvm::any_of(compare->getUsers(), llvm::IsaPred<cf::AssertOp>))
        return true;
    }
  }
  return false;
}

/// Does a list of numbers, [1, numbers], have those of all experts that ids
/// name?
bool listsChosen(NonZeroOp list, Value ids) {
  auto compare = list.getOperand().getDefiningOp<GreaterOp>();
  if (!compare || getSplatNumber(compare.getRhs()) != 0.0)
    return false;
  auto sum = compare.getLhs().getDefiningOp<ReduceOp>();
  if (!sum || sum.getKind() != ReductionKind::Sum || sum.getKeepDims())
    return false;
  auto marks = Selection::of(sum.getOperand());
  auto oneHot = marks.whole.getDefiningOp<OneHotOp>();
  if (!oneHot || oneHot.getIndices() != ids)
    return false;
  // Over all dimensions but that of the experts, and of all ids.
  if (marks.freeDimensions().size() != marks.coordinates.size())
    return false;
  const Coordinate &experts = marks.coordinates[oneHot.getAxis()];
  return experts.dimension && shapeOf(sum).size() == 1 &&
         !llvm::is_contained(sum.getAxes(), *experts.dimension) &&
         evaluateConstantNumber(oneHot.getValues(), 0) == 0.0 &&
         evaluateConstantNumber(oneHot.getValues(), 1) > 0.0;
}

bool ExpertLayer::sortByNumber() {
  auto count = static_cast<int64_t>(branches.size());
  auto place = [](const ExpertBranch &branch) {
    const Place &expert = branch.choice.expert;
    return expert.number ? *expert.number : expert.element;
  };
  llvm::sort(branches,
             [&](const auto &a, const auto &b) { return place(a) < place(b); });
  for (auto [i, branch] : llvm::enumerate(branches))
    if (place(branch) != static_cast<int64_t>(i))
      return fail("not every expert from 0 on is there once");
  groups = count;
  Value list = branches[0].choice.expert.list;
  if (!llvm::all_of(branches, [&](const ExpertBranch &branch) {
        return branch.choice.expert.list == list;
      }))
    return fail("some experts have known numbers, some not");
  if (!list)
    return true;
  auto chosen = list.getDefiningOp<NonZeroOp>();
  if (!chosen || shapeOf(chosen.getOperand()).size() != 1)
    return fail("the experts' numbers are not known");
  // A list of as many places as there can be has them all.
  if (shapeOf(chosen.getOperand())[0] == count) {
    for (auto [i, branch] : llvm::enumerate(branches))
      branch.choice.expert = Place{int64_t(i), {}, 0};
    return true;
  }
  if (!listsChosen(chosen, branches[0].choice.ids) ||
      !isChecked(chosen.getResult(), count))
    return fail("there may be more experts than those of the graph");
  // Then each pair is with one of these. How many there are tells a table.
  groups = 0;
  return true;
}

bool ExpertLayer::findRouting() {
  const ExpertBranch &first = branches[0];
  routing.ids = first.choice.ids;
  routing.condition = first.choice.condition;
  routing.dimensions = first.choice.dimensions;
  for (const ExpertBranch &branch : branches) {
    if (branch.choice.ids != routing.ids ||
        branch.choice.condition != routing.condition ||
        branch.choice.dimensions != routing.dimensions ||
        branch.tokenDimensions != first.tokenDimensions)
      return fail("the experts' tokens are chosen in different ways");
    routing.experts.push_back(branch.choice.expert);
    routing.lists.push_back(branch.list);
  }
  // The ids have the tokens' dimensions and then, perhaps, one of slots.
  auto rank = static_cast<int64_t>(shapeOf(routing.ids).size());
  SmallVector<int64_t> tokens;
  for (int64_t dimension : first.tokenDimensions)
    tokens.push_back(routing.dimensions[dimension]);
  auto count = static_cast<int64_t>(tokens.size());
  if (tokens != llvm::to_vector(llvm::seq<int64_t>(count)) || rank - count > 1)
    return fail("the numbers of experts are not [tokens, slots]");
  routing.hasSlots = rank > count;
  if (routing.hasSlots)
    routing.slots = shapeOf(routing.ids)[count];
  if (routing.slots < 1)
    return fail("how many experts a token has is not known");
  bool isDistinct = !routing.hasSlots || first.choice.slotDimension == count;
  for (const ExpertBranch &branch : branches)
    if ((branch.needsDistinct && !isDistinct) ||
        (!branch.adds && routing.hasSlots))
      return fail("the results of an expert replace each other");
  return true;
}

Value LayerBuilder::combine(Value rows, Value counting) {
  if (counting)
    rows = graph.select(counting, rows, graph.number(rows, 0));
  int64_t columns = shapeOf(rows)[1];
  if (routing.hasSlots) {
    rows = graph.reshape(rows, {ShapedType::kDynamic, routing.slots, columns});
    rows = graph.reduce(rows, ReductionKind::Sum, 1, /*keepDims=*/false);
  }
  if (routing.tokenRank() == 1)
    return rows;
  ShapeBuilder shape(graph);
  for (int64_t i = 0; i < routing.tokenRank(); ++i)
    shape.append(routing.ids, i);
  shape.append(columns);
  return graph.make<ReshapeOp>(rows, shape.take(), /*allow_zero=*/true);
}

Outcome
LayerBuilder::replace(ArrayRef<Value> values,
                      llvm::function_ref<Value(GraphBuilder &)> makeWeights,
                      ArrayRef<Value> addends) {
  Value result = last->getResult(0);
  auto tokenRank = static_cast<size_t>(routing.tokenRank());
  bool fits = shapeOf(result).size() == tokenRank + 1;
  for (size_t i = 0; fits && i < tokenRank; ++i)
    fits = symbols.dimension(result, i) == symbols.dimension(routing.ids, i);
  if (!fits)
    return failure("the result has other rows than there are tokens");
  ExpertFunction function(graph, routing, experts, symbols);
  Value rows = function.build(values);
  Outcome outcome{experts, routing.slots, function.getProducts(),
                  function.getReason().str()};
  if (rows && outcome.products == 0)
    outcome.reason = "the experts have no products";
  else if (rows && shapeOf(rows)[1] != shapeOf(result).back())
    outcome.reason = "the result has other columns than the experts' rows";
  if (!outcome) {
    while (last->getPrevNode() != previous)
      last->getPrevNode()->erase();
    return outcome;
  }
  if (makeWeights)
    rows = graph.mul(rows, makeWeights(graph));
  Value sum = combine(rows, function.getCounting());
  for (Value addend : addends)
    sum = graph.add(addend, sum);
  if (sum.getType() != result.getType())
    sum =
        tensor::CastOp::create(builder, last->getLoc(), result.getType(), sum);
  result.replaceAllUsesWith(sum);
  return outcome;
}

static bool isSum(const ExpertBranch &branch) { return branch.adds; }

int64_t ExpertLayer::countTableRows() {
  SmallVector<Value> pending{branches[0].rows};
  DenseSet<Value> seen;
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (!op || op == branches[0].list)
      continue;
    if (auto product = dyn_cast<MatmulOp>(op)) {
      Selection matrix = Selection::of(product.getRhs());
      std::optional<int64_t> axis = matrix.onlyFixedDimension();
      if (axis && matrix.coordinates[*axis].place == branches[0].choice.expert)
        return shapeOf(matrix.whole)[*axis];
    }
    for (Value operand : op->getOperands())
      if (seen.insert(operand).second)
        pending.push_back(operand);
  }
  return 0;
}

Outcome ExpertLayer::replace() {
  Operation *last = branches[0].result.getDefiningOp();
  Value before = branches.back().before;
  bool startsAtZero = isZero(before);
  if (branches.size() < 2)
    return failure("there is one expert");
  if (!startsAtZero && !llvm::all_of(branches, &isSum))
    return failure("results replace what is not zero");
  if (!sortByNumber() || !findRouting())
    return failure(reason);
  SmallVector<Value> rows;
  for (const ExpertBranch &branch : branches)
    rows.push_back(branch.rows);
  if (groups == 0)
    groups = countTableRows();
  if (groups < 1)
    return failure("the experts' weights are in no table of known size");
  return LayerBuilder(last, routing, groups, symbols)
      .replace(rows, nullptr, startsAtZero ? ArrayRef<Value>() : before);
}

/// Replaces a sum over all experts.
Outcome replaceDense(Operation *last, DenseExperts &layer,
                     SymbolicShapes &symbols) {
  std::string reason;
  if (failed(layer.findChoice(reason)))
    return failure(reason);
  ExpertRouting routing;
  routing.ids = layer.ids;
  routing.hasSlots = layer.hasSlots;
  if (routing.hasSlots)
    routing.slots = shapeOf(layer.ids).back();
  routing.isDense = true;
  auto experts = static_cast<int64_t>(layer.rows.size());
  for (int64_t i = 0; i < experts; ++i)
    routing.experts.push_back(Place{i, {}, 0});
  for (int64_t i = 0; i < routing.tokenRank(); ++i)
    if (symbols.dimension(layer.gates, i) != symbols.dimension(layer.ids, i))
      return failure("there are other tokens than those with gates");
  auto makeWeights = [&](GraphBuilder &graph) {
    Value weights;
    auto scatter = layer.gates.getDefiningOp<ScatterElementsOp>();
    if (scatter && scatter.getIndices() == layer.ids &&
        scatter.getMode() == ScatterMode::Replace) {
      weights = scatter.getUpdates();
    } else {
      Value gates = graph.reshape(layer.gates, {ShapedType::kDynamic, experts}),
            ids =
                graph.reshape(layer.ids, {ShapedType::kDynamic, routing.slots});
      weights = graph.make<GatherElementsOp>(gates, ids, /*axis=*/1);
    }
    return graph.reshape(weights, {ShapedType::kDynamic, 1});
  };
  return LayerBuilder(last, routing, experts, symbols)
      .replace(layer.rows, makeWeights, layer.addends);
}

class RecogniseExpertsPass final
    : public impl::RecogniseExpertsPassBase<RecogniseExpertsPass> {
public:
  using RecogniseExpertsPassBase::RecogniseExpertsPassBase;

  void runOnOperation() final {
    SymbolicShapes symbols;
    // By what they leave, in the order of the graph.
    llvm::MapVector<Value, ExpertBranch> branches;
    SmallVector<Operation *> sums;
    getOperation().walk([&](Operation *op) {
      if (auto branch = ExpertBranch::match(op))
        branches[branch->result] = *branch;
      else if (DenseExperts::match(op))
        sums.push_back(op);
    });
    bool hasReplaced = replaceBranches(branches, symbols);
    for (Operation *op : sums) {
      // What is added may be what a layer was that has been replaced.
      std::optional<DenseExperts> sum = DenseExperts::match(op);
      if (!sum)
        continue;
      hasReplaced |= report(op, "experts for all tokens: ",
                            exact ? failure("kept as the graph has them")
                                  : replaceDense(op, *sum, symbols));
    }
    // What the layers were is nothing for other passes.
    IRRewriter rewriter(&getContext());
    if (hasReplaced)
      (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }

private:
  bool replaceBranches(llvm::MapVector<Value, ExpertBranch> &branches,
                       SymbolicShapes &symbols) {
    bool hasReplaced = false;
    // Of the same layer: one may add to what another has left.
    auto findBefore = [&](const ExpertBranch &branch) -> ExpertBranch * {
      auto it = branches.find(branch.before);
      bool isSame =
          it != branches.end() && it->second.choice.ids == branch.choice.ids;
      return isSame ? &it->second : nullptr;
    };
    DenseSet<Value> continued;
    for (auto &[result, branch] : branches)
      if (findBefore(branch))
        continued.insert(branch.before);
    // The last layer first: others hold no results of it.
    for (auto &[result, branch] : llvm::reverse(branches)) {
      if (continued.contains(result))
        continue;
      SmallVector<ExpertBranch> own;
      for (ExpertBranch *next = &branch; next; next = findBefore(*next))
        own.push_back(*next);
      hasReplaced |= report(result.getDefiningOp(), "expert by expert: ",
                            ExpertLayer(std::move(own), symbols).replace());
    }
    return hasReplaced;
  }

  /// Returns whether something was replaced.
  bool report(Operation *op, StringRef what, const Outcome &outcome) {
    if (!outcome) {
      remarks::missed(op, remarks::experts) << what.str() + outcome.reason;
      return false;
    }
    ++numRecognised;
    remarks::applied(op, remarks::experts)
        << std::to_string(outcome.experts) + " experts, " +
               std::to_string(outcome.slots) +
               " for each token: " + std::to_string(outcome.products) +
               " products with a matrix for each expert";
    return true;
  }
};

} // namespace
} // namespace sluice
