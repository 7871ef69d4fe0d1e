//===- ScoreTerms.cpp - What attention adds and hides ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ScoreTerms.h"
#include "AttentionChain.h"
#include "ConstantNumbers.h"
#include "DistanceBias.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include <cmath>

using namespace mlir;

namespace sluice {

/// Scores are lost in sums with numbers from here down.
constexpr double swallowingFill = -1e30;

void ScoreTerms::add(Value value, double factor) {
  Step step;
  step.value = value;
  step.factor = factor;
  steps.push_back(step);
}

void ScoreTerms::replace(Value condition, bool keptWhere, double fill) {
  Step step;
  step.value = condition;
  step.isReplacement = true;
  step.keptWhere = keptWhere;
  step.fill = fill;
  steps.push_back(step);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

void ScoreTerms::hide(const Element &condition, bool isNegated, double fill,
                      size_t step, bool isReplacement) {
  llvm::append_range(conditions, masks.split(condition, isNegated));
  fills.push_back({fill, isReplacement, step});
}

/// What a value's elements are some of: a table in which they are looked up, or
/// what is moved and repeated.
static Value findTable(Value value) {
  constexpr unsigned farthest = 16;
  for (unsigned i = 0; i < farthest; ++i) {
    Operation *op = value.getDefiningOp();
    if (!op ||
        !(isa<tensor::CastOp>(op) || op->hasTrait<trait::PicksElements>() ||
          op->hasTrait<trait::IsView>()))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Is no element of what follows from a constant as low as what hides keys?
static std::optional<bool> isAboveFills(Value value, double factor) {
  value = findTable(value);
  if (auto splat = getSplatNumber(value))
    return *splat * factor > maskingFill;
  auto constant = value.getDefiningOp<ConstantOp>();
  bool isAbove = true;
  if (!constant || !forEachNumber(constant.getValue(), [&](double number) {
        isAbove &= number * factor > maskingFill;
      }))
    return std::nullopt;
  return isAbove;
}

/// A constant of zeros and one low number is a mask.
bool ScoreTerms::hideConstant(const Element &element, double factor,
                              size_t step) {
  auto constant = element.tensor.getDefiningOp<ConstantOp>();
  if (!constant || shapeOf(constant).empty())
    return false;
  std::optional<double> fill;
  bool isMask = true;
  SmallVector<bool> bits;
  if (!forEachNumber(constant.getValue(), [&](double number) {
        double value = number * factor;
        bits.push_back(value == 0);
        if (value == 0)
          return;
        isMask &= value <= maskingFill && fill.value_or(value) == value;
        fill = value;
      }))
    return false;
  if (!fill || !isMask)
    return false;
  auto type = cast<RankedTensorType>(element.tensor.getType());
  Value mask = graph.make<ConstantOp>(DenseElementsAttr::get(
      type.clone(graph.builder.getI1Type()), ArrayRef(bits)));
  hide({mask, element.place}, /*isNegated=*/false, *fill, step, false);
  return true;
}

void ScoreTerms::readAddend(const Element &start, double factor, size_t step) {
  Element element = positions.follow(start);
  if (auto values = masks.getTwoValued(element)) {
    double onFalse = values->onFalse * factor, onTrue = values->onTrue * factor;
    if (onFalse == 0 && onTrue == 0)
      return;
    bool hidesTrue = onFalse == 0 && onTrue <= maskingFill,
         hidesFalse = onTrue == 0 && onFalse <= maskingFill;
    if (values->condition.tensor && (hidesTrue || hidesFalse))
      return hide(values->condition, hidesTrue, hidesTrue ? onTrue : onFalse,
                  step, false);
  }
  if (hideConstant(element, factor, step))
    return;
  auto keep = [&] {
    addends.push_back({element, factor});
    isBiasOpaque |= !isAboveFills(element.tensor, factor).value_or(false);
  };
  Operation *op = element.tensor.getDefiningOp();
  if (!op || !isa<ElementwiseOpInterface>(op))
    return keep();
  SmallVector<Element> operands;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    auto operand = positions.operandOf(element, i);
    if (!operand)
      return keep();
    operands.push_back(*operand);
  }
  if (isa<AddOp, SubOp>(op)) {
    size_t addendCount = addends.size(), fillCount = fills.size();
    bool wasOpaque = isBiasOpaque;
    readAddend(operands[0], factor, step);
    readAddend(operands[1], isa<SubOp>(op) ? -factor : factor, step);
    // A sum of the run is left as it is: (1 - m) * -1e9 and m * 1e9 - 1e9 are
    // zero where m is one, and their parts would swallow what else is added.
    if ((factor != 1 || isBiasOpaque) && fills.size() == fillCount &&
        addends.size() > addendCount + 1) {
      addends.erase(addends.begin() + addendCount, addends.end());
      isBiasOpaque = wasOpaque;
      keep();
    }
    return;
  }
  if (isa<MulOp, DivOp>(op))
    for (unsigned i : {0u, 1u}) {
      auto number = getSplatNumber(op->getOperand(1 - i));
      if (!number || *number == 0 || (isa<DivOp>(op) && i == 1))
        continue;
      return readAddend(operands[i],
                        isa<DivOp>(op) ? factor / *number : factor * *number,
                        step);
    }
  if (auto select = dyn_cast<SelectOp>(op))
    for (bool isTrue : {true, false}) {
      auto fill =
          getSplatNumber(isTrue ? select.getOnFalse() : select.getOnTrue());
      if (!fill || !(*fill * factor <= maskingFill))
        continue;
      hide(operands[0], !isTrue, *fill * factor, step, false);
      return readAddend(operands[isTrue ? 1 : 2], factor, step);
    }
  keep();
}

void ScoreTerms::readStep(size_t number) {
  const Step &step = steps[number];
  Element element = positions.atScore(step.value);
  hasUnknownPlaces |= positions.mayRepeat();
  if (step.isReplacement)
    hide(element, !step.keptWhere, step.fill, number, true);
  else
    readAddend(element, step.factor, number);
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

static LinearForm withoutNumber(LinearForm form) {
  form.number = 0;
  return form;
}

/// The condition as a bound, where it is one that agrees with those there are.
bool ScoreTerms::setReach(AttentionOp op, const KeyCondition &condition) {
  if (!condition.form)
    return false;
  LinearForm rest = *condition.form;
  if (rest.get(BatchAxis) != 0 || rest.get(HeadAxis) != 0)
    return false;
  int64_t query = rest.get(QueryAxis), key = rest.get(KeyAxis);
  rest.factors.erase(QueryAxis);
  rest.factors.erase(KeyAxis);
  if (query == 0 && key == 0)
    return positions.isNotNegative(rest);
  if (query >= 0 && key >= 0 && positions.isNotNegative(rest))
    return true;
  if (query == 0 && key == -1) {
    // t <= rest.
    LinearForm length = rest.plus(LinearForm::ofNumber(1));
    if (positions.isNotNegative(length.plus(positions.getExtent(KeyAxis), -1)))
      return true;
    if (op.getLengths())
      return false;
    op.getLengthsMutable().assign(positions.makeInteger(length));
    return true;
  }
  if (std::abs(query) != 1 || key != -query)
    return false;
  // t <= s + rest, or t >= s - rest.
  bool isRight = query == 1;
  LinearForm offset = withoutNumber(rest);
  if (!isRight)
    offset = LinearForm().add(offset, -1);
  if (position && withoutNumber(*position) != offset)
    return false;
  if (!position)
    position = offset;
  std::optional<int64_t> &reach = isRight ? right : left;
  reach = reach ? std::min(*reach, rest.number) : rest.number;
  return true;
}

void ScoreTerms::setBounds(AttentionOp op) {
  auto isSet = [&](KeyCondition &condition) { return setReach(op, condition); };
  llvm::erase_if(conditions, isSet);
  auto attribute = [&](std::optional<int64_t> reach) {
    return reach ? graph.builder.getI64IntegerAttr(*reach) : IntegerAttr();
  };
  op.setLeftAttr(attribute(left));
  op.setRightAttr(attribute(right));
  if (position && !position->isNumber())
    op.getPositionMutable().assign(positions.makeInteger(*position));
}

bool ScoreTerms::mayHaveEmptyRows(AttentionOp op) const {
  if (!conditions.empty() || op.getLengths() || isBiasOpaque)
    return true;
  if (!left && !right)
    return false;
  LinearForm place = position.value_or(LinearForm());
  if (right.value_or(0) < 0 || left.value_or(0) < 0 ||
      !positions.isNotNegative(place))
    return true;
  // The key at the query's own place is there, or the first one.
  if (!left)
    return false;
  LinearForm behind =
      positions.getExtent(KeyAxis).plus(positions.getExtent(QueryAxis), -1);
  return !positions.isNotNegative(behind.plus(place, -1));
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Value ScoreTerms::makeBias(AttentionOp op) {
  Value bias;
  for (auto &[element, factor] : addends) {
    Value term = positions.make(element);
    if (factor != 1)
      term = graph.mul(term, graph.number(term, factor));
    if (bias && elementTypeOf(bias) != elementTypeOf(term))
      term = graph.cast(term, elementTypeOf(bias));
    bias = bias ? graph.add(bias, term) : term;
  }
  return bias;
}

/// The bias with an element for each distance, where sizes of the run decide
/// how many there are. Known ones are constants that are looked at later.
Value ScoreTerms::makeDistanceBias() {
  LinearForm queries = positions.getExtent(QueryAxis),
             keys = positions.getExtent(KeyAxis);
  bool isKnown = queries.isNumber() && keys.isNumber();
  // What is a fallback too has an element for each score.
  if (addends.empty() || isKnown || isBiasOpaque || hasUnknownPlaces ||
      queries == LinearForm::ofNumber(1))
    return nullptr;
  DistanceBias distances(graph, positions);
  Value bias;
  for (auto &[element, factor] : addends) {
    Value term = distances.make(element);
    if (!term || shapeOf(term).size() > axisCount)
      return nullptr;
    if (factor != 1)
      term = graph.mul(term, graph.number(term, factor));
    if (bias)
      term = graph.add(bias, graph.cast(term, elementTypeOf(bias)));
    bias = term;
  }
  int64_t rank = shapeOf(bias).size();
  // Without a distance it is the same for all scores.
  if (rank == 0)
    return nullptr;
  if (rank == 1)
    bias = graph.reshape(bias, {1, -1});
  return shapeOf(bias).back() == 1 ? Value() : bias;
}

Value ScoreTerms::makeMask(AttentionOp op) {
  Value mask;
  Type boolean = graph.builder.getI1Type();
  for (const KeyCondition &condition : conditions) {
    Value term = graph.cast(positions.make(condition.element), boolean);
    if (condition.isNegated)
      term = graph.make<NotOp>(term);
    mask = mask ? graph.make<AndOp>(mask, term) : term;
  }
  return mask;
}

Value ScoreTerms::makeAll(AttentionOp op) {
  Value sum;
  for (const Step &step : steps) {
    if (!step.isReplacement) {
      Value term = step.value;
      if (step.factor != 1)
        term = graph.mul(term, graph.number(term, step.factor));
      if (sum)
        term = graph.add(sum, graph.cast(term, elementTypeOf(sum)));
      sum = term;
      continue;
    }
    Type type = sum ? elementTypeOf(sum) : elementTypeOf(op.getQuery());
    Value kept = sum ? sum : graph.number(type, 0);
    Value fill = graph.number(type, step.fill);
    sum = step.keptWhere ? graph.select(step.value, kept, fill)
                         : graph.select(step.value, fill, kept);
  }
  return sum;
}

/// What a row without a key gives: what the steps say of it.
void ScoreTerms::setFallback(AttentionOp op) {
  if (!mayHaveEmptyRows(op))
    return;
  bool hasFinite = isBiasOpaque;
  for (const Fill &fill : fills)
    hasFinite |= std::isfinite(fill.number);
  if (!hasFinite) {
    op.setNanRows(!isGuarded);
    return;
  }
  if (fills.size() == 1 && !isBiasOpaque) {
    const Fill &fill = fills.front();
    // Nothing but this is added to the scores, or it does not matter.
    bool isAlone = addends.empty() || fill.number <= swallowingFill;
    if (isAlone || (fill.isReplacement && fill.step + 1 == steps.size())) {
      double number =
          fill.isReplacement ? -std::numeric_limits<float>::max() : fill.number;
      op.getFallbackMutable().assign(graph.number(op.getScoreType(), number));
      return;
    }
  }
  // Where nothing is hidden but by the bias, that is all.
  Value bias = op.getBias();
  op.getFallbackMutable().assign(fills.empty() && bias ? bias : makeAll(op));
}

void ScoreTerms::applyTo(AttentionOp op) {
  graph.builder.setInsertionPoint(op);
  for (ScoreAxis axis : {BatchAxis, HeadAxis, QueryAxis})
    positions.setExtent(axis, op.getQuery(), op.getQueryOrder()[axis]);
  positions.setExtent(KeyAxis, op.getKey(), op.getKeyOrder()[2]);
  for (size_t i = 0; i < steps.size(); ++i)
    readStep(i);
  // A bias that may hide keys by itself does so in rows that are guarded, too.
  if (!addends.empty() && isBiasOpaque && isGuarded)
    isBiasOpaque = false;
  setBounds(op);
  bool isPlainBias = steps.size() == 1 && !steps[0].isReplacement &&
                     steps[0].factor == 1 && addends.size() == 1 &&
                     fills.empty();
  Value bias = makeDistanceBias();
  op.setRelativeBias(static_cast<bool>(bias));
  if (!bias)
    bias = isPlainBias ? steps[0].value : makeBias(op);
  if (bias)
    op.getBiasMutable().assign(bias);
  if (Value mask = makeMask(op))
    op.getMaskMutable().assign(mask);
  if (isBiasOpaque && bias)
    op.setMaskedBelowAttr(graph.builder.getF64FloatAttr(maskingFill));
  setFallback(op);
}

bool ScoreTerms::reread(AttentionOp op) {
  Value bias = op.getBias(), mask = op.getMask(), fallback = op.getFallback();
  bool isDescribed = op.getLeft() || op.getRight() || op.getPosition() ||
                     op.getBlocks() || op.getRelativeBias();
  if ((!bias && !mask) || isDescribed || (fallback && fallback != bias))
    return false;
  // Rows without a key that the mask hides are not those of the bias.
  if (bias && mask)
    return false;
  // A bias that is its own fallback is what softmax adds, and hides where it is
  // -inf alone.
  setGuarded(!op.getNanRows());
  if (bias)
    add(bias, 1);
  else
    replace(mask, /*keptWhere=*/true, -INFINITY);
  op.getBiasMutable().clear();
  op.getMaskMutable().clear();
  op.getFallbackMutable().clear();
  FloatAttr bound = op.getMaskedBelowAttr();
  op.removeMaskedBelowAttr();
  applyTo(op);
  // What hides keys from rows that give zeros then goes on doing so. Others
  // have the sum of all keys, to which numbers near the bound belong as well.
  if (bound && !fallback && op.getBias() && !op.getMaskedBelow())
    op.setMaskedBelowAttr(bound);
  if (fallback && !op.getFallback() && op.getBias() &&
      !isAboveFills(op.getBias(), 1).value_or(false))
    op.setNanRows(true);
  return true;
}

} // namespace sluice
