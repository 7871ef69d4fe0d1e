//===- AttentionChain.cpp - What is between two products ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionChain.h"
#include "AttentionReasons.h"
#include "Formulas.h"
#include "ScalarFormulas.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include <cmath>

using namespace mlir;

namespace sluice {

/// Longer chains are no attention.
constexpr unsigned maxLength = 24;

bool ChainMatcher::fail(StringRef text, Operation *op) {
  if (why.empty())
    why = (text + " " + nameForRemark(op)).str();
  return false;
}

bool ChainMatcher::failFor(Value scores) {
  if (why.empty())
    why = describeSource(scores);
  return false;
}

bool ChainMatcher::failFor(Operation *reader) {
  if (why.empty())
    why = describeReader(reader);
  return false;
}

/// Does a view leave the last two dimensions alone?
static bool keepsMatrix(Operation *op) {
  ArrayRef<int64_t> from = shapeOf(op->getOperand(0)),
                    to = shapeOf(op->getResult(0));
  return from.size() >= 2 && to.size() >= 2;
}

static bool isView(Operation *op) {
  return op && op->hasTrait<trait::IsView>() && keepsMatrix(op);
}

/// Is the transpose one of the last two dimensions?
static bool swapsMatrix(TransposeOp op) {
  ArrayRef<int64_t> permutation = op.getPermutation();
  int64_t rank = permutation.size();
  if (rank < 2 || permutation[rank - 1] != rank - 2 ||
      permutation[rank - 2] != rank - 1)
    return false;
  for (int64_t i = 0; i < rank - 2; ++i)
    if (permutation[i] != i)
      return false;
  return true;
}

/// Scores are not broadcast.
static bool mayHaveShapeOf(Value value, Value other) {
  return succeeded(verifyCompatibleShape(value.getType(), other.getType()));
}

/// How many ops are between a value and the nearest product that it may be a
/// function of; none where there is no such product.
static std::optional<unsigned> findProduct(Value value, unsigned depth = 0) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > maxLength || shapeOf(value).size() < 2)
    return std::nullopt;
  if (isa<MatmulOp>(op))
    return depth;
  auto back = [&](Value operand) { return findProduct(operand, depth + 1); };
  if (isa<CastOp, tensor::CastOp, TanhOp, NegOp, TransposeOp>(op) || isView(op))
    return back(op->getOperand(0));
  if (auto concat = dyn_cast<ConcatOp>(op))
    return concat.getOperands().size() == 2 ? back(concat.getOperand(0))
                                            : std::nullopt;
  if (!isa<AddOp, SubOp, MulOp, DivOp, SelectOp>(op))
    return std::nullopt;
  std::optional<unsigned> nearest;
  for (Value operand : op->getOperands()) {
    if (!mayHaveShapeOf(operand, value))
      continue;
    std::optional<unsigned> distance = back(operand);
    if (distance && (!nearest || *distance < *nearest))
      nearest = distance;
  }
  return nearest;
}

/// The operand of two that leads to the nearest product.
static std::optional<unsigned> chooseOperand(Operation *op, unsigned first) {
  std::optional<unsigned> best, nearest;
  for (unsigned i : {first, first + 1}) {
    Value operand = op->getOperand(i);
    if (!mayHaveShapeOf(operand, op->getResult(0)))
      continue;
    auto distance = findProduct(operand);
    if (distance && (!nearest || *distance < *nearest)) {
      nearest = distance;
      best = i;
    }
  }
  return best;
}

//===----------------------------------------------------------------------===//
// From the softmax back to the product
//===----------------------------------------------------------------------===//

bool ChainMatcher::followFactor(Operation *op, Value &value) {
  bool isQuotient = isa<DivOp>(op);
  auto number = [&](unsigned i) {
    Value operand = op->getOperand(i);
    return broadcastsTo(operand, shapeOf(op->getResult(0)))
               ? getScalarNumber(operand)
               : std::nullopt;
  };
  for (unsigned i : {0u, 1u}) {
    auto factor = number(1 - i);
    if (!factor || (isQuotient && i == 1) || (isQuotient && *factor == 0))
      continue;
    value = op->getOperand(i);
    outerFactor *= isQuotient ? 1 / *factor : *factor;
    return true;
  }
  auto which = chooseOperand(op, 0);
  if (!which || (isQuotient && *which == 1))
    return failFor(op->getResult(0));
  Value factor = op->getOperand(1 - *which);
  if (chain.queryFactor || shapeOf(factor).empty() ||
      shapeOf(factor).back() != 1)
    return fail("the scores are multiplied by", factor.getDefiningOp());
  chain.queryFactor = factor;
  chain.isDivisor = isQuotient;
  value = op->getOperand(*which);
  return true;
}

/// Is it the largest of the scores in each row?
static bool isRowMaximum(Value value, Value scores) {
  auto max = matchReduction(value, ReductionKind::Max);
  int64_t last = shapeOf(scores).size() - 1;
  return max && max->operand == scores && max->axes == ArrayRef(last);
}

bool ChainMatcher::followSum(Operation *op, Value &value) {
  bool isDifference = isa<SubOp>(op);
  // A softmax does not change when something is subtracted from a whole row.
  if (isDifference && isRowMaximum(op->getOperand(1), op->getOperand(0))) {
    value = op->getOperand(0);
    return true;
  }
  auto which = chooseOperand(op, 0);
  if (!which || (isDifference && *which == 1))
    return failFor(op->getResult(0));
  if (hasTanh)
    return fail("something is added to the scores in front of tanh:", op);
  if (chain.queryFactor)
    return fail("something is added to the scores in front of a factor:", op);
  ScoreStep step;
  step.kind = ScoreStep::Add;
  step.value = op->getOperand(1 - *which);
  step.factor = isDifference ? -outerFactor : outerFactor;
  step.view = chain.views.size();
  chain.steps.push_back(step);
  value = op->getOperand(*which);
  return true;
}

bool ChainMatcher::followReplacement(SelectOp op, Value &value) {
  auto which = chooseOperand(op, 1);
  if (!which)
    return failFor(op->getResult(0));
  Value other = op->getOperand(*which == 1 ? 2 : 1);
  auto fill = getScalarNumber(other);
  if (!fill)
    return fail("scores are replaced by", other.getDefiningOp());
  // What is that low where scores are added to it stays so.
  if (*fill * outerFactor > maskingFill || outerFactor <= 0)
    return fail("scores are replaced by a number above -1e4 in", op);
  if (hasTanh || chain.queryFactor)
    return fail("scores are replaced in front of a function:", op);
  ScoreStep step;
  step.kind = ScoreStep::Replace;
  step.value = op.getCondition();
  step.keptWhere = *which == 1;
  step.fill = *fill * outerFactor;
  step.view = chain.views.size();
  chain.steps.push_back(step);
  value = op->getOperand(*which);
  return true;
}

/// A column behind the scores that is cut off the probabilities again.
bool ChainMatcher::followSinks(ConcatOp op, Value &value) {
  auto axis = static_cast<int64_t>(op.getAxis());
  int64_t last = shapeOf(op.getResult()).size() - 1;
  if (axis != last || op.getOperands().size() != 2 ||
      shapeOf(op.getOperand(1)).back() != 1 || !chain.steps.empty() ||
      !chain.views.empty() || chain.sinks || outerFactor != 1 || hasTanh ||
      chain.queryFactor)
    return failFor(op->getResult(0));
  chain.sinks = op.getOperand(1);
  value = op.getOperand(0);
  return true;
}

/// Is the op in a branch that does not run where the softmax does?
bool ChainMatcher::isApart(Operation *op) {
  return insideMutuallyExclusiveRegions(op, chain.softmax);
}

bool ChainMatcher::followScore(Value &value, Operation *&reader) {
  Operation *op = value.getDefiningOp();
  bool isShared = llvm::any_of(value.getUsers(), [&](Operation *user) {
    if (user == reader || isApart(user))
      return false;
    // The maximum that is subtracted.
    auto difference = dyn_cast<SubOp>(reader);
    return !difference || !isRowMaximum(difference.getRhs(), value);
  });
  if (!op)
    return fail("the scores are", op);
  if (isShared) {
    for (Operation *user : value.getUsers())
      if (user != reader && !isApart(user))
        return fail("the scores are also read by", user);
  }
  reader = op;
  if (isView(op)) {
    chain.views.push_back(value);
    value = op->getOperand(0);
    return true;
  }
  if (isa<CastOp, tensor::CastOp>(op)) {
    if (!isa<FloatType>(elementTypeOf(op->getOperand(0))))
      return failFor(op->getResult(0));
    value = op->getOperand(0);
    return true;
  }
  if (isa<NegOp>(op)) {
    outerFactor = -outerFactor;
    value = op->getOperand(0);
    return true;
  }
  if (isa<TanhOp>(op)) {
    if (hasTanh || chain.queryFactor)
      return failFor(op->getResult(0));
    hasTanh = true;
    chain.softcap = std::abs(outerFactor);
    value = op->getOperand(0);
    return true;
  }
  if (isa<AddOp, SubOp>(op))
    return followSum(op, value);
  if (isa<MulOp, DivOp>(op))
    return followFactor(op, value);
  if (auto select = dyn_cast<SelectOp>(op))
    return followReplacement(select, value);
  if (auto concat = dyn_cast<ConcatOp>(op))
    return followSinks(concat, value);
  return failFor(op->getResult(0));
}

bool ChainMatcher::takeScores(MatmulOp op, bool isSwapped) {
  if (!isa<FloatType>(elementTypeOf(op.getLhs())) ||
      elementTypeOf(op.getLhs()).isF64())
    return fail("the products are not of f32 or narrower floats:", op);
  chain.query = {op.getLhs(), op.getTransposeLhs()};
  chain.key = {op.getRhs(), !op.getTransposeRhs()};
  if (isSwapped) {
    std::swap(chain.query, chain.key);
    // The keys are rows and the queries columns of the product.
    chain.query.isSwapped = !op.getTransposeRhs();
    chain.key.isSwapped = op.getTransposeLhs();
  }
  if (isConstantExpression(chain.key.tensor))
    return fail("the keys are constant:", op);
  chain.views.push_back(op.getResult());
  chain.scale = outerFactor;
  return true;
}

bool ChainMatcher::followScores() {
  Value value = chain.softmax.getOperand();
  Operation *reader = chain.softmax;
  for (unsigned length = 0; length < maxLength; ++length) {
    Operation *op = value.getDefiningOp();
    auto transpose = dyn_cast_or_null<TransposeOp>(op);
    bool isSwapped = transpose && swapsMatrix(transpose);
    Value scores = isSwapped ? transpose.getOperand() : value;
    if (auto product = scores.getDefiningOp<MatmulOp>()) {
      for (Value read : {value, scores})
        for (Operation *user : read.getUsers())
          if (user != reader && user != op && !isApart(user))
            return fail("the scores are also read by", user);
      if (!takeScores(product, isSwapped))
        return false;
      if (isSwapped)
        chain.views.back() = value;
      std::reverse(chain.views.begin(), chain.views.end());
      std::reverse(chain.steps.begin(), chain.steps.end());
      // They were counted from the softmax on.
      for (ScoreStep &step : chain.steps)
        step.view = chain.views.size() - 1 - step.view;
      return true;
    }
    if (!followScore(value, reader))
      return false;
  }
  return fail("there is too much between the scores and", chain.softmax);
}

//===----------------------------------------------------------------------===//
// From the softmax on to the product
//===----------------------------------------------------------------------===//

/// Zero where a condition holds, or does not: what hides keys, once more, or
/// NaN.
bool ChainMatcher::followZeroing(SelectOp op, Value probabilities) {
  bool keepsWhere = op.getOnTrue() == probabilities;
  Value other = keepsWhere ? op.getOnFalse() : op.getOnTrue();
  auto fill = getScalarNumber(other);
  if (fill != 0)
    return fail("probabilities are replaced in", op);
  Value condition = op.getCondition();
  auto isNan = condition.getDefiningOp<IsNanOp>();
  if (isNan && isNan.getOperand() == probabilities && !keepsWhere) {
    chain.isGuarded = true;
    return true;
  }
  // Where scores were replaced, the probabilities are zero already; and all of
  // them now, where no key counts.
  while (auto negation = condition.getDefiningOp<NotOp>()) {
    condition = negation.getOperand();
    keepsWhere = !keepsWhere;
  }
  for (const ScoreStep &step : chain.steps) {
    Value own = step.value;
    bool keptWhere = step.keptWhere;
    while (auto negation = own.getDefiningOp<NotOp>()) {
      own = negation.getOperand();
      keptWhere = !keptWhere;
    }
    if (step.kind == ScoreStep::Replace && own == condition &&
        keptWhere == keepsWhere && chain.steps.size() == 1) {
      chain.isGuarded = true;
      chain.steps.front().fill = -INFINITY;
      return true;
    }
  }
  return fail("probabilities are replaced in", op);
}

bool ChainMatcher::takeProduct(MatmulOp op, Value probabilities) {
  bool isLeft = op.getLhs() == probabilities;
  if (op.getLhs() == op.getRhs() ||
      (isLeft ? op.getTransposeLhs() : !op.getTransposeRhs()))
    return fail("another dimension of the probabilities is summed up in", op);
  chain.value = isLeft ? ProductTensor{op.getRhs(), op.getTransposeRhs()}
                       : ProductTensor{op.getLhs(), !op.getTransposeLhs()};
  chain.result = {op.getResult(), !isLeft};
  if (isConstantExpression(chain.value.tensor))
    return fail("the values are constant:", op);
  return true;
}

/// Is it `probabilities[..., :-1]`?
static bool cutsLast(SliceOp op) {
  if (!op.getBounds().empty())
    return false;
  ArrayRef<int64_t> shape = shapeOf(op.getOperand());
  int64_t last = shape.size() - 1;
  for (int64_t i = 0; i <= last; ++i) {
    int64_t end = op.getEnds()[i], size = shape[i];
    if (op.getStarts()[i] != 0 || op.getSteps()[i] != 1)
      return false;
    bool isWhole =
        end == INT64_MAX || (!ShapedType::isDynamic(size) && end >= size);
    bool cutsOne =
        end == -1 || (!ShapedType::isDynamic(size) && end == size - 1);
    if (i == last ? !cutsOne : !isWhole)
      return false;
  }
  return true;
}

bool ChainMatcher::followProbabilities() {
  Value value = chain.softmax.getResult();
  bool hasCut = false;
  for (unsigned length = 0; length < maxLength; ++length) {
    Operation *reader = nullptr;
    for (Operation *user : value.getUsers()) {
      auto isNan = dyn_cast<IsNanOp>(user);
      if (isNan && !isNan->use_empty() && isNan->hasOneUse() &&
          isa<SelectOp>(*isNan->getUsers().begin()) &&
          llvm::is_contained((*isNan->getUsers().begin())->getOperands(),
                             value))
        continue;
      if (reader && reader != user) {
        // One of them is the product.
        bool isProduct = isa<MatmulOp>(reader);
        return fail("the probabilities are also read by",
                    isProduct ? user : reader);
      }
      reader = user;
    }
    if (!reader)
      return false;
    if (auto product = dyn_cast<MatmulOp>(reader)) {
      if (chain.sinks && !hasCut)
        return fail("the sinks have a value in", product);
      return takeProduct(product, value);
    }
    if (auto select = dyn_cast<SelectOp>(reader)) {
      if (!followZeroing(select, value))
        return false;
    } else if (auto slice = dyn_cast<SliceOp>(reader)) {
      if (!chain.sinks || hasCut || !cutsLast(slice))
        return fail("probabilities are cut in", slice);
      hasCut = true;
    } else if (isa<CastOp, tensor::CastOp>(reader)) {
      if (!isa<FloatType>(elementTypeOf(reader->getResult(0))))
        return failFor(reader);
    } else if (isView(reader) && (!chain.sinks || hasCut)) {
      chain.probabilityViews.push_back(reader->getResult(0));
    } else {
      return failFor(reader);
    }
    value = reader->getResult(0);
  }
  return fail("there is too much between the product and", chain.softmax);
}

std::optional<AttentionChain> ChainMatcher::match(SoftmaxOp softmax) {
  chain.softmax = softmax;
  int64_t rank = shapeOf(softmax.getOperand()).size();
  if (rank < 2 || !liesBetweenProducts(softmax))
    return std::nullopt;
  if (static_cast<int64_t>(softmax.getAxis()) != rank - 1) {
    fail("the softmax is not along the last dimension:", softmax);
    return std::nullopt;
  }
  if (!followScores() || !followProbabilities())
    return std::nullopt;
  return std::move(chain);
}

} // namespace sluice
