//===- LowerToLLVM.h - From loops and vectors to LLVM -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONVERSION_LOWERTOLLVM_LOWERTOLLVM_H
#define SLUICE_CONVERSION_LOWERTOLLVM_LOWERTOLLVM_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace sluice {

#define GEN_PASS_DECL
#include "sluice/Conversion/LowerToLLVM/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "sluice/Conversion/LowerToLLVM/Passes.h.inc"

/// `barePointers` does not work for buffers whose innermost dimension is zero.
struct LowerToLLVMOptions
    : public mlir::PassPipelineOptions<LowerToLLVMOptions> {
  PassOptions::Option<bool> barePointers{
      *this, "bare-pointers",
      llvm::cl::desc("Pass memrefs of static shape as plain pointers"),
      llvm::cl::init(false)};
};

/// Lowers a module of functions with memref arguments (linalg on buffers,
/// affine, scf, memref, vector, arith, math, index, ub) to the LLVM dialect.
/// Mathematical functions that are still there become calls of libm.
void buildLowerToLLVMPipeline(mlir::OpPassManager &manager,
                              const LowerToLLVMOptions &options);

/// Registers the pipeline as `sluice-lower-to-llvm`, and this folder's passes.
void registerLowerToLLVM();

} // namespace sluice

#endif // SLUICE_CONVERSION_LOWERTOLLVM_LOWERTOLLVM_H
