//===- Ties.h - Results that are written over inputs ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_KERNEL_TIES_H
#define SLUICE_DIALECTS_KERNEL_TIES_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/TypeRange.h"
#include "mlir/IR/Value.h"
#include "mlir/Support/LLVM.h"

namespace sluice::kernel {

/// Is the op's result the memory of its first operand?
bool isView(mlir::Operation *op);

/// What a tensor is another shape or type of.
mlir::Value withoutViews(mlir::Value tensor);

/// Does each result that is tied have the type of the input that it is written
/// over, and that input for itself? Says what is wrong.
llvm::LogicalResult
verifyTies(llvm::ArrayRef<int64_t> ties, mlir::TypeRange inputs,
           mlir::TypeRange results,
           llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace sluice::kernel

#endif // SLUICE_DIALECTS_KERNEL_TIES_H
