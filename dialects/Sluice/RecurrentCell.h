//===- RecurrentCell.h - What recurrent cells have in common ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What follows from the operands and attributes of a recurrent cell, whatever
// the order of its weights.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_RECURRENTCELL_H
#define SLUICE_DIALECTS_SLUICE_RECURRENTCELL_H

#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// How many gates a cell has.
int64_t countGates(RecurrentCell cell);

/// The types of all outputs [steps, directions, batch, units], of the last
/// hidden state [directions, batch, units] and, for an LSTM, of the last cell
/// state. Sizes may be dynamic.
llvm::SmallVector<mlir::Type>
getRecurrentTypes(mlir::Type elementType, RecurrentCell cell, int64_t steps,
                  int64_t directions, int64_t batch, int64_t units);

/// The sequences of a batch, of whatever operand tells them: an initial state
/// often does where the inputs do not. Dynamic where none does.
int64_t getBatchSize(mlir::Value projected, mlir::Value hidden,
                     mlir::Value cellState, mlir::Value lengths);

/// Fails, with an error at the op, where its operands and attributes do not fit
/// each other; the shape of the weights is left to the op.
llvm::LogicalResult verifyRecurrentCell(RecurrentCellOpInterface cell);

/// The initial state that the last one of a result can be written over: states
/// live where the last ones are stored, and a row becomes that of the next step
/// when the row of the step has been read. Null for the outputs, and where
/// states begin as zero.
mlir::OpOperand *findUpdatedState(RecurrentCellOpInterface cell,
                                  unsigned result);

/// Every gate's sum over the hidden units, for each unit of an output.
Work getRecurrentWork(RecurrentCellOpInterface cell);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_RECURRENTCELL_H
