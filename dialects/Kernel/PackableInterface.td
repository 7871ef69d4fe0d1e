//===- PackableInterface.td - What ops become with packed constants -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef KERNEL_PACKABLE_INTERFACE_TD
#define KERNEL_PACKABLE_INTERFACE_TD

include "mlir/IR/OpBase.td"

def PackableOpInterface : OpInterface<"PackableOpInterface"> {
  let cppNamespace = "::sluice::kernel";
  let description = [{
    An op of a graph whose kernel may have constants in orders of its own. The
    models are external, as the graph knows nothing of orders.
  }];
  let methods = [
    InterfaceMethod<[{
        Builds the op that computes the same with `operands`. `packing` has an
        encoding, or null, for each operand: in which order a constant is.
      }], "::mlir::Operation *", "buildPacked",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands,
           "::llvm::ArrayRef<::sluice::kernel::PackingAttrInterface>":$packing)>];
}

#endif // KERNEL_PACKABLE_INTERFACE_TD
