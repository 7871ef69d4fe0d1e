//===- Passes.td - Passes that generate CPU code -----------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_PASSES
#define SLUICE_CODEGEN_CPU_PASSES

include "mlir/Pass/PassBase.td"

def VectorizeLoopsPass : Pass<"sluice-vectorize-loops"> {
  let summary = "Lower structured ops on buffers to loops over vectors";
  let description = [{
    Replaces every linalg op by loops that load, compute and store vectors of
    the CPU's width, with masked or scalar ends. Loops that all operands walk
    contiguously are joined; reductions use several accumulators in a fixed
    order; f16 and bf16 are computed in f32. Large enough outer loops become a
    one-dimensional `scf.parallel` with the attribute `sluice.cost`, the
    estimated nanoseconds of one iteration.
  }];
  let options = [
    Option<"parallel", "parallel", "bool", /*default=*/"true",
           "emit parallel loops">
  ];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::LLVM::LLVMDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"
  ];
}

def ExpandMathPass : Pass<"sluice-expand-math"> {
  let summary = "Replace elementary functions by arithmetic";
  let description = [{
    Rewrites exponentials, logarithms, powers, circular and hyperbolic functions
    and their inverses and `erf`, on f32 scalars and vectors, to polynomials and
    operations on bits, precise to a few units in the last place over the whole
    range (docs/numerics.md). f16 and bf16 go through f32. f64 is left to libm.
    Powers of integers become products.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::math::MathDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"
  ];
}

def ExpandHalfPass : Pass<"sluice-expand-half", "mlir::ModuleOp"> {
  let summary = "Replace conversions of halves that the CPU has no instructions for";
  let description = [{
    On x86 without F16C, LLVM would call functions that libc does not have, one
    per element. `arith.extf` from and `arith.truncf` to f16 become operations on
    bits, on scalars and vectors; they round to nearest even, keep denormal
    numbers and make NaN quiet. f64 goes through f32.

    So do those between f32 and bf16 on x86 without AVX512_BF16, where LLVM
    would take vectors of bf16 apart; for the same reason vectors of them are
    shuffled as integers.

    LLVM also converts on its own account, to choose between two bf16 values for
    example. On x86 a module that has such values gets the functions it calls
    then, `__truncsfbf2` and, without F16C, `__truncsfhf2` and `__extendhfsf2`.
    Other CPUs need neither.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::LLVM::LLVMDialect", "mlir::vector::VectorDialect"
  ];
}

def OutlineParallelPass : Pass<"sluice-outline-parallel", "mlir::ModuleOp"> {
  let summary = "Run parallel loops through the runtime's hook";
  let description = [{
    The body of each one-dimensional `scf.parallel` becomes a function
    `(closure, begin, end)`; the loop becomes a call of `parallel_for` in the
    frame, which is the first argument (`!llvm.ptr`) of the function around it.
    `sluice.cost` (nanoseconds per iteration) is passed on, and so is
    `sluice.flushes_subnormals` of the function. Parallel loops
    inside parallel loops, and those of several dimensions, become sequential.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::LLVM::LLVMDialect", "mlir::scf::SCFDialect"
  ];
}

def FlushSubnormalsPass : Pass<"sluice-flush-subnormals", "mlir::ModuleOp"> {
  let summary = "Count subnormal numbers as zero in kernels that say so";
  let description = [{
    A function with `sluice.flushes_subnormals` that has floating-point values
    becomes a wrapper: it sets the CPU's control register (MXCSR, FPCR), calls
    a function with the former body, and sets what was there before. Loops that
    `sluice-outline-parallel` made functions inherit the attribute, so that each
    task does so on whatever thread it runs. Around calls of hooks the register
    is as the caller left it. Callers of such functions set the register
    themselves, once for calls with nothing between them but sizes, addresses
    and calls of functions with `sluice.ignores_subnormals`.
  }];
  let dependentDialects = [
    "mlir::func::FuncDialect", "mlir::LLVM::LLVMDialect"
  ];
}

def OutlineEpiloguesPass : Pass<"sluice-outline-epilogues", "mlir::ModuleOp"> {
  let summary = "Make functions of long epilogues";
  let description = [{
    Each `scf.for` marked `sluice.epilogue` becomes a function of its closure
    that is not inlined. In one function with the loop that computes the tile,
    LLVM moves the constants of the epilogue before all loops, and then keeps
    accumulators in memory because registers are short.
  }];
  let dependentDialects = [
    "mlir::func::FuncDialect", "mlir::LLVM::LLVMDialect"
  ];
}

#endif // SLUICE_CODEGEN_CPU_PASSES
