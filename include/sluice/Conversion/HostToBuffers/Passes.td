//===- Passes.td - The host function on buffers -------------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONVERSION_HOSTTOBUFFERS_PASSES
#define SLUICE_CONVERSION_HOSTTOBUFFERS_PASSES

include "mlir/Pass/PassBase.td"

def HostToBuffersPass : Pass<"sluice-host-to-buffers", "::mlir::ModuleOp"> {
  let summary = "Turn the host function from tensors to buffers";
  let description = [{
    `main` becomes a function that takes the frame of a run. Calls of kernels
    become launches into allocated buffers; results of the model go straight
    to their output buffers where one kernel produces them. Runs after the
    kernels were emitted, when their need for scratch memory is known: what they
    allocate of sizes that follow from their buffers' and parameters becomes an
    argument, for which each launch has a buffer.
  }];
  let dependentDialects = [
    "::sluice::kernel::KernelDialect", "mlir::LLVM::LLVMDialect",
    "mlir::arith::ArithDialect", "mlir::memref::MemRefDialect"
  ];
}

#endif // SLUICE_CONVERSION_HOSTTOBUFFERS_PASSES
