//===- VectorizeLoops.h - Generic ops to loops over vectors -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_VECTORIZELOOPS_VECTORIZELOOPS_H
#define SLUICE_CODEGEN_CPU_VECTORIZELOOPS_VECTORIZELOOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "sluice/Analysis/MachineModel.h"

namespace sluice {

struct VectorizeOptions {
  MachineModel machine;
  /// Emit an `scf.parallel` around work that is worth it.
  bool parallel = true;
  /// Work below this is not split further; work below twice this stays serial.
  double minimumParallelNanoseconds = 10000;
};

/// Replaces a structured op on buffers by loops over vectors. Any legal op is
/// lowered; what cannot be vectorised becomes scalar loops.
///
/// Dimensions that all operands walk contiguously become one. The vector
/// dimension is the one with the fewest strided accesses, with the outputs
/// contiguous in it; reductions over it use several accumulators, combined in
/// a fixed order. f16 and bf16 are loaded and stored only, and computed in f32.
/// With `options.parallel` the outer iterations are a one-dimensional
/// `scf.parallel` with the cost of one iteration in nanoseconds as the
/// attribute `sluice.cost`. Neither the order of operations within a result nor
/// the choice of vector or scalar code depends on how it is split.
llvm::LogicalResult lowerGenericToLoops(mlir::RewriterBase &rewriter,
                                        mlir::linalg::LinalgOp op,
                                        const VectorizeOptions &options);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_VECTORIZELOOPS_VECTORIZELOOPS_H
