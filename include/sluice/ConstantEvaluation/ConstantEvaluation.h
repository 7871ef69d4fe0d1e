//===- ConstantEvaluation.h - Run the compiler's code on constants -*- C++ -*-//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Constants are computed by the code that the compiler makes of their ops, so
// that no operator has a second implementation. This library does not know the
// pipeline that makes the code, for the pipeline contains the pass: whoever
// creates the pass hands in the way to compile a module for this machine.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONSTANTEVALUATION_CONSTANTEVALUATION_H
#define SLUICE_CONSTANTEVALUATION_CONSTANTEVALUATION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "sluice/Artifact/Weights.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <memory>

namespace sluice {

/// A module compiled for this machine: an object file with the function
/// `sluice_run` of artifact_abi.h.
struct CompiledModule {
  llvm::SmallVector<char, 0> object;
  /// Constants inside the code, which the frame provides.
  WeightsLayout weights;
  int64_t workspaceBytes = 0;
};

struct ModuleCompiler {
  /// Compiles a module whose function `main` is a graph; may change the module.
  std::function<llvm::Expected<CompiledModule>(mlir::ModuleOp)> compile;
  /// The dialects that takes.
  std::function<void(mlir::DialectRegistry &)> registerDialects;
};

/// Runs a compiled module on constants of static shape and returns its results,
/// which have these types.
llvm::Expected<llvm::SmallVector<mlir::ElementsAttr>>
runOnConstants(const CompiledModule &compiled,
               llvm::ArrayRef<mlir::ElementsAttr> inputs,
               llvm::ArrayRef<mlir::RankedTensorType> results);

std::unique_ptr<mlir::Pass>
createEvaluateConstantsPass(ModuleCompiler compiler);

} // namespace sluice

#endif // SLUICE_CONSTANTEVALUATION_CONSTANTEVALUATION_H
