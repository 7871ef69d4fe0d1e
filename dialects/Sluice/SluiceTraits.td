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

// The op is no kernel: it stays in the host function.
def StaysInHost : Sluice_Trait<"StaysInHost">;

// The result has the elements of the first operand in the same row-major order,
// so that it may be the same memory.
def IsView : Sluice_Trait<"IsView">;

// Each element of the result is one of the first operand's. So it is for views.
def PicksElements : Sluice_Trait<"PicksElements">;

// The result has each element of the first operand once. So it is for views.
def ReordersElements : Sluice_Trait<"ReordersElements">;

// Each element of the operands that have the result's rank is at most one
// element of the result, in another place.
def MovesElements : Sluice_Trait<"MovesElements">;

// The first operand broadcasts to the result as those of elementwise ops do.
def BroadcastsOperand : Sluice_Trait<"BroadcastsOperand">;

#endif // SLUICE_TRAITS_TD
