//===- TargetInterface.td - What code is made for ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef KERNEL_TARGETINTERFACE_TD
#define KERNEL_TARGETINTERFACE_TD

include "mlir/IR/OpBase.td"

def Kernel_TargetAttrInterface : AttrInterface<"TargetAttrInterface"> {
  let cppNamespace = "::sluice::kernel";
  let description = [{
    What code is made for. A target is complete: all that code generation wants
    to know follows from the attribute, and nothing from the machine that
    compiles.
  }];
  let methods = [
    InterfaceMethod<"The kind of machine: \"cpu\".", "::llvm::StringRef",
                    "getKind">,
    InterfaceMethod<"The machine's name, as artifacts report it.",
                    "::llvm::StringRef", "getMachineName">,
    InterfaceMethod<"The triple of the object files.", "::llvm::StringRef",
                    "getTriple">,
    InterfaceMethod<"Can one object file have code for both targets?", "bool",
                    "isCompatibleWith",
                    (ins "::sluice::kernel::TargetAttrInterface":$other)>
  ];
}

#endif // KERNEL_TARGETINTERFACE_TD
