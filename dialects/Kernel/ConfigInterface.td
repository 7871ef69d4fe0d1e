//===- ConfigInterface.td - How a kernel's code is made -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef KERNEL_CONFIG_INTERFACE_TD
#define KERNEL_CONFIG_INTERFACE_TD

include "mlir/IR/OpBase.td"

def KernelConfigAttrInterface : AttrInterface<"KernelConfigAttrInterface"> {
  let cppNamespace = "::sluice::kernel";
  let description = [{
    All that was chosen about a kernel's code: emission reads it, and chooses
    nothing itself. `sluice-choose-kernels` writes it.
  }];
  let methods = [
    InterfaceMethod<[{
        Fails, with a reason through `emitError`, where the kernel would not
        read a constant in the order that the encoding says.
      }], "::llvm::LogicalResult", "verifyPacking",
      (ins "::sluice::kernel::PackingAttrInterface":$packing,
           "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError)>];
}

#endif // KERNEL_CONFIG_INTERFACE_TD
