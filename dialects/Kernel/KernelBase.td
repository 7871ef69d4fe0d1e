//===- KernelBase.td - The kernel dialect ---------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef KERNEL_BASE_TD
#define KERNEL_BASE_TD

include "mlir/IR/OpBase.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::sluice::kernel";
  let summary = "Units of code generation and how a model runs them";
  let description = [{
    A `kernel.region` groups ops that become one piece of machine code; it is
    outlined to a `kernel.func`, which identical regions share. On buffers,
    `kernel.launch` runs a kernel, and the other ops say where buffers come
    from: the workspace, the weights, the model's inputs and outputs.

    A module says with `kernel.target` (#kernel.cpu_target) what code is made
    for; a part of it may have a target of its own. Ops of other dialects may
    carry attributes that move to the kernel that the op anchors:
    `kernel.provider` (#kernel.provider), `kernel.tiling` (#kernel.tiling) and
    `kernel.target`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

class Kernel_Op<string mnemonic, list<Trait> traits = []>
    : Op<Kernel_Dialect, mnemonic, traits>;

#endif // KERNEL_BASE_TD
