//===- Epilogue.h - Elementwise ops on accumulators -------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_PRODUCTS_EPILOGUE_H
#define SLUICE_CODEGEN_CPU_PRODUCTS_EPILOGUE_H

#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// Evaluates the ops behind an anchor, from its result to the kernel's only
/// yielded value, on vectors of neighbouring elements of one row, in compute
/// types. Kernel formation sees to it that they are elementwise on numbers and
/// that everything has the result's shape or broadcasts to it.
class Epilogue {
public:
  Epilogue(KernelBuilder &kernel, mlir::Value anchorResult)
      : kernel(kernel), anchorResult(anchorResult),
        yielded(kernel.region.getTerminator()->getOperand(0)) {}

  /// What micro-kernels call, null when there is nothing to do. It refers to
  /// this object.
  EpilogueFn function() {
    return yielded == anchorResult ? EpilogueFn() : EpilogueFn(*this);
  }
  /// Buffers of the result's shape that are read: each element where it is
  /// written.
  llvm::SmallVector<mlir::Value> residuals();
  mlir::Value operator()(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value sums, const ResultPosition &position);

private:
  mlir::Value evaluate(mlir::Value value);
  mlir::Value read(mlir::Value tensor);
  mlir::Value splat(mlir::Value scalar);

  KernelBuilder &kernel;
  mlir::Value anchorResult;
  mlir::Value yielded;

  // Of the current position.
  mlir::OpBuilder *builder = nullptr;
  mlir::Location loc = mlir::UnknownLoc::get(kernel.builder.getContext());
  mlir::Type type;
  const ResultPosition *position = nullptr;
  llvm::DenseMap<mlir::Value, mlir::Value> known;
};

/// Scratch memory: a planned buffer where the size is known, one of the run
/// where it is not. It is never null, also where there is nothing to keep.
mlir::Value makeScratch(KernelBuilder &kernel, mlir::OpFoldResult bytes);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PRODUCTS_EPILOGUE_H
