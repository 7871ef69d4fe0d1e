//===- Plan.h - How a generic op becomes loops ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_PLAN_H
#define SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_PLAN_H

#include "IterationSpace.h"
#include "sluice/Analysis/MachineModel.h"

namespace sluice::loops {

struct Plan {
  /// The loop whose iterations become lanes; none: scalar code.
  std::optional<unsigned> vectorLoop;
  unsigned lanes = 1;
  /// The vector loop is a reduction: lanes are accumulators.
  bool reducesLanes = false;
  /// Vectors in flight in the innermost loop.
  unsigned unroll = 1;
  /// Outputs 0 and 1, 2 and 3, ... are elements of the same rows in turns: two
  /// vectors are stored as one.
  bool weavesOutputs = false;
  /// The body is not elementwise: it is copied as it is.
  bool copiesBody = false;
  /// Parallel loops around the vector loop, from the outside.
  llvm::SmallVector<unsigned, 4> outer;
  /// Reduction loops other than the vector loop, from the outside.
  llvm::SmallVector<unsigned, 4> reductions;
  /// For each output, the operation that joins two partial results; null where
  /// it is not known.
  llvm::SmallVector<mlir::Operation *, 2> combiners;
  /// Estimated, per iteration of all loops.
  double nanosecondsPerElement = 0;
};

Plan makePlan(mlir::linalg::GenericOp op, const IterationSpace &space,
              const MachineModel &machine);

/// A size for estimates.
double estimatedSize(const Extent &extent);

} // namespace sluice::loops

#endif // SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_PLAN_H
