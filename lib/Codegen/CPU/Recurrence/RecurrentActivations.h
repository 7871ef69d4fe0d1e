//===- RecurrentActivations.h - Activations of recurrent cells --*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_RECURRENCE_RECURRENTACTIVATIONS_H
#define SLUICE_LIB_CODEGEN_CPU_RECURRENCE_RECURRENTACTIVATIONS_H

#include "mlir/IR/Value.h"

namespace sluice {

struct BodyBuilder;

/// An activation by its ONNX name in lower case, on scalars or vectors.
mlir::Value applyActivation(BodyBuilder &body, llvm::StringRef name,
                            double alpha, double beta, mlir::Value x);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_RECURRENCE_RECURRENTACTIVATIONS_H
