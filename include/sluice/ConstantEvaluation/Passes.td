//===- Passes.td - Constant evaluation ---------------------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONSTANTEVALUATION_PASSES
#define SLUICE_CONSTANTEVALUATION_PASSES

include "mlir/Pass/PassBase.td"

def EvaluateConstantsPass
    : Pass<"sluice-evaluate-constants", "::mlir::ModuleOp"> {
  let summary = "Compute what depends on constants alone";
  let description = [{
    All ops whose operands are constants, directly or through
    other such ops, are compiled together through the compiler's own CPU
    pipeline and run in this process. What the other ops read of
    their results becomes constants.

    Results that are much larger than what they are made of are left to be
    computed in every run: those above 64 KB made of less than 1 KB (of
    splats, say), and those of more than twice the constants' bytes plus 1 MB.
  }];
  // Whoever registers the pass knows the compiler.
  let constructor = "::sluice::createEvaluateConstantsPass({})";
}

#endif // SLUICE_CONSTANTEVALUATION_PASSES
