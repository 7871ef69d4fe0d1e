//===- StateOps.td - What one run leaves for the next one -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef STATE_OPS_TD
#define STATE_OPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def State_Dialect : Dialect {
  let name = "state";
  let cppNamespace = "::sluice";
  let summary = "What one run of a model leaves for the next one";
  let description = [{
    A state is an output that is an input of the next run. #state.pair on an
    argument of `main`, under the name `state.pair`, says of which output.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 0;
}

def State_PairAttr : AttrDef<State_Dialect, "State"> {
  let mnemonic = "pair";
  let summary = "the output that an input continues in the next run";
  let description = [{
    Runs append along `axis`, for which there is room for `capacity`, 0 being
    what the caller says; without an axis they replace the state by a tensor of
    its sizes, which is written to the state's own memory if `in_place`.

    ```mlir
    #state.pair<output = 1, axis = 2, capacity = 64>
    ```
  }];
  let parameters = (ins "int64_t":$output,
    OptionalParameter<"std::optional<int64_t>">:$axis,
    DefaultValuedParameter<"int64_t", "0">:$capacity,
    DefaultValuedParameter<"bool", "false">:$in_place);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def GrowStateOp : Op<State_Dialect, "grow",
    [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>,
     DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                               ["reifyResultShapes"]>]> {
  let summary = "a state with something behind it along an axis";
  let description = [{
    Computes what `sluice.concat` does. `state` is an argument of `main` with a
    #state.pair of this axis, and the result its output: both lie in the memory
    of the state, of which only what is added is written.
  }];
  let arguments = (ins AnyRankedTensor:$state, AnyRankedTensor:$added,
                       I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    operands attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    static bool isCompatibleReturnTypes(::mlir::TypeRange lhs,
                                        ::mlir::TypeRange rhs) {
      return ::sluice::areTypesCompatible(lhs, rhs);
    }
  }];
}

#endif // STATE_OPS_TD
