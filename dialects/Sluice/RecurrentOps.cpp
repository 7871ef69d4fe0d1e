//===- RecurrentOps.cpp - Recurrent cells over a sequence -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

/// How many gates a cell has, and how many activations.
static std::pair<int64_t, int64_t> countGates(RecurrentCell cell) {
  switch (cell) {
  case RecurrentCell::Rnn:
    return {1, 1};
  case RecurrentCell::Gru:
    return {3, 2};
  case RecurrentCell::Lstm:
    return {4, 3};
  }
  return {1, 1};
}

int64_t RecurrenceOp::getGateCount() { return countGates(getCell()).first; }

bool RecurrenceOp::hasPackedWeights() {
  return shapeOf(getWeights()).size() == 1;
}

/// The hidden units; packed weights do not tell their shape.
static int64_t getUnits(ArrayRef<int64_t> projected, ArrayRef<int64_t> weights,
                        RecurrentCell cell) {
  if (weights.size() == 3)
    return weights[1];
  return ShapedType::isDynamic(projected[3])
             ? ShapedType::kDynamic
             : projected[3] / countGates(cell).first;
}

LogicalResult RecurrenceOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> projected = shapeOf(adaptor.getProjected());
  ArrayRef<int64_t> weights = shapeOf(adaptor.getWeights());
  if (projected.size() != 4 || (weights.size() != 3 && weights.size() != 1))
    return emitOptionalError(location, "projected inputs and weights must have "
                                       "ranks 4 and 3, packed weights 1");
  int64_t directions = adaptor.getReverse().size();
  int64_t batch = projected[2];
  int64_t units = getUnits(projected, weights, adaptor.getCell());
  Type elementType = elementTypeOf(adaptor.getProjected());
  types.push_back(RankedTensorType::get(
      {projected[1], directions, batch, units}, elementType));
  auto state = RankedTensorType::get({directions, batch, units}, elementType);
  types.push_back(state);
  if (adaptor.getCell() == RecurrentCell::Lstm)
    types.push_back(state);
  return success();
}

LogicalResult
RecurrenceOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  OpFoldResult directions = builder.getIndexAttr(getReverse().size());
  OpFoldResult batch = getDimension(builder, loc, getProjected(), 2);
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

LogicalResult RecurrenceOp::verify() {
  auto [gates, activations] = countGates(getCell());
  int64_t directions = getReverse().size();
  if (directions < 1 || directions > 2)
    return emitOpError("must have one or two directions");
  auto fits = [](Value value, ArrayRef<int64_t> sizes) {
    return succeeded(verifyCompatibleShape(shapeOf(value), sizes));
  };
  Type elementType = elementTypeOf(getProjected());
  for (Value operand : getOperands())
    if (operand != getLengths() && elementTypeOf(operand) != elementType)
      return emitOpError("operands must have one element type");
  if (!isa<FloatType>(elementType))
    return emitOpError("takes floating-point elements, not ") << elementType;
  int64_t units =
      getUnits(shapeOf(getProjected()), shapeOf(getWeights()), getCell());
  constexpr int64_t any = ShapedType::kDynamic;
  int64_t width = ShapedType::isDynamic(units) ? any : units * gates;
  if (units > (int64_t(1) << 31))
    return emitOpError("has too many hidden units");
  if (!fits(getProjected(), {directions, any, any, width}))
    return emitOpError("projected inputs must be [directions, steps, batch, ")
           << gates << " * units]";
  int64_t batch = shapeOf(getProjected())[2];
  if (hasPackedWeights() && ShapedType::isDynamic(units))
    return emitOpError("with packed weights must know its units");
  if (!hasPackedWeights() && !fits(getWeights(), {directions, units, width}))
    return emitOpError("weights must be [directions, units, ")
           << gates << " * units]";
  if ((getHidden() && !fits(getHidden(), {directions, batch, units})) ||
      (getCellState() && !fits(getCellState(), {directions, batch, units})))
    return emitOpError("initial states must be [directions, batch, units]");
  bool isLstm = getCell() == RecurrentCell::Lstm;
  if (getCellState() && !isLstm)
    return emitOpError("only an LSTM has a cell state");
  if (getLengths() && (!fits(getLengths(), {batch}) ||
                       !elementTypeOf(getLengths()).isInteger()))
    return emitOpError("lengths must be [batch] integers");
  if (getPeepholes() &&
      (!isLstm ||
       !fits(getPeepholes(),
             {directions, ShapedType::isDynamic(units) ? any : 3 * units})))
    return emitOpError("peepholes belong to an LSTM and must be "
                       "[directions, 3 * units]");
  if ((getCell() == RecurrentCell::Gru && getLinearBeforeReset()) !=
      static_cast<bool>(getHiddenBias()))
    return emitOpError(
        "a GRU with linear_before_reset, and no other cell, has a hidden bias");
  if (getHiddenBias() && !fits(getHiddenBias(), {directions, units}))
    return emitOpError("hidden_bias must be [directions, units]");
  size_t count = directions * activations;
  if (getActivations().size() != count || getAlphas().size() != count ||
      getBetas().size() != count)
    return emitOpError("must have ")
           << count << " activations with their constants";
  return success();
}
