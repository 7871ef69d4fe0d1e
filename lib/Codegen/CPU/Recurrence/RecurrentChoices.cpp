//===- RecurrentChoices.cpp - How recurrent cells are computed ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/RecurrentCell.h"
#include "dialects/Sluice/Weights.h"
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/CpuChoices.h"

using namespace mlir;
using namespace sluice;

/// Registers bound the sequences of a tile. A task needs so many that reading
/// the weights does not take longer than multiplying with them: more where they
/// do not stay in the second-level cache from one step to the next.
static kernel::CpuRecurrenceAttr configure(RecurrentCellOpInterface cell,
                                           const MachineModel &machine) {
  // Fewer sums do not hide how long an addition takes.
  constexpr int64_t unroll = 2, fewestSums = 8;
  constexpr int64_t usualUnits = 256;
  int64_t gates = countGates(cell.getCell());
  bool isResetting =
      cell.getCell() == RecurrentCell::Gru && !cell.getLinearBeforeReset();
  int64_t most = getRegisterRows(isResetting ? 2 : gates, machine);
  auto sizeOr = [](int64_t size, int64_t otherwise) {
    return ShapedType::isDynamic(size) ? otherwise : size;
  };
  int64_t batch = sizeOr(shapeOf(cell.getProjected())[2], 2 * most);
  int64_t tiles = std::max<int64_t>(llvm::divideCeil(batch, most), 1);
  int64_t tile = std::max<int64_t>(llvm::divideCeil(batch, tiles), 1);
  double units = sizeOr(shapeOf(cell->getResult(1))[2], usualUnits);
  int64_t wanted = units * units * gates * 4 <= machine.l2Bytes ? 6 : 16;
  int64_t blockTiles =
      std::min<int64_t>(llvm::divideCeil(wanted, tile),
                        std::max<int64_t>(llvm::divideCeil(tiles, 2), 1));
  int64_t lanes =
      machine.lanes(getComputeType(elementTypeOf(cell.getWeights())));
  return kernel::CpuRecurrenceAttr::get(cell->getContext(), lanes, tile,
                                        blockTiles * tile, unroll, fewestSums);
}

/// Weights in panels of vectors of hidden units, those of all gates side by
/// side.
static llvm::Expected<KernelMatch>
chooseRecurrence(const KernelGroup &group, const MachineModel &machine) {
  auto op = cast<RecurrenceOp>(group.anchor);
  kernel::CpuRecurrenceAttr config = configure(op, machine);
  KernelMatch match{"recurrence"};
  match.config = config;
  if (arePackable(op, group.getSource(op.getWeights())))
    match.packing.push_back(
        {op.getWeightsOperand().getOperandNumber(),
         cast<kernel::PackingAttrInterface>(kernel::GatesAttr::get(
             op.getContext(), countGates(op.getCell()), config.getLanes()))});
  return match;
}

static llvm::Expected<KernelMatch>
choosePackedRecurrence(const KernelGroup &group, const MachineModel &machine) {
  KernelMatch match{"packed_recurrence"};
  match.config =
      configure(cast<RecurrentCellOpInterface>(group.anchor), machine);
  return match;
}

void sluice::registerRecurrentChoices(CpuChoices &choices) {
  choices.add<RecurrenceOp>(chooseRecurrence);
  // Of kernels that are outlined already.
  choices.add<kernel::PackedRecurrenceOp>(choosePackedRecurrence);
}
