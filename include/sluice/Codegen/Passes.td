//===- Passes.td - Code generation passes -------------------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_PASSES
#define SLUICE_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

def EmitKernelsPass : Pass<"sluice-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Replace every kernel.func by a function on buffers";
  let description = [{
    The function takes the frame of the run, one buffer per argument, one per
    result, and scratch memory of the size in its `sluice.scratch` attribute
    where it has one. Products, convolutions and recurrences in f32 get the
    attribute `sluice.flushes_subnormals`.
  }];
  let options = [
    Option<"triple", "triple", "std::string", "",
           "Target triple; empty for the host's">,
    Option<"cpu", "cpu", "std::string", "\"native\"",
           "Target CPU as LLVM names it, or native">,
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

#endif // SLUICE_CODEGEN_PASSES
