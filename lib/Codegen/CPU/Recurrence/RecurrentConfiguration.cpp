//===- RecurrentConfiguration.cpp - What was chosen about a cell ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "RecurrentConfiguration.h"
#include "dialects/Sluice/RecurrentCell.h"
#include "sluice/Codegen/CPU/KernelConfiguration.h"
#include "sluice/Codegen/Rows/RowOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

/// Do packed weights have as many elements as a cell reads of them?
static LogicalResult checkWeights(kernel::PackedRecurrenceOp op,
                                  kernel::CpuRecurrenceAttr config) {
  int64_t units = op.getUnits(), lanes = config.getLanes();
  int64_t read = llvm::divideCeil(units, lanes);
  bool overflows = false;
  for (int64_t factor :
       {lanes, units, static_cast<int64_t>(op.getReverse().size()),
        countGates(op.getCell())})
    overflows |= llvm::MulOverflow(read, factor, read);
  if (overflows)
    return op.emitError("reads more packed weights than there can be");
  int64_t there = shapeOf(op.getWeights()).front();
  if (there == read)
    return success();
  return op.emitError("the configuration of its kernel does not fit: it reads ")
         << read << " elements of packed weights, of which there are " << there;
}

FailureOr<kernel::CpuRecurrenceAttr>
sluice::readRecurrentConfiguration(KernelBuilder &kernel,
                                   RecurrentCellOpInterface cell) {
  auto config = readConfiguration<kernel::CpuRecurrenceAttr>(cell);
  if (failed(config))
    return failure();
  Type computeType = getComputeType(elementTypeOf(cell.getWeights()));
  if (config->getLanes() != kernel.rows.lanes(computeType))
    return cell->emitError("the target has no vectors of ")
           << config->getLanes() << " of these elements";
  auto packed = dyn_cast<kernel::PackedRecurrenceOp>(cell.getOperation());
  if (packed && failed(checkWeights(packed, *config)))
    return failure();
  return config;
}
