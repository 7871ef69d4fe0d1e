//===- DenseExperts.cpp - All experts for all tokens ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "DenseExperts.h"
#include "ExpertBranches.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;

namespace sluice {

namespace {

/// A column of a table of gates: [tokens..., 1] of [tokens..., experts].
struct Gate {
  Value table;
  int64_t expert = 0;
};

/// What a gate is multiplied with.
struct GatedRows {
  Gate gate;
  Value rows;
};

/// Where the numbers of experts come from that gates are not zero for.
struct Support {
  Value ids;
  std::optional<int64_t> slotDimension;
};

} // namespace

static std::optional<Gate> matchGate(Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  if (shape.size() < 2 || shape.back() != 1)
    return std::nullopt;
  Selection selection = Selection::of(value);
  auto tokens = static_cast<int64_t>(shape.size()) - 1;
  if (static_cast<int64_t>(selection.coordinates.size()) != tokens + 1)
    return std::nullopt;
  for (int64_t i = 0; i < tokens; ++i)
    if (selection.coordinates[i].dimension != i)
      return std::nullopt;
  std::optional<int64_t> expert = selection.coordinates[tokens].place.number;
  if (!expert || selection.coordinates[tokens].dimension)
    return std::nullopt;
  return Gate{selection.whole, *expert};
}

static std::optional<GatedRows> matchGatedRows(Value value) {
  auto product = value.getDefiningOp<MulOp>();
  if (!product || !value.hasOneUse())
    return std::nullopt;
  for (unsigned i : {0, 1}) {
    Value rows = product->getOperand(1 - i);
    auto gate = matchGate(product->getOperand(i));
    if (gate && shapeOf(rows) == shapeOf(value))
      return GatedRows{*gate, rows};
  }
  return std::nullopt;
}

/// The terms of a sum of sums that nothing else reads.
static void collectTerms(Value value, bool isRoot,
                         SmallVectorImpl<Value> &terms) {
  auto sum = value.getDefiningOp<AddOp>();
  if (!sum || (!isRoot && !value.hasOneUse()) ||
      shapeOf(sum.getLhs()) != shapeOf(sum.getRhs())) {
    terms.push_back(value);
    return;
  }
  collectTerms(sum.getLhs(), false, terms);
  collectTerms(sum.getRhs(), false, terms);
}

bool DenseExperts::matchAddends(AddOp op) {
  // The whole sum is matched at its end.
  if (op->hasOneUse() && isa<AddOp>(*op->user_begin()))
    return false;
  SmallVector<Value> terms;
  collectTerms(op, true, terms);
  for (Value term : terms) {
    auto gated = matchGatedRows(term);
    if (gated && !gates) {
      gates = gated->gate.table;
      int64_t count = shapeOf(gates).back();
      if (ShapedType::isDynamic(count) || count < 2)
        return false;
      rows.resize(count);
    }
    if (!gated || gated->gate.table != gates) {
      addends.push_back(term);
      continue;
    }
    // What is outside of the table fails when it runs.
    if (gated->gate.expert >= static_cast<int64_t>(rows.size()))
      return false;
    Value &own = rows[gated->gate.expert];
    if (own)
      return false;
    own = gated->rows;
  }
  return gates && llvm::all_of(rows, [](Value value) { return !!value; });
}

/// Experts behind one another along a dimension, gates along the same.
bool DenseExperts::matchReduction(ReduceOp op) {
  if (op.getKind() != ReductionKind::Sum || op.getAxes().size() != 1)
    return false;
  int64_t axis = op.getAxes()[0];
  auto product = op.getOperand().getDefiningOp<MulOp>();
  if (!product || op.getKeepDims())
    return false;
  for (unsigned i : {0, 1}) {
    auto experts = product->getOperand(1 - i).getDefiningOp<ConcatOp>();
    Value factors = product->getOperand(i);
    if (!experts || static_cast<int64_t>(experts.getAxis()) != axis ||
        shapeOf(experts) != shapeOf(product))
      continue;
    Selection selection = Selection::of(factors);
    ArrayRef<int64_t> shape = shapeOf(selection.whole);
    SmallVector<int64_t> own;
    for (const Coordinate &coordinate : selection.coordinates)
      own.push_back(coordinate.dimension.value_or(-1));
    // Tokens in their order, then experts.
    auto rank = static_cast<int64_t>(shapeOf(factors).size());
    SmallVector<int64_t> wanted;
    for (int64_t k = 0; k < rank - 1; ++k)
      if (k != axis)
        wanted.push_back(k);
    wanted.push_back(axis);
    if (own != wanted ||
        shape.back() != static_cast<int64_t>(experts.getNumOperands()))
      continue;
    for (Value part : experts.getOperands()) {
      auto unsqueeze = part.getDefiningOp<UnsqueezeOp>();
      if (!unsqueeze || unsqueeze.getAxes() != ArrayRef<int64_t>(axis))
        return false;
      rows.push_back(unsqueeze.getOperand());
    }
    gates = selection.whole;
    return true;
  }
  return false;
}

std::optional<DenseExperts> DenseExperts::match(Operation *op) {
  DenseExperts experts;
  auto sum = dyn_cast<AddOp>(op);
  auto reduction = dyn_cast<ReduceOp>(op);
  if (sum ? experts.matchAddends(sum)
          : reduction && experts.matchReduction(reduction))
    return experts;
  return std::nullopt;
}

/// Which elements along a dimension of experts may be other than zero.
static std::optional<Support> findSupport(Value value, int64_t axis,
                                          unsigned depth = 0) {
  // Formulas are short; graphs in which everything is read twice are not.
  constexpr unsigned maxDepth = 8;
  Operation *op = value.getDefiningOp();
  if (depth > maxDepth)
    return std::nullopt;
  auto ofOperand = [&](unsigned operand) -> std::optional<Support> {
    Value own = op->getOperand(operand);
    if (shapeOf(own).size() != shapeOf(value).size() ||
        shapeOf(own)[axis] != shapeOf(value)[axis])
      return std::nullopt;
    return findSupport(own, axis, depth + 1);
  };
  if (isa_and_nonnull<CastOp, DivOp>(op))
    return ofOperand(0);
  if (isa_and_nonnull<MulOp, AndOp>(op)) {
    auto support = ofOperand(0);
    return support ? support : ofOperand(1);
  }
  if (auto greater = dyn_cast_or_null<GreaterOp>(op))
    return isZero(greater.getRhs()) ? ofOperand(0) : std::nullopt;
  if (auto select = dyn_cast_or_null<SelectOp>(op))
    return isZero(select.getOnFalse()) ? ofOperand(0) : std::nullopt;
  if (auto scatter = dyn_cast_or_null<ScatterElementsOp>(op)) {
    if (static_cast<int64_t>(scatter.getAxis()) != axis ||
        !isZero(scatter.getOperand()) ||
        (scatter.getMode() != ScatterMode::Replace &&
         scatter.getMode() != ScatterMode::Add))
      return std::nullopt;
    return Support{scatter.getIndices(), axis};
  }
  if (auto oneHot = dyn_cast_or_null<OneHotOp>(op)) {
    if (static_cast<int64_t>(oneHot.getAxis()) != axis ||
        evaluateConstantNumber(oneHot.getValues(), 0) != 0.0)
      return std::nullopt;
    return Support{oneHot.getIndices(), std::nullopt};
  }
  auto reduce = dyn_cast_or_null<ReduceOp>(op);
  if (!reduce || reduce.getAxes().size() != 1 || reduce.getKeepDims() ||
      (reduce.getKind() != ReductionKind::Sum &&
       reduce.getKind() != ReductionKind::Max))
    return std::nullopt;
  // Over the experts of a token.
  int64_t slots = reduce.getAxes()[0];
  int64_t before = axis >= slots ? axis + 1 : axis;
  auto support = findSupport(reduce.getOperand(), before, depth + 1);
  if (!support || support->slotDimension)
    return std::nullopt;
  support->slotDimension = before < slots ? slots - 1 : slots;
  return support;
}

LogicalResult DenseExperts::findChoice(std::string &reason) {
  auto axis = static_cast<int64_t>(shapeOf(gates).size()) - 1;
  auto support = findSupport(gates, axis);
  if (!support) {
    reason = "gates are not known to be zero for experts that were not chosen";
    return failure();
  }
  Operation *origin = findChoosingOp(support->ids);
  auto top = dyn_cast_or_null<TopKOp>(origin);
  std::optional<int64_t> along;
  if (top)
    along = top.getAxis();
  if (!origin || along != support->slotDimension) {
    reason = "the numbers of a token's experts may be equal";
    return failure();
  }
  ids = support->ids;
  hasSlots = support->slotDimension.has_value();
  auto rank = static_cast<int64_t>(shapeOf(ids).size());
  if (rank != axis + hasSlots ||
      (hasSlots && *support->slotDimension != axis) ||
      // Unknown, or none.
      (hasSlots && shapeOf(ids)[axis] < 1)) {
    reason = "the numbers of experts are not [tokens, slots]";
    return failure();
  }
  if (!areBelow(ids, shapeOf(gates)[axis])) {
    reason = "tokens may choose experts that have no gate";
    return failure();
  }
  return success();
}

} // namespace sluice
