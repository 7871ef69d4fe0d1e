//===- SluiceInterfaces.td - Interfaces of the sluice dialect -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_INTERFACES_TD
#define SLUICE_INTERFACES_TD

include "mlir/IR/OpBase.td"

def ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op whose result element depends on one (broadcast) element of each
    operand. One definition of the body serves every code generator: map
    kernels, epilogues in registers, constant evaluation.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the body on scalars, or on vectors of one shape. `arguments` are
      in the compute types of the operands' element types and so is the result
      (see `getComputeType`): f16 and bf16 compute in f32, integers are
      signless whatever their signedness.
    }], "::mlir::Value", "buildBody", (ins
        "::mlir::OpBuilder &":$builder, "::mlir::Location":$location,
        "::mlir::ValueRange":$arguments)>
  ];
}

#endif // SLUICE_INTERFACES_TD
