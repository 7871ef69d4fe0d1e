//===- RecurrentCell.td - What recurrent cells have in common -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The cell of a graph (RecurrentOps.td) and what kernels make of it have the
// same operands and attributes, but for the order of the weights.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_RECURRENT_CELL_TD
#define SLUICE_RECURRENT_CELL_TD

include "dialects/Sluice/SluiceBase.td"

def Sluice_RecurrentCell : I32EnumAttr<"RecurrentCell", "a recurrent cell",
                                       [I32EnumAttrCase<"Rnn", 0, "rnn">,
                                        I32EnumAttrCase<"Gru", 1, "gru">,
                                        I32EnumAttrCase<"Lstm", 2, "lstm">]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def Sluice_RecurrentCellAttr
    : EnumAttr<Sluice_Dialect, Sluice_RecurrentCell, "cell"> {
  let assemblyFormat = "`<` $value `>`";
}

// See RecurrenceOp for what they are.
class Sluice_RecurrentArguments {
  dag cellArguments = (ins AnyRankedTensor:$projected, AnyRankedTensor:$weights,
      Optional<AnyRankedTensor>:$hidden, Optional<AnyRankedTensor>:$cell_state,
      Optional<AnyRankedTensor>:$lengths, Optional<AnyRankedTensor>:$peepholes,
      Optional<AnyRankedTensor>:$hidden_bias, Sluice_RecurrentCellAttr:$cell,
      DenseBoolArrayAttr:$reverse, StrArrayAttr:$activations,
      DenseF64ArrayAttr:$alphas, DenseF64ArrayAttr:$betas,
      DefaultValuedAttr<F64Attr, "0.0">:$clip, UnitAttr:$input_forget,
      UnitAttr:$linear_before_reset);
}

#endif // SLUICE_RECURRENT_CELL_TD
