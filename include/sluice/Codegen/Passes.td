//===- Passes.td - Code generation passes -------------------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_PASSES
#define SLUICE_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

def EmitKernelsPass
    : Pass<"sluice-emit-kernels", "::sluice::kernel::FuncOp"> {
  let summary = "Make the code of a kernel";
  let description = [{
    The kernel then takes the frame of the run, one buffer per argument, one per
    result, and scratch memory of the size in its `sluice.scratch` attribute
    where it has one. Its provider makes the code. Products, convolutions and recurrences in f32 get the
    attribute `sluice.flushes_subnormals`.
  }];
  let options = [
    Option<"keepSubnormals", "keep-subnormals", "bool", "false",
           "No kernel counts subnormal numbers as zero">
  ];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::linalg::LinalgDialect", "mlir::LLVM::LLVMDialect",
    "mlir::math::MathDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::tensor::TensorDialect",
    "mlir::vector::VectorDialect"
  ];
}

def ShareKernelsPass : Pass<"sluice-share-kernels", "::mlir::ModuleOp"> {
  let summary = "Make one function of many that differ in numbers only";
  let description = [{
    Numbers in which emitted kernels of equal structure differ, such as the
    offsets of slices or factors, become arguments of one function, and
    `parameters` of its calls. A few such kernels are faster apart and are left
    alone; of a great many, compiling takes too long. Numbers that decide what
    code is made are compared as structure is: divisors, bounds of loops,
    dimensions and sizes of memory.
  }];
  let options = [
    Option<"minimumKernels", "minimum-kernels", "unsigned", "64",
           "Fewer kernels than so many stay as they are">,
    Option<"maximumParameters", "maximum-parameters", "unsigned", "16",
           "Kernels that differ in more numbers stay as they are">
  ];
  let dependentDialects = ["mlir::arith::ArithDialect"];
}

#endif // SLUICE_CODEGEN_PASSES
