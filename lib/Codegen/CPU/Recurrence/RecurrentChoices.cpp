//===- RecurrentChoices.cpp - How recurrent cells are computed ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Weights.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/CpuChoices.h"

using namespace mlir;
using namespace sluice;

/// Weights in panels of vectors of hidden units, those of all gates side by
/// side.
static llvm::Expected<KernelMatch>
chooseRecurrence(const KernelGroup &group, const MachineModel &machine) {
  auto op = cast<RecurrenceOp>(group.anchor);
  KernelMatch match{"recurrence"};
  Value weights = group.getSource(op.getWeights());
  if (op.hasPackedWeights() || !arePackable(op, weights))
    return match;
  int64_t lanes = machine.lanes(getComputeType(elementTypeOf(weights)));
  match.packing.push_back(
      {op.getWeightsOperand().getOperandNumber(),
       cast<kernel::PackingAttrInterface>(
           kernel::GatesAttr::get(op.getContext(), op.getGateCount(), lanes))});
  return match;
}

void sluice::registerRecurrentChoices(CpuChoices &choices) {
  choices.add<RecurrenceOp>(chooseRecurrence);
}
