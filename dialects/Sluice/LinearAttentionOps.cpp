//===- LinearAttentionOps.cpp - Attention as a recurrence -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "dialects/Sluice/LinearAttention.h"
#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/Work.h"

using namespace mlir;
using namespace sluice;

int64_t LinearAttentionOp::getHeadRank() {
  return static_cast<int64_t>(shapeOf(getInitial()).size()) - 2;
}
int64_t LinearAttentionOp::getTokens() { return shapeOf(getQuery()).front(); }
int64_t LinearAttentionOp::getGroup() {
  return shapeOf(getQuery())[getHeadRank() + 1];
}
int64_t LinearAttentionOp::getDepth() {
  return shapeOf(getInitial())[getHeadRank()];
}
int64_t LinearAttentionOp::getValueDepth() {
  return shapeOf(getInitial()).back();
}
bool LinearAttentionOp::decaysByRow() {
  return getDecay() && shapeOf(getDecay()).back() != 1;
}

/// What everything that asks for sizes relies on.
template <typename OpOrAdaptor>
static LogicalResult checkRanks(OpOrAdaptor op,
                                std::optional<Location> location) {
  size_t rank = shapeOf(op.getInitial()).size();
  if (rank < 2 || shapeOf(op.getQuery()).size() != rank + 1)
    return emitOptionalError(
        location, "initial must be [heads..., D, V], query one dimension more");
  for (Value perToken :
       {op.getKey(), op.getValue(), op.getDecay(), op.getRate()})
    if (perToken && shapeOf(perToken).size() != rank)
      return emitOptionalError(location, "key, value, decay and rate must have "
                                         "as many dimensions as initial");
  return success();
}

LogicalResult LinearAttentionOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(checkRanks(adaptor, location)))
    return failure();
  ArrayRef<int64_t> state = shapeOf(adaptor.getInitial()),
                    query = shapeOf(adaptor.getQuery());
  SmallVector<int64_t> shape{query.front()};
  llvm::append_range(shape, state.drop_back(2));
  shape.append({query[query.size() - 2], state.back()});
  types.push_back(adaptor.getInitial().getType());
  types.push_back(
      RankedTensorType::get(shape, elementTypeOf(adaptor.getInitial())));
  return success();
}

LogicalResult
LinearAttentionOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  int64_t heads = getHeadRank();
  SmallVector<OpFoldResult> state, output{size.of(getQuery(), 0)};
  for (int64_t i = 0; i < heads + 2; ++i)
    state.push_back(size.of(getInitial(), i));
  llvm::append_range(output, ArrayRef(state).drop_back(2));
  output.append({size.of(getQuery(), heads + 1), state.back()});
  shapes.push_back(state);
  shapes.push_back(output);
  return success();
}

LogicalResult LinearAttentionOp::verify() {
  if (failed(checkRanks(*this, getLoc())))
    return failure();
  for (Value operand : getOperands())
    if (!isa<FloatType>(elementTypeOf(operand)))
      return emitOpError("operands must be floats");
  ArrayRef<int64_t> heads = shapeOf(getInitial()).drop_back(2);
  auto check = [&](Value operand, ArrayRef<int64_t> ownSizes,
                   bool tokensBroadcast, bool elementsBroadcast,
                   StringRef name) -> LogicalResult {
    if (!operand)
      return success();
    SmallVector<int64_t> sizes{getTokens()};
    llvm::append_range(sizes, heads);
    llvm::append_range(sizes, ownSizes);
    for (auto [i, own, wanted] : llvm::enumerate(shapeOf(operand), sizes)) {
      bool isHead = i > 0 && i <= heads.size();
      bool broadcasts =
          isHead || (i == 0 ? tokensBroadcast : elementsBroadcast);
      if (ShapedType::isDynamic(own) || ShapedType::isDynamic(wanted) ||
          own == wanted || (own == 1 && broadcasts))
        continue;
      return emitOpError() << name << " has " << own << " where there are "
                           << wanted << " in dimension " << i;
    }
    return success();
  };
  if (failed(
          check(getQuery(), {getGroup(), getDepth()}, false, false, "query")) ||
      failed(check(getKey(), getDepth(), false, false, "key")) ||
      failed(check(getValue(), getValueDepth(), false, false, "value")) ||
      failed(check(getDecay(), getDepth(), true, true, "decay")) ||
      failed(check(getRate(), 1, true, false, "rate")))
    return failure();
  return success();
}

/// Over the state of a head that is done before any other task sees it.
OpOperand *LinearAttentionOp::findUpdatedOperand(unsigned result) {
  return result == 0 ? &getInitialMutable() : nullptr;
}

std::optional<Work> LinearAttentionOp::getWork() {
  if (!cast<RankedTensorType>(getOutput().getType()).hasStaticShape())
    return std::nullopt;
  double perElement =
      2 + 2.0 * getGroup() + (getDecay() ? 1 : 0) + (getRate() ? 2 : 0);
  return workOnOperands(*this,
                        perElement * getTokens() * countElements(getInitial()));
}

//===----------------------------------------------------------------------===//
// Decomposition
//===----------------------------------------------------------------------===//

/// A step of the scan: the next state and the output.
static void fillStep(LinearAttentionOp op, ScanOp scan, bool decaysByStep,
                     bool correctsByStep) {
  OpBuilder builder(scan.getContext());
  Block *block = builder.createBlock(&scan.getBody());
  SmallVector<Value> arguments;
  auto addArgument = [&](Value from, bool isSequence) {
    auto type = cast<RankedTensorType>(from.getType());
    if (isSequence)
      type = RankedTensorType::get(type.getShape().drop_front(),
                                   type.getElementType());
    return block->addArgument(type, op.getLoc());
  };
  Value state = addArgument(scan.getInitial().front(), false);
  for (Value sequence : scan.getSequences())
    arguments.push_back(addArgument(sequence, true));
  for (Value invariant : scan.getInvariants())
    arguments.push_back(addArgument(invariant, false));
  // Sequences come first.
  unsigned nextSequence = 3, nextInvariant = scan.getSequences().size();
  auto take = [&](bool isSequence) {
    return arguments[isSequence ? nextSequence++ : nextInvariant++];
  };
  GraphBuilder step(builder, op.getLoc());
  int64_t heads = op.getHeadRank();
  Value query = arguments[0], key = arguments[1], value = arguments[2];
  Value next = state, added = step.unsqueeze(value, {heads});
  if (op.getDecay())
    next = step.mul(next, step.unsqueeze(take(decaysByStep), {heads + 1}));
  if (op.getRate()) {
    Value known = step.make<MatmulOp>(step.unsqueeze(key, {heads}), next);
    Value rate = step.unsqueeze(take(correctsByStep), {heads + 1});
    added = step.mul(rate, step.sub(added, known));
  }
  next = step.add(next, step.mul(step.unsqueeze(key, {heads + 1}), added));
  Value output = step.make<MatmulOp>(query, next);
  double scale = op.getScale().convertToDouble();
  if (scale != 1)
    output = step.mul(output, step.number(output, scale));
  YieldOp::create(builder, op.getLoc(), ValueRange{next, output});
}

SmallVector<Value> LinearAttentionOp::decompose(OpBuilder &builder) {
  GraphBuilder steps(builder, getLoc());
  Type type = elementTypeOf(getInitial());
  SmallVector<Value> sequences, invariants;
  for (Value sequence : {getQuery(), getKey(), getValue()})
    sequences.push_back(steps.cast(sequence, type));
  auto addOptional = [&](Value operand) {
    if (!operand)
      return false;
    operand = steps.cast(operand, type);
    bool isSequence = shapeOf(operand).front() != 1;
    if (isSequence)
      sequences.push_back(operand);
    else
      invariants.push_back(steps.squeeze(operand, {0}));
    return isSequence;
  };
  bool decaysByStep = addOptional(getDecay());
  bool correctsByStep = addOptional(getRate());
  SmallVector<int64_t> sizes;
  ArrayRef<int64_t> output = shapeOf(getOutput());
  for (int64_t i = 1; i <= getHeadRank() + 2; ++i)
    if (ShapedType::isDynamic(output[i])) {
      bool isGroup = i == getHeadRank() + 1;
      sizes.append({isGroup ? 1 : 0, i == getHeadRank() + 2 ? i - 1
                                     : isGroup              ? i
                                                            : i - 1});
    }
  SmallVector<bool> backwards(sequences.size() + 1, false);
  auto scan = ScanOp::create(builder, getLoc(), getResultTypes(), getInitial(),
                             sequences, invariants, sizes, backwards);
  fillStep(*this, scan, decaysByStep, correctsByStep);
  return llvm::to_vector_of<Value>(scan.getResults());
}
