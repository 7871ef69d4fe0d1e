//===- RecurrentOps.td - Recurrent cells over a sequence ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_RECURRENT_OPS_TD
#define SLUICE_RECURRENT_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def Sluice_RecurrentCell : I32EnumAttr<"RecurrentCell", "a recurrent cell", [
  I32EnumAttrCase<"Rnn", 0, "rnn">,
  I32EnumAttrCase<"Gru", 1, "gru">,
  I32EnumAttrCase<"Lstm", 2, "lstm">]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def Sluice_RecurrentCellAttr
    : EnumAttr<Sluice_Dialect, Sluice_RecurrentCell, "cell"> {
  let assemblyFormat = "`<` $value `>`";
}

def RecurrenceOp : Sluice_Op<"recurrence", [AttrSizedOperandSegments]> {
  let summary = "a recurrent cell over a sequence, in one or two directions";
  let description = [{
    With D directions, S steps, B sequences, H hidden units and G gates (LSTM:
    i o f c; GRU: z r h; RNN: one), the operands are
    - `projected` [D, S, B, G*H]: the inputs times their weights, plus biases;
    - `weights` [D, H, G*H]: those of the hidden state, transposed, or a
      packed constant: for each direction and each vector of hidden units a
      panel [H, G, lanes];
    - `hidden` [D, B, H], for LSTM `cell_state` [D, B, H]: the initial state,
      zero if it is not given;
    - `lengths` [B]: the steps of each sequence; its states stand still and
      its outputs are zero after them;
    - `peepholes` [D, 3*H] of an LSTM, in the order i o f;
    - `hidden_bias` [D, H] of a GRU with `linear_before_reset`: what is added
      to the hidden state's share of gate h before the reset.

    The results are all outputs [S, D, B, H], the last hidden state [D, B, H]
    and, for LSTM, the last cell state [D, B, H]. Direction d runs backwards
    if `reverse[d]`; its activations are named in `activations`, 3 per
    direction for LSTM, 2 for GRU, 1 for RNN, with their constants in `alphas`
    and `betas`. A positive `clip` bounds what goes into activations.
  }];
  let arguments = (ins AnyRankedTensor:$projected, AnyRankedTensor:$weights,
                       Optional<AnyRankedTensor>:$hidden,
                       Optional<AnyRankedTensor>:$cell_state,
                       Optional<AnyRankedTensor>:$lengths,
                       Optional<AnyRankedTensor>:$peepholes,
                       Optional<AnyRankedTensor>:$hidden_bias,
                       Sluice_RecurrentCellAttr:$cell,
                       DenseBoolArrayAttr:$reverse,
                       StrArrayAttr:$activations, DenseF64ArrayAttr:$alphas,
                       DenseF64ArrayAttr:$betas,
                       DefaultValuedAttr<F64Attr, "0.0">:$clip,
                       UnitAttr:$input_forget, UnitAttr:$linear_before_reset);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let extraClassDeclaration = baseDeclaration # [{
    /// Gates of the cell.
    int64_t getGateCount();
    bool hasPackedWeights();
  }];
  let hasVerifier = 1;
}

#endif // SLUICE_RECURRENT_OPS_TD
