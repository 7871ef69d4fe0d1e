//===- RecurrentOps.td - Recurrent cells over a sequence ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_RECURRENT_OPS_TD
#define SLUICE_RECURRENT_OPS_TD

include "dialects/Sluice/RecurrentCell.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def RecurrenceOp : Sluice_Op<"recurrence",
    [TellsWork, HasWeights, HasSizeConditions, AttrSizedOperandSegments,
     DemandsSizes, UpdatesOperand, RecurrentCellOpInterface]>,
    Sluice_RecurrentArguments {
  let summary = "a recurrent cell over a sequence, in one or two directions";
  let description = [{
    With D directions, S steps, B sequences, H hidden units and G gates (LSTM:
    i o f c; GRU: z r h; RNN: one), the operands are
    - `projected` [D, S, B, G*H]: the inputs times their weights, plus biases;
    - `weights` [D, H, G*H]: those of the hidden state, transposed;
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
  let arguments = cellArguments;
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let extraClassDeclaration = baseDeclaration # [{
    /// Hidden units; dynamic where they are not known.
    int64_t getUnits();
  }];
  let hasVerifier = 1;
}

def ScanOp : Sluice_Op<"scan",
    [TellsWork, NoSizeConditions, AttrSizedOperandSegments, IsolatedFromAbove,
     SingleBlockImplicitTerminator<"::sluice::YieldOp">]> {
  let summary = "a recurrence whose steps compute element by element";
  let description = [{
    For every position along the first dimension of the `sequences`, which have
    the same length, the body maps the states, starting with `initial`, and the
    elements of the sequences at that position to the next states and to the
    elements of the outputs. It also sees the `invariants`, the same in every
    step. The results are the last states, then the outputs, stacked along a
    new first dimension. `backwards` tells for each sequence, then for each
    output, whether step 0 is at its last position.

    `sizes` names, for each dynamic size of the outputs' elements in order, an
    operand and the dimension of it that is as large. The body has elementwise ops, which broadcast as everywhere, and reductions whose
    results no state depends on; constants in it are splats.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$initial,
                       Variadic<AnyRankedTensor>:$sequences,
                       Variadic<AnyRankedTensor>:$invariants,
                       DenseI64ArrayAttr:$sizes,
                       DenseBoolArrayAttr:$backwards);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    operands attr-dict `:` functional-type(operands, results) $body
  }];
  let extraClassDeclaration = baseDeclaration # [{
    ::mlir::ValueRange getStates() {
      return getBody().getArguments().take_front(getInitial().size());
    }
    bool readsBackwards(unsigned sequence) {
      return getBackwards()[sequence];
    }
    bool writesBackwards(unsigned output) {
      return getBackwards()[getSequences().size() + output];
    }
  }];
  let hasVerifier = 1;
}

def YieldOp : Op<Sluice_Dialect, "yield",
                 [NoSizeConditions, Pure, ReturnLike, Terminator,
                  HasParent<"ScanOp">]> {
  let summary = "what a step of a scan results in";
  let arguments = (ins Variadic<AnyRankedTensor>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
  let builders = [OpBuilder<(ins), "build($_builder, $_state, "
                                   "::mlir::ValueRange());">];
}

#endif // SLUICE_RECURRENT_OPS_TD
