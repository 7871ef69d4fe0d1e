//===- Passes.td - Passes on the way to the LLVM dialect ---*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONVERSION_LOWERTOLLVM_PASSES
#define SLUICE_CONVERSION_LOWERTOLLVM_PASSES

include "mlir/Pass/PassBase.td"

def HoistStackBuffersPass
    : Pass<"sluice-hoist-stack-buffers", "mlir::func::FuncOp"> {
  let summary = "Move stack buffers of constant size to the start of functions";
  let description = [{
    A `memref.alloca` in a loop would grow the stack in every iteration; in the
    entry block it is part of the function's frame. Nothing may rely on an
    iteration having a buffer of its own, so loops that run in parallel have
    to be outlined before.
  }];
}

def CutBlocksPass : Pass<"sluice-cut-blocks", "mlir::func::FuncOp"> {
  let summary = "Cut long blocks of functions with structured control flow";
  let description = [{
    Lowering a loop or a branch moves all that follows it in its block. Blocks
    of a function that hold some end after `maximum-ops` operations, so that
    each operation is moved a limited number of times.
  }];
  let options = [
    Option<"maximumOps", "maximum-ops", "unsigned", /*default=*/"512",
           "The length after which a block ends">
  ];
  let dependentDialects = ["mlir::cf::ControlFlowDialect"];
}

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
