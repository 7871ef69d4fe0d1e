//===- SluiceBase.td - The sluice dialect and its op base classes ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_BASE_TD
#define SLUICE_BASE_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Sluice/SluiceInterfaces.td"
include "dialects/Sluice/SluiceTraits.td"

def Sluice_Dialect : Dialect {
  let name = "sluice";
  let cppNamespace = "::sluice";
  let summary = "Neural-network graphs: one op per mathematical operator";
  let description = [{
    Values are ranked tensors. Element types are f16, bf16, f32, f64, i1
    (bool), signless integers for the signed ONNX types and unsigned integers
    (ui8 ... ui64) for the unsigned ones. A dynamic dimension is `?`; every op
    can say its result sizes in terms of its operands' (reification).
    Broadcasting follows NumPy and is part of the op.
  }];
  // Reification and bodies build ops of these.
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
  let hasConstantMaterializer = 1;
  let useDefaultAttributePrinterParser = 1;
}

// Every op is pure, infers its result types and reifies its result sizes. A
// result type may be more or less static than the inferred one.
class Sluice_Op<string mnemonic, list<Trait> traits = []>
    : Op<Sluice_Dialect, mnemonic,
         !listconcat(traits,
                     [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>,
                      DeclareOpInterfaceMethods<
                          ReifyRankedShapedTypeOpInterface,
                          ["reifyResultShapes"]>])> {
  let assemblyFormat = [{
    operands attr-dict `:` functional-type(operands, results)
  }];
  code baseDeclaration = [{
    static bool isCompatibleReturnTypes(::mlir::TypeRange lhs,
                                        ::mlir::TypeRange rhs) {
      return ::sluice::areTypesCompatible(lhs, rhs);
    }
  }];
  let extraClassDeclaration = baseDeclaration;
}

#endif // SLUICE_BASE_TD
