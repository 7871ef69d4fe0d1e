//===- Passes.td - Passes on the states of a model ----------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_STATE_PASSES
#define SLUICE_TRANSFORMS_STATE_PASSES

include "mlir/Pass/PassBase.td"

def GrowStatesPass : Pass<"sluice-grow-states", "::mlir::func::FuncOp"> {
  let summary = "Make outputs that continue a state of the model grow in place";
  let description = [{
    Where an argument has a `state.pair` with an axis and the output that it
    names is a concatenation of the argument with something behind it, the
    concatenation becomes a `state.grow`, which writes only what is new. Remarks
    say which other outputs could be declared as states of which inputs.
  }];
  let dependentDialects = ["::sluice::StateDialect",
                           "mlir::tensor::TensorDialect"];
}

def StrideStatesPass : Pass<"sluice-stride-states", "::mlir::ModuleOp"> {
  let summary = "Let kernels read states where they lie";
  let description = [{
    What a kernel reads of a state that grows is not contiguous where there is
    something in front of the state's axis. Kernels that can read such buffers
    are told which of their arguments they are (`strided`); a remark says
    which others read a copy.
  }];
  let dependentDialects = ["::sluice::kernel::KernelDialect"];
}

def UpdateInPlacePass : Pass<"sluice-update-in-place", "::mlir::ModuleOp"> {
  let summary = "Let kernels write over states that they update";
  let description = [{
    Where kernels make the next value of a state that does not grow, or of what a
    loop carries, from its last one and can write over that (elementwise ones,
    scattered updates, the states of a recurrence), and nothing reads the last
    value any more, their results are tied to these operands. Such a state of the
    model is marked `in_place`. A remark says which state is not, and
    whether something that reads it later is why.
  }];
  let dependentDialects = ["::sluice::kernel::KernelDialect",
                           "::sluice::StateDialect"];
}

#endif // SLUICE_TRANSFORMS_STATE_PASSES
