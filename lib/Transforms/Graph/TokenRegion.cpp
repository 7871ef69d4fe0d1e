//===- TokenRegion.cpp - What is computed token by token ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "TokenRegion.h"
#include "dialects/Sluice/ShapeEvaluation.h"

using namespace mlir;

namespace sluice {

bool isElementwise(Operation *op) {
  return isa<ElementwiseOpInterface>(op) && op->getNumResults() == 1;
}

TokenRegion::TokenRegion(Value mask, ArrayRef<AttentionOp> attentions,
                         SymbolicShapes &symbols)
    : mask(mask), attentions(attentions), symbols(symbols) {}

/// Are the first two dimensions equal?
bool TokenRegion::hasSizesOf(Value value, Value other) const {
  if (!isa<RankedTensorType>(value.getType()) || shapeOf(value).size() < 2)
    return false;
  return symbols.dimension(value, 0) == symbols.dimension(other, 0) &&
         symbols.dimension(value, 1) == symbols.dimension(other, 1);
}

/// Elements of what is behind the first dimensions; none if that is not known.
static std::optional<int64_t> countBehind(Value value, int64_t first) {
  int64_t count = 1;
  for (int64_t size : shapeOf(value).drop_front(first)) {
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    count *= size;
  }
  return count;
}

/// The places of tokens in a value that has `elements` for each of them; none
/// if they are not in front.
std::optional<int64_t> TokenRegion::findForm(Value value,
                                             int64_t elements) const {
  if (hasTokens(value) && countBehind(value, 2) == elements)
    return 2;
  // What is left are all tokens.
  if (!shapeOf(value).empty() && countBehind(value, 1) == elements)
    return 1;
  return std::nullopt;
}

void TokenRegion::add(Value value, int64_t form) {
  if (forms.insert({value, form}).second)
    pending.push_back(value);
}

/// All ops that a value follows from, and the arguments of the function; empty
/// if they are too many for a mask.
static SetVector<Value> getSlice(Value value) {
  constexpr size_t limit = 64;
  SetVector<Value> slice;
  slice.insert(value);
  for (size_t i = 0; i < slice.size(); ++i) {
    if (slice.size() > limit)
      return {};
    if (Operation *op = slice[i].getDefiningOp())
      slice.insert(op->operand_begin(), op->operand_end());
  }
  return slice;
}

/// Is the value made of nothing but what the mask is made of?
bool TokenRegion::isMadeOfMask(Value value) const {
  SetVector<Value> slice = getSlice(value);
  return !slice.empty() && llvm::all_of(slice, [&](Value part) {
    return !isa<BlockArgument>(part) || maskSlice.contains(part);
  });
}

/// The token-wise operands of an op that joins, with their forms. Empty if it
/// is no such op.
SmallVector<std::pair<OpOperand *, int64_t>>
TokenRegion::getTokenOperands(Operation *op, int64_t form) const {
  SmallVector<std::pair<OpOperand *, int64_t>> operands;
  Value result = op->getResult(0);
  if (isElementwise(op)) {
    for (OpOperand &operand : op->getOpOperands()) {
      Value value = operand.get();
      bool hasPlaces =
          form == 2
              ? hasTokens(value)
              : shapeOf(value).size() == shapeOf(result).size() &&
                    symbols.dimension(value, 0) == symbols.dimension(result, 0);
      if (hasPlaces && shapeOf(value).size() == shapeOf(result).size())
        operands.push_back({&operand, form});
    }
  } else if (auto batchwise = dyn_cast<BatchwiseOpInterface>(op)) {
    for (OpOperand &operand : op->getOpOperands())
      if (batchwise.hasBatch(operand.getOperandNumber(), form))
        operands.push_back({&operand, form});
  } else if (op->hasTrait<trait::IsView>()) {
    auto elements = countBehind(result, form);
    auto before = elements ? findForm(op->getOperand(0), *elements)
                           : std::optional<int64_t>();
    if (before)
      operands.push_back({&op->getOpOperand(0), *before});
  }
  return operands;
}

void TokenRegion::join(Operation *op, int64_t form) {
  if (!ops.insert(op))
    return;
  for (auto [operand, own] : getTokenOperands(op, form))
    add(operand->get(), own);
  add(op->getResult(0), form);
}

void TokenRegion::visitProducer(Value value, int64_t form) {
  Operation *op = value.getDefiningOp();
  // What the mask is made of stays as it is.
  if (op && op->getNumResults() == 1 && !maskSlice.contains(value) &&
      !isGuard(op) && !getTokenOperands(op, form).empty())
    join(op, form);
}

/// A product with numbers, or a choice by bools, that the mask's tensors make:
/// what hides padding from what reads all tokens.
std::optional<TokenReader> TokenRegion::findGuard(OpOperand &use) const {
  Operation *op = use.getOwner();
  unsigned number = use.getOperandNumber();
  Value weights;
  TokenReader reader{&use, TokenReader::Weighted};
  if (isa<MulOp>(op)) {
    weights = op->getOperand(1 - number);
  } else if (isa<SelectOp>(op) && number > 0) {
    weights = op->getOperand(0);
    reader.kind = number == 1 ? TokenReader::Chosen : TokenReader::Rejected;
  }
  // The mask may have sizes of its own, which broadcast.
  if (!weights || !(hasTokens(weights) || hasSizesOf(weights, mask)) ||
      !isMadeOfMask(weights))
    return std::nullopt;
  reader.weights = weights;
  return reader;
}

bool TokenRegion::isGuard(Operation *op) const {
  return llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
    return findGuard(operand).has_value();
  });
}

/// The tokens that a slice or a look-up takes of each sequence, which are few.
static std::optional<SmallVector<int64_t>> findPlaces(OpOperand &use) {
  constexpr int64_t most = 16;
  if (auto gather = dyn_cast<GatherOp>(use.getOwner())) {
    if (use.getOperandNumber() != 0 || gather.getAxis() != 1)
      return std::nullopt;
    auto places = evaluateConstantElements(gather.getIndices());
    if (!places || places->size() > most)
      return std::nullopt;
    return places;
  }
  auto slice = dyn_cast<SliceOp>(use.getOwner());
  if (!slice || slice.getStarts().empty())
    return std::nullopt;
  int64_t start = slice.getStarts()[1], end = slice.getEnds()[1],
          step = slice.getSteps()[1];
  // Both are counted from one end of the sequence; from two, the tokens between
  // are not few.
  if (step < 1 || (start < 0) != (end < 0) || end - start > most)
    return std::nullopt;
  SmallVector<int64_t> places;
  for (int64_t place = start; place < end; place += step)
    places.push_back(place);
  return places;
}

void TokenRegion::visitUse(OpOperand &use, int64_t form) {
  Operation *op = use.getOwner();
  // Sizes follow from what comes in.
  if (ops.contains(op) || obstacle || isa<ShapeOp, IotaOp>(op))
    return;
  auto attention = dyn_cast<AttentionOp>(op);
  if (attention && llvm::is_contained(attentions, attention) &&
      use.getOperandNumber() < 3) {
    readers.push_back({&use, TokenReader::Attention});
    return;
  }
  if (auto guard = form == 2 ? findGuard(use) : std::nullopt) {
    readers.push_back(*guard);
    return;
  }
  if (op->getNumResults() == 1 && !op->hasTrait<OpTrait::IsTerminator>()) {
    Value result = op->getResult(0);
    std::optional<int64_t> next = form;
    if (op->hasTrait<trait::IsView>())
      next = findForm(result, *countBehind(use.get(), form));
    else if (isElementwise(op) && form == 2 && !hasTokens(result))
      next = std::nullopt;
    auto reads = [&](auto operand) { return operand.first == &use; };
    if (next && llvm::any_of(getTokenOperands(op, *next), reads))
      return join(op, *next);
  }
  auto places = form == 2 ? findPlaces(use) : std::nullopt;
  if (places)
    readers.push_back({&use, TokenReader::Places, {}, *places});
  else
    obstacle = op;
}

bool TokenRegion::find() {
  maskSlice = getSlice(mask);
  if (maskSlice.empty())
    return false;
  for (AttentionOp attention : attentions) {
    for (unsigned i = 0; i < 3; ++i)
      if (!hasTokens(attention->getOperand(i)) ||
          !countBehind(attention->getOperand(i), 2))
        return false;
    if (!hasTokens(attention.getResult()) || attention.getLogSumExp() ||
        !countBehind(attention.getResult(), 2))
      return false;
    add(attention.getQuery(), 2);
    add(attention.getKey(), 2);
    add(attention.getValue(), 2);
    add(attention.getResult(), 2);
  }
  while (!pending.empty() && !obstacle) {
    Value value = pending.pop_back_val();
    int64_t form = forms.lookup(value);
    if (!countBehind(value, form))
      return false;
    visitProducer(value, form);
    // Others may read what comes in as they please.
    if (!ops.contains(value.getDefiningOp()) &&
        !llvm::is_contained(attentions, value.getDefiningOp()))
      continue;
    for (OpOperand &use : value.getUses())
      visitUse(use, form);
  }
  auto hasWeights = [](Operation *op) { return isa<WeightsOpInterface>(op); };
  return !obstacle && llvm::any_of(ops, hasWeights);
}

} // namespace sluice
