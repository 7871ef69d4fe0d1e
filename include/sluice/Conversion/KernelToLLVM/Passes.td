//===- Passes.td - The kernel dialect to LLVM ---------------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONVERSION_KERNELTOLLVM_PASSES
#define SLUICE_CONVERSION_KERNELTOLLVM_PASSES

include "mlir/Pass/PassBase.td"

def KernelToLLVMPass : Pass<"sluice-kernel-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower what a run reads from its frame";
  let description = [{
    Launches become calls, buffers become pointers from the frame, and the
    entry points of the artifact, `sluice_run` and `sluice_workspace`, are
    made. Kernels take the address and the dynamic sizes of each buffer and are
    not inlined; the host function is made small. Runs on structured control
    flow, before the conversion of memrefs. A hook that may fail is followed by
    a call of the marker `sluice.guard`, which `sluice-lower-guards` turns into
    an early return, and so is every 64th launch, so that the function's blocks
    are short. The calls of the profiling hook are beside the launches, or, if
    these are many, in the kernels: that takes a third of the memory to compile,
    and some moves of registers in each run.
  }];
  let options = [
    Option<"manyLaunches", "many-launches", "int64_t", "4096",
           "More launches than these leave the profiling hook to the kernels">,
  ];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::LLVM::LLVMDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect"
  ];
}

def LowerGuardsPass : Pass<"sluice-lower-guards", "::mlir::ModuleOp"> {
  let summary = "Return from a function whose buffer could not be had";
  let description = [{
    Splits blocks behind the calls of `sluice.guard` that the lowering of
    buffers leaves: where the pointer is null, the function returns.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

#endif // SLUICE_CONVERSION_KERNELTOLLVM_PASSES
