//===- AttentionPasses.td - Graph passes around attention ---*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_ATTENTIONPASSES
#define SLUICE_TRANSFORMS_ATTENTIONPASSES

include "mlir/Pass/PassBase.td"

def RecogniseAttentionPass
    : Pass<"sluice-recognise-attention", "::mlir::func::FuncOp"> {
  let summary = "Make one op of softmax between two products";
  let description = [{
    softmax(f(Q K^T)) V becomes an `attention`, where f scales, caps, adds to
    and hides scores. Scales and transposes in front of the products, repeated
    heads and reshaped batches become the op's own. What hides keys is said by
    bounds where it follows from positions, sizes and lengths, and by a mask
    elsewhere; numbers from -1e4 down hide.
  }];
  let dependentDialects = ["::sluice::SluiceDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"onlyMasks", "only-masks", "bool", "false",
           "Look at masks of attention alone, which may be constant by now">
  ];
}

def SplitProductsPass : Pass<"sluice-split-products", "::mlir::func::FuncOp"> {
  let summary = "Products whose columns have readers of their own";
  let description = [{
    A product with constant weights whose columns are read as slices, such as
    that of queries, keys and values, becomes a product for each slice. Together
    they take as long, and slices would be copies.
  }];
  let dependentDialects = ["::sluice::SluiceDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CollapseProjectionsPass
    : Pass<"sluice-collapse-projections", "::mlir::func::FuncOp"> {
  let summary = "Attention to what keys and values are projected from";
  let description = [{
    Constant weights of queries and keys are multiplied with each other, and so
    are those of values and results, where that takes fewer multiplications:
    attention then reads what is projected, which all heads share.
  }];
  let dependentDialects = ["::sluice::SluiceDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BlockMasksPass : Pass<"sluice-block-masks", "::mlir::func::FuncOp"> {
  let summary = "Lists of the blocks in which attention looks at keys";
  let description = [{
    A constant mask becomes a list of blocks, empty, full or one of the different
    partial ones, which takes its place; one that repeats a smaller mask has that
    for a list; any other is classified by a kernel of its own, once for all
    heads and layers that share it.
  }];
  let dependentDialects = ["::sluice::SluiceDialect"];
}

def RelativeBiasesPass : Pass<"sluice-relative-biases", "::mlir::func::FuncOp"> {
  let summary = "Biases of attention that depend on the distance alone";
  let description = [{
    A bias that follows from constants with constant diagonals, by elementwise
    ops, lookups and moves of dimensions, is computed for each distance between
    query and key instead of each pair.
  }];
  let dependentDialects = ["::sluice::SluiceDialect"];
}

def GateHeadsPass : Pass<"sluice-gate-heads", "::mlir::func::FuncOp"> {
  let summary = "Heads of attention that are not chosen see no key";
  let description = [{
    Where a result of attention is multiplied by a number for each head, or each
    head and query, that is zero for what was not chosen, the zeros become a
    mask: what they leave out is not computed.
  }];
  let dependentDialects = ["::sluice::SluiceDialect"];
}

def PackTokensPass : Pass<"sluice-pack-tokens", "::mlir::func::FuncOp"> {
  let summary = "Layers of encoders on the tokens that exist";
  let description = [{
    Where attentions share a mask of tokens and nothing reads a padded one
    (a pooled token, a mean of those that the mask has), what is computed for
    each token by itself is computed on the packed rows of those that something
    reads; attention gets them in their places again. The number of rows depends
    on the mask of the run.
  }];
  let dependentDialects = ["::sluice::SluiceDialect"];
}

#endif // SLUICE_TRANSFORMS_ATTENTIONPASSES
