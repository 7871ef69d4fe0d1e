//===- ExpertPasses.td - Graph passes around experts --------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_EXPERTPASSES
#define SLUICE_TRANSFORMS_EXPERTPASSES

include "mlir/Pass/PassBase.td"

def RecogniseExpertsPass
    : Pass<"sluice-recognise-experts", "::mlir::func::FuncOp"> {
  let summary = "Group tokens by expert where experts are spelled one by one";
  let description = [{
    Where each expert of a layer has a list of the tokens that chose it, and its
    results are added up at their places, tokens are grouped by expert once
    (`group_rows`), and the products of all experts become one with a matrix for
    each group (`grouped_matmul`). What routes tokens stays as it is. Experts
    must do the same with different constants.

    A sum over all experts of a gate times what the expert makes of the token is
    the same where gates are zero for experts that were not chosen, but for what
    overflows in one of these. Weights must be finite for that.
  }];
  let dependentDialects = ["::sluice::SluiceDialect",
                           "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"exact", "exact", "bool", "false",
           "Keep sums over all experts, in which zero times infinity is NaN">
  ];
  let statistics = [
    Statistic<"numRecognised", "recognised", "Layers of experts">
  ];
}

#endif // SLUICE_TRANSFORMS_EXPERTPASSES
