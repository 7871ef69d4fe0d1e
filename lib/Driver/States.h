//===- States.h - Outputs that continue inputs ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_DRIVER_STATES_H
#define SLUICE_LIB_DRIVER_STATES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "sluice/Artifact/ModelSignature.h"
#include "llvm/Support/Error.h"

namespace sluice {

/// Declares states of an imported model, each a text
/// "OUTPUT:INPUT[@AXIS[,capacity=N]]". Fails where it names what there is not,
/// or types and sizes do not fit.
llvm::Error declareStates(mlir::ModuleOp module,
                          llvm::ArrayRef<std::string> texts);

/// Fails if an output of the optimised model is not what its input becomes by
/// appending, or has other sizes.
llvm::Error checkStates(mlir::ModuleOp module);

/// The states, from the arguments' attributes of `main`.
std::vector<StateSignature> describeStates(mlir::ArrayAttr arguments);

} // namespace sluice

#endif // SLUICE_LIB_DRIVER_STATES_H
