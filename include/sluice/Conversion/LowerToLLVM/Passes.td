//===- Passes.td - Passes on the way to the LLVM dialect ---*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONVERSION_LOWERTOLLVM_PASSES
#define SLUICE_CONVERSION_LOWERTOLLVM_PASSES

include "mlir/Pass/PassBase.td"

def LowerVectorsPass : Pass<"sluice-lower-vectors"> {
  let summary = "Bring vector operations to one dimension";
  let description = [{
    Unrolls everything that works on vectors of several dimensions
    (contractions, reductions, transposes, shape casts, transfers, masks) to
    operations on one-dimensional vectors, which map to registers. Multiplies
    that feed additions in contractions become `vector.fma`.
  }];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect",
    "mlir::ub::UBDialect", "mlir::vector::VectorDialect"
  ];
}

#endif // SLUICE_CONVERSION_LOWERTOLLVM_PASSES
