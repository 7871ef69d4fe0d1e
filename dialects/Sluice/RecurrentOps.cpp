//===- RecurrentOps.cpp - Recurrent cells over a sequence -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/RecurrentCell.h"
#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Work.h"

using namespace mlir;
using namespace sluice;

template <typename OpOrAdaptor> static int64_t getBatch(OpOrAdaptor op) {
  return getBatchSize(op.getProjected(), op.getHidden(), op.getCellState(),
                      op.getLengths());
}

int64_t RecurrenceOp::getUnits() { return shapeOf(getWeights())[1]; }

LogicalResult RecurrenceOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> projected = shapeOf(adaptor.getProjected());
  ArrayRef<int64_t> weights = shapeOf(adaptor.getWeights());
  if (projected.size() != 4 || weights.size() != 3)
    return emitOptionalError(location, "projected inputs and weights must have "
                                       "ranks 4 and 3");
  llvm::append_range(types,
                     getRecurrentTypes(elementTypeOf(adaptor.getProjected()),
                                       adaptor.getCell(), projected[1],
                                       adaptor.getReverse().size(),
                                       getBatch(adaptor), weights[1]));
  return success();
}

LogicalResult
RecurrenceOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  OpFoldResult directions = builder.getIndexAttr(getReverse().size());
  int64_t knownBatch = getBatch(*this);
  OpFoldResult batch = ShapedType::isDynamic(knownBatch)
                           ? getDimension(builder, loc, getProjected(), 2)
                           : OpFoldResult(builder.getIndexAttr(knownBatch));
  int64_t known = shapeOf(getResult(1))[2];
  OpFoldResult units = ShapedType::isDynamic(known)
                           ? getDimension(builder, loc, getWeights(), 1)
                           : OpFoldResult(builder.getIndexAttr(known));
  shapes.push_back({getDimension(builder, loc, getProjected(), 1), directions,
                    batch, units});
  for (size_t i = 1; i < getNumResults(); ++i)
    shapes.push_back({directions, batch, units});
  return success();
}

void RecurrenceOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  int64_t directions = getReverse().size(), batch = getBatch(*this);
  int64_t units = getUnits();
  OpOperand *projected = &getProjectedMutable();
  demand({projected, 0}, directions);
  demand({projected, 2}, batch);
  if (!ShapedType::isDynamic(units))
    demand({projected, 3}, units * countGates(getCell()));
  for (MutableOperandRange state : {getHiddenMutable(), getCellStateMutable()})
    for (OpOperand &operand : state) {
      demand({&operand, 0}, directions);
      demand({&operand, 1}, batch);
      demand({&operand, 2}, units);
    }
}

LogicalResult RecurrenceOp::verify() {
  if (failed(
          verifyRecurrentCell(cast<RecurrentCellOpInterface>(getOperation()))))
    return failure();
  int64_t gates = countGates(getCell()), units = getUnits();
  constexpr int64_t any = ShapedType::kDynamic;
  int64_t directions = getReverse().size();
  int64_t width = ShapedType::isDynamic(units) ? any : units * gates;
  if (failed(verifyCompatibleShape(shapeOf(getWeights()),
                                   {directions, units, width})))
    return emitOpError("weights must be [directions, units, ")
           << gates << " * units]";
  return success();
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

/// The type of tensors of a type, stacked along a new first dimension.
static RankedTensorType stackedType(int64_t count, Type element) {
  auto type = cast<RankedTensorType>(element);
  SmallVector<int64_t> shape{count};
  llvm::append_range(shape, type.getShape());
  return RankedTensorType::get(shape, type.getElementType());
}

LogicalResult
ScanOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (adaptor.getSequences().empty() || regions.empty() || regions[0]->empty())
    return emitOptionalError(location, "needs a sequence and a body");
  int64_t steps = shapeOf(adaptor.getSequences().front()).front();
  size_t states = adaptor.getInitial().size();
  TypeRange yielded = regions[0]->front().getTerminator()->getOperandTypes();
  if (yielded.size() < states)
    return emitOptionalError(location, "the body yields too few states");
  llvm::append_range(types, adaptor.getInitial().getTypes());
  for (Type element : yielded.drop_front(states))
    types.push_back(stackedType(steps, element));
  return success();
}

LogicalResult ScanOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  size_t states = getInitial().size();
  for (Value initial : getInitial())
    shapes.push_back(
        size.ofType(cast<RankedTensorType>(initial.getType()),
                    [&](int64_t i) { return size.of(initial, i); }));
  ArrayRef<int64_t> dynamic = getSizes();
  OpFoldResult steps = size.of(getSequences().front(), 0);
  for (Value element :
       getBody().front().getTerminator()->getOperands().drop_front(states)) {
    SmallVector<OpFoldResult> shape{steps};
    for (int64_t known : shapeOf(element)) {
      if (!ShapedType::isDynamic(known)) {
        shape.push_back(size.constant(known));
        continue;
      }
      shape.push_back(size.of(getOperand(dynamic[0]), dynamic[1]));
      dynamic = dynamic.drop_front(2);
    }
    shapes.push_back(shape);
  }
  return success();
}

LogicalResult ScanOp::verify() {
  Block &body = getBody().front();
  ValueRange yielded = body.getTerminator()->getOperands();
  size_t states = getInitial().size(), sequences = getSequences().size();
  if (body.getNumArguments() != states + sequences + getInvariants().size() ||
      yielded.size() != getNumResults() || yielded.size() < states)
    return emitOpError("has a body that does not fit its operands and results");
  if (getBackwards().size() + states != sequences + getNumResults())
    return emitOpError("must know a direction for each sequence and output");
  auto argument = body.args_begin();
  for (auto [initial, next] : llvm::zip(getInitial(), yielded))
    if (initial.getType() != next.getType() ||
        initial.getType() != (*argument++).getType())
      return emitOpError("carries states that change their type");
  for (Value sequence : getSequences()) {
    auto type = cast<RankedTensorType>(sequence.getType());
    if (type.getRank() == 0 ||
        stackedType(type.getDimSize(0), (*argument++).getType()) != type)
      return emitOpError("has a body that does not fit the sequences");
  }
  for (Value invariant : getInvariants())
    if (invariant.getType() != (*argument++).getType())
      return emitOpError("has a body that does not fit the invariants");
  int64_t dynamic = 0;
  for (Value element : yielded.drop_front(states))
    dynamic += cast<RankedTensorType>(element.getType()).getNumDynamicDims();
  ArrayRef<int64_t> sizes = getSizes();
  if (2 * dynamic != static_cast<int64_t>(sizes.size()))
    return emitOpError("must know the dynamic sizes of its outputs");
  for (; !sizes.empty(); sizes = sizes.drop_front(2))
    if (sizes[0] < 0 || sizes[0] >= getNumOperands() || sizes[1] < 0 ||
        sizes[1] >= static_cast<int64_t>(shapeOf(getOperand(sizes[0])).size()))
      return emitOpError("takes sizes from dimensions that do not exist");
  return success();
}

void RecurrenceOp::requireSizes(SizeConditions &conditions) {
  constexpr StringLiteral message =
      "weights, states and inputs do not fit each other";
  Value projected = getProjected(), weights = getWeights();
  OpFoldResult directions =
      conditions.number(static_cast<int64_t>(getReverse().size()));
  OpFoldResult batch = conditions.sizeOf(projected, 2),
               units = conditions.sizeOf(weights, 1);
  OpFoldResult width =
      conditions.sizes().mul(units, conditions.number(countGates(getCell())));
  conditions.requireEqual(conditions.sizeOf(projected, 0), directions, message);
  conditions.requireEqual(conditions.sizeOf(projected, 3), width, message);
  conditions.requireShape(weights, {directions, units, width}, message);
  for (Value state : {getHidden(), getCellState()})
    if (state)
      conditions.requireShape(state, {directions, batch, units}, message);
  if (Value lengths = getLengths())
    conditions.requireShape(lengths, {batch}, message);
  if (Value peepholes = getPeepholes())
    conditions.requireShape(
        peepholes,
        {directions, conditions.sizes().mul(units, conditions.number(3))},
        message);
  if (Value bias = getHiddenBias())
    conditions.requireShape(bias, {directions, units}, message);
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

OpOperand &RecurrenceOp::getWeightsOperand() { return getWeightsMutable(); }

OpOperand *RecurrenceOp::findUpdatedOperand(unsigned result) {
  return findUpdatedState(cast<RecurrentCellOpInterface>(getOperation()),
                          result);
}

StringRef RecurrenceOp::explainUnpacked(RankedTensorType weights) {
  if (llvm::is_contained(weights.getShape(), 0))
    return "there are none";
  if (ShapedType::isDynamic(shapeOf(getProjected())[3]))
    return "the width of the inputs is not known";
  return {};
}

std::optional<Work> RecurrenceOp::getWork() {
  return getRecurrentWork(cast<RecurrentCellOpInterface>(getOperation()));
}

std::optional<Work> ScanOp::getWork() {
  double perStep = 0;
  for (Operation &op : getBody().front().without_terminator()) {
    auto work = sluice::getWork(&op);
    if (!work)
      return std::nullopt;
    perStep += work->operations;
  }
  double steps = shapeOf(getSequences().front()).front();
  return workOnOperands(*this, perStep * steps);
}
