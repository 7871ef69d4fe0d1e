//===- RecurrentCell.cpp - What recurrent cells have in common ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/RecurrentCell.h"

using namespace mlir;
using namespace sluice;

/// How many gates a cell has, and how many activations.
static std::pair<int64_t, int64_t> countParts(RecurrentCell cell) {
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

int64_t sluice::countGates(RecurrentCell cell) {
  return countParts(cell).first;
}

SmallVector<Type> sluice::getRecurrentTypes(Type elementType,
                                            RecurrentCell cell, int64_t steps,
                                            int64_t directions, int64_t batch,
                                            int64_t units) {
  Type state = RankedTensorType::get({directions, batch, units}, elementType);
  SmallVector<Type> types{
      RankedTensorType::get({steps, directions, batch, units}, elementType),
      state};
  if (cell == RecurrentCell::Lstm)
    types.push_back(state);
  return types;
}

int64_t sluice::getBatchSize(Value projected, Value hidden, Value cellState,
                             Value lengths) {
  SmallVector<int64_t> sizes{shapeOf(projected)[2]};
  for (Value state : {hidden, cellState})
    if (state && shapeOf(state).size() == 3)
      sizes.push_back(shapeOf(state)[1]);
  if (lengths && shapeOf(lengths).size() == 1)
    sizes.push_back(shapeOf(lengths)[0]);
  return knownSize(sizes);
}

static bool fits(Value value, ArrayRef<int64_t> sizes) {
  return succeeded(verifyCompatibleShape(shapeOf(value), sizes));
}

/// What an LSTM or a GRU has, and no other cell.
static LogicalResult verifyOwnOperands(RecurrentCellOpInterface cell) {
  int64_t directions = cell.getReverse().size(), units = cell.getUnits();
  constexpr int64_t any = ShapedType::kDynamic;
  bool isLstm = cell.getCell() == RecurrentCell::Lstm;
  if (cell.getCellState() && !isLstm)
    return cell->emitOpError("only an LSTM has a cell state");
  if (cell.getPeepholes() &&
      (!isLstm ||
       !fits(cell.getPeepholes(),
             {directions, ShapedType::isDynamic(units) ? any : 3 * units})))
    return cell->emitOpError("peepholes belong to an LSTM and must be "
                             "[directions, 3 * units]");
  bool isLinear =
      cell.getCell() == RecurrentCell::Gru && cell.getLinearBeforeReset();
  if (isLinear != static_cast<bool>(cell.getHiddenBias()))
    return cell->emitOpError("a GRU with linear_before_reset, and no other "
                             "cell, has a hidden bias");
  if (cell.getHiddenBias() && !fits(cell.getHiddenBias(), {directions, units}))
    return cell->emitOpError("hidden_bias must be [directions, units]");
  return success();
}

LogicalResult sluice::verifyRecurrentCell(RecurrentCellOpInterface cell) {
  auto [gates, activations] = countParts(cell.getCell());
  int64_t directions = cell.getReverse().size();
  if (directions < 1 || directions > 2)
    return cell->emitOpError("must have one or two directions");
  Type elementType = elementTypeOf(cell.getProjected());
  for (Value operand : cell->getOperands())
    if (operand != cell.getLengths() && elementTypeOf(operand) != elementType)
      return cell->emitOpError("operands must have one element type");
  if (!isa<FloatType>(elementType))
    return cell->emitOpError("takes floating-point elements, not ")
           << elementType;
  int64_t units = cell.getUnits();
  constexpr int64_t any = ShapedType::kDynamic;
  int64_t width = ShapedType::isDynamic(units) ? any : units * gates;
  if (units > (int64_t(1) << 31))
    return cell->emitOpError("has too many hidden units");
  if (!fits(cell.getProjected(), {directions, any, any, width}))
    return cell->emitOpError(
               "projected inputs must be [directions, steps, batch, ")
           << gates << " * units]";
  int64_t batch = getBatchSize(cell.getProjected(), cell.getHidden(),
                               cell.getCellState(), cell.getLengths());
  for (Value state : {cell.getHidden(), cell.getCellState()})
    if (state && !fits(state, {directions, batch, units}))
      return cell->emitOpError(
          "initial states must be [directions, batch, units]");
  if (cell.getLengths() && (!fits(cell.getLengths(), {batch}) ||
                            !elementTypeOf(cell.getLengths()).isInteger()))
    return cell->emitOpError("lengths must be [batch] integers");
  if (failed(verifyOwnOperands(cell)))
    return failure();
  size_t count = directions * activations;
  if (cell.getActivations().size() != count ||
      cell.getAlphas().size() != count || cell.getBetas().size() != count)
    return cell->emitOpError("must have ")
           << count << " activations with their constants";
  return success();
}

OpOperand *sluice::findUpdatedState(RecurrentCellOpInterface cell,
                                    unsigned result) {
  Value initial = result == 1   ? cell.getHidden()
                  : result == 2 ? cell.getCellState()
                                : Value();
  auto isInitial = [&](OpOperand &operand) { return operand.get() == initial; };
  auto *found = llvm::find_if(cell->getOpOperands(), isInitial);
  return found == cell->getOpOperands().end() ? nullptr : found;
}

Work sluice::getRecurrentWork(RecurrentCellOpInterface cell) {
  double perUnit =
      2.0 * countGates(cell.getCell()) * shapeOf(cell->getResult(1)).back();
  return workOnOperands(cell, countElements(cell->getResult(0)) * perUnit);
}
