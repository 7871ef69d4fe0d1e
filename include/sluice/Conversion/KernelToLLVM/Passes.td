//===- Passes.td - The kernel dialect to LLVM ---------------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONVERSION_KERNELTOLLVM_PASSES
#define SLUICE_CONVERSION_KERNELTOLLVM_PASSES

include "mlir/Pass/PassBase.td"

def CutHostPass : Pass<"sluice-cut-host", "::mlir::ModuleOp"> {
  let summary = "Cut long host functions into several";
  let description = [{
    The functions that run the graph and that compute the size of its workspace
    are as long as the graph. Where they are long, what is in them moves to
    functions that they call one after the other, so that they are lowered and
    compiled side by side and memory has the code of few at a time. What one of
    them computes and a later one reads lies on the stack of the function that
    calls them; constants, sizes of inputs and buffers whose place is known are
    computed again. They are marked with `sluice.long_host`: LLVM's optimiser
    leaves them alone.
  }];
  let options = [
    Option<"longHost", "long-host", "int64_t", "16384",
           "Functions of more ops than these are cut">,
    Option<"pieceOps", "piece-ops", "int64_t", "4096",
           "A piece ends behind the op that makes it this long">,
  ];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::LLVM::LLVMDialect"
  ];
}

def KernelToLLVMPass : Pass<"sluice-kernel-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower what a run reads from its frame";
  let description = [{
    Every `kernel.func` becomes a function, launches become calls, buffers
    become pointers from the frame, and the entry points of the artifact,
    `sluice_run` and `sluice_workspace`, are made. Kernels take the address and the dynamic sizes of each buffer and are
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
