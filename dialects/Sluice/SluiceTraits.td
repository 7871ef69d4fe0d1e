//===- SluiceTraits.td - Traits of the sluice dialect ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRAITS_TD
#define SLUICE_TRAITS_TD

include "mlir/IR/OpBase.td"

class Sluice_Trait<string name> : NativeOpTrait<name> {
  let cppNamespace = "::sluice::trait";
}
class Sluice_ParamTrait<string name, string params>
    : ParamNativeOpTrait<name, params> {
  let cppNamespace = "::sluice::trait";
}

// Element types, see ElementTypes.h. They hold for all operands.
def TakesFloats
    : Sluice_ParamTrait<"TakesElements", "::sluice::ElementKind::Float">;
def TakesNumbers
    : Sluice_ParamTrait<"TakesElements", "::sluice::ElementKind::Number">;
def TakesIntegers
    : Sluice_ParamTrait<"TakesElements", "::sluice::ElementKind::Integer">;
// Integers are legal, but not compiled.
def ComputesFloats
    : Sluice_ParamTrait<"TakesElements",
                        "::sluice::ElementKind::Float, "
                        "::sluice::ElementError::Unsupported">;
def SameElementTypes : Sluice_Trait<"SameElementTypes">;

// The op takes any sizes that its types allow: its results have a place for
// every element, or every index, that there is. Or its demands are seen to
// where it is made, of ops that have been checked.
def NoSizeConditions : Sluice_Trait<"NoSizeConditions">;

#endif // SLUICE_TRAITS_TD
